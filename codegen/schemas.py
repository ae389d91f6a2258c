"""Schemas -> the types of one generated module.

The names and the shape are decided here; datamodel-code-generator writes the classes. It gets
schemas in which every object that becomes a class is a named component, and no construct is left
that has more than one reading.

What is decoded is a msgspec Struct, what is encoded a TypedDict. An object becomes a class only
where the spec lists its properties and nothing more; where it is open (`additionalProperties`,
`patternProperties`), where it is an event, and where it has no properties, it stays a dict.
"""

import ast
import json
import re
from collections.abc import Iterable
from typing import Any

from datamodel_code_generator import InputFileType, LiteralType, PythonVersion, generate
from datamodel_code_generator.enums import DataModelType

from codegen.load import Node, SpecError
from codegen.names import attribute_name, pascal_case
from codegen.normal_form import KINDS, is_event, kinds_of

OPEN: Node = {"type": "object", "additionalProperties": True}
# Beside a `$ref` these do not make another type of it.
_BESIDE_REFERENCE = {"deprecated", "default", "type", "format", "pattern"}

_TAKEN = {"Any", "Literal", "Meta", "Operations", "Protocol", "Struct", "TypeAlias", "Unrecognized"}


class Types:
    """Collects the types of one kind (decoded or encoded) of one module."""

    def __init__(self, document: Node, *, decoded: bool, events_stay_open: bool = True) -> None:
        self._document = document
        self._decoded = decoded
        self._events_stay_open = events_stay_open
        self._definitions: dict[str, Node] = {}
        self._sources: dict[str, str] = {}

    def add(self, name: str, schema: Any) -> str:
        """Define the type `name`; return what it is in Python: `name` itself or a builtin."""
        built = self._build(schema, name)
        if built == OPEN:
            self._definitions[name] = built
            return "dict"
        if built.get("$ref", "") != _reference(name):
            self._definitions[name] = built
        return name

    def add_object(self, name: str, properties: Node, required: list[str]) -> str:
        return self.add(name, {"type": "object", "properties": properties, "required": required})

    def source(self) -> tuple[set[tuple[str, str]], str]:
        """The imports, as (module, what), and the text of the classes."""
        classes = {n: d for n, d in self._definitions.items() if d != OPEN}
        imports, text = _generate(classes, decoded=self._decoded) if classes else (set(), "")
        aliases = [name for name, definition in self._definitions.items() if definition == OPEN]
        for name in aliases:
            text += f"\n\n{name}: TypeAlias = dict[str, Any]\n"
        if aliases:
            imports |= {("typing", "Any"), ("typing", "TypeAlias")}
        return imports, text

    def _build(self, schema: Any, name: str) -> Node:
        component = _component(schema)
        if component is not None:
            name = f"{component}{_suffix(component, decoded=self._decoded)}"
        kinds = kinds_of(self._document, schema)
        if kinds is None:
            return {}
        parts = {kind: self._part(kind, kinds[kind], name) for kind in KINDS if kind in kinds}
        return _union(parts)

    def _part(self, kind: str, node: Node, name: str) -> Node:
        if kind == "object":
            return self._object(node, name)
        if kind == "array":
            items = node["items"]
            return {"type": "array", "items": self._build(items, f"{name}Item")}
        return {"type": kind, **node}

    def _object(self, node: Node, name: str) -> Node:
        if self._events_stay_open and is_event(node):
            return OPEN
        if not node["properties"]:
            if node["values"] in (None, True):
                return OPEN
            values = self._build(node["values"], f"{name}Value")
            return {"type": "object", "additionalProperties": values or True}
        if node["values"] is not None:
            return OPEN
        self._define(node, name)
        return {"$ref": _reference(name)}

    def _define(self, node: Node, name: str) -> None:
        source = json.dumps(node, sort_keys=True)
        if name in self._sources:
            if self._sources[name] != source:
                raise SpecError(f"two different types would be called {name}")
            return
        self._sources[name] = source
        self._definitions[name] = {}  # It may refer to itself.
        properties = {}
        for key, schema in node["properties"].items():
            part = self._build(schema, name + pascal_case(key))
            default = schema.get("default") if isinstance(schema, dict) else None
            if self._decoded and key not in node["required"]:
                part = {**part, "default": default} if default is not None else _nullable(part)
            properties[key] = part
        required = [key for key in node["required"] if key in properties]
        self._definitions[name] = {
            "type": "object",
            "properties": properties,
            **({"required": required} if required else {}),
        }


def merge_imports(groups: Iterable[set[tuple[str, str]]]) -> list[str]:
    """Import lines, sorted, without the ones that are in the templates."""
    names: dict[str, set[str]] = {}
    for module, name in set().union(*groups):
        names.setdefault(module, set()).add(name)
    return [f"from {m} import {', '.join(sorted(names[m]))}" for m in sorted(names)]


def _component(schema: Any) -> str | None:
    """The name of the component that `schema` is, without anything that makes it another."""
    if not isinstance(schema, dict):
        return None
    keys = {key for key in schema if not key.startswith("x-")} - _BESIDE_REFERENCE
    if keys == {"allOf"} and len(schema["allOf"]) == 1:
        return _component(schema["allOf"][0])
    return str(schema["$ref"]).rsplit("/", 1)[-1] if keys == {"$ref"} else None


def _suffix(component: str, *, decoded: bool) -> str:
    """Both sides of a module may use a component; names that the module imports are taken."""
    return "Dict" if not decoded else "Struct" if component in _TAKEN else ""


def _reference(name: str) -> str:
    return f"#/components/schemas/{name}"


def _union(parts: dict[str, Node]) -> Node:
    if len(parts) == 1:
        return next(iter(parts.values()))
    others = [part for kind, part in parts.items() if kind != "null"]
    if len(others) == 1:
        return _nullable(others[0])
    # Bounds inside a union would need a name of their own; services check them.
    plain = [{k: v for k, v in p.items() if k not in ("minimum", "maximum")} for p in others]
    return {"anyOf": [*plain, *([{"type": "null"}] if "null" in parts else [])]}


def _nullable(schema: Node) -> Node:
    if not schema or {"type": "null"} in schema.get("anyOf", []):
        return schema
    if isinstance(schema.get("type"), list):
        return schema
    if "anyOf" in schema:
        return {"anyOf": [*schema["anyOf"], {"type": "null"}]}
    # In a type list the generator loses enums and the values of maps.
    if {"enum", "$ref", "additionalProperties"} & set(schema):
        return {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "type": [schema["type"], "null"]}


def _generate(definitions: dict[str, Node], *, decoded: bool) -> tuple[set[tuple[str, str]], str]:
    document = {
        "openapi": "3.1.0",
        "info": {"title": "types", "version": "1"},
        "paths": {},
        "components": {"schemas": definitions},
    }
    aliases = {
        key: attribute_name(key)
        for definition in definitions.values()
        for key in definition.get("properties", {})
        if attribute_name(key) != key
    }
    text = generate(
        json.dumps(document),
        input_file_type=InputFileType.OpenAPI,
        output_model_type=(
            DataModelType.MsgspecStruct if decoded else DataModelType.TypingTypedDict
        ),
        target_python_version=PythonVersion.PY_311,
        disable_timestamp=True,
        enum_field_as_literal=LiteralType.All,
        use_annotated=True,
        field_constraints=True,
        use_standard_collections=True,
        use_union_operator=True,
        keep_model_order=True,
        keyword_only=decoded,
        aliases=aliases if decoded else None,
        formatters=[],
    )
    if not isinstance(text, str):
        raise SpecError("datamodel-code-generator wrote several modules or none")
    return _split(_absent_is_none(text))


def _absent_is_none(text: str) -> str:
    """Our Structs know no UNSET: an absent field and an explicit null are both None."""
    text = text.replace(" | UnsetType", "").replace("default=UNSET", "default=None")
    return re.sub(r" = UNSET$", " = None", text, flags=re.MULTILINE)


def _split(text: str) -> tuple[set[tuple[str, str]], str]:
    tree = ast.parse(text)
    imports: set[tuple[str, str]] = set()
    body_from = 0
    for node in tree.body:
        if not isinstance(node, ast.ImportFrom):
            break
        body_from = node.end_lineno or 0
        for alias in node.names:
            name = f"{alias.name} as {alias.asname}" if alias.asname else alias.name
            if node.module != "__future__" and alias.name not in ("UNSET", "UnsetType"):
                imports.add((node.module or "", name))
    body = "\n".join(text.splitlines()[body_from:]).strip()
    return imports, re.sub(r"\n{3,}", "\n\n\n", body) + "\n"
