"""All operations of an API in one document, under their full paths.

Components of different files that are the same, with all they refer to, become one; those that
only share a name are called after their file as well.
"""

import json
from typing import Any

from codegen.downgrade import downgrade
from codegen.load import Node, SpecError
from codegen.names import module_name, pascal_case
from codegen.operations import ALSO_AT, SpecOperation


def api_bundle(title: str, operations: list[SpecOperation], version: str) -> Node:
    """An OpenAPI 3.1 document for people, tests and fuzzing."""
    components = _Components()
    paths: dict[str, Node] = {}
    for operation in operations:
        for number, place in enumerate(operation.places, start=1):
            node = {key: value for key, value in operation.node.items() if key != ALSO_AT}
            if number > 1:
                # Ids are unique in a document: getRoomStateWithKey, then getRoomStateWithKey2.
                node["operationId"] = f"{operation.operation_id}{number}"
                node["parameters"] = [
                    parameter
                    for parameter in node["parameters"]
                    if not (parameter["in"] == "path" and parameter["name"] in place.fixed)
                ]
            paths.setdefault(place.path, {})[operation.method] = components.take(operation, node)
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Matrix {title}", "version": version},
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.schemas.items())),
            "securitySchemes": dict(sorted(components.security.items())),
        },
    }


def connexion_bundle(operations: list[SpecOperation], version: str) -> Node:
    """The OpenAPI 3.0 document that connexion loads: operation ids are Python functions."""
    document = api_bundle("homeserver", operations, version)
    taken: set[str] = set()
    for operation in operations:
        for place in operation.places:
            node = document["paths"][place.path][operation.method]
            controller, function = _unique(operation.impl_module, operation.name, taken)
            node["x-openapi-router-controller"] = controller
            node["operationId"] = function
    return downgrade(document)


def json_text(document: Node) -> str:
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    # connexion renders the files that it loads as Jinja templates.
    for mark in ("{{", "{%", "{#"):
        if mark in text:
            raise SpecError(f"{mark!r} in a bundle: connexion would take it for Jinja")
    return text


def _unique(controller: str, function: str, taken: set[str]) -> tuple[str, str]:
    """Module and function, joined by a dot as connexion does, so that the second is unique.

    Functions of different modules share names (get_public_rooms of client and federation), and
    operation ids are unique in a document: such an id carries the end of the module's name.
    """
    while function in taken:
        controller, _, last = controller.rpartition(".")
        function = f"{last}.{function}"
    taken.add(function)
    return controller, function


class _Components:
    """The components of a bundle, as the operations need them."""

    def __init__(self) -> None:
        self.schemas: Node = {}
        self.security: Node = {}
        self._names: dict[str, str] = {}  # Content, with all it refers to -> name here.

    def take(self, operation: SpecOperation, node: Node) -> Node:
        """`node`, whose references lead into this bundle from now on."""
        schemes = operation.document.get("components", {}).get("securitySchemes", {})
        for name in operation.security()[0]:
            if self.security.setdefault(name, schemes[name]) != schemes[name]:
                raise SpecError(f"two different security schemes are called {name}")
        result = self._copy(operation, node)
        assert isinstance(result, dict)
        return result

    def _copy(self, operation: SpecOperation, node: Any) -> Any:
        if isinstance(node, list):
            return [self._copy(operation, item) for item in node]
        if not isinstance(node, dict):
            return node
        return {
            key: f"#/components/schemas/{self._name(operation, value)}"
            if key == "$ref" and isinstance(value, str)
            else self._copy(operation, value)
            for key, value in node.items()
        }

    def _name(self, operation: SpecOperation, reference: str) -> str:
        schemas = operation.document["components"]["schemas"]
        name = reference.rsplit("/", 1)[-1]
        content = json.dumps(_closure(schemas, name), sort_keys=True)
        if content in self._names:
            return self._names[content]
        own = name
        if own in self.schemas:
            own = pascal_case(module_name(operation.file)) + name
        if own in self.schemas:
            own = pascal_case(operation.api.package) + own
        if own in self.schemas:
            raise SpecError(f"{operation.file}: two components would be called {own}")
        self._names[content] = own
        self.schemas[own] = {}  # It may refer to itself.
        self.schemas[own] = self._copy(operation, schemas[name])
        return own


def _closure(schemas: Node, name: str) -> Node:
    """`name` and every component that it leads to."""
    found: Node = {}
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found[current] = schemas[current]
            waiting.extend(_references(schemas[current]))
    return {"": name, **found}


def _references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [name for item in node for name in _references(item)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"].rsplit("/", 1)[-1]] if isinstance(node.get("$ref"), str) else []
    return own + [name for key, value in node.items() for name in _references(value)]
