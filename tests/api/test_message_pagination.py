"""GET /rooms/{roomId}/messages."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.api.api_client import User


def get(user: User, room_id: str, **query: Any) -> Any:
    query.setdefault("dir", "b")
    return user.get(f"/_matrix/client/v3/rooms/{quote(room_id, safe='')}/messages", query)


def bodies(answer: Any) -> list[str]:
    assert answer.status == 200, answer
    return [one["content"]["body"] for one in answer.json["chunk"] if "body" in one["content"]]


def walk(user: User, room_id: str, **query: Any) -> list[str]:
    found: list[str] = []
    for _ in range(50):
        answer = get(user, room_id, **query)
        assert answer.status == 200, answer
        found += [one["event_id"] for one in answer.json["chunk"]]
        if "end" not in answer.json:
            return found
        query["from"] = answer.json["end"]
    raise AssertionError("history has no end")


@pytest.fixture
def room_id(alice: User) -> str:
    room_id = alice.create_room(preset="public_chat")
    for number in range(12):
        alice.send(room_id, str(number))
    return room_id


def test_history_goes_back_from_the_newest(alice: User, room_id: str) -> None:
    assert bodies(get(alice, room_id)) == [str(n) for n in range(11, 1, -1)]


def test_history_goes_forth_from_the_oldest(alice: User, room_id: str) -> None:
    answer = get(alice, room_id, dir="f", limit=3)
    assert answer.json["chunk"][0]["type"] == "m.room.create"
    assert answer.json["chunk"][0]["room_id"] == room_id


@pytest.mark.parametrize("limit", [1, 2, 7, 100])
def test_pages_in_either_direction_make_the_whole(alice: User, room_id: str, limit: int) -> None:
    back = walk(alice, room_id, dir="b", limit=limit)
    assert back[::-1] == walk(alice, room_id, dir="f", limit=limit)
    assert len(back) == len(set(back)) >= 16


def test_a_page_ends_at_to(alice: User, room_id: str) -> None:
    first = get(alice, room_id, limit=3)
    second = get(alice, room_id, limit=2, **{"from": first.json["end"]})
    between = get(alice, room_id, limit=50, to=second.json["end"])
    assert bodies(between) == ["11", "10", "9", "8", "7"]


def test_tokens_of_sync_are_good(alice: User, room_id: str) -> None:
    answer = alice.get("/_matrix/client/v3/sync", {"filter": '{"room":{"timeline":{"limit":2}}}'})
    room = answer.json["rooms"]["join"][room_id]
    assert [one["content"]["body"] for one in room["timeline"]["events"]] == ["10", "11"]
    before = get(alice, room_id, limit=2, **{"from": room["timeline"]["prev_batch"]})
    assert bodies(before) == ["9", "8"]
    alice.send(room_id, "later")
    later = get(alice, room_id, dir="f", **{"from": answer.json["next_batch"]})
    assert bodies(later) == ["later"]
    assert "end" not in later.json


def test_a_filter_leaves_events_out(alice: User, room_id: str) -> None:
    wanted = json.dumps({"types": ["m.room.create"]})
    answer = get(alice, room_id, filter=wanted)
    assert [one["type"] for one in answer.json["chunk"]] == ["m.room.create"]
    assert "end" not in answer.json


def test_lazy_loading_adds_the_members_who_sent(alice: User, bob: User, room_id: str) -> None:
    bob.join(room_id)
    alice.send(room_id, "one more")
    answer = get(alice, room_id, limit=1, filter='{"lazy_load_members":true}')
    assert [one["state_key"] for one in answer.json["state"]] == [alice.user_id]


def test_a_stranger_is_refused(bob: User, room_id: str) -> None:
    answer = get(bob, room_id)
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")


def test_an_unknown_room_is_refused_alike(bob: User) -> None:
    assert get(bob, "!unknown:soma.test").status == 403


def test_who_left_sees_up_to_their_leaving(alice: User, bob: User, room_id: str) -> None:
    bob.join(room_id)
    alice.send(room_id, "for bob")
    bob.post(f"/_matrix/client/v3/rooms/{quote(room_id)}/leave", {})
    alice.send(room_id, "not for bob")
    found = bodies(get(bob, room_id))
    assert "not for bob" not in found
    assert found[0] == "for bob"


def test_all_the_world_reads_what_it_may(alice: User, bob: User) -> None:
    visibility = {
        "type": "m.room.history_visibility",
        "state_key": "",
        "content": {"history_visibility": "world_readable"},
    }
    room_id = alice.create_room(preset="public_chat", initial_state=[visibility])
    alice.send(room_id, "to all")
    assert bodies(get(bob, room_id))[0] == "to all"


@pytest.mark.parametrize(
    "query",
    [
        {"from": "nonsense"},
        {"to": "t1"},
        {"filter": "{"},
        {"filter": "[]"},
        {"filter": '{"types": 1}'},
        {"limit": -1},
        {"limit": "x"},
        {"dir": "x"},
    ],
)
def test_a_query_that_cannot_be_read_is_refused(
    alice: User, room_id: str, query: dict[str, Any]
) -> None:
    answer = get(alice, room_id, **query)
    assert answer.status == 400
    assert answer.errcode in ("M_INVALID_PARAM", "M_BAD_JSON", "M_MISSING_PARAM")
