"""api-specs/client-server/redaction.yaml, and m.room.redaction by room_send.yaml"""

from urllib.parse import quote

import pytest

from tests.api.api_client import Answer, User

CLIENT = "/_matrix/client/v3"


def send(user: User, room_id: str, content: object, txn_id: str, kind: str) -> Answer:
    return user.put(f"{CLIENT}/rooms/{quote(room_id)}/send/{kind}/{txn_id}", content)


def redact(user: User, room_id: str, event_id: str, txn_id: str, body: object) -> Answer:
    return user.put(f"{CLIENT}/rooms/{room_id}/redact/{quote(event_id)}/{txn_id}", body)


@pytest.mark.parametrize("version", ["10", "11", "12"])
def test_a_redaction_can_be_sent_in_every_version(alice: User, version: str) -> None:
    room_id = alice.create_room(room_version=version)
    topic = f"{CLIENT}/rooms/{room_id}/state/m.room.topic"
    event_id = alice.put(topic, {"topic": "secret"}).json["event_id"]
    content = {"redacts": event_id, "reason": "oops"}
    assert send(alice, room_id, content, "1", "m.room.redaction").status == 200
    assert alice.get(topic).json == {}


def test_a_redaction_strips_the_event_and_is_idempotent(alice: User) -> None:
    room_id = alice.create_room()
    topic = f"{CLIENT}/rooms/{room_id}/state/m.room.topic"
    event_id = alice.put(topic, {"topic": "secret"}).json["event_id"]
    first = redact(alice, room_id, event_id, "1", {"reason": "oops"})
    assert first.status == 200
    assert redact(alice, room_id, event_id, "1", {}).json == first.json
    shown = alice.get(topic + "?format=event").json
    assert shown["content"] == {}
    assert shown["unsigned"]["redacted_because"]["event_id"] == first.json["event_id"]


def test_redactions_that_are_refused(alice: User, bob: User, charlie: User) -> None:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    of_alice, of_bob = alice.send(room_id, "a"), bob.send(room_id, "b")
    assert redact(bob, room_id, of_alice, "1", {}).errcode == "M_FORBIDDEN"
    assert redact(charlie, room_id, of_alice, "1", {}).errcode == "M_FORBIDDEN"
    assert redact(bob, room_id, "$nothing", "1", {}).errcode == "M_NOT_FOUND"
    assert redact(bob, room_id, of_bob, "2", {"reason": 5}).errcode == "M_BAD_JSON"
    assert redact(bob, room_id, of_bob, "3", {}).status == 200
    assert redact(alice, room_id, of_bob, "4", {}).status == 200
    assert send(alice, room_id, {}, "5", "m.room.redaction").errcode == "M_BAD_JSON"
