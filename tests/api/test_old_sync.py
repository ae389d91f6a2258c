"""GET /events, /events/{eventId} and /initialSync."""

from typing import Any
from urllib.parse import quote

import gevent
import pytest

from impl.app import App
from impl.services import event_stream
from tests.api.api_client import Answer, User
from tests.api.room_actions import CLIENT, UNKNOWN, act

READABLE = {
    "preset": "public_chat",
    "initial_state": [
        {
            "type": "m.room.history_visibility",
            "content": {"history_visibility": "world_readable"},
        }
    ],
}


def listen(user: User, start: str | None = None, **query: Any) -> Answer:
    query = {"timeout": 0, **query}
    return user.get(f"{CLIENT}/events", {**query, "from": start} if start else query)


def heard(user: User, start: str, **query: Any) -> list[str]:
    """The event ids of all pages from a token to the end."""
    found: list[str] = []
    for _ in range(50):
        answer = listen(user, start, **query)
        assert answer.status == 200, answer
        assert answer.json["start"] == start
        if not answer.json["chunk"]:
            return found
        found += [one["event_id"] for one in answer.json["chunk"]]
        start = answer.json["end"]
    raise AssertionError("the stream has no end")


def now(user: User) -> str:
    answer = listen(user)
    assert answer.json["chunk"] == []
    return answer.json["end"]


# /events


def test_events_come_in_the_order_of_the_stream(alice: User, bob: User) -> None:
    rooms = [alice.create_room(preset="public_chat") for _ in range(2)]
    bob.join(rooms[0])
    start = now(alice)
    sent = [(bob, alice)[number % 2].send(rooms[number % 2], "x") for number in range(6)]
    assert heard(alice, start) == sent
    answer = listen(alice, start).json
    assert {one["room_id"] for one in answer["chunk"]} == set(rooms)
    # Each hears of what is theirs.
    assert heard(bob, start) == sent[::2]


def test_a_long_absence_comes_in_pages(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "EVENTS_MAX", 3)
    rooms = [alice.create_room() for _ in range(2)]
    start = now(alice)
    sent = [alice.send(rooms[number % 2], "x") for number in range(8)]
    assert heard(alice, start) == sent


def test_memberships_of_ones_own_are_told(alice: User, bob: User) -> None:
    room_id = alice.create_room(preset="public_chat")
    start = now(bob)

    def last() -> Any:
        nonlocal start
        answer = listen(bob, start).json
        start = answer["end"]
        return answer["chunk"][-1]

    act(alice, room_id, "invite", bob)
    assert last()["content"]["membership"] == "invite"
    bob.join(room_id)
    assert last()["content"]["membership"] == "join"
    sent = alice.send(room_id, "seen")
    act(alice, room_id, "kick", bob)
    alice.send(room_id, "not seen")
    chunk = listen(bob, start).json["chunk"]
    assert [one["type"] for one in chunk] == ["m.room.message", "m.room.member"]
    assert chunk[0]["event_id"] == sent
    start = listen(bob, start).json["end"]
    act(alice, room_id, "ban", bob)
    assert last()["content"]["membership"] == "ban"


def test_ignored_users_are_not_heard(alice: User, bob: User) -> None:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    other = bob.create_room()
    alice.put(
        f"{CLIENT}/user/{alice.user_id}/account_data/m.ignored_user_list",
        {"ignored_users": {bob.user_id: {}}},
    )
    start = now(alice)
    bob.send(room_id, "x")
    act(bob, other, "invite", alice)
    sent = alice.send(room_id, "y")
    assert heard(alice, start) == [sent]


def test_a_poll_waits_for_what_comes(alice: User) -> None:
    room_id = alice.create_room()
    start = now(alice)
    poll = gevent.spawn(listen, alice, start, timeout=30_000)
    gevent.sleep(0)
    sent = alice.send(room_id, "x")
    answer = poll.get(timeout=10)
    assert [one["event_id"] for one in answer.json["chunk"]] == [sent]


def test_without_from_it_begins_now(alice: User) -> None:
    room_id = alice.create_room()
    alice.send(room_id, "before")
    assert listen(alice).json["chunk"] == []


def test_tokens_of_sync_are_good(alice: User) -> None:
    room_id = alice.create_room()
    start = alice.get(f"{CLIENT}/sync").json["next_batch"]
    sent = alice.send(room_id, "x")
    assert heard(alice, start) == [sent]


@pytest.mark.parametrize("query", [{}, {"room_id": "x"}])
@pytest.mark.parametrize("token", ["x", "t1_2", "s-1"])
def test_a_token_of_something_else_is_refused(
    alice: User, token: str, query: dict[str, str]
) -> None:
    room_id = alice.create_room()
    answer = listen(alice, token, **({"room_id": room_id} if query else {}))
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")


def test_a_token_of_the_future_is_now(alice: User) -> None:
    room_id = alice.create_room()
    end = listen(alice, "s999999999999").json["end"]
    sent = alice.send(room_id, "x")
    assert heard(alice, end) == [sent]


# /events of one room


def test_a_room_that_all_may_read_is_heard_by_who_is_not_in_it(alice: User, bob: User) -> None:
    room_id = alice.create_room(**READABLE)
    other = alice.create_room(**READABLE)
    start = bob.get(f"{CLIENT}/rooms/{quote(room_id)}/initialSync").json["messages"]["end"]
    poll = gevent.spawn(listen, bob, start, room_id=room_id, timeout=30_000)
    gevent.sleep(0)
    alice.send(other, "x")
    sent = alice.send(room_id, "y")
    answer = poll.get(timeout=10).json
    assert [one["event_id"] for one in answer["chunk"]] == [sent]
    # What is said once the world may not read it any more is not heard.
    place = f"{CLIENT}/rooms/{quote(room_id)}/state/m.room.history_visibility/"
    changed = alice.put(place, {"history_visibility": "shared"}).json["event_id"]
    reader = listen(bob, answer["end"], room_id=room_id)
    assert (reader.status, reader.errcode) == (403, "M_FORBIDDEN")
    alice.send(room_id, "z")
    alice.put(place, {"history_visibility": "world_readable"})
    assert changed in heard(bob, answer["end"], room_id=room_id)
    bodies = [
        one["content"].get("body")
        for one in listen(bob, answer["end"], room_id=room_id).json["chunk"]
    ]
    assert "z" not in bodies


@pytest.mark.parametrize("room_id", [None, UNKNOWN, "x", ""])
def test_a_room_that_one_may_not_read_is_refused(
    alice: User, bob: User, room_id: str | None
) -> None:
    hidden = alice.create_room()
    answer = listen(bob, room_id=hidden if room_id is None else room_id)
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")


# /events/{eventId}


def test_an_event_is_found_by_its_id_alone(alice: User, bob: User) -> None:
    room_id = alice.create_room()
    event_id = alice.send(room_id, "x")
    found = alice.get(f"{CLIENT}/events/{quote(event_id)}").json
    assert (found["event_id"], found["room_id"]) == (event_id, room_id)
    answer = bob.get(f"{CLIENT}/events/{quote(event_id)}")
    assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")


@pytest.mark.parametrize("event_id", ["$unknown", "x", "%F0%9F%8E%89"])
def test_an_unknown_event_is_not_found(alice: User, event_id: str) -> None:
    answer = alice.get(f"{CLIENT}/events/{event_id}")
    assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")


# /initialSync


def initial(user: User, **query: Any) -> Any:
    answer = user.get(f"{CLIENT}/initialSync", query)
    assert answer.status == 200, answer
    return answer.json


def test_everything_comes_at_once(alice: User, bob: User) -> None:
    joined = alice.create_room(preset="public_chat", visibility="public")
    bob.join(joined)
    sent = [alice.send(joined, str(number)) for number in range(3)]
    invited = alice.create_room()
    act(alice, invited, "invite", bob)
    left = alice.create_room(preset="public_chat")
    bob.join(left)
    act(bob, left, "leave")
    bob.put(f"{CLIENT}/user/{bob.user_id}/account_data/org.example", {"a": 1})
    bob.put(f"{CLIENT}/user/{bob.user_id}/rooms/{quote(joined)}/tags/u.x", {"order": 0.5})

    found = initial(bob, limit=2)
    assert {"type": "org.example", "content": {"a": 1}} in found["account_data"]
    rooms = {one["room_id"]: one for one in found["rooms"]}
    assert set(rooms) == {joined, invited}
    room = rooms[joined]
    assert (room["membership"], room["visibility"]) == ("join", "public")
    assert [one["event_id"] for one in room["messages"]["chunk"]] == sent[1:]
    assert room["messages"]["chunk"][0]["room_id"] == joined
    members = [one["state_key"] for one in room["state"] if one["type"] == "m.room.member"]
    assert set(members) == {alice.user_id, bob.user_id}
    assert [one["type"] for one in room["account_data"]] == ["m.tag"]
    assert rooms[invited]["membership"] == "invite"
    assert rooms[invited]["invite"]["state_key"] == bob.user_id
    assert rooms[invited]["visibility"] == "private"
    # One goes on from there.
    place = f"{CLIENT}/rooms/{quote(joined)}/messages"
    older = bob.get(place, {"from": room["messages"]["start"], "dir": "b", "limit": 1}).json
    assert [one["event_id"] for one in older["chunk"]] == sent[:1]
    later = alice.send(joined, "later")
    assert heard(bob, found["end"]) == [later]

    archived = {one["room_id"]: one for one in initial(bob, archived="true")["rooms"]}
    assert set(archived) == {joined, invited, left}
    assert archived[left]["membership"] == "leave"
    assert archived[left]["messages"]["chunk"][-1]["content"]["membership"] == "leave"


def test_of_no_messages_there_are_none(alice: User) -> None:
    room_id = alice.create_room()
    sent = alice.send(room_id, "x")
    (room,) = initial(alice, limit=0)["rooms"]
    assert room["messages"]["chunk"] == []
    place = f"{CLIENT}/rooms/{quote(room_id)}/messages"
    older = alice.get(place, {"from": room["messages"]["start"], "dir": "b", "limit": 1}).json
    assert [one["event_id"] for one in older["chunk"]] == [sent]


@pytest.mark.parametrize("query", [{"limit": -1}, {"limit": "x"}, {"archived": "x"}])
def test_a_query_that_cannot_be_read_is_refused(alice: User, query: dict[str, Any]) -> None:
    answer = alice.get(f"{CLIENT}/initialSync", query)
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")


def test_a_poll_ends_when_the_server_stops(alice: User, app: App) -> None:
    start = now(alice)
    poll = gevent.spawn(listen, alice, start, timeout=60_000)
    gevent.sleep(0)
    app.begin_shutdown()
    assert poll.get(timeout=10).json["chunk"] == []
