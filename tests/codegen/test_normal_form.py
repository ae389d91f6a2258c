"""Schemas as at most one alternative of each kind."""

import pytest

from codegen.load import SpecError
from codegen.normal_form import is_event, kinds_of

A = {"type": "object", "properties": {"a": {"type": "string"}, "c": {}}, "required": ["a", "c"]}
B = {"type": "object", "properties": {"b": {"type": "string"}, "c": {}}, "required": ["b", "c"]}
DOCUMENT = {"components": {"schemas": {"A": A, "Name": {"type": "string", "format": "mx-user-id"}}}}
NAME = {"$ref": "#/components/schemas/Name"}


def kinds(schema):
    return kinds_of(DOCUMENT, schema)


def test_all_of_objects_is_one_object_with_everything():
    node = kinds({"allOf": [{"$ref": "#/components/schemas/A"}, B]})["object"]
    assert set(node["properties"]) == {"a", "b", "c"}
    assert node["required"] == ["a", "c", "b"]


@pytest.mark.parametrize("keyword", ["oneOf", "anyOf"])
def test_a_choice_of_objects_requires_what_all_require(keyword):
    node = kinds({keyword: [A, B]})["object"]
    assert set(node["properties"]) == {"a", "b", "c"}
    assert node["required"] == ["c"]


def test_a_choice_between_a_map_and_an_object_is_open():
    node = kinds({"oneOf": [A, {"type": "object", "additionalProperties": {"type": "string"}}]})
    assert node["object"]["values"] is True


def test_what_stands_beside_a_reference_counts():
    assert kinds({**NAME, "enum": ["x"], "deprecated": True}) == {"string": {"enum": ["x"]}}
    assert kinds({"allOf": [NAME], "type": ["string", "null"]}) == {"string": {}}


def test_type_lists_and_nulls_are_kinds():
    assert set(kinds({"type": ["string", "null"]})) == {"string", "null"}
    assert kinds({"type": ["string", "null"], "enum": ["a", None]}) == {
        "string": {"enum": ["a"]},
        "null": {"enum": [None]},
    }


def test_choices_of_strings_join_their_enums():
    assert kinds({"oneOf": [{"const": "a"}, {"enum": ["b", "a"]}]}) == {
        "string": {"enum": ["a", "b"]}
    }
    assert kinds({"oneOf": [{"const": "a"}, NAME]}) == {"string": {}}


def test_the_kind_is_guessed_where_no_type_is_given():
    assert set(kinds({"properties": {}})) == {"object"}
    assert set(kinds({"items": {}})) == {"array"}
    assert set(kinds({"enum": [1, 2]})) == {"integer"}
    assert kinds({}) is None
    assert kinds(True) is None
    assert kinds({"anyOf": [NAME, {}]}) is None


def test_bounds_survive_where_they_are_certain():
    low = {"type": "integer", "minimum": 0}
    assert kinds(low) == {"integer": {"minimum": 0}}
    assert kinds({"oneOf": [low, low]}) == {"integer": {"minimum": 0}}
    assert kinds({"oneOf": [low, {"type": "integer"}]}) == {"integer": {}}


def test_names_by_pattern_are_values_of_a_map():
    by_user = {"type": "object", "patternProperties": {"^@": {"type": "string"}}}
    assert kinds(by_user)["object"]["values"] == {"type": "string"}


def test_events_and_edus_are_recognised():
    def node(*names):
        return {"properties": {name: {} for name in names}}

    assert is_event(node("type", "content", "sender"))
    assert is_event(node("edu_type", "content"))
    assert not is_event(node("type", "session"))


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"if": {}}, "does not know"),
        ({"type": "text"}, "unknown type"),
        ({"allOf": [{"type": "string"}, {"type": "object"}]}, "nothing satisfies"),
        (7, "not a schema"),
    ],
)
def test_what_has_no_meaning_is_refused(schema, message):
    with pytest.raises(SpecError, match=message):
        kinds(schema)
