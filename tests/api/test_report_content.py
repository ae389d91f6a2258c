"""report_content.yaml of client-server."""

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote

import pytest

from impl.app import App
from impl.config import RateLimit
from impl.storage import reports
from impl.storage.reports import Report
from tests.api.api_client import NOTHING, Answer, Api, User, register


def report(user: User, *place: str, body: object = NOTHING) -> Answer:
    path = "/".join(quote(piece, safe="") for piece in place)
    body = {"reason": "this makes me sad"} if body is NOTHING else body
    return user.post(f"/_matrix/client/v3/{path}", body)


def report_room(user: User, room_id: str, **more: object) -> Answer:
    return report(user, "rooms", room_id, "report", **more)  # type: ignore[arg-type]


def report_event(user: User, room_id: str, event_id: str, **more: object) -> Answer:
    return report(user, "rooms", room_id, "report", event_id, **more)  # type: ignore[arg-type]


def report_user(user: User, user_id: str, **more: object) -> Answer:
    return report(user, "users", user_id, "report", **more)  # type: ignore[arg-type]


def kept(app: App) -> list[Report]:
    with app.database.read() as txn:
        return reports.list_all(txn)


def test_a_room_can_be_reported_from_outside(app: App, alice: User, bob: User) -> None:
    room_id = alice.create_room()
    app.now_ms = lambda: 1_000
    assert report_room(bob, room_id).json == {}
    expected = Report(1_000, bob.user_id, room_id, None, None, "this makes me sad")
    assert kept(app) == [expected]


@pytest.mark.parametrize("room_id", ["!nothing:soma.test", "nothing"])
def test_a_room_that_nobody_knows_cannot(app: App, alice: User, room_id: str) -> None:
    answer = report_room(alice, room_id)
    assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")
    assert kept(app) == []


def test_an_event_is_reported_with_its_sender(app: App, alice: User, bob: User) -> None:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    event_id = alice.send(room_id, "something bad")
    assert report_event(bob, room_id, event_id, body={}).json == {}
    one = kept(app)[0]
    assert (one.reporter, one.room_id, one.event_id) == (bob.user_id, room_id, event_id)
    assert (one.user_id, one.reason) == (alice.user_id, None)


def test_what_one_cannot_see_is_not_there(app: App, alice: User, bob: User) -> None:
    room_id = alice.create_room(
        preset="public_chat",
        initial_state=[
            {
                "type": "m.room.history_visibility",
                "state_key": "",
                "content": {"history_visibility": "joined"},
            }
        ],
    )
    other = alice.create_room()
    before = alice.send(room_id, "before bob")
    elsewhere = alice.send(other, "elsewhere")
    bob.join(room_id)
    left = alice.create_room(preset="public_chat")
    bob.join(left)
    heard = alice.send(left, "heard")
    bob.post(f"/_matrix/client/v3/rooms/{quote(left, safe='')}/leave", {})
    answers = [
        report_event(bob, room_id, before),
        report_event(bob, other, elsewhere),
        report_event(bob, room_id, elsewhere),
        report_event(bob, left, heard),
        report_event(bob, room_id, "$nothing"),
        report_event(bob, "!nothing:soma.test", "$nothing"),
    ]
    assert {(one.status, one.errcode) for one in answers} == {(404, "M_NOT_FOUND")}
    assert len({one.json["error"] for one in answers}) == 1
    assert kept(app) == []


def test_whether_a_user_exists_is_not_told(app: App, alice: User, bob: User) -> None:
    there = report_user(alice, bob.user_id)
    nowhere = report_user(alice, "@nobody:soma.test")
    assert (there.status, there.json) == (nowhere.status, nowhere.json) == (200, {})
    assert [one.user_id for one in kept(app)] == [bob.user_id]


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({}, "M_BAD_JSON"),
        ({"reason": 1}, "M_BAD_JSON"),
        ({"reason": "x" * 1001}, "M_INVALID_PARAM"),
        ([], "M_BAD_JSON"),
    ],
)
def test_a_report_has_a_reason_that_can_be_read(
    app: App, alice: User, body: object, errcode: str
) -> None:
    room_id = alice.create_room()
    for answer in (
        report_room(alice, room_id, body=body),
        report_user(alice, alice.user_id, body=body),
    ):
        assert (answer.status, answer.errcode) == (400, errcode)
    assert kept(app) == []


def test_a_user_id_is_one(alice: User) -> None:
    answer = report_user(alice, "bob")
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")


def test_reports_are_limited(new_app: Callable[..., App], api_of: Callable[[App], Api]) -> None:
    app = new_app()
    limits = replace(app.config.rate_limits, rc_reports=RateLimit(0.001, 2))
    app.config = replace(app.config, rate_limits=limits)
    alice = register(api_of(app), "alice")
    room_id = alice.create_room()
    event_id = alice.send(room_id, "hello")
    assert report_room(alice, room_id).status == 200
    assert report_event(alice, room_id, event_id).status == 200
    answer = report_user(alice, alice.user_id)
    assert (answer.status, answer.errcode) == (429, "M_LIMIT_EXCEEDED")
    assert len(kept(app)) == 2
