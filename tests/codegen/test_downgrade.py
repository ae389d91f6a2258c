"""OpenAPI 3.1 -> 3.0.3, construct by construct."""

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator

from codegen.downgrade import downgrade, lower_schema, lower_security_scheme
from codegen.load import SpecError
from tests.codegen.small_specs import answer, body, document, operation

REFERENCE = {"$ref": "#/components/schemas/A"}


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (True, {}),
        (False, {"not": {}}),
        (REFERENCE, REFERENCE),
        ({**REFERENCE, "deprecated": True}, {"deprecated": True, "allOf": [REFERENCE]}),
        (
            {**REFERENCE, "allOf": [{"type": "object"}]},
            {"allOf": [REFERENCE, {"type": "object"}]},
        ),
        ({"const": "a"}, {"enum": ["a"]}),
        ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
        ({"type": ["string"]}, {"type": "string"}),
        (
            {"type": ["string", "null"], "enum": ["a"]},
            {"type": "string", "nullable": True, "enum": ["a", None]},
        ),
        ({"type": "null"}, {"enum": [None], "nullable": True}),
        (
            {"type": ["string", "object"], "deprecated": True},
            {"deprecated": True, "anyOf": [{"type": "string"}, {"type": "object"}]},
        ),
        (
            {"type": ["string", "integer", "null"]},
            {
                "anyOf": [
                    {"type": "string", "nullable": True},
                    {"type": "integer", "nullable": True},
                ]
            },
        ),
        (
            {"type": ["string", "integer"], "anyOf": [{"enum": ["a"]}]},
            {
                "anyOf": [{"enum": ["a"]}],
                "allOf": [{"anyOf": [{"type": "string"}, {"type": "integer"}]}],
            },
        ),
        (
            {"type": "object", "patternProperties": {"^@": {"type": ["string", "null"]}}},
            {
                "type": "object",
                "additionalProperties": {"type": "string", "nullable": True},
            },
        ),
        (
            {"patternProperties": {"^@": REFERENCE, "^!": {}}, "additionalProperties": False},
            {"additionalProperties": {"anyOf": [REFERENCE, {}]}},
        ),
        (
            {"patternProperties": {"^@": REFERENCE}, "properties": {"a": True}},
            {"properties": {"a": {}}, "additionalProperties": True},
        ),
        (
            {"patternProperties": {"^@": REFERENCE}, "additionalProperties": {"type": "string"}},
            {"additionalProperties": {"anyOf": [REFERENCE, {"type": "string"}]}},
        ),
        ({"type": "object", "propertyNames": {"pattern": "^@"}}, {"type": "object"}),
        ({"exclusiveMinimum": 3}, {"minimum": 3, "exclusiveMinimum": True}),
        ({"exclusiveMaximum": 3}, {"maximum": 3, "exclusiveMaximum": True}),
        ({"type": "string", "contentEncoding": "base64"}, {"type": "string", "format": "byte"}),
        ({"type": "string", "contentMediaType": "image/png"}, {"type": "string"}),
        ({"type": "array"}, {"type": "array", "items": {}}),
        ({"type": "object", "required": []}, {"type": "object"}),
        ({"x-pattern-format": "mx-user-id"}, {"x-pattern-format": "mx-user-id"}),
    ],
)
def test_each_construct_is_lowered(new, old):
    assert lower_schema(new) == old


@pytest.mark.parametrize(
    "place", [{"items": True}, {"not": True}, {"oneOf": [True]}, {"properties": {"a": True}}]
)
def test_schemas_inside_schemas_are_lowered(place):
    assert "True" not in str(lower_schema({"type": "object", **place}))


@pytest.mark.parametrize("keyword", ["if", "$defs", "unevaluatedProperties", "examples"])
def test_an_unknown_construct_is_refused(keyword):
    with pytest.raises(SpecError, match="does not know"):
        lower_schema({"type": "object", "properties": {"a": {keyword: {}}}})


def test_x_matrix_is_a_key_in_the_authorization_header():
    key = {"type": "apiKey", "in": "header", "name": "Authorization"}
    assert lower_security_scheme({"type": "http", "scheme": "X-Matrix"}) == key
    bearer = {"type": "http", "scheme": "bearer"}
    assert lower_security_scheme(bearer) == bearer


def test_schemas_are_lowered_wherever_they_stand_and_the_result_is_valid():
    nullable = {"type": ["string", "null"]}
    response = {**answer(nullable), "headers": {"X-A": {"schema": nullable}}}
    parameter = {"in": "query", "name": "a", "schema": nullable}
    node = operation(
        "a", parameters=[parameter], requestBody=body(nullable), responses={"200": response}
    )
    new = {**document({"/a": {"post": node}}, {"A": nullable}), "openapi": "3.1.0"}
    old = downgrade(new)
    assert old["openapi"] == "3.0.3"
    assert "null'" not in str(old)
    assert str(old).count("'nullable': True") == 5
    assert list(OpenAPIV30SpecValidator(old).iter_errors()) == []
    assert new["components"]["schemas"]["A"] is nullable


@pytest.mark.parametrize("extra", [{"webhooks": {}}, {"components": {"pathItems": {}}}])
def test_an_unknown_part_of_the_document_is_refused(extra):
    with pytest.raises(SpecError, match="does not know"):
        downgrade({**document({}), **extra})
