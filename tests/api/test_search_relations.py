"""POST /search: what is told with what was found of what relates to it."""

from typing import Any

import pytest

from tests.api.api_client import User
from tests.api.related import reply, room_path, told_with


def search(user: User, term: str) -> list[dict[str, Any]]:
    body = {"search_categories": {"room_events": {"search_term": term, "order_by": "recent"}}}
    answer = user.post("/_matrix/client/v3/search", body)
    assert answer.status == 200, answer
    results = answer.json["search_categories"]["room_events"]["results"]
    return [one["result"] for one in results]


@pytest.fixture
def room_id(alice: User, bob: User) -> str:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    return room_id


def test_what_relates_to_a_result_is_told_with_it(alice: User, bob: User, room_id: str) -> None:
    other = bob.create_room(preset="public_chat")
    alice.join(other)
    parents = {room: bob.send(room, "roses") for room in (room_id, other)}
    children = {room: reply(bob, room, parent, "thorns") for room, parent in parents.items()}
    # Of one room she sees no more than was there in her time.
    alice.post(f"{room_path(other)}/leave", {})
    reply(bob, other, parents[other], "later")
    found = {one["room_id"]: told_with(one)["m.thread"] for one in search(alice, "roses")}
    latest = {room: thread["latest_event"]["event_id"] for room, thread in found.items()}
    assert latest == children
    assert {thread["count"] for thread in found.values()} == {1}
