"""GET /rooms/{roomId}/initialSync."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.api.api_client import Answer, User
from tests.api.room_actions import CLIENT, UNKNOWN, act


def ask(user: User, room_id: str) -> Answer:
    return user.get(f"{CLIENT}/rooms/{quote(room_id, safe='')}/initialSync")


def messages(user: User, room_id: str, **query: Any) -> list[str]:
    answer = user.get(f"{CLIENT}/rooms/{quote(room_id, safe='')}/messages", query)
    assert answer.status == 200, answer
    return [one["event_id"] for one in answer.json["chunk"]]


def test_a_room_comes_with_its_newest_messages_and_its_state(alice: User) -> None:
    room_id = alice.create_room(name="Here")
    sent = [alice.send(room_id, str(number)) for number in range(12)]
    alice.put(f"{CLIENT}/user/{alice.user_id}/rooms/{quote(room_id)}/tags/u.x", {})
    found = ask(alice, room_id).json
    assert (found["room_id"], found["membership"]) == (room_id, "join")
    assert found["visibility"] == "private"
    assert [one["event_id"] for one in found["messages"]["chunk"]] == sent[2:]
    assert "m.room.name" in {one["type"] for one in found["state"]}
    assert [one["type"] for one in found["account_data"]] == ["m.tag"]
    start, end = found["messages"]["start"], found["messages"]["end"]
    assert messages(alice, room_id, dir="b", limit=2, **{"from": start}) == sent[1::-1]
    later = alice.send(room_id, "later")
    assert messages(alice, room_id, dir="f", **{"from": end}) == [later]


def test_a_room_that_all_may_read_is_shown_to_strangers(alice: User, bob: User) -> None:
    state = {
        "type": "m.room.history_visibility",
        "content": {"history_visibility": "world_readable"},
    }
    room_id = alice.create_room(preset="public_chat", initial_state=[state])
    sent = alice.send(room_id, "hello")
    found = ask(bob, room_id).json
    assert "membership" not in found
    assert found["messages"]["chunk"][-1]["event_id"] == sent


def test_who_left_sees_the_room_as_it_was_then(alice: User, bob: User) -> None:
    room_id = alice.create_room(preset="public_chat", name="Before")
    bob.join(room_id)
    act(bob, room_id, "leave")
    alice.send(room_id, "not for bob")
    alice.put(f"{CLIENT}/rooms/{quote(room_id)}/state/m.room.name/", {"name": "After"})
    found = ask(bob, room_id).json
    assert found["membership"] == "leave"
    assert found["messages"]["chunk"][-1]["content"]["membership"] == "leave"
    names = [one["content"] for one in found["state"] if one["type"] == "m.room.name"]
    assert names == [{"name": "Before"}]


@pytest.mark.parametrize("room_id", [None, UNKNOWN, "x"])
def test_a_stranger_is_refused(alice: User, bob: User, room_id: str | None) -> None:
    answer = ask(bob, alice.create_room(preset="public_chat") if room_id is None else room_id)
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")
