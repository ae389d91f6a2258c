"""C-S API, "m.room.power_levels": defaults, and levels that cannot be read."""

import time

import pytest

from impl.core.power_levels import CREATOR_LEVEL, PowerLevels, creators_of, level_of
from impl.core.room_version import ROOM_VERSIONS
from tests.core.room_builder import ALICE, ALL_VERSIONS, BOB, CHARLIE, DAVE, Room, before


def levels(version: str = "11", content: dict[str, object] | None = None, **create: object):
    made = Room(version, **create)
    event = None if content is None else made.event("m.room.power_levels", ALICE, content, "")
    return PowerLevels.of(event, made.create, ROOM_VERSIONS[version])


@pytest.mark.parametrize("version", before("12"))
def test_without_the_event_the_creator_has_100(version):
    found = levels(version)
    assert (found.user(ALICE), found.user(BOB)) == (100, 0)
    assert (found.event("x", is_state=True), found.event("x", is_state=False)) == (50, 0)
    assert (found.ban, found.kick, found.redact, found.invite) == (50, 50, 50, 0)
    assert found.notification("room") == 50


@pytest.mark.parametrize("version", before("12"))
def test_with_the_event_the_creator_is_like_anybody(version):
    found = levels(version, {"users_default": 5})
    assert (found.user(ALICE), found.user(BOB)) == (5, 5)
    assert (found.event("x", is_state=True), found.event("x", is_state=False)) == (50, 0)
    assert (found.ban, found.kick, found.redact, found.invite) == (50, 50, 50, 0)


@pytest.mark.parametrize("content", [None, {}, {"users": {BOB: 2**53 - 1}, "users_default": 100}])
def test_creators_stand_above_all_since_version_12(content):
    found = levels("12", content, additional_creators=[CHARLIE])
    assert found.user(ALICE) == found.user(CHARLIE) == CREATOR_LEVEL > 2**53
    assert found.user(BOB) < CREATOR_LEVEL
    assert found.user(DAVE) <= 100


def test_without_the_event_nobody_but_creators_has_power_in_version_12():
    assert levels("12").user(BOB) == 0


def test_named_levels_stand():
    content = {
        "users": {BOB: 7},
        "events": {"x": 8},
        "notifications": {"room": 9},
        "events_default": 10,
        "state_default": 11,
        "ban": 12,
    }
    found = levels("11", content)
    assert found.user(BOB) == 7
    assert found.event("x", is_state=True) == found.event("x", is_state=False) == 8
    assert found.event("y", is_state=False) == 10
    assert found.event("y", is_state=True) == 11
    assert (found.ban, found.notification("room")) == (12, 9)


@pytest.mark.parametrize("version", ALL_VERSIONS)
@pytest.mark.parametrize("value", [None, [], {}, "x", "", True])
def test_what_cannot_be_read_counts_as_absent(value, version):
    content = {
        "users": {BOB: value},
        "events": {"x": value},
        "notifications": {"room": value},
        "ban": value,
        "users_default": 3,
    }
    found = levels(version, content)
    assert found.user(BOB) == 3
    assert found.event("x", is_state=True) == 50
    assert (found.ban, found.notification("room")) == (50, 50)
    hollow = levels(version, dict.fromkeys(["users", "events", "notifications"], value))
    assert hollow.user(BOB) == 0
    assert hollow.event("x", is_state=False) == 0
    assert hollow.notification("room") == 50


@pytest.mark.parametrize(
    ("value", "level"),
    [
        *(("12", 12), (" -3\n", -3), ("+007", 7), ("1" * 5000, 50), ("0" * 5000, 0)),
        *(("+", 50), ("+-1", 50), ("- 1", 50), ("\N{ARABIC-INDIC DIGIT ONE}", 50)),
    ],
)
def test_strings_of_digits_until_version_9(value, level):
    assert levels("9", {"ban": value}).ban == level
    assert levels("10", {"ban": value}).ban == 50


def test_a_string_is_read_in_time_that_grows_with_its_length():
    def seconds(length: int) -> float:
        value = "0" * length + "x"
        began = time.process_time()
        for _ in range(10):
            assert level_of(value, ROOM_VERSIONS["9"]) is None
        return time.process_time() - began

    # Sixteen times the length would take 256 times as long; events have room for 65,536 bytes.
    assert seconds(64_000) < 100 * max(seconds(4_000), 1e-4)


@pytest.mark.parametrize(("value", "level"), [(51146.98, 51146), (-0.5, 0), (5.1e4, 51000)])
def test_floats_are_cut(value, level):
    assert levels("5", {"ban": value}).ban == level


def test_who_the_creators_are():
    assert creators_of(Room("10", creator=BOB).create) == {BOB}
    assert creators_of(Room("10", creator=[]).create) == frozenset()
    assert creators_of(Room("11", creator=BOB).create) == {ALICE}
    assert creators_of(Room("12", additional_creators=[BOB, ALICE]).create) == {ALICE, BOB}
