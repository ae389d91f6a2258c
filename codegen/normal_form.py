"""A schema as what msgspec can decode: at most one alternative of each kind.

JSON Schema's `allOf`, `oneOf`, `anyOf`, type lists and references come down to a map from kind
(string, integer, array, object, ...) to one node; `None` stands for "anything". Two objects
between which a `oneOf` chooses become one object with the properties of both, of which only
those are required that both require: without a tag nobody can tell them apart before they are read.
"""

from typing import Any

from codegen.load import Node, SpecError, resolve

KINDS = ("string", "integer", "number", "boolean", "array", "object", "null")
Kinds = dict[str, Node] | None

_OBJECT_KEYS = {"properties", "patternProperties", "additionalProperties", "required"}
# Said of a value without changing what Python type it has; checked, if at all, by services.
_IGNORED = {
    "format", "pattern", "deprecated", "default", "minLength", "maxLength", "minItems", "maxItems",
    "uniqueItems", "minProperties", "maxProperties", "propertyNames", "readOnly", "writeOnly",
    "contentMediaType", "contentEncoding", "multipleOf", "title",
}  # fmt: skip
_READ = {
    "$ref", "type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
    "items", "allOf", "oneOf", "anyOf", *_OBJECT_KEYS,
}  # fmt: skip


def kinds_of(document: Node, schema: Any) -> Kinds:
    """The kinds of value that `schema`, a part of `document`, allows."""
    if schema is True:
        return None
    if not isinstance(schema, dict):
        raise SpecError(f"not a schema: {schema!r}")
    unknown = {key for key in schema if not key.startswith("x-")} - _IGNORED - _READ
    if unknown:
        raise SpecError(f"schema keywords that the compiler does not know: {sorted(unknown)}")

    kinds = _own_kinds(schema)
    if "$ref" in schema:
        kinds = _both(kinds, kinds_of(document, resolve(document, {"$ref": schema["$ref"]})))
    for part in schema.get("allOf", []):
        kinds = _both(kinds, kinds_of(document, part))
    for keyword in ("oneOf", "anyOf"):
        if keyword in schema:
            first, *others = (kinds_of(document, part) for part in schema[keyword])
            for other in others:
                first = _either(first, other)
            kinds = _both(kinds, first)
    return kinds


def is_event(node: Node) -> bool:
    """Events, PDUs and EDUs are never models (STYLE): what the spec does not name must survive."""
    names = set(node["properties"])
    return {"type", "content"} <= names or "edu_type" in names


def _own_kinds(schema: Node) -> Kinds:
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    types = schema.get("type")
    if types is None:
        if values is not None:
            types = sorted({_kind_of_value(value) for value in values})
        elif _OBJECT_KEYS & set(schema):
            types = ["object"]
        elif "items" in schema:
            types = ["array"]
        else:
            return None
    if isinstance(types, str):
        types = [types]
    return {kind: _node(kind, schema, values) for kind in types}


def _node(kind: str, schema: Node, values: list[Any] | None) -> Node:
    if kind not in KINDS:
        raise SpecError(f"unknown type {kind!r}")
    node: Node = {}
    if values is not None:
        node["enum"] = [value for value in values if _kind_of_value(value) == kind]
    if kind in ("integer", "number"):
        node.update({key: schema[key] for key in _BOUNDS if key in schema})
    elif kind == "array":
        node["items"] = schema.get("items", True)
    elif kind == "object":
        node["properties"] = dict(schema.get("properties", {}))
        node["required"] = list(schema.get("required", []))
        node["values"] = _values_of_map(schema)
    return node


def _values_of_map(schema: Node) -> Any:
    """The schema of the values under names that `properties` does not list; None: nothing said."""
    patterns = list(schema.get("patternProperties", {}).values())
    others = schema.get("additionalProperties")
    if others not in (None, False):
        patterns.append(others)
    if not patterns:
        return None
    return patterns[0] if len(patterns) == 1 else {"anyOf": patterns}


def _kind_of_value(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    for kind, python in (("string", str), ("integer", int), ("number", float), ("array", list)):
        if isinstance(value, python):
            return kind
    return "object"


_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


def _both(a: Kinds, b: Kinds) -> Kinds:
    """What is allowed by `a` and by `b`."""
    if a is None or b is None:
        return b if a is None else a
    common = {
        kind: _both_nodes(kind, a[kind], b[kind]) for kind in KINDS if kind in a and kind in b
    }
    if not common:
        raise SpecError(f"an allOf that nothing satisfies: {sorted(a)} and {sorted(b)}")
    return common


def _both_nodes(kind: str, a: Node, b: Node) -> Node:
    node = {**a, **b}
    if "enum" in a and "enum" in b:
        node["enum"] = [value for value in a["enum"] if value in b["enum"]]
    if kind == "array":
        node["items"] = _all_of(a["items"], b["items"])
    if kind == "object":
        properties = dict(a["properties"])
        for name, schema in b["properties"].items():
            properties[name] = _all_of(properties[name], schema) if name in properties else schema
        node["properties"] = properties
        node["required"] = [*a["required"], *(n for n in b["required"] if n not in a["required"])]
        values = [side["values"] for side in (a, b) if side["values"] is not None]
        node["values"] = _all_of(*values) if len(values) == 2 else next(iter(values), None)
    return node


def _either(a: Kinds, b: Kinds) -> Kinds:
    """What is allowed by `a` or by `b`."""
    if a is None or b is None:
        return None
    result = {}
    for kind in KINDS:
        if kind in a and kind in b:
            result[kind] = _either_nodes(kind, a[kind], b[kind])
        elif kind in a or kind in b:
            result[kind] = a.get(kind) or b.get(kind) or {}
    return result


def _either_nodes(kind: str, a: Node, b: Node) -> Node:
    node: Node = {}
    if "enum" in a and "enum" in b:
        node["enum"] = [*a["enum"], *(value for value in b["enum"] if value not in a["enum"])]
    if kind in ("integer", "number"):
        # Bounds that differ are left to the services.
        node.update({key: a[key] for key in _BOUNDS if key in a and a[key] == b.get(key)})
    elif kind == "array":
        node["items"] = _any_of(a["items"], b["items"])
    elif kind == "object":
        properties = dict(a["properties"])
        for name, schema in b["properties"].items():
            properties[name] = _any_of(properties[name], schema) if name in properties else schema
        node["properties"] = properties
        node["required"] = [name for name in a["required"] if name in b["required"]]
        values = [side["values"] for side in (a, b)]
        if None in values:
            # A map or an object: both only fit into an open one.
            node["values"] = None if values == [None, None] else True
        else:
            node["values"] = _any_of(*values)
    return node


def _all_of(a: Any, b: Any) -> Any:
    if a is True or b is True or a == b:
        return b if a is True else a
    return {"allOf": [a, b]}


def _any_of(a: Any, b: Any) -> Any:
    if a is True or b is True:
        return True
    return a if a == b else {"anyOf": [a, b]}
