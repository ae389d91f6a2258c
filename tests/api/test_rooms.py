"""GET /rooms/{roomId}/event, /members, /joined_members."""

from typing import Any
from urllib.parse import quote

from tests.api.api_client import User


def get(user: User, room_id: str, rest: str, **query: Any) -> Any:
    return user.get(f"/_matrix/client/v3/rooms/{quote(room_id, safe='')}/{rest}", query)


def members(user: User, room_id: str, **query: Any) -> dict[str, str]:
    answer = get(user, room_id, "members", **query)
    assert answer.status == 200, answer
    return {one["state_key"]: one["content"]["membership"] for one in answer.json["chunk"]}


def test_an_event_is_found_by_its_id(alice: User) -> None:
    room_id = alice.create_room()
    event_id = alice.send(room_id, "here")
    found = get(alice, room_id, f"event/{quote(event_id)}").json
    assert found["content"]["body"] == "here"
    assert found["room_id"] == room_id
    assert found["unsigned"]["age"] >= 0


def test_an_unknown_event_is_not_found(alice: User) -> None:
    answer = get(alice, alice.create_room(), "event/%24unknown")
    assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")


def test_an_event_of_another_room_is_not_found(alice: User) -> None:
    event_id = alice.send(alice.create_room(), "elsewhere")
    assert get(alice, alice.create_room(), f"event/{quote(event_id)}").status == 404


def test_an_event_from_before_ones_time_is_not_found(alice: User, bob: User) -> None:
    visibility = {
        "type": "m.room.history_visibility",
        "state_key": "",
        "content": {"history_visibility": "joined"},
    }
    room_id = alice.create_room(preset="public_chat", initial_state=[visibility])
    event_id = alice.send(room_id, "before")
    bob.join(room_id)
    assert get(bob, room_id, f"event/{quote(event_id)}").status == 404


def test_members_are_those_with_a_membership(alice: User, bob: User, charlie: User) -> None:
    room_id = alice.create_room(preset="public_chat", invite=[charlie.user_id])
    bob.join(room_id)
    assert members(alice, room_id) == {
        alice.user_id: "join",
        bob.user_id: "join",
        charlie.user_id: "invite",
    }
    assert set(members(alice, room_id, membership="invite")) == {charlie.user_id}
    assert set(members(alice, room_id, not_membership="join")) == {charlie.user_id}


def test_members_at_a_token_are_those_of_then(alice: User, bob: User) -> None:
    room_id = alice.create_room(preset="public_chat")
    token = alice.get("/_matrix/client/v3/sync").json["next_batch"]
    bob.join(room_id)
    assert set(members(alice, room_id, at=token)) == {alice.user_id}


def test_members_of_a_room_that_one_left_are_those_of_then(
    alice: User, bob: User, charlie: User
) -> None:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    bob.post(f"/_matrix/client/v3/rooms/{quote(room_id)}/leave", {})
    charlie.join(room_id)
    assert members(bob, room_id) == {alice.user_id: "join", bob.user_id: "leave"}


def test_members_are_not_for_strangers(alice: User, bob: User) -> None:
    assert get(bob, alice.create_room(), "members").status == 403


def test_members_at_nonsense_are_refused(alice: User) -> None:
    answer = get(alice, alice.create_room(), "members", at="nonsense")
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")


def test_joined_members_have_their_names(alice: User, bob: User) -> None:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    joined = get(alice, room_id, "joined_members").json["joined"]
    assert set(joined) == {alice.user_id, bob.user_id}


def test_joined_members_are_for_members(alice: User, bob: User) -> None:
    assert get(bob, alice.create_room(preset="public_chat"), "joined_members").status == 403
