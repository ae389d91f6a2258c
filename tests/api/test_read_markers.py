"""POST /rooms/{roomId}/read_markers."""

from typing import Any
from urllib.parse import quote

from tests.api.api_client import User


def post(user: User, room_id: str, body: Any) -> Any:
    return user.post(f"/_matrix/client/v3/rooms/{quote(room_id, safe='')}/read_markers", body)


def marker(user: User, room_id: str) -> list[Any]:
    room = user.get("/_matrix/client/v3/sync").json["rooms"]["join"][room_id]
    events = room["account_data"]["events"]
    return [one["content"]["event_id"] for one in events if one["type"] == "m.fully_read"]


def test_all_markers_move_at_once(alice: User) -> None:
    room_id = alice.create_room()
    one, two = alice.send(room_id, "one"), alice.send(room_id, "two")
    body = {"m.fully_read": one, "m.read": two, "m.read.private": two}
    assert post(alice, room_id, body).json == {}
    assert marker(alice, room_id) == [one]
    room = alice.get("/_matrix/client/v3/sync").json["rooms"]["join"][room_id]
    content = room["ephemeral"]["events"][0]["content"]
    assert set(content[two]) == {"m.read", "m.read.private"}


def test_a_marker_does_not_move_back(alice: User) -> None:
    room_id = alice.create_room()
    one, two = alice.send(room_id, "one"), alice.send(room_id, "two")
    post(alice, room_id, {"m.fully_read": two})
    post(alice, room_id, {"m.fully_read": one})
    assert marker(alice, room_id) == [two]


def test_an_empty_body_moves_nothing(alice: User) -> None:
    room_id = alice.create_room()
    assert post(alice, room_id, {}).status == 200
    assert marker(alice, room_id) == []


def test_an_event_of_another_room_moves_nothing(alice: User) -> None:
    elsewhere = alice.send(alice.create_room(), "x")
    room_id = alice.create_room()
    here = alice.send(room_id, "y")
    assert post(alice, room_id, {"m.fully_read": here, "m.read": elsewhere}).status == 404
    assert marker(alice, room_id) == []


def test_markers_are_for_members(alice: User, bob: User) -> None:
    room_id = alice.create_room()
    assert post(bob, room_id, {"m.read": alice.send(room_id, "x")}).status == 403
