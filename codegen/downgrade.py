"""OpenAPI 3.1 -> 3.0.3, which connexion 2 reads: one function per construct.

What 3.0 cannot say is said more loosely, never more strictly: a request that 3.1 allows is allowed
by the result. What no function here knows is refused.
"""

import copy
from typing import Any

from codegen.load import Node, SpecError

_KEPT = {
    "$ref", "type", "properties", "required", "items", "enum", "format", "pattern", "default",
    "additionalProperties", "allOf", "oneOf", "anyOf", "not", "nullable", "deprecated", "minimum",
    "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
    "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "readOnly",
    "writeOnly", "title", "description",
}  # fmt: skip
_TOP_LEVEL = {"openapi", "info", "servers", "paths", "components"}
_COMPONENTS = {"schemas", "securitySchemes"}


def downgrade(document: Node) -> Node:
    """`document`, a bundle, in OpenAPI 3.0.3."""
    _refuse(set(document) - _TOP_LEVEL, "the document")
    _refuse(set(document.get("components", {})) - _COMPONENTS, "components")
    result: Node = copy.deepcopy(document)
    result["openapi"] = "3.0.3"
    for item in result["paths"].values():
        for operation in item.values():
            _operation(operation)
    components = result.get("components", {})
    for name, schema in components.get("schemas", {}).items():
        components["schemas"][name] = lower_schema(schema)
    for name, scheme in components.get("securitySchemes", {}).items():
        components["securitySchemes"][name] = lower_security_scheme(scheme)
    return result


def lower_schema(schema: Any) -> Node:
    """One schema and all below it."""
    lowered = _boolean_schema(schema)
    for construct in _CONSTRUCTS:
        lowered = construct(lowered)
    _refuse({key for key in lowered if not key.startswith("x-")} - _KEPT, "a schema")
    if "properties" in lowered:
        parts = lowered["properties"].items()
        lowered["properties"] = {name: lower_schema(part) for name, part in parts}
    for key in ("allOf", "oneOf", "anyOf"):
        if key in lowered:
            lowered[key] = [lower_schema(part) for part in lowered[key]]
    for key in ("items", "not"):
        if key in lowered:
            lowered[key] = lower_schema(lowered[key])
    if isinstance(lowered.get("additionalProperties"), dict):
        lowered["additionalProperties"] = lower_schema(lowered["additionalProperties"])
    return lowered


def lower_security_scheme(scheme: Node) -> Node:
    """X-Matrix is not a scheme that connexion knows; what it carries is one header."""
    if scheme["type"] == "http" and scheme["scheme"].lower() not in ("basic", "bearer"):
        return {"type": "apiKey", "in": "header", "name": "Authorization"}
    return scheme


def _operation(operation: Node) -> None:
    for parameter in operation.get("parameters", []):
        parameter["schema"] = lower_schema(parameter["schema"])
    contents = [operation.get("requestBody", {}).get("content", {})]
    for response in operation["responses"].values():
        contents.append(response.get("content", {}))
        for header in response.get("headers", {}).values():
            header["schema"] = lower_schema(header["schema"])
    for content in contents:
        for media_type in content.values():
            if "schema" in media_type:
                media_type["schema"] = lower_schema(media_type["schema"])


def _boolean_schema(schema: Any) -> Node:
    """`true` and `false` as schemas."""
    if isinstance(schema, bool):
        return {} if schema else {"not": {}}
    return dict(schema)


def _reference_with_siblings(schema: Node) -> Node:
    """In 3.0 whatever stands beside a `$ref` is ignored."""
    if "$ref" not in schema or len(schema) == 1:
        return schema
    siblings = {key: value for key, value in schema.items() if key != "$ref"}
    siblings["allOf"] = [{"$ref": schema["$ref"]}, *siblings.get("allOf", [])]
    return siblings


def _constant(schema: Node) -> Node:
    """`const` is an `enum` of one."""
    if "const" not in schema:
        return schema
    rest = {key: value for key, value in schema.items() if key != "const"}
    return {**rest, "enum": [schema["const"]]}


def _type_list(schema: Node) -> Node:
    """`type: [a, b]` is an anyOf; `null` among them is `nullable`."""
    types = schema.get("type")
    if types == "null":
        types = ["null"]
    if not isinstance(types, list):
        return schema
    rest = {key: value for key, value in schema.items() if key != "type"}
    others = [kind for kind in types if kind != "null"]
    null = {"nullable": True} if "null" in types else {}
    if not others:
        # Nothing but null: 3.0 has no type for it.
        return {**rest, "enum": [None], **null}
    if null and "enum" in rest and None not in rest["enum"]:
        rest["enum"] = [*rest["enum"], None]
    if len(others) == 1:
        return {**rest, "type": others[0], **null}
    choice = {"anyOf": [{"type": kind, **null} for kind in others]}
    if "anyOf" in rest:
        return {**rest, "allOf": [*rest.get("allOf", []), choice]}
    return {**rest, **choice}


def _pattern_properties(schema: Node) -> Node:
    """Names by pattern become names of any form."""
    if "patternProperties" not in schema:
        return schema
    rest = {key: value for key, value in schema.items() if key != "patternProperties"}
    values = list(schema["patternProperties"].values())
    others = rest.get("additionalProperties")
    # Nothing said, any value may stand under a name that no pattern fits. Where the patterns are
    # all there is, the spec means a map by identifier, and its values are what a fuzzer needs.
    if others is None and schema.get("properties"):
        others = True
    if others is True:
        return {**rest, "additionalProperties": True}
    if isinstance(others, dict):
        values.append(others)
    if not values:
        return rest
    return {**rest, "additionalProperties": values[0] if len(values) == 1 else {"anyOf": values}}


def _property_names(schema: Node) -> Node:
    """3.0 cannot say what names look like."""
    return {key: value for key, value in schema.items() if key != "propertyNames"}


def _exclusive_bounds(schema: Node) -> Node:
    """In 3.0 `exclusiveMinimum` is a flag beside `minimum`."""
    result = dict(schema)
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        value = result.get(exclusive)
        if isinstance(value, int | float) and not isinstance(value, bool):
            result[bound], result[exclusive] = value, True
    return result


def _content_keywords(schema: Node) -> Node:
    """`contentEncoding: base64` is `format: byte`; the media type inside is lost."""
    result = {k: v for k, v in schema.items() if k not in ("contentEncoding", "contentMediaType")}
    if schema.get("contentEncoding") == "base64":
        result.setdefault("format", "byte")
    return result


def _array_without_items(schema: Node) -> Node:
    """3.0 demands `items`."""
    if schema.get("type") == "array" and "items" not in schema:
        return {**schema, "items": {}}
    return schema


def _empty_required(schema: Node) -> Node:
    """A `required` that names nothing; 3.0 wants at least one name."""
    return {k: v for k, v in schema.items() if k != "required" or v}


_CONSTRUCTS = (
    _reference_with_siblings,
    _constant,
    _type_list,
    _pattern_properties,
    _property_names,
    _exclusive_bounds,
    _content_keywords,
    _array_without_items,
    _empty_required,
)


def _refuse(unknown: set[str], where: str) -> None:
    if unknown:
        raise SpecError(f"{where} has {sorted(unknown)}, which downgrade.py does not know")
