"""api-specs/ and generated/ state facts: nothing in them is anybody's prose."""

import json
import os
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
UPSTREAM = Path(os.environ.get("MATRIX_SPEC", ROOT.parent / "shared" / "matrix-spec"))
SPECS = sorted((ROOT / "api-specs").glob("*/*.yaml"))
BUNDLES = sorted((ROOT / "generated").rglob("*.json"))

PROSE = {"summary", "example", "examples", "externalDocs", "tags", "$comment"}
REASONS = {status.phrase for status in HTTPStatus} | {"Error", "Success", "Redirection"}
WORDS = 8


def keywords(node: Any, is_map: bool = False) -> Iterator[tuple[str, Any]]:
    """Keys that OpenAPI or JSON Schema gives a meaning, not names of fields, with their values."""
    if isinstance(node, list):
        for part in node:
            yield from keywords(part)
    if isinstance(node, dict):
        for key, value in node.items():
            if not is_map:
                yield key, value
            names = not is_map and key in ("properties", "patternProperties", "schemas", "headers")
            yield from keywords(value, names)


@pytest.mark.parametrize(
    "path", [*SPECS, *BUNDLES], ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_descriptions_are_the_reasons_of_http_and_nothing_else_is_said(path: Path) -> None:
    load = json.loads if path.suffix == ".json" else yaml.safe_load
    found = list(keywords(load(path.read_text())))
    assert not {key for key, _ in found} & PROSE
    assert {value for key, value in found if key == "description"} <= REASONS


def words(text: str) -> list[str]:
    # A path of an endpoint is one.
    stripped = (word.strip(".,:;()[]{}`'\"#*<>-") for word in text.lower().split())
    return [word for word in stripped if word]


def runs(text: str) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[n : n + WORDS]) for n in range(len(found) - WORDS + 1)}


def descriptions(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for part in node:
            yield from descriptions(part)
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("description", "summary") and isinstance(value, str):
                yield value
            else:
                yield from descriptions(value)


@pytest.mark.skipif(not UPSTREAM.is_dir(), reason="MATRIX_SPEC is not there")
def test_no_sentence_of_the_definitions_is_in_the_tree() -> None:
    upstream: set[tuple[str, ...]] = set()
    for path in (UPSTREAM / "v1.19" / "data" / "api").rglob("*.yaml"):
        for text in descriptions(yaml.load(path.read_text(), yaml.CSafeLoader)):
            upstream |= runs(text)
    assert len(upstream) > 10_000
    copied = {}
    for top in ("api-specs", "generated", "codegen", "impl"):
        for path in (ROOT / top).rglob("*"):
            if path.suffix in (".py", ".yaml", ".json", ".md", ".sql", ".jinja2"):
                # Line by line for data: what stands below another there is no sentence.
                text = path.read_text()
                pieces = [text] if path.suffix in (".py", ".md") else text.splitlines()
                if found := upstream & set().union(*map(runs, pieces)):
                    copied[path.relative_to(ROOT).as_posix()] = [" ".join(one) for one in found]
    assert copied == {}
