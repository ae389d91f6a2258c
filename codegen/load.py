"""Read YAML, follow `$ref` across files, and read all of api-specs/."""

import copy
from pathlib import Path
from typing import Any

import yaml

from codegen.names import APIS

Node = dict[str, Any]


class SpecError(Exception):
    """The specification, an overlay or the tree is not as this compiler expects."""


def read_yaml(path: Path) -> Any:
    try:
        return yaml.load(path.read_text(), yaml.CSafeLoader)
    except (OSError, yaml.YAMLError) as error:
        raise SpecError(f"{path}: {error}") from error


class _Dumper(yaml.CSafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def yaml_text(document: Any) -> str:
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=100, allow_unicode=True)


class Files:
    """YAML files by path, each read once."""

    def __init__(self) -> None:
        self._files: dict[Path, Any] = {}

    def read(self, path: Path) -> Any:
        path = path.resolve()
        if path not in self._files:
            self._files[path] = read_yaml(path)
        return self._files[path]

    def follow(self, reference: str, path: Path) -> tuple[Any, Path]:
        """The node that `reference`, which stands in `path`, points to, and that node's file."""
        file, _, pointer = reference.partition("#")
        target = (path.parent / file).resolve() if file else path
        return at_pointer(self.read(target), pointer, f"{path}: {reference}"), target


def at_pointer(document: Any, pointer: str, where: str) -> Any:
    node = document
    for piece in pointer.strip("/").split("/") if pointer.strip("/") else []:
        try:
            node = node[piece.replace("~1", "/").replace("~0", "~")]
        except (KeyError, TypeError):
            raise SpecError(f"{where}: nothing is there") from None
    return node


def resolve(document: Node, node: Node) -> Node:
    """`node`, or what its `$ref` within `document` points to."""
    while "$ref" in node:
        reference = node["$ref"]
        if not reference.startswith("#"):
            raise SpecError(f"{reference}: api-specs/ refers across files only before the import")
        node = at_pointer(document, reference[1:], reference)
    return node


Specs = dict[str, Node]


def read_specs(root: Path) -> Specs:
    """Every document of api-specs/, under names like `client-server/sync.yaml`, sorted."""
    specs: Specs = {}
    for api in APIS:
        for path in sorted((root / api.name).glob("*.yaml")):
            document = copy.deepcopy(read_yaml(path))
            if not isinstance(document, dict) or "paths" not in document:
                raise SpecError(f"{path}: not an OpenAPI document")
            specs[f"{api.name}/{path.name}"] = document
    return specs
