"""GET /rooms/{roomId}/threads."""

from typing import Any

import pytest

from tests.api.api_client import Answer, User
from tests.api.related import (
    edit,
    ignore,
    react,
    redact,
    refer,
    reply,
    room_path,
    told_with,
    try_to_send,
)


def ask(user: User, room_id: str, **query: Any) -> Answer:
    if "from_" in query:
        query["from"] = query.pop("from_")
    return user.get(f"{room_path(room_id, 'v1')}/threads", query)


def ids(answer: Answer) -> list[str]:
    assert answer.status == 200, answer
    return [one["event_id"] for one in answer.json["chunk"]]


@pytest.fixture
def room_id(alice: User, bob: User) -> str:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    return room_id


@pytest.fixture
def roots(alice: User, room_id: str) -> list[str]:
    """Three, with a reply by Alice each."""
    roots = [alice.send(room_id, f"root {number}") for number in range(3)]
    for root in roots:
        reply(alice, room_id, root)
    return roots


def test_a_room_without_threads_has_none(alice: User, room_id: str) -> None:
    refer(alice, room_id, alice.send(room_id, "parent"))
    assert ask(alice, room_id).json == {"chunk": []}


def test_the_thread_with_the_newest_reply_is_first(
    alice: User, bob: User, room_id: str, roots: list[str]
) -> None:
    assert ids(ask(alice, room_id)) == roots[::-1]
    newest = reply(bob, room_id, roots[0])
    answer = ask(alice, room_id)
    assert ids(answer) == [roots[0], roots[2], roots[1]]
    assert "next_batch" not in answer.json
    thread = told_with(answer.json["chunk"][0])["m.thread"]
    assert thread["latest_event"]["event_id"] == newest
    assert thread["count"] == 2


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_make_the_whole(alice: User, room_id: str, roots: list[str], limit: int) -> None:
    reply(alice, room_id, roots[1])
    found: list[str] = []
    query: dict[str, Any] = {"limit": limit}
    for _ in range(4):
        answer = ask(alice, room_id, **query)
        assert len(answer.json["chunk"]) <= limit
        found += ids(answer)
        if "next_batch" not in answer.json:
            break
        query["from_"] = answer.json["next_batch"]
    assert found == [roots[1], roots[2], roots[0]]


def test_only_those_in_which_one_took_part(
    alice: User, bob: User, room_id: str, roots: list[str]
) -> None:
    reply(bob, room_id, roots[1])
    own = bob.send(room_id, "of bob")
    reply(alice, room_id, own)
    assert ids(ask(bob, room_id, include="participated")) == [own, roots[1]]
    assert ids(ask(bob, room_id, include="participated", limit=1)) == [own]
    assert len(ids(ask(bob, room_id, include="all"))) == 4
    by_pages = ask(bob, room_id, include="participated", limit=1)
    rest = ask(bob, room_id, include="participated", from_=by_pages.json["next_batch"])
    assert ids(rest) == [roots[1]]


def test_the_last_reply_that_is_left_decides(alice: User, room_id: str, roots: list[str]) -> None:
    newest = reply(alice, room_id, roots[0])
    redact(alice, room_id, newest)
    assert ids(ask(alice, room_id)) == roots[::-1]


def test_a_thread_of_which_nothing_is_left_is_none(alice: User, room_id: str) -> None:
    redact(alice, room_id, reply(alice, room_id, alice.send(room_id, "root")))
    assert ids(ask(alice, room_id)) == []


def test_other_relations_move_no_thread(alice: User, room_id: str, roots: list[str]) -> None:
    react(alice, room_id, roots[0])
    edit(alice, room_id, roots[0], "edited")
    assert ids(ask(alice, room_id)) == roots[::-1]


def test_who_is_ignored_moves_no_thread_and_has_theirs_redacted(
    alice: User, bob: User, room_id: str, roots: list[str]
) -> None:
    reply(bob, room_id, roots[0])
    of_bob = bob.send(room_id, "of bob")
    edit(bob, room_id, of_bob, "more of bob")
    reply(alice, room_id, of_bob)
    only_bob = alice.send(room_id, "nobody else answers")
    reply(bob, room_id, only_bob)
    ignore(alice, bob)
    answer = ask(alice, room_id)
    assert ids(answer) == [of_bob, *roots[::-1]]
    root = answer.json["chunk"][0]
    assert root["content"] == {}
    assert set(told_with(root)) == {"m.thread"}
    assert told_with(root)["m.thread"]["count"] == 1
    assert ids(ask(bob, room_id))[0] == only_bob


def test_an_unknown_root_is_left_out(alice: User, room_id: str, roots: list[str]) -> None:
    relates_to = {"rel_type": "m.thread", "event_id": "$unknown"}
    answer = try_to_send(alice, room_id, "m.room.message", {"m.relates_to": relates_to})
    assert answer.status == 200
    assert ids(ask(alice, room_id)) == roots[::-1]
    assert ids(ask(alice, room_id, limit=1)) in ([], [roots[2]])


def test_who_left_sees_the_threads_of_their_time(
    alice: User, bob: User, room_id: str, roots: list[str]
) -> None:
    bob.post(f"{room_path(room_id)}/leave", {})
    reply(alice, room_id, roots[0])
    reply(alice, room_id, alice.send(room_id, "later"))
    answer = ask(bob, room_id)
    assert ids(answer) == roots[::-1]
    assert told_with(answer.json["chunk"][2])["m.thread"]["count"] == 1


def test_a_token_of_sync_is_good(alice: User, room_id: str, roots: list[str]) -> None:
    since = alice.get("/_matrix/client/v3/sync").json["next_batch"]
    reply(alice, room_id, alice.send(room_id, "later"))
    assert ids(ask(alice, room_id, from_=since)) == roots[::-1]


def test_a_stranger_is_refused(charlie: User, room_id: str, roots: list[str]) -> None:
    for place in (room_id, "!unknown:soma.test"):
        answer = ask(charlie, place)
        assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")


@pytest.mark.parametrize(
    "query",
    [
        {"from_": "nonsense"},
        {"from_": "t1"},
        {"limit": 0},
        {"limit": -1},
        {"limit": "x"},
        {"include": "some"},
    ],
)
def test_a_query_that_cannot_be_read_is_refused(
    alice: User, room_id: str, query: dict[str, Any]
) -> None:
    answer = ask(alice, room_id, **query)
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")
