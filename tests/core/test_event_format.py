"""S-S API, "PDUs"; C-S API, "Size limits": what can be an event."""

from typing import Any

import pytest

from impl.core import event_format
from impl.core.rejection import Malformed, TooLarge
from impl.core.room_version import ROOM_VERSIONS
from tests.core.room_builder import ALICE, ALL_VERSIONS, Room, before, since


def pdu(version: str, **changes: Any) -> dict[str, Any]:
    """A good event with some keys changed; what is changed to `...` is not there."""
    good = Room(version).event("m.room.topic", ALICE, {"topic": "x"}, "").pdu
    return {key: value for key, value in {**good, **changes}.items() if value is not ...}


def is_event(version: str, **changes: Any) -> bool:
    try:
        event_format.check(pdu(version, **changes), ROOM_VERSIONS[version])
    except Malformed:
        return False
    return True


WRONG = [
    (name, value)
    for name, values in {
        "type": [..., None, 1, [], {}, "\ud800", "a\0"],
        "sender": [..., None, 1, [], "alice", "@alice", "@a:b c", "@\ud800:a"],
        "state_key": [None, 1, [], "\ud800", "\0"],
        "room_id": [..., None, 1, [], "room", "!room", "!\0:a"],
        "content": [..., None, 1, [], "x"],
        "origin_server_ts": [..., None, "1", True, [], 1.5, 2**63, -(2**63) - 1],
        "depth": [..., None, "1", True, [], -1, 2**63, 1.5],
        "prev_events": [..., None, {}, "x", [1], [None], [[]], [{}], [["$a"]]],
        "auth_events": [..., None, {}, "x", [1], [None], [[]], [{}], [["$a"]]],
        "hashes": [..., None, [], "x", {}, {"sha256": None}, {"sha256": 1}, {"md5": "x"}],
        "signatures": [..., None, [], "x", {"a": 1}, {"a": None}],
        "unsigned": [None, [], "x"],
    }.items()
    for value in values
]


@pytest.mark.parametrize("version", ALL_VERSIONS)
def test_a_good_event_passes(version):
    assert is_event(version)
    assert is_event(version, state_key=..., unsigned={"age": 1}, more={"anything": [1]})
    # What this server would not write and others may.
    assert is_event(version, type="", origin_server_ts=-1, state_key="é" * 127)


@pytest.mark.parametrize("version", ALL_VERSIONS)
@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_key_of_the_wrong_type_is_malformed(name, value, version):
    assert not is_event(version, **{name: value})


@pytest.mark.parametrize("version", before("3"))
@pytest.mark.parametrize(
    "event_id", [..., None, 1, "", "x", "$x", "$x:", "$x\0:y", f"${'a' * 253}:b"]
)
def test_in_versions_1_and_2_the_event_id_is_a_key(event_id, version):
    assert not is_event(version, event_id=event_id)


@pytest.mark.parametrize("version", ALL_VERSIONS)
def test_references_are_pairs_in_versions_1_and_2(version):
    is_pair = version in before("3")
    assert is_event(version, prev_events=[["$a:b", {"sha256": "x"}]]) is is_pair
    assert is_event(version, prev_events=["$a"]) is not is_pair


@pytest.mark.parametrize("version", ALL_VERSIONS)
@pytest.mark.parametrize("event_id", ["", "x", "$", "!x:y", "$\0", "$\ud800", "$" + "a" * 255])
def test_references_are_to_event_ids(event_id, version):
    reference = [event_id, {}] if version in before("3") else event_id
    assert not is_event(version, prev_events=[reference])
    assert not is_event(version, auth_events=[reference])


@pytest.mark.parametrize("version", ALL_VERSIONS)
def test_there_are_20_previous_events_and_10_auth_events_at_most(version):
    reference = ["$a:b", {}] if version in before("3") else "$a"
    assert is_event(version, prev_events=[reference] * 20, auth_events=[reference] * 10)
    assert not is_event(version, prev_events=[reference] * 21)
    assert not is_event(version, auth_events=[reference] * 11)


@pytest.mark.parametrize("version", ALL_VERSIONS)
@pytest.mark.parametrize("name", ["type", "state_key", "sender", "room_id"])
def test_names_have_255_bytes_at_most(name, version):
    long = {"sender": f"@{'a' * 253}:a", "room_id": f"!{'a' * 253}:a"}.get(name, "é" * 128)
    assert is_event(version, **{name: long[:1] + long[2:] if ":" in long else "é" * 127})
    assert not is_event(version, **{name: long})


@pytest.mark.parametrize("version", ALL_VERSIONS)
def test_an_event_has_65536_bytes_at_most(version):
    room_version = ROOM_VERSIONS[version]
    good = pdu(version, content={"body": ""})
    room = 65_536 - len(event_format.canonical_json.encode(good))
    event_format.check({**good, "content": {"body": "x" * room}}, room_version)
    with pytest.raises(TooLarge):
        event_format.check({**good, "content": {"body": "x" * (room + 1)}}, room_version)


@pytest.mark.parametrize("version", ALL_VERSIONS)
@pytest.mark.parametrize("value", [2**53, -(2**53), 2**70, 1.5])
def test_numbers_are_held_to_canonical_json_since_version_6(value, version):
    assert is_event(version, content={"x": value}) is (version in before("6"))


@pytest.mark.parametrize("version", ALL_VERSIONS)
def test_the_depth_has_the_range_of_integers(version):
    assert is_event(version, depth=2**53 - 1)
    assert is_event(version, depth=2**63 - 1) is (version in before("6"))


def test_a_create_event_has_no_room_id_since_version_12():
    content = {"room_version": "12"}
    assert is_event("12", type="m.room.create", content=content, room_id=...)
    assert not any(is_event(v, type="m.room.create", room_id=...) for v in before("12"))
    assert since("12") == ("12",)
    # The rules reject one that has it; but it can be read.
    assert is_event("12", type="m.room.create", content=content, room_id="!a:b")
    assert not is_event("12", type="m.room.create", content=content, room_id=None)
    assert not is_event("12", type="m.room.create", content=content, room_id=1)
