"""Tests of the tree itself: where things are, how long they are, what they are called."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APIS = {
    "client-server": "client",
    "server-server": "federation",
    "unstable": "unstable",
    "admin": "admin",
}

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
API_FUNCTION_LINES_MAX = 25
PARAMETERS_MAX = 8

# A name that says nothing about what is inside attracts everything.
VAGUE = {"utils", "util", "helpers", "common", "misc", "base", "manager", "handler", "core_utils"}

SOURCES = sorted(p for top in ("impl", "codegen", "tests") for p in (ROOT / top).rglob("*.py"))
# Where somebody could leave a note; this file has the words themselves.
NOTED = [
    *(path for path in SOURCES if path != Path(__file__)),
    *(ROOT / name for name in ("README.md", "pyproject.toml", "tox.ini", ".ci/run")),
    *sorted((ROOT / "impl").rglob("*.sql")),
    *sorted(p for p in (ROOT / "codegen").rglob("*.*") if p.suffix in (".yaml", ".jinja2", ".md")),
]


def functions(path: Path) -> list[ast.FunctionDef]:
    tree = ast.parse(path.read_text(), filename=str(path))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def module_name(spec_file: Path) -> str:
    return spec_file.stem.replace("-", "_")


@pytest.mark.parametrize(("spec", "package"), APIS.items())
def test_every_spec_file_has_its_module(spec, package):
    expected = {module_name(p) for p in (ROOT / "api-specs" / spec).glob("*.yaml")}
    actual = {p.stem for p in (ROOT / "impl" / "api" / package).glob("*.py")} - {"__init__"}
    assert actual == expected


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_file_is_short(path):
    assert len(path.read_text().splitlines()) <= FILE_LINES_MAX


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_functions_are_short(path):
    limit = API_FUNCTION_LINES_MAX if "impl/api" in path.as_posix() else FUNCTION_LINES_MAX
    long = [f.name for f in functions(path) if f.end_lineno - f.lineno + 1 > limit]
    assert not long, f"longer than {limit} lines"


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_functions_take_few_parameters(path):
    many = [
        f.name
        for f in functions(path)
        if len(f.args.args) + len(f.args.kwonlyargs) > PARAMETERS_MAX
    ]
    assert not many


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_names_say_something(path):
    assert path.stem not in VAGUE


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_imports_are_at_the_top(path):
    inside = [
        node.lineno
        for function in functions(path)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert not inside, "an import inside a function hides a cycle"


@pytest.mark.parametrize("path", NOTED, ids=str)
def test_what_is_left_to_do_has_a_number(path):
    """TODO(#12): the issue says why it may wait. A FIXME may not."""
    assert not re.search(r"\bFIXME\b|\bTODO\b(?!\(#\d+\))", path.read_text())


def test_migrations_are_numbered_without_gaps():
    names = sorted(p.name for p in (ROOT / "impl/storage/migrations").glob("*.sql"))
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
    assert all(re.fullmatch(r"\d{4}_[a-z0-9_]+\.sql", name) for name in names)
