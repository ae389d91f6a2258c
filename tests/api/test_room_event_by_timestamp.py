"""GET /rooms/{roomId}/timestamp_to_event."""

from typing import Any
from urllib.parse import quote

import pytest

from impl.app import App
from impl.core.event_builder import Draft
from impl.services import jump_to_date
from tests.api.api_client import Answer, User
from tests.api.room_actions import CLIENT, UNKNOWN, act
from tests.builders import append

DAY = 86_400_000


def ask(user: User, room_id: str, ts: Any, direction: str) -> Answer:
    path = f"/_matrix/client/v1/rooms/{quote(room_id, safe='')}/timestamp_to_event"
    return user.get(path, {"ts": ts, "dir": direction})


def said(app: App, user: User, room_id: str, ts: int) -> str:
    content = {"msgtype": "m.text", "body": str(ts)}
    draft = Draft("m.room.message", user.user_id, content, origin_server_ts=ts)
    return append(app, room_id, draft)[0]


def event_id(answer: Answer) -> str:
    assert answer.status == 200, answer
    return answer.json["event_id"]


@pytest.fixture
def room_id(alice: User) -> str:
    return alice.create_room(preset="public_chat")


def test_the_nearest_event_in_a_direction_is_found(app: App, alice: User, room_id: str) -> None:
    start = app.now_ms() + DAY
    # As servers' clocks differ, so does the order of times from that of events.
    times = [start, start + 30, start + 10, start + 20]
    ids = {ts - start: said(app, alice, room_id, ts) for ts in times}
    for offset, direction, expected in (
        (0, "f", 0),
        (0, "b", 0),
        (1, "f", 10),
        (1, "b", 0),
        (19, "f", 20),
        (19, "b", 10),
        (25, "f", 30),
        (DAY, "b", 30),
        (-1, "f", 0),
    ):
        answer = ask(alice, room_id, start + offset, direction)
        assert answer.json == {
            "event_id": ids[expected],
            "origin_server_ts": start + expected,
        }
    created = alice.get(f"{CLIENT}/rooms/{quote(room_id)}/messages", {"dir": "f", "limit": 1})
    assert event_id(ask(alice, room_id, 0, "f")) == created.json["chunk"][0]["event_id"]


def test_the_context_leads_on_from_there(app: App, alice: User, room_id: str) -> None:
    ids = [said(app, alice, room_id, app.now_ms() + DAY * number) for number in range(1, 4)]
    found = event_id(ask(alice, room_id, app.now_ms() + DAY * 3 // 2, "f"))
    assert found == ids[1]
    path = f"{CLIENT}/rooms/{quote(room_id)}/context/{quote(found)}"
    after = alice.get(path, {"limit": 2}).json["events_after"]
    assert [one["event_id"] for one in after] == [ids[2]]


def test_beyond_the_ends_nothing_is_found(alice: User, room_id: str) -> None:
    for ts, direction in ((2**53 - 1, "f"), (0, "b"), (-1, "b"), (1 - 2**53, "b")):
        answer = ask(alice, room_id, ts, direction)
        assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")


def test_what_may_not_be_seen_is_passed_over(
    app: App, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jump_to_date, "STEPS", (2, 3, 100))
    visibility = {
        "type": "m.room.history_visibility",
        "content": {"history_visibility": "joined"},
    }
    room_id = alice.create_room(preset="public_chat", initial_state=[visibility])
    start = app.now_ms() - DAY
    for number in range(10):
        said(app, alice, room_id, start + number)
    bob.join(room_id)
    shown = said(app, alice, room_id, start + 5)
    act(bob, room_id, "leave")
    said(app, alice, room_id, start + 5)
    assert event_id(ask(bob, room_id, start, "f")) == shown
    assert event_id(ask(bob, room_id, start + 9, "b")) == shown
    assert ask(bob, room_id, start + 4, "b").errcode == "M_NOT_FOUND"


def test_the_world_may_jump_where_it_may_read(app: App, alice: User, bob: User) -> None:
    visibility = {
        "type": "m.room.history_visibility",
        "content": {"history_visibility": "world_readable"},
    }
    room_id = alice.create_room(preset="public_chat", initial_state=[visibility])
    ts = app.now_ms() + DAY
    assert event_id(ask(bob, room_id, ts, "b")) == event_id(ask(alice, room_id, ts, "b"))


@pytest.mark.parametrize("room_id", [None, UNKNOWN, "x"])
def test_a_stranger_is_refused(alice: User, bob: User, room_id: str | None) -> None:
    answer = ask(bob, alice.create_room() if room_id is None else room_id, 0, "f")
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")


@pytest.mark.parametrize(("ts", "direction"), [("x", "f"), (0, "x"), (2**53, "f"), ("", "b")])
def test_a_query_that_cannot_be_read_is_refused(
    alice: User, room_id: str, ts: Any, direction: str
) -> None:
    answer = ask(alice, room_id, ts, direction)
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")


def test_both_parameters_are_needed(alice: User, room_id: str) -> None:
    path = f"/_matrix/client/v1/rooms/{quote(room_id, safe='')}/timestamp_to_event"
    for query in ({"ts": 0}, {"dir": "f"}):
        assert alice.get(path, query).errcode == "M_MISSING_PARAM"
