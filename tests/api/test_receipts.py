"""POST /rooms/{roomId}/receipt and /read_markers: what moves, what does not, what is refused."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.api.api_client import User


def post(user: User, room_id: str, kind: str, event_id: str, body: Any = None) -> Any:
    place = f"{quote(room_id, safe='')}/receipt/{kind}/{quote(event_id, safe='')}"
    return user.post(f"/_matrix/client/v3/rooms/{place}", {} if body is None else body)


def room_of(user: User, room_id: str) -> dict[str, Any]:
    return user.get("/_matrix/client/v3/sync").json["rooms"]["join"][room_id]


def receipts(user: User, room_id: str) -> dict[str, Any]:
    events = room_of(user, room_id)["ephemeral"]["events"]
    return {
        event_id: content
        for one in events
        if one["type"] == "m.receipt"
        for event_id, content in one["content"].items()
    }


def test_a_receipt_is_seen_in_sync(alice: User) -> None:
    room_id = alice.create_room()
    event_id = alice.send(room_id, "read me")
    assert post(alice, room_id, "m.read", event_id).json == {}
    assert alice.user_id in receipts(alice, room_id)[event_id]["m.read"]


def test_a_receipt_only_moves_forward(alice: User) -> None:
    room_id = alice.create_room()
    first, second = alice.send(room_id, "one"), alice.send(room_id, "two")
    post(alice, room_id, "m.read", second)
    assert post(alice, room_id, "m.read", first).status == 200
    assert set(receipts(alice, room_id)) == {second}


def test_receipts_of_threads_stand_side_by_side(alice: User) -> None:
    room_id = alice.create_room()
    event_id = alice.send(room_id, "one")
    post(alice, room_id, "m.read", event_id)
    post(alice, room_id, "m.read", event_id, {"thread_id": "main"})
    events = room_of(alice, room_id)["ephemeral"]["events"]
    assert len([one for one in events if one["type"] == "m.receipt"]) == 2


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("m.read", {"thread_id": ""}),
        ("m.read", {"thread_id": "$elsewhere"}),
        ("m.fully_read", {"thread_id": "main"}),
        ("m.unknown", {}),
    ],
)
def test_a_receipt_that_makes_no_sense_is_refused(alice: User, kind: str, body: Any) -> None:
    room_id = alice.create_room()
    answer = post(alice, room_id, kind, alice.send(room_id, "x"), body)
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")


def test_a_receipt_for_an_unknown_event_is_refused(alice: User) -> None:
    assert post(alice, alice.create_room(), "m.read", "$unknown").status == 404


def test_a_receipt_is_for_members(alice: User, bob: User) -> None:
    room_id = alice.create_room()
    assert post(bob, room_id, "m.read", alice.send(room_id, "x")).status == 403


def test_fully_read_is_account_data_and_no_receipt(alice: User) -> None:
    room_id = alice.create_room()
    event_id = alice.send(room_id, "x")
    post(alice, room_id, "m.fully_read", event_id)
    room = room_of(alice, room_id)
    marker = {"type": "m.fully_read", "content": {"event_id": event_id}}
    assert marker in room["account_data"]["events"]
    assert receipts(alice, room_id) == {}
