"""The upstream definition tree -> api-specs/: facts only.

A file of api-specs/ stands for one upstream file and holds all it refers to: parameters, request
bodies, responses and headers in their places, schemas of other files as components. What is
prose (descriptions, summaries, titles, examples) stays upstream. A keyword that this module does
not know stops the import, so that a new kind of fact is not lost without a word.
"""

import re
import shutil
from http import HTTPStatus
from pathlib import Path
from typing import Any

from codegen.load import Files, Node, SpecError, Specs, yaml_text
from codegen.names import APIS, pascal_case

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

_PROSE = {
    "description", "summary", "title", "example", "examples", "externalDocs", "tags", "$schema",
    "$comment", "x-changedInMatrixVersion", "x-weight",
}  # fmt: skip
_SCHEMA_VALUES = {
    "type", "required", "enum", "const", "format", "pattern", "default", "deprecated", "minimum",
    "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
    "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "readOnly",
    "writeOnly", "contentMediaType", "contentEncoding", "x-pattern-format",
    "x-addedInMatrixVersion",
}  # fmt: skip
_SCHEMA_MAPS = {"properties", "patternProperties"}
_SCHEMA_LISTS = {"oneOf", "anyOf", "allOf"}
_SCHEMA_ONE = {"items", "additionalProperties", "propertyNames", "not"}
_OPERATION_VALUES = {"operationId", "security", "deprecated", "x-addedInMatrixVersion"}
_PARAMETER_VALUES = {
    "in", "name", "required", "deprecated", "style", "explode", "allowReserved",
    "allowEmptyValue", "x-addedInMatrixVersion",
}  # fmt: skip
_RESPONSE_VALUES = {"x-addedInMatrixVersion"}
_HEADER_VALUES = {"required", "deprecated", "x-addedInMatrixVersion"}
_SECURITY_VALUES = {"type", "name", "in", "scheme", "bearerFormat"}


def import_tree(data: Path) -> Specs:
    """The documents of api-specs/ that the upstream tree `data` (it contains `api/`) comes to."""
    if not (data / "api").is_dir():
        raise SpecError(f"{data}: there is no api/ below it; give the data directory of the spec")
    files = Files()
    specs: Specs = {}
    for api in APIS:
        if api.upstream is None:
            continue
        for path in sorted((data / "api" / api.upstream).glob("*.yaml")):
            specs[f"{api.name}/{path.name}"] = _File(files, path.resolve(), api.name).document()
    return specs


def write_tree(specs: Specs, root: Path, version: str) -> None:
    """Replace what is upstream's in api-specs/; unstable/ and admin/ are ours and stay."""
    for api in APIS:
        if api.upstream is not None:
            shutil.rmtree(root / api.name, ignore_errors=True)
            (root / api.name).mkdir(parents=True)
    for name, document in specs.items():
        (root / name).write_text(yaml_text(document))
    (root / "VERSION").write_text(f"{version}\n")


def version_of(data: Path) -> str | None:
    """The version that stands in the path of a checkout or archive, as in `v1.19/data`."""
    for part in reversed(data.resolve().parts):
        if found := re.search(r"\bv\d+\.\d+\b", part):
            return found[0]
    return None


class _File:
    """The import of one file. Nodes are read together with the file that they stand in."""

    def __init__(self, files: Files, path: Path, api: str) -> None:
        self._files = files
        self._path = path
        self._api = api
        self._components: dict[str, Node] = {}
        self._component_names: dict[tuple[Path, str], str] = {}

    def document(self) -> Node:
        source = self._files.read(self._path)
        paths = {path: self._path_item(item, path) for path, item in source["paths"].items()}
        security = {
            name: self._pick(*self._follow(scheme, self._path), _SECURITY_VALUES)
            for name, scheme in source.get("components", {}).get("securitySchemes", {}).items()
        }
        components = {
            "schemas": dict(sorted(self._components.items())),
            "securitySchemes": security,
        }
        return {
            "openapi": source["openapi"],
            "info": {
                "title": f"{self._api}/{self._path.stem}",
                "version": str(source["info"]["version"]),
            },
            "servers": self._servers(source),
            "paths": paths,
            "components": {name: part for name, part in components.items() if part},
        }

    def _servers(self, source: Node) -> list[Node]:
        # Protocol and host are the reader's business; the path in front of all paths is a fact.
        url = source["servers"][0]["url"]
        variables = source["servers"][0].get("variables", {})
        base = variables["basePath"]["default"] if "{basePath}" in url else url
        return [{"url": base}]

    def _path_item(self, item: Node, path: str) -> Node:
        unknown = set(item) - set(METHODS)
        if unknown:
            raise SpecError(f"{self._path}: {path}: unknown keys {sorted(unknown)}")
        return {method: self._operation(operation) for method, operation in item.items()}

    def _operation(self, operation: Node) -> Node:
        known = _OPERATION_VALUES | {"parameters", "requestBody", "responses"}
        result = self._pick(operation, self._path, _OPERATION_VALUES, known - _OPERATION_VALUES)
        if "parameters" in operation:
            result["parameters"] = [self._parameter(p) for p in operation["parameters"]]
        if "requestBody" in operation:
            body, path = self._follow(operation["requestBody"], self._path)
            result["requestBody"] = self._pick(body, path, {"required"}, {"content"})
            result["requestBody"]["content"] = self._content(body["content"], path)
        result["responses"] = {
            str(status): self._response(str(status), response)
            for status, response in operation["responses"].items()
        }
        return result

    def _parameter(self, parameter: Node) -> Node:
        node, path = self._follow(parameter, self._path)
        result = self._pick(node, path, _PARAMETER_VALUES, {"schema"})
        return {**result, "schema": self._schema(node["schema"], path)}

    def _response(self, status: str, response: Node) -> Node:
        node, path = self._follow(response, self._path)
        facts = self._pick(node, path, _RESPONSE_VALUES, {"content", "headers"})
        result = {"description": _reason(status), **facts}
        if "headers" in node:
            result["headers"] = {
                name: self._header(header, path) for name, header in node["headers"].items()
            }
        if "content" in node:
            result["content"] = self._content(node["content"], path)
        return result

    def _header(self, header: Node, path: Path) -> Node:
        node, path = self._follow(header, path)
        result = self._pick(node, path, _HEADER_VALUES, {"schema"})
        return {**result, "schema": self._schema(node["schema"], path)}

    def _content(self, content: Node, path: Path) -> Node:
        result = {}
        for media_type, node in content.items():
            self._pick(node, path, set(), {"schema"})
            result[media_type] = (
                {"schema": self._schema(node["schema"], path)} if "schema" in node else {}
            )
        return result

    def _schema(self, schema: Any, path: Path) -> Any:
        if isinstance(schema, bool):
            return schema
        result: Node = {}
        for key, value in schema.items():
            if key == "$ref":
                result["$ref"] = f"#/components/schemas/{self._component(value, path)}"
            elif key in _SCHEMA_VALUES:
                result[key] = value
            elif key in _SCHEMA_MAPS:
                result[key] = {name: self._schema(part, path) for name, part in value.items()}
            elif key in _SCHEMA_LISTS:
                result[key] = [self._schema(part, path) for part in value]
            elif key in _SCHEMA_ONE:
                result[key] = self._schema(value, path)
            elif key not in _PROSE:
                raise SpecError(f"{path}: a schema has the unknown keyword {key!r}")
        return result

    def _component(self, reference: str, path: Path) -> str:
        node, target = self._files.follow(reference, path)
        pointer = reference.partition("#")[2]
        known = self._component_names.get((target, pointer))
        if known is not None:
            return known
        stem = pointer.rsplit("/", 1)[-1] or target.stem
        name = pascal_case(stem)
        if name in self._components:
            # The same file name in another directory is another schema.
            name = pascal_case(target.parent.parent.name) + name
        if name in self._components:
            raise SpecError(f"{path}: two schemas would be called {name}")
        self._component_names[target, pointer] = name
        self._components[name] = {}  # It may refer to itself.
        self._components[name] = self._schema(node, target)
        return name

    def _follow(self, node: Node, path: Path) -> tuple[Node, Path]:
        """The node behind a `$ref` that is not a schema's; what stands beside it wins."""
        while "$ref" in node:
            target, path = self._files.follow(node["$ref"], path)
            node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
        return node, path

    def _pick(
        self, node: Node, path: Path, wanted: set[str], elsewhere: set[str] | None = None
    ) -> Node:
        unknown = set(node) - wanted - (elsewhere or set()) - _PROSE
        if unknown:
            raise SpecError(f"{path}: unknown keywords {sorted(unknown)}")
        return {key: value for key, value in node.items() if key in wanted}


def _reason(status: str) -> str:
    """A description, which OpenAPI requires, in nobody's words."""
    if status.isdigit():
        return HTTPStatus(int(status)).phrase
    return {"1XX": "Informational", "2XX": "Success", "3XX": "Redirection"}.get(status, "Error")
