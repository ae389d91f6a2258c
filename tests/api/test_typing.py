"""PUT /rooms/{roomId}/typing/{userId}."""

from typing import Any
from urllib.parse import quote

from tests.api.api_client import User


def put(user: User, room_id: str, body: Any, user_id: str = "") -> Any:
    place = f"{quote(room_id, safe='')}/typing/{quote(user_id or user.user_id, safe='')}"
    return user.put(f"/_matrix/client/v3/rooms/{place}", body)


def typing(user: User, room_id: str) -> list[Any]:
    room = user.get("/_matrix/client/v3/sync").json["rooms"]["join"][room_id]
    return [one["content"] for one in room["ephemeral"]["events"] if one["type"] == "m.typing"]


def test_who_types_is_seen(alice: User) -> None:
    room_id = alice.create_room()
    assert put(alice, room_id, {"typing": True, "timeout": 30_000}).json == {}
    assert typing(alice, room_id) == [{"user_ids": [alice.user_id]}]


def test_who_stops_is_not(alice: User) -> None:
    room_id = alice.create_room()
    put(alice, room_id, {"typing": True})
    assert put(alice, room_id, {"typing": False}).json == {}
    assert typing(alice, room_id) == []


def test_nobody_types_for_another(alice: User, bob: User) -> None:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    assert put(alice, room_id, {"typing": True}, bob.user_id).status == 403


def test_typing_is_for_members(alice: User, bob: User) -> None:
    answer = put(bob, alice.create_room(), {"typing": True})
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")


def test_a_body_without_typing_is_refused(alice: User) -> None:
    assert put(alice, alice.create_room(), {}).status == 400
