"""Presence across workers: what is told to whom, what is written, and what time does."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from impl import errors, wsgi
from impl.app import App
from impl.config import Config
from impl.config.settings import Presence
from impl.core.presence import Timeouts
from impl.core.signing import write_signing_key
from impl.services import accounts, presence
from impl.services.ephemeral import Ephemeral
from impl.web import path_tree
from tests.builders import ALICE, BOB, CHARLIE, a_requester, a_room, a_signing_key, append, member
from tests.services.sync_client import ask, until_waiting

NOW = 1_700_000_000_000


class Clock:
    """One time for all workers of a test."""

    def __init__(self, *apps: App) -> None:
        self.now = NOW
        for app in apps:
            app.now_ms = lambda: self.now

    def forward(self, seconds: float) -> None:
        self.now += int(seconds * 1000)


@pytest.fixture
def workers(new_app: Callable[..., App]) -> tuple[App, App]:
    one = new_app()
    return one, new_app(dsn=one.database.dsn)


def told(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["sender"]: one["content"] for one in answer["presence"]["events"]}


def states(answer: dict[str, Any]) -> dict[str, str]:
    return {sender: content["presence"] for sender, content in told(answer).items()}


def put(app: App, user_id: str, state: str, status: str | None = None) -> None:
    presence.put(app, a_requester(user_id), user_id, state, status)


def get(app: App, user_id: str, by: str = ALICE) -> dict[str, Any]:
    app.news.catch_up()
    return presence.get(app, a_requester(by), user_id)


def written(app: App) -> int:
    """How many positions there are: each write takes one."""
    with app.database.read() as txn:
        txn.execute("SELECT last_value FROM stream_positions")
        return txn.fetchone()[0]


def test_a_poll_makes_its_user_online_and_the_next_writes_nothing(app: App) -> None:
    ask(app, ALICE, set_presence="online")
    assert get(app, ALICE)["presence"] == "online"
    before = written(app)
    for _ in range(3):
        ask(app, ALICE, set_presence="online")
    assert written(app) == before


def test_the_poll_that_makes_its_user_online_tells_of_it(app: App) -> None:
    a_room(app)
    answer = ask(app, ALICE, set_presence="online")
    assert states(answer) == {ALICE: "online"}
    assert states(ask(app, ALICE, answer["next_batch"], set_presence="online")) == {}


@pytest.mark.parametrize(
    ("said", "state"), [("unavailable", "unavailable"), ("offline", "offline")]
)
def test_a_poll_says_what_its_user_is(app: App, said: str, state: str) -> None:
    ask(app, ALICE, set_presence=said)
    assert get(app, ALICE)["presence"] == state


def test_others_hear_of_it_in_another_worker(workers: tuple[App, App]) -> None:
    one, other = workers
    room_id = a_room(one)
    append(one, room_id, member(BOB, "join"))
    since = ask(other, BOB)["next_batch"]
    poll = gevent.spawn(ask, other, BOB, since, timeout_ms=30_000)
    until_waiting(other)
    put(one, ALICE, "online", "here")
    answer = poll.get(timeout=10)
    content = told(answer)[ALICE]
    assert (content["presence"], content["status_msg"]) == ("online", "here")
    assert content["currently_active"] is True and content["last_active_ago"] >= 0
    # And once.
    assert states(ask(other, BOB, answer["next_batch"])) == {}


def test_a_poll_of_whom_it_does_not_concern_sleeps_on(workers: tuple[App, App]) -> None:
    one, other = workers
    room_id = a_room(one)
    append(one, room_id, member(BOB, "join"))
    a_room(one, CHARLIE)
    since = ask(other, CHARLIE)["next_batch"]
    poll = gevent.spawn(ask, other, CHARLIE, since, timeout_ms=30_000)
    watching = gevent.spawn(ask, other, BOB, since, timeout_ms=30_000)
    until_waiting(other, 2)
    put(one, ALICE, "online")
    assert states(watching.get(timeout=10)) == {ALICE: "online"}
    assert not poll.ready()
    other.begin_shutdown()
    assert states(poll.get(timeout=10)) == {}
    with pytest.raises(errors.Forbidden):
        get(one, ALICE, by=CHARLIE)


def test_an_idle_poll_asks_the_database_nothing(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    room_id = a_room(app)
    append(app, room_id, member(BOB, "join"))
    put(app, ALICE, "online")
    since = ask(app, BOB, set_presence="online")["next_batch"]
    since = ask(app, BOB, since, set_presence="online")["next_batch"]

    def fail() -> None:
        raise AssertionError("the database was asked")

    monkeypatch.setattr(app.news, "catch_up", lambda: None)
    monkeypatch.setattr(app.database, "read", fail)
    monkeypatch.setattr(app.database, "transaction", fail)
    assert states(ask(app, BOB, since, set_presence="online")) == {}


def test_who_begins_hears_of_all_who_are_there(app: App) -> None:
    room_id = a_room(app)
    append(app, room_id, member(BOB, "join"), member(CHARLIE, "join"))
    put(app, ALICE, "online")
    put(app, BOB, "unavailable", "lunch")
    put(app, CHARLIE, "offline", "hidden")
    assert states(ask(app, ALICE)) == {ALICE: "online", BOB: "unavailable"}
    since = ask(app, ALICE)["next_batch"]
    assert states(ask(app, ALICE, since)) == {}
    assert set(states(ask(app, ALICE, since, is_full_state=True))) == {ALICE, BOB}


def test_offline_users_are_told_too_where_the_configuration_says_so(
    new_app: Callable[..., App],
) -> None:
    app = new_app(presence=Presence(include_offline_users_on_sync=True))
    room_id = a_room(app)
    append(app, room_id, member(BOB, "join"))
    put(app, BOB, "offline")
    assert states(ask(app, ALICE)) == {BOB: "offline"}


def test_who_comes_to_share_a_room_is_told_of(app: App) -> None:
    room_id = a_room(app)
    put(app, ALICE, "online")
    put(app, BOB, "online")
    of_alice, of_bob = ask(app, ALICE)["next_batch"], ask(app, BOB)["next_batch"]
    append(app, room_id, member(BOB, "join"))
    assert BOB in states(ask(app, ALICE, of_alice))
    assert ALICE in states(ask(app, BOB, of_bob))


def test_the_filter_chooses(app: App) -> None:
    room_id = a_room(app)
    append(app, room_id, member(BOB, "join"))
    put(app, ALICE, "online")
    put(app, BOB, "online")
    for part, expected in (
        ({"senders": [BOB]}, {BOB}),
        ({"not_senders": [BOB]}, {ALICE}),
        ({"types": []}, set()),
        ({"not_types": ["m.*"]}, set()),
        ({"limit": 1}, {BOB}),
    ):
        assert set(states(ask(app, ALICE, filter={"presence": part}))) == expected


def test_time_makes_who_polls_no_more_offline(workers: tuple[App, App]) -> None:
    one, other = workers
    clock = Clock(one, other)
    room_id = a_room(one)
    append(one, room_id, member(BOB, "join"))
    ask(one, ALICE, set_presence="online")
    since = ask(other, BOB)["next_batch"]
    clock.forward(30)
    presence.tick(one)
    assert get(other, ALICE, by=BOB)["presence"] == "online"
    clock.forward(1)
    # Readers take no notice of what is overdue.
    assert get(other, ALICE, by=BOB)["presence"] == "offline"
    presence.tick(one)
    assert states(ask(other, BOB, since)) == {ALICE: "offline"}


def test_another_worker_ends_what_one_that_was_killed_left(workers: tuple[App, App]) -> None:
    one, other = workers
    clock = Clock(one, other)
    room_id = a_room(one)
    append(one, room_id, member(BOB, "join"))
    ask(one, ALICE, set_presence="online")
    since = ask(other, BOB)["next_batch"]
    presence.end_overdue(other)
    clock.forward(31)
    presence.tick(other)
    before = written(other)
    presence.end_overdue(other)
    assert written(other) == before + 1
    assert states(ask(other, BOB, since)) == {ALICE: "offline"}


def test_every_worker_of_the_server_watches(
    new_app: Callable[..., App],
    config: Config,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("TICK_SECONDS", "SWEEP_SECONDS"):
        monkeypatch.setattr(presence, name, 0.01)
    config = replace(config, presence=Presence(timeouts=Timeouts(sync_online=100)))
    config.signing_key_path.write_text(write_signing_key(a_signing_key()))
    app = new_app(presence=config.presence)
    room_id = a_room(app)
    append(app, room_id, member(BOB, "join"))
    ask(app, ALICE, set_presence="online")
    since = ask(app, BOB)["next_batch"]
    api: Any = SimpleNamespace(root=path_tree.Node())
    site = wsgi.make_site(config, app.database.dsn, tmp_path / "workers", 7, api)
    try:
        assert states(ask(app, BOB, since, timeout_ms=10_000)) == {ALICE: "offline"}
    finally:
        site.stop()


def test_whoever_this_machine_never_saw_may_be_on_another(workers: tuple[App, App]) -> None:
    one, other = workers
    clock = Clock(one, other)
    accounts.register_user(one, "alice", None)
    put(one, ALICE, "online")
    with one.database.transaction() as txn:
        txn.execute(
            "INSERT INTO devices (user_id, device_id, created_ts, last_seen_ts)"
            " VALUES (%s, 'D', 0, %s)",
            (ALICE, NOW + 31_000),
        )
    # As if the machine had started anew.
    words = one.page.seen_users._words
    for place in range(len(words)):  # type: ignore[arg-type]
        words[place] = 0
    clock.forward(40)
    presence.end_overdue(other)
    assert get(other, ALICE)["presence"] == "online"
    clock.forward(31 + presence.ELSEWHERE_MS / 1000)
    presence.end_overdue(other)
    assert get(other, ALICE)["presence"] == "offline"


def test_a_poll_that_waits_keeps_its_user_online(app: App) -> None:
    clock = Clock(app)
    since = ask(app, ALICE, set_presence="online")["next_batch"]
    since = ask(app, ALICE, since, set_presence="online")["next_batch"]
    poll = gevent.spawn(ask, app, ALICE, since, timeout_ms=120_000, set_presence="online")
    until_waiting(app)
    for _ in range(5):
        clock.forward(20)
        presence.tick(app)
    assert get(app, ALICE)["presence"] == "online"
    app.begin_shutdown()
    poll.get(timeout=10)


def test_idle_devices_and_others(app: App) -> None:
    clock = Clock(app)

    def says(device_id: str, state: str) -> str:
        with presence.polling(app, a_requester(ALICE, device_id=device_id), state):
            return get(app, ALICE)["presence"]

    assert says("PHONE", "online") == "online"
    # It alone says so.
    assert says("PHONE", "unavailable") == "unavailable"
    assert says("LAPTOP", "online") == "online"
    assert says("PHONE", "unavailable") == "online"
    clock.forward(20)
    assert says("PHONE", "unavailable") == "online"
    clock.forward(11)
    assert says("PHONE", "unavailable") == "unavailable"


def test_activity_wakes_who_is_idle(app: App) -> None:
    clock = Clock(app)
    put(app, ALICE, "unavailable", "away")
    clock.forward(10)
    presence.note_activity(app, a_requester(ALICE))
    app.part(Ephemeral, Ephemeral).stop()
    clock.forward(2)
    assert get(app, ALICE) == {
        "presence": "online",
        "status_msg": "away",
        "last_active_ago": 2000,
        "currently_active": True,
    }


def test_activity_of_who_is_active_writes_nothing_and_is_known(app: App) -> None:
    clock = Clock(app)
    put(app, ALICE, "online")
    before = written(app)
    clock.forward(20)
    presence.note_activity(app, a_requester(ALICE))
    clock.forward(5)
    assert get(app, ALICE)["last_active_ago"] == 5000
    assert written(app) == before


def test_the_timeouts_are_the_configurations(new_app: Callable[..., App]) -> None:
    app = new_app(presence=Presence(timeouts=Timeouts(sync_online=5_000)))
    clock = Clock(app)
    put(app, ALICE, "online")
    clock.forward(6)
    assert get(app, ALICE)["presence"] == "offline"


def test_presence_can_be_turned_off(new_app: Callable[..., App]) -> None:
    app = new_app(presence=Presence(enabled=False))
    before = written(app)
    put(app, ALICE, "online")
    ask(app, ALICE, set_presence="online")
    assert get(app, ALICE) == {"presence": "offline"}
    assert ask(app, ALICE)["presence"] == {"events": []}
    assert written(app) == before


def test_what_one_sets_in_one_commit_is_not_lost_to_a_poll(app: App) -> None:
    ask(app, ALICE, set_presence="online")
    setting = gevent.spawn(put, app, ALICE, "unavailable", "busy")
    polling = gevent.spawn(ask, app, ALICE, set_presence="unavailable")
    gevent.joinall([setting, polling], timeout=10, raise_error=True)
    assert get(app, ALICE)["status_msg"] == "busy"


def test_too_many_changes_by_polls_are_passed_over(app: App) -> None:
    limits = app.config.rate_limits
    slow = replace(limits.rc_presence_per_user, per_second=0.001, burst_count=1)
    app.config = replace(app.config, rate_limits=replace(limits, rc_presence_per_user=slow))
    ask(app, ALICE, set_presence="online")
    ask(app, ALICE, set_presence="unavailable")
    assert get(app, ALICE)["presence"] == "online"
    put(app, ALICE, "unavailable")
    with pytest.raises(errors.LimitExceeded):
        put(app, ALICE, "online")
