"""Servers that answer the sender with what nobody should have to read: it goes on, and tells the
others."""

import pytest

from impl.app import App
from impl.services.sending.sender import Sender
from tests.services.sending.test_outage import (
    DAVE,
    FAR,
    ZOE,
    a_shared_room,
    later,
    say,
    until_left_alone,
)
from tests.services.sending.world import World, come, rows_of, settle

DAY_MS = 86_400_000
ANSWERS = {
    "NUL": {"errcode": "M_\0", "error": "a\0b\nforged: line"},
    "long": {"errcode": "M_UNKNOWN", "error": "x" * 1_000_000},
    "types": {"errcode": ["M_UNKNOWN"], "error": {"a": 1}, "retry_after_ms": 10**30},
    "minutes": {"errcode": "M_LIMIT_EXCEEDED", "error": "x", "retry_after_ms": 10**18},
}


@pytest.mark.parametrize("status", [400, 404, 429, 500])
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=list(ANSWERS))
def test_whatever_a_server_answers_it_is_told_once_it_takes_it(
    app: App,
    sender: Sender,
    world: World,
    caplog: pytest.LogCaptureFixture,
    status: int,
    answer: dict[str, object],
) -> None:
    room_id = a_shared_room(app)
    far, third = world.receiver(FAR), world.receiver("third.example")
    come(app, room_id, ZOE)
    settle(sender)
    far.status, far.answer = status, answer
    say(app, sender, room_id, "first secret", "second secret")
    if status != 400:
        until_left_alone(world, app, sender)
        assert len(rows_of(app)[FAR]["failure"]) < 1_000
    assert third.bodies == ["first secret", "second secret"]
    far.status, far.answer = 200, {"pdus": {}}
    later(world, sender, 10 * DAY_MS)
    say(app, sender, room_id, "third")
    # A server that is there and does not take an event will not take it another time.
    assert far.bodies == (
        ["third"] if status == 400 else ["first secret", "second secret", "third"]
    )
    logged = [one.getMessage() for one in caplog.records]
    assert not [one for one in caplog.records if one.levelname == "ERROR"]
    assert not [one for one in logged if len(one) > 2_000 or "secret" in one or "\n" in one]


def test_nonsense_about_what_it_took_is_passed_over(
    app: App, sender: Sender, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    room_id = a_shared_room(app)
    far = world.receiver(FAR)
    told = say(app, sender, room_id, "first")
    answers = [
        {"pdus": [1]},
        {"pdus": {f"${n}": {"error": "x" * 10_000} for n in range(500)}},
        {"pdus": {told[0]: {"error": {"a": "b" * 10_000}}, "a\nb": {"error": "c\nd"}}},
        {"pdus": {"$" + "x" * 100_000: {"error": "y"}}},
    ]
    for number, answer in enumerate(answers):
        far.answer = answer
        say(app, sender, room_id, f"more {number}")
    assert far.bodies == ["first", *(f"more {number}" for number in range(len(answers)))]
    assert DAVE and rows_of(app) == {}
    logged = [one.getMessage() for one in caplog.records]
    assert sum(map(len, logged)) < 100_000
    assert not [one for one in logged if "\n" in one]
