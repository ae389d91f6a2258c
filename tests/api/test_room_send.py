"""api-specs/client-server/room_send.yaml"""

from urllib.parse import quote

import pytest

from tests.api.api_client import Answer, Api, User

CLIENT = "/_matrix/client/v3"
MESSAGE = {"msgtype": "m.text", "body": "hello"}


def send(
    user: User, room_id: str, content: object, txn_id: str, kind: str = "m.room.message"
) -> Answer:
    return user.put(f"{CLIENT}/rooms/{quote(room_id)}/send/{kind}/{txn_id}", content)


def test_a_message_gets_an_event_id(alice: User) -> None:
    room_id = alice.create_room()
    answer = send(alice, room_id, MESSAGE, "1")
    assert answer.status == 200
    assert answer.json["event_id"].startswith("$")


def test_the_same_transaction_is_the_same_event(alice: User) -> None:
    room_id = alice.create_room()
    first = send(alice, room_id, MESSAGE, "a/b?c".replace("/", "%2F").replace("?", "%3F"))
    again = send(alice, room_id, {"other": 1}, "a%2Fb%3Fc")
    other = send(alice, room_id, MESSAGE, "2")
    assert first.json == again.json != other.json


def test_every_type_and_any_object_may_be_sent(alice: User) -> None:
    room_id = alice.create_room()
    assert send(alice, room_id, {}, "1", "org.x").status == 200
    odd = {"a": [None, True, {"": -1}]}
    assert send(alice, room_id, odd, "2", "%F0%9F%92%AC%20x").status == 200


def test_who_is_not_in_the_room_is_refused(alice: User, bob: User) -> None:
    for room_id in (alice.create_room(), "!" + "x" * 43, "room"):
        answer = send(bob, room_id, MESSAGE, "1")
        assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")


def test_a_type_can_take_more_power_than_one_has(alice: User, bob: User) -> None:
    override = {"events": {"org.x": 10}}
    room_id = alice.create_room(preset="public_chat", power_level_content_override=override)
    bob.join(room_id)
    assert send(bob, room_id, {}, "1", "org.x").status == 403
    assert send(bob, room_id, {}, "2", "org.y").status == 200


@pytest.mark.parametrize(
    ("data", "status", "errcode"),
    [
        (b"", 400, "M_NOT_JSON"),
        (b"{", 400, "M_NOT_JSON"),
        (b"[]", 400, "M_BAD_JSON"),
        (b'{"a": 1.5}', 400, "M_BAD_JSON"),
        (b'{"a": 9007199254740992}', 400, "M_BAD_JSON"),
        (b'{"a": "\\u0000"}', 400, "M_BAD_JSON"),
        (b'{"a": "' + b"x" * 65_536 + b'"}', 413, "M_TOO_LARGE"),
        (b'{"a": ' + b"[" * 1000 + b"]" * 1000 + b"}", 400, "M_BAD_JSON"),
    ],
)
def test_what_cannot_be_content_is_refused(
    alice: User, data: bytes, status: int, errcode: str
) -> None:
    room_id = alice.create_room()
    path = f"{CLIENT}/rooms/{room_id}/send/m.x/1"
    answer = alice.api.request("PUT", path, token=alice.access_token, data=data)
    assert (answer.status, answer.errcode) == (status, errcode)
    # Nothing was written under the transaction id.
    assert send(alice, room_id, {}, "1", "m.x").status == 200


def test_a_type_of_256_bytes_is_too_large(alice: User) -> None:
    room_id = alice.create_room()
    assert send(alice, room_id, {}, "1", "x" * 256).errcode == "M_TOO_LARGE"


def test_sending_takes_a_token(api: Api, alice: User) -> None:
    room_id = alice.create_room()
    assert api.put(f"{CLIENT}/rooms/{room_id}/send/m.x/1", {}).errcode == "M_MISSING_TOKEN"


def relating(rel_type: str, event_id: str, **more: object) -> dict[str, object]:
    return {"m.relates_to": {"rel_type": rel_type, "event_id": event_id, **more}}


def test_the_same_reaction_again_is_refused_unless_it_is_the_same_request(
    alice: User, bob: User
) -> None:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    reaction = relating("m.annotation", alice.send(room_id, "hello"), key="👍")
    first = send(alice, room_id, reaction, "1", "m.reaction")
    assert first.status == 200
    again = send(alice, room_id, reaction, "2", "m.reaction")
    assert (again.status, again.errcode) == (400, "M_DUPLICATE_ANNOTATION")
    assert send(alice, room_id, reaction, "1", "m.reaction").json == first.json
    assert send(bob, room_id, reaction, "1", "m.reaction").status == 200
    # What was refused left nothing under its transaction id.
    assert send(alice, room_id, {}, "2", "m.reaction").status == 200


def test_a_thread_within_a_thread_is_refused(alice: User) -> None:
    room_id = alice.create_room()
    root = alice.send(room_id, "hello")
    child = send(alice, room_id, {**MESSAGE, **relating("m.thread", root)}, "1").json["event_id"]
    answer = send(alice, room_id, {**MESSAGE, **relating("m.thread", child)}, "2")
    assert (answer.status, answer.errcode) == (400, "M_UNKNOWN")


@pytest.mark.parametrize(
    "relates_to",
    [
        None,
        [],
        "$x",
        {},
        {"rel_type": "m.thread"},
        {"rel_type": 1, "event_id": "$x"},
        {"rel_type": "m.thread", "event_id": {}},
        {"rel_type": "m.thread", "event_id": "x"},
        {"rel_type": "m.annotation", "event_id": "$x", "key": 1},
        {"rel_type": "x" * 60_000, "event_id": "$x"},
        {"rel_type": "m.annotation", "event_id": "$x", "key": "x" * 60_000},
        {"rel_type": "m.thread", "event_id": "$" + "x" * 60_000},
    ],
)
def test_what_has_not_the_form_of_a_relation_is_sent_all_the_same(
    alice: User, relates_to: object
) -> None:
    room_id = alice.create_room()
    assert send(alice, room_id, {"m.relates_to": relates_to}, "1").status == 200


def test_a_relation_to_an_event_of_another_room_is_none(alice: User) -> None:
    room_id, other = alice.create_room(), alice.create_room()
    root = alice.send(other, "hello")
    child = send(alice, other, relating("m.thread", root), "1").json["event_id"]
    # In this room nobody knows that it is within a thread.
    assert send(alice, room_id, relating("m.thread", child), "1").status == 200
