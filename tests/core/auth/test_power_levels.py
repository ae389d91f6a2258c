"""Rooms, "Authorisation rules", m.room.power_levels: what it may hold, and who may change what."""

import math
from typing import Any

import pytest

from tests.core.room_builder import ALICE, ALL_VERSIONS, BOB, CHARLIE, DAVE, Room, before, since

NAMES = ["users_default", "events_default", "state_default", "ban", "redact", "kick", "invite"]
OLD, NEW = before("10"), since("10")


def room(version: str = "11", **content: Any) -> Room:
    """Bob has 50, and this much is in the levels already."""
    made = Room(version).begin().is_in(BOB, "join").is_in(CHARLIE, "join")
    users = content.pop("users", {})
    return made.levels(**{"users": {BOB: 50, **users}, "state_default": 50, **content})


def may(made: Room, sender: str = BOB, **content: Any) -> bool:
    """May the sender make these changes to the levels? None takes a level away."""
    current = made.state["m.room.power_levels", ""].content
    changed = {name: level for name, level in {**current, **content}.items() if level is not None}
    return made.may("m.room.power_levels", sender, changed, "")


def allows_first(version: str, **content: Any) -> bool:
    made = Room(version)
    made.join(ALICE)
    return made.may("m.room.power_levels", ALICE, content, "")


@pytest.mark.parametrize("version", NEW)
@pytest.mark.parametrize("value", [True, "1", "", None, [], {}])
def test_since_version_10_levels_are_integers(value, version):
    for name in NAMES:
        assert not allows_first(version, **{name: value})
    for name in ("events", "notifications"):
        assert not allows_first(version, **{name: {"x": value}})
    assert not allows_first(version, users={BOB: value})


@pytest.mark.parametrize("version", OLD)
@pytest.mark.parametrize("value", ["1", " 1 ", "+1", "-1", "0001", "1" * 30])
def test_until_version_9_strings_of_digits_are_levels(value, version):
    assert allows_first(version, users={BOB: value}, ban=value, events={"x": value})


@pytest.mark.parametrize("version", before("6"))
def test_until_version_5_floats_are_levels(version):
    assert allows_first(version, users={BOB: 50.57}, ban=1e300)


@pytest.mark.parametrize("version", OLD)
@pytest.mark.parametrize("value", [None, "", "x", "1.0", "1_0", "١", "1e3", "- 1", [], {}, True])
def test_what_is_no_level_under_users_is_refused_in_all_versions(value, version):
    assert not allows_first(version, users={BOB: value})


@pytest.mark.parametrize("version", ALL_VERSIONS)
@pytest.mark.parametrize("users", [None, [], "x", 1, {"bob": 1}, {"": 1}, {"@bob": 1}, {"#a:b": 1}])
def test_users_are_user_ids(users, version):
    assert not allows_first(version, users=users)


@pytest.mark.parametrize("version", NEW)
@pytest.mark.parametrize("value", [None, [], "x", 1])
def test_events_and_notifications_are_objects(value, version):
    assert not allows_first(version, events=value)
    assert not allows_first(version, notifications=value)


@pytest.mark.parametrize("version", OLD)
def test_until_version_9_what_is_no_object_is_passed_over(version):
    assert allows_first(version, events=[], notifications=1, ban=[])


@pytest.mark.parametrize("version", ALL_VERSIONS)
def test_the_first_levels_may_be_anything(version):
    assert allows_first(version, users={BOB: 2**53 - 1}, ban=2**53 - 1)
    assert allows_first(version)


@pytest.mark.parametrize("version", ALL_VERSIONS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("old", "new", "allowed"),
    [
        (None, 50, True),
        (None, 51, False),
        (50, 50, True),
        (50, 49, True),
        (50, None, True),
        (51, 50, False),
        (51, None, False),
        (51, 51, True),
        (-1, 50, True),
        (50, 51, False),
    ],
)
def test_a_level_moves_up_to_the_sender(name, old, new, allowed, version):
    before_change = {} if old is None else {name: old}
    # The level of state is what Bob needs to send anything here.
    if name != "state_default":
        before_change["state_default"] = 0
    made = room(version, **before_change, events={"m.room.power_levels": 50})
    assert may(made, **{name: new}) is allowed


ENTRIES = [
    ({}, {"x": 50}, True),
    ({}, {"x": 51}, False),
    ({"x": 50}, {}, True),
    ({"x": 51}, {}, False),
    ({"x": 51}, {"x": 51}, True),
    ({"x": 51}, {"x": 50}, False),
    ({"x": 50}, {"x": 51}, False),
    ({"x": 50}, {"x": 1}, True),
]


@pytest.mark.parametrize("version", ALL_VERSIONS)
@pytest.mark.parametrize(("old", "new", "allowed"), ENTRIES)
def test_entries_of_events_move_up_to_the_sender(old, new, allowed, version):
    assert may(room(version, events=old), events=new) is allowed


@pytest.mark.parametrize("version", ALL_VERSIONS)
@pytest.mark.parametrize(("old", "new", "allowed"), ENTRIES)
def test_notifications_are_guarded_since_version_6(old, new, allowed, version):
    expected = allowed or version in before("6")
    assert may(room(version, notifications=old), notifications=new) is expected


@pytest.mark.parametrize("version", ALL_VERSIONS)
@pytest.mark.parametrize(
    ("old", "new", "allowed"),
    [
        (None, 50, True),
        (None, 51, False),
        (49, None, True),
        (49, 50, True),
        (49, 51, False),
        # An equal is not to be touched.
        (50, 49, False),
        (50, None, False),
        (50, 50, True),
        (51, 50, False),
        (51, 51, True),
    ],
)
def test_another_users_level_moves_if_it_is_below_the_senders(old, new, allowed, version):
    made = room(version, users={} if old is None else {CHARLIE: old})
    users = {BOB: 50, **({} if new is None else {CHARLIE: new})}
    assert may(made, users=users) is allowed


@pytest.mark.parametrize("version", ALL_VERSIONS)
@pytest.mark.parametrize(("new", "allowed"), [(49, True), (None, True), (-1, True), (51, False)])
def test_one_may_lower_oneself(new, allowed, version):
    assert may(room(version), users={} if new is None else {BOB: new}) is allowed


@pytest.mark.parametrize("version", before("6"))
def test_a_change_of_spelling_is_no_change(version):
    assert may(room(version, ban=60, events={"x": 70.0}), ban="60", events={"x": "70"})


def test_a_level_that_the_version_cannot_read_gives_no_power():
    made = room("9", users={CHARLIE: "100"})
    assert may(made, CHARLIE, ban=100)
    made = room("10", users={CHARLIE: "100"})
    assert not may(made, CHARLIE, ban=100)


@pytest.mark.parametrize("listed", [[], [BOB], [BOB, DAVE]])
def test_since_version_12_creators_are_not_listed(listed):
    made = Room("12", additional_creators=listed)
    made.join(ALICE)
    for user_id in (ALICE, BOB, DAVE):
        allowed = user_id not in (ALICE, *listed)
        assert made.may("m.room.power_levels", ALICE, {"users": {user_id: 1}}, "") is allowed


def test_creators_change_what_is_above_all_others():
    made = Room("12").begin(levels={"users": {BOB: 2**53 - 1}, "ban": 2**53 - 1})
    assert may(made, ALICE, users={}, ban=0)
    assert may(made, ALICE, users={BOB: 0})


@pytest.mark.parametrize("version", before("12"))
def test_until_version_11_the_creator_has_what_the_levels_say(version):
    made = Room(version).begin(levels={"users": {ALICE: 50}})
    assert not may(made, ALICE, users={ALICE: 51})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_never_a_level(value):
    made = Room("5")
    made.join(ALICE)
    event = made.event("m.room.power_levels", ALICE, {}, "")
    for content in ({"ban": value}, {"events": {"x": value}}, {"users": {BOB: value}}):
        event.pdu["content"] = content
        assert not made.allows(event)
