"""GET /rooms/{roomId}/context/{eventId}."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.api.api_client import User


def get(user: User, room_id: str, event_id: str, **query: Any) -> Any:
    room, event = quote(room_id, safe=""), quote(event_id, safe="")
    return user.get(f"/_matrix/client/v3/rooms/{room}/context/{event}", query)


def bodies(events: list[Any]) -> list[str]:
    return [one["content"]["body"] for one in events]


@pytest.fixture
def sent(alice: User) -> tuple[str, list[str]]:
    room_id = alice.create_room(preset="public_chat")
    return room_id, [alice.send(room_id, str(number)) for number in range(9)]


def test_an_event_comes_with_its_neighbours(alice: User, sent: tuple[str, list[str]]) -> None:
    room_id, event_ids = sent
    found = get(alice, room_id, event_ids[4], limit=4).json
    assert found["event"]["event_id"] == event_ids[4]
    assert bodies(found["events_before"]) == ["3", "2"]
    assert bodies(found["events_after"]) == ["5", "6"]
    assert any(one["type"] == "m.room.create" for one in found["state"])


def test_a_limit_of_nothing_gives_the_event_alone(alice: User, sent: tuple[str, list[str]]) -> None:
    room_id, event_ids = sent
    found = get(alice, room_id, event_ids[4], limit=0).json
    assert found["events_before"] == found["events_after"] == []
    assert found["event"]["event_id"] == event_ids[4]


def test_its_tokens_lead_on(alice: User, sent: tuple[str, list[str]]) -> None:
    room_id, event_ids = sent
    found = get(alice, room_id, event_ids[4], limit=2).json
    path = f"/_matrix/client/v3/rooms/{quote(room_id, safe='')}/messages"
    back = alice.get(path, {"dir": "b", "from": found["start"], "limit": 1}).json
    forth = alice.get(path, {"dir": "f", "from": found["end"], "limit": 1}).json
    assert bodies(back["chunk"]) == ["2"]
    assert bodies(forth["chunk"]) == ["6"]


def test_an_unknown_event_is_not_found(alice: User, sent: tuple[str, list[str]]) -> None:
    answer = get(alice, sent[0], "$unknown")
    assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")


def test_a_stranger_is_refused(bob: User, sent: tuple[str, list[str]]) -> None:
    assert get(bob, sent[0], sent[1][0]).status == 403
