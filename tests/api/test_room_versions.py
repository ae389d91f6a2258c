"""Rooms of every version as clients use them: made, talked in, moderated, upgraded."""

from urllib.parse import quote

import pytest

from impl.core.room_version import ROOM_VERSIONS
from tests.api.api_client import User

CLIENT = "/_matrix/client/v3"
VERSIONS = list(ROOM_VERSIONS)


def place(room_id: str, rest: str) -> str:
    return f"{CLIENT}/rooms/{quote(room_id, safe='')}/{rest}"


def state(user: User, room_id: str, event_type: str, key: str = "") -> dict:
    answer = user.get(place(room_id, f"state/{event_type}/{quote(key, safe='')}"))
    assert answer.status == 200, answer
    return answer.json


def test_all_versions_are_offered(alice: User) -> None:
    offered = alice.get(f"{CLIENT}/capabilities").json["capabilities"]["m.room_versions"]
    assert offered["available"] == dict.fromkeys(map(str, range(1, 13)), "stable")
    assert offered["default"] == "12"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_room_is_made_and_talked_in(alice: User, bob: User, version: str) -> None:
    room_id = alice.create_room(room_version=version, preset="public_chat", name="Pub")
    created = state(alice, room_id, "m.room.create")
    assert created["room_version"] == version
    assert ("creator" in created) is (int(version) < 11)
    bob.join(room_id)
    said = bob.send(room_id, "hello")
    # Versions 1 and 2 name events after a server; later ones by their hash.
    assert (":" in said) is (int(version) < 3)
    answer = alice.put(place(room_id, f"redact/{quote(said, safe='')}/1"), {"reason": "hush"})
    assert answer.status == 200
    event = alice.get(place(room_id, f"event/{quote(said, safe='')}")).json
    assert event["content"] == {}
    assert event["unsigned"]["redacted_because"]["content"]["redacts"] == said

    assert bob.post(place(room_id, "kick"), {"user_id": alice.user_id}).status == 403
    assert alice.post(place(room_id, "ban"), {"user_id": bob.user_id}).status == 200
    answer = bob.post(place(room_id, "join"), {})
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")


@pytest.mark.parametrize("version", VERSIONS)
def test_knocking_and_restricted_joins_are_there_since_their_versions(
    alice: User, bob: User, version: str
) -> None:
    hall = alice.create_room(room_version=version, preset="public_chat")
    bob.join(hall)
    room_id = alice.create_room(room_version=version)
    rules = place(room_id, "state/m.room.join_rules")
    assert alice.put(rules, {"join_rule": "knock"}).status == 200
    knocked = bob.post(f"{CLIENT}/knock/{quote(room_id, safe='')}", {})
    assert (knocked.status == 200) is (int(version) >= 7)
    if knocked.status != 200:
        assert knocked.errcode == "M_FORBIDDEN"
    else:
        bob.post(place(room_id, "leave"), {})

    allow = [{"type": "m.room_membership", "room_id": hall}]
    assert alice.put(rules, {"join_rule": "restricted", "allow": allow}).status == 200
    joined = bob.post(place(room_id, "join"), {})
    assert (joined.status == 200) is (int(version) >= 8)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_room_of_any_version_is_upgraded_to_any(alice: User, bob: User, version: str) -> None:
    for target in ("1", "6", "10", "11", "12"):
        room_id = alice.create_room(room_version=version, preset="public_chat", topic="Beer")
        bob.join(room_id)
        answer = alice.post(place(room_id, "upgrade"), {"new_version": target})
        assert answer.status == 200, answer
        new = answer.json["replacement_room"]
        assert state(alice, new, "m.room.create")["predecessor"]["room_id"] == room_id
        assert state(alice, new, "m.room.topic")["topic"] == "Beer"
        assert state(alice, room_id, "m.room.tombstone")["replacement_room"] == new
        # Nobody but who is above all others talks on in the old room.
        answer = bob.put(place(room_id, "send/m.room.message/1"), {"body": "x"})
        assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")
        bob.join(new)
        bob.send(new, "here we are")


def test_a_version_that_is_not_known_is_refused(alice: User) -> None:
    answer = alice.post(f"{CLIENT}/createRoom", {"room_version": "13"})
    assert (answer.status, answer.errcode) == (400, "M_UNSUPPORTED_ROOM_VERSION")
