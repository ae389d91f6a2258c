"""Filters: what they read, what they refuse, and what passes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.core import event_filter
from impl.core.event_filter import EVERYTHING, NO_FILTER, read, read_part
from impl.core.glob import Stars
from impl.core.rejection import Malformed


def passes(definition: dict, event_type: str = "m.room.message", sender="@a:b", **content) -> bool:
    return read_part(definition, "room.timeline").passes(event_type, sender, content)


def test_an_empty_filter_lets_everything_pass():
    assert read({}) == NO_FILTER
    assert read({"room": {"timeline": {}}}).timeline.passes_all
    assert passes({})
    assert EVERYTHING.passes_room("!r:b")


def test_keys_that_are_not_known_are_ignored():
    assert read({"org.example": 1, "room": {"org.example": []}}) == NO_FILTER


def test_types_are_literal_but_for_stars():
    assert passes({"types": ["m.room.message"]})
    assert not passes({"types": ["m.room.messages", "m.room.message?", "m-room-message"]})
    assert passes({"types": ["m.room.*"]})
    assert passes({"types": ["*"]})
    assert passes({"types": ["m.*.message"]})
    assert not passes({"types": ["m.*.Message"]})
    assert not passes({"types": []})


def test_thousands_of_patterns_are_looked_through_once_for_each_type():
    definition = {"types": [f"*a*{n}" for n in range(20_000)]}
    part = read_part(definition, "x")
    looked: list[str] = []
    matches = Stars.matches

    def counting(self: Stars, text: str) -> bool:
        looked.append(text)
        return matches(self, text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stars, "matches", counting)
        for _ in range(5):
            assert not part.passes("m.room.message", "@a:b", {})
    assert len(looked) == 20_000
    # A filter is the same as one that was read from the same definition, whatever it was asked.
    assert part == read_part(definition, "x") and hash(part) == hash(read_part(definition, "x"))


def test_fields_are_so_many_at_most():
    assert read({"event_fields": ["a"] * 1000}).event_fields
    with pytest.raises(Malformed, match="event_fields"):
        read({"event_fields": ["a"] * 1001})


def test_what_is_excluded_is_so_even_if_it_is_included():
    assert not passes({"types": ["*"], "not_types": ["m.room.*"]})
    assert not passes({"senders": ["@a:b"], "not_senders": ["@a:b"]})
    part = read_part({"rooms": ["!r:b"], "not_rooms": ["!r:b"]}, "x")
    assert not part.passes_room("!r:b")


def test_senders_have_to_be_listed_if_a_list_is_there():
    assert passes({"senders": ["@a:b"]})
    assert not passes({"senders": ["@c:d"]})
    assert not passes({"senders": []})
    assert passes({"not_senders": ["@c:d"]})
    # Account data has no sender.
    assert passes({"senders": ["@c:d"]}, sender=None)


def test_rooms_have_to_be_listed_if_a_list_is_there():
    assert read_part({"rooms": ["!r:b"]}, "x").passes_room("!r:b")
    assert not read_part({"rooms": []}, "x").passes_room("!r:b")
    assert not read({"room": {"not_rooms": ["!r:b"]}}).rooms.passes_room("!r:b")


def test_contains_url_asks_for_the_key():
    assert passes({"contains_url": True}, url="mxc://a/b")
    assert not passes({"contains_url": True}, body="x")
    assert passes({"contains_url": False}, body="x")
    assert not passes({"contains_url": False}, url="mxc://a/b")


@pytest.mark.parametrize(
    "part", [{"types": ["a"]}, {"not_types": ["a"]}, {"senders": []}, {"contains_url": True}]
)
def test_a_part_that_says_something_does_not_pass_all(part):
    assert not read_part(part, "x").passes_all


def test_a_part_that_lists_no_relations_asks_for_none():
    # What matrix-js-sdk makes of a filter that says nothing but its types: lists and nulls for all
    # the rest. An empty list of relations is no condition; an empty list of types, as ever, is.
    part = {
        "types": ["m.room.message"],
        "not_types": [],
        "rooms": None,
        "not_rooms": [],
        "senders": None,
        "not_senders": [],
        "contains_url": None,
        "related_by_senders": [],
        "related_by_rel_types": [],
    }
    assert read_part(part, "x") == read_part({"types": ["m.room.message"]}, "x")
    assert not read_part(part, "x").asks_for_relations


def test_every_part_is_read_from_its_place():
    read_filter = read(
        {
            "event_fields": ["content.body"],
            "event_format": "federation",
            "presence": {"limit": 1},
            "account_data": {"limit": 2},
            "room": {
                "include_leave": True,
                "rooms": ["!r:b"],
                "timeline": {"limit": 3, "unread_thread_notifications": True},
                "state": {"lazy_load_members": True, "include_redundant_members": True},
                "ephemeral": {"limit": 5, "related_by_senders": ["@a:b"]},
                "account_data": {"limit": 6, "related_by_rel_types": ["m.thread"]},
            },
        }
    )
    assert read_filter.event_fields == ("content.body",)
    assert read_filter.is_federation_format
    assert read_filter.include_leave
    assert read_filter.presence.limit == 1
    assert read_filter.account_data.limit == 2
    assert read_filter.rooms.rooms == {"!r:b"}
    assert read_filter.timeline.limit == 3
    assert read_filter.timeline.unread_thread_notifications
    assert read_filter.state.lazy_load_members
    assert read_filter.state.include_redundant_members
    assert read_filter.ephemeral.related_by_senders == ("@a:b",)
    assert read_filter.room_account_data.related_by_rel_types == ("m.thread",)


@pytest.mark.parametrize(
    ("definition", "path"),
    [
        ([], "filter"),
        ({"room": []}, "room"),
        ({"room": {"timeline": 5}}, "room.timeline"),
        ({"room": {"timeline": {"limit": 0}}}, "room.timeline.limit"),
        ({"room": {"timeline": {"limit": -1}}}, "room.timeline.limit"),
        ({"room": {"timeline": {"limit": True}}}, "room.timeline.limit"),
        ({"room": {"timeline": {"limit": 1.5}}}, "room.timeline.limit"),
        ({"presence": {"limit": "10"}}, "presence.limit"),
        ({"account_data": {"types": "m.tag"}}, "account_data.types"),
        ({"account_data": {"not_types": ["a", 5]}}, "account_data.not_types[1]"),
        ({"room": {"state": {"senders": ["alice"]}}}, "room.state.senders[0]"),
        ({"room": {"rooms": ["#alias:b"]}}, "room.rooms[0]"),
        ({"room": {"ephemeral": {"not_rooms": [None]}}}, "room.ephemeral.not_rooms[0]"),
        ({"room": {"include_leave": "yes"}}, "room.include_leave"),
        ({"room": {"timeline": {"contains_url": 1}}}, "room.timeline.contains_url"),
        ({"room": {"state": {"lazy_load_members": []}}}, "room.state.lazy_load_members"),
        ({"event_fields": "content"}, "event_fields"),
        ({"event_fields": [["content"]]}, "event_fields[0]"),
        ({"event_format": "xml"}, "event_format"),
        ({"event_format": []}, "event_format"),
    ],
)
def test_what_is_wrong_is_named(definition, path):
    with pytest.raises(Malformed) as raised:
        read(definition)
    assert str(raised.value).startswith(path + " ")


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["room", "state", "timeline", "limit", "types", "rooms", "senders", "event_fields"]
            ),
            inner,
            max_size=4,
        )
    ),
)


@given(json)
def test_nothing_but_malformed_is_raised(definition):
    try:
        part = event_filter.read(definition).timeline
    except Malformed:
        return
    part.passes("m.room.message", "@a:b", {})
