"""Paths to properties: escapes, finding, and leaving all else out."""

import pytest

from impl.core import property_path
from impl.core.property_path import ABSENT, find, project

EVENT = {
    "type": "m.room.message",
    "content": {
        "body": "hello",
        "m.relates_to": {"rel_type": "m.replace", "event_id": "$e"},
        "m\\foo": 1,
        "nothing": None,
        "list": [1],
    },
    "sender": "@a:b",
}


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("content.body", ("content", "body")),
        (r"content.m\.relates_to", ("content", "m.relates_to")),
        (r"content.m\\foo", ("content", "m\\foo")),
        (r"content.\x", ("content", "\\x")),
        (r"a\\.b", ("a\\", "b")),
        ("a\\", ("a\\",)),
        ("", ("",)),
        ("a..b.", ("a", "", "b", "")),
        ("a\nb.c", ("a\nb", "c")),
    ],
)
def test_a_path_is_split_at_dots_that_are_not_escaped(path, names):
    assert property_path.split(path) == names


def test_properties_are_found():
    assert find(EVENT, "content.body") == "hello"
    assert find(EVENT, r"content.m\.relates_to.rel_type") == "m.replace"
    assert find(EVENT, r"content.m\\foo") == 1
    assert find(EVENT, "content.nothing") is None


@pytest.mark.parametrize(
    "path", ["nope", "content.nope", "type.x", "content.list.0", "content.nothing.x", ""]
)
def test_what_is_not_there_is_absent(path):
    assert find(EVENT, path) is ABSENT


def test_a_projection_has_what_was_asked_for():
    assert project(EVENT, ["content.body", "sender"]) == {
        "content": {"body": "hello"},
        "sender": "@a:b",
    }
    assert project(EVENT, [r"content.m\.relates_to.event_id"]) == {
        "content": {"m.relates_to": {"event_id": "$e"}}
    }


def test_a_whole_object_stays_whole_next_to_one_of_its_parts():
    for paths in (["content.body", "content"], ["content", "content.body"]):
        assert project(EVENT, paths) == {"content": EVENT["content"]}


def test_what_is_not_there_leaves_no_trace():
    assert project(EVENT, ["content.x.y", "type.x", "nope", "content.list.0"]) == {}
    assert project(EVENT, ["content.body", r"content.m\.relates_to.x"]) == {
        "content": {"body": "hello"}
    }


def test_a_projection_leaves_the_event_alone():
    before = repr(EVENT)
    project(EVENT, ["content", "content.body", r"content.m\.relates_to.rel_type", "content.x.y"])
    assert repr(EVENT) == before
