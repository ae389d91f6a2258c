"""Schemas -> classes that msgspec decodes."""

import msgspec
import pytest

from codegen.load import SpecError
from codegen.schemas import Types
from tests.codegen.small_specs import document, module_of, operation, posting, text_of

THING = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}


def decode(schema, raw, schemas=None):
    return msgspec.json.decode(raw, type=module_of(posting(schema, schemas)).SendBody)


def fields(**properties):
    return {"type": "object", "properties": properties}


def test_an_absent_field_and_a_null_are_none():
    schema = fields(a={"type": "string"}, b=THING, c={"type": "array", "items": {}}, d={})
    for raw in ("{}", '{"a": null, "b": null, "c": null, "d": null}'):
        body = decode(schema, raw)
        assert (body.a, body.b, body.c, body.d) == (None, None, None, None)


def test_the_specs_default_is_the_default():
    schema = fields(a={"type": "string", "default": "x"}, b={"type": "boolean", "default": False})
    body = decode(schema, "{}")
    assert (body.a, body.b) == ("x", False)


def test_a_required_field_must_be_there():
    with pytest.raises(msgspec.ValidationError, match="missing required field `x`"):
        decode(fields(b=THING), '{"b": {}}')


def test_unknown_fields_are_tolerated():
    assert decode(THING, '{"x": 1, "y": {"z": [1.5]}}').x == 1


def test_names_that_python_cannot_have_are_renamed():
    schema = fields(**{"from": {"type": "string"}, "m.read": {"type": "string"}, "list": THING})
    body = decode(schema, '{"from": "a", "m.read": "b", "list": {"x": 1}}')
    assert (body.from_, body.m_read, body.list_.x) == ("a", "b", 1)
    assert decode(schema, "{}").from_ is None


def test_enums_and_bounds_are_checked_and_formats_are_not():
    schema = fields(
        kind={"type": "string", "enum": ["a", "b"]},
        limit={"type": "integer", "minimum": 1},
        user={"type": "string", "format": "mx-user-id", "pattern": "^@"},
    )
    assert decode(schema, '{"kind": "a", "limit": 1, "user": "nobody"}').user == "nobody"
    for wrong in ('{"kind": "c"}', '{"limit": 0}', '{"limit": 1.5}', '{"user": 1}'):
        with pytest.raises(msgspec.ValidationError):
            decode(schema, wrong)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": "object", "additionalProperties": True},
        {**THING, "additionalProperties": True},
        {**THING, "patternProperties": {"^x": {}}},
        {"oneOf": [THING, {"type": "object", "additionalProperties": {"type": "string"}}]},
    ],
)
def test_an_open_object_stays_a_dict(schema):
    assert "body: dict[str, Any]," in text_of(posting(schema))
    assert decode(fields(a=schema), '{"a": {"x": 1, "y": 2}}').a == {"x": 1, "y": 2}


def test_a_map_has_typed_values():
    body = decode(
        fields(a={"type": "object", "patternProperties": {"^@": THING}}), '{"a": {"@b": {"x": 3}}}'
    )
    assert body.a["@b"].x == 3


def test_a_choice_that_msgspec_could_not_decode_is_one_class():
    other = {"type": "object", "properties": {"y": {"type": "string"}}, "required": ["y"]}
    schema = fields(a={"oneOf": [THING, other, {"type": "string"}, {"type": "integer"}]})
    assert decode(schema, '{"a": {"y": "z"}}').a.y == "z"
    assert decode(schema, '{"a": "z"}').a == "z"
    assert decode(schema, '{"a": 7}').a == 7


def test_recursion_is_decoded():
    tree = fields(children={"type": "array", "items": {"$ref": "#/components/schemas/Tree"}})
    body = decode(
        fields(top={"$ref": "#/components/schemas/Tree"}),
        '{"top": {"children": [{}, {"children": []}]}}',
        {"Tree": tree},
    )
    assert body.top.children[1].children == []


def test_a_body_may_be_a_list():
    assert decode({"type": "array", "items": THING}, '[{"x": 4}]')[0].x == 4


def test_a_component_keeps_its_name_on_both_sides_of_a_module():
    reference = {"$ref": "#/components/schemas/Thing"}
    specs = posting(reference, {"Thing": THING, "Protocol": THING})
    node = specs["client-server/small.yaml"]["paths"]["/send"]["post"]
    node["responses"]["200"]["content"]["application/json"]["schema"] = fields(a=reference)
    module = module_of(specs)
    assert module.SendBody is module.Thing
    assert module.SendResponse.__annotations__.keys() == {"a"}
    assert module.ThingDict.__required_keys__ == {"x"}


def test_a_component_may_be_called_as_what_the_module_imports():
    reference = {"$ref": "#/components/schemas/Protocol"}
    assert decode(fields(a=reference), '{"a": {"x": 1}}', {"Protocol": THING}).a.x == 1


def test_two_types_of_one_name_are_refused():
    types = Types(document({}), decoded=True)
    types.add("SendBody", fields(a=THING))
    with pytest.raises(SpecError, match="SendBodyA"):
        types.add("SendBodyA", fields(z=THING))


def test_events_stay_dicts_where_servers_speak():
    event = fields(type={"type": "string"}, content={"type": "object"}, sender={"type": "string"})
    paths = {
        "/send": {
            "post": operation(
                "send",
                requestBody={
                    "content": {
                        "application/json": {
                            "schema": fields(pdus={"type": "array", "items": event})
                        }
                    }
                },
            )
        }
    }
    raw = '{"pdus": [{"type": 1, "unknown": 2}]}'
    server = module_of({"server-server/small.yaml": document(paths)})
    assert msgspec.json.decode(raw, type=server.SendBody).pdus == [{"type": 1, "unknown": 2}]
    client = module_of({"client-server/small.yaml": document(paths)})
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(raw, type=client.SendBody)
