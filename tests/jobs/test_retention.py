"""The jobs that delete what has expired: how often, in which rooms, in which pieces."""

from collections.abc import Callable
from typing import Any

import gevent
import pytest

from impl.app import App
from impl.config.retention import PurgeJob, Retention
from impl.jobs import periodic, retention
from impl.services import expired_messages
from impl.storage.database import DatabaseUnavailable
from tests.builders import ALICE, BOB, a_room, append, member, message
from tests.retained import DAY_MS, HOUR_MS, a_clock, enabled, kept, policy, purge

NewApp = Callable[..., App]


def test_it_goes_in_batches_and_a_turn_goes_on_where_the_last_one_ended(
    new_app: NewApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expired_messages, "BATCH_EVENTS", 3)
    app = new_app(retention=enabled(HOUR_MS))
    move = a_clock(app)
    rooms = [a_room(app, room_version="11") for _ in range(4)]
    for room_id in rooms:
        append(app, room_id, *(message(ALICE, f"{n}") for n in range(7)))
    move(HOUR_MS + 1)
    monkeypatch.setattr("impl.jobs.schedule.TURN_S_MAX", 0.0)
    purging = retention.Purge(PurgeJob())
    turns = 0
    while purging.purge_messages(app):
        turns += 1
    assert turns > 8
    assert [kept(app, room_id) for room_id in rooms] == 4 * [["6"]]
    # And begins anew.
    append(app, rooms[0], message(ALICE, "7"))
    while purging.purge_messages(app):
        pass
    assert kept(app, rooms[0]) == ["7"]


def test_a_turn_that_loses_the_database_is_followed_by_one_that_begins_anew(
    new_app: NewApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = new_app(retention=enabled(HOUR_MS))
    move = a_clock(app)
    room_id = a_room(app)
    append(app, room_id, *(message(ALICE, str(n)) for n in range(3)))
    move(HOUR_MS + 1)
    purging = retention.Purge(PurgeJob())

    def fail(*_: object) -> int:
        raise DatabaseUnavailable("it is gone")

    with monkeypatch.context() as patched:
        patched.setattr(expired_messages, "_delete", fail)
        with pytest.raises(DatabaseUnavailable):
            purging.purge_messages(app)
    assert not purging.purge_messages(app)
    assert kept(app, room_id) == ["2"]


def test_a_room_that_fails_does_not_keep_the_others_from_it(
    new_app: NewApp, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app = new_app(retention=enabled(HOUR_MS))
    move = a_clock(app)
    rooms = [a_room(app, room_version="11") for _ in range(3)]
    for room_id in rooms:
        append(app, room_id, message(ALICE, "0"), message(ALICE, "1"))
    move(HOUR_MS + 1)
    delete = expired_messages._delete
    asked: list[int] = []

    def fail_once(app: App, room_nid: int, *more: Any) -> int:
        asked.append(room_nid)
        if len(asked) == 2:
            raise ValueError("nonsense")
        return delete(app, room_nid, *more)

    monkeypatch.setattr(expired_messages, "_delete", fail_once)
    purge(app)
    assert sorted(kept(app, room_id) for room_id in rooms) == [["0", "1"], ["1"], ["1"]]
    assert f"number {asked[1]} " in caplog.text
    purge(app)
    assert [kept(app, room_id) for room_id in rooms] == 3 * [["1"]]


def test_a_job_is_for_the_rooms_of_its_range(new_app: NewApp) -> None:
    app = new_app(retention=enabled(3 * HOUR_MS, allowed_lifetime_min=2 * HOUR_MS))
    move = a_clock(app)
    rooms = {
        own: a_room(app, room_version="11") for own in (HOUR_MS, 2 * HOUR_MS, None, 4 * HOUR_MS)
    }
    for own, room_id in rooms.items():
        if own is not None:
            append(app, room_id, policy(own))
        append(app, room_id, message(ALICE, "hello"), member(BOB, "join"))

    def left() -> set[int | None]:
        return {own for own, room_id in rooms.items() if kept(app, room_id)}

    move(2 * HOUR_MS)
    purge(app)
    assert left() == rooms.keys()
    move(1)
    purge(app, PurgeJob(shortest_max_lifetime=2 * HOUR_MS))
    assert left() == rooms.keys()
    purge(app, PurgeJob(longest_max_lifetime=HOUR_MS))
    assert left() == rooms.keys() - {HOUR_MS}
    move(DAY_MS)
    purge(app, PurgeJob(shortest_max_lifetime=3 * HOUR_MS))
    assert left() == {2 * HOUR_MS, None}
    purge(app, PurgeJob(shortest_max_lifetime=2 * HOUR_MS, longest_max_lifetime=3 * HOUR_MS))
    assert left() == {2 * HOUR_MS}
    purge(app)
    assert left() == set()


def test_without_a_default_only_rooms_with_a_policy_are_looked_at(new_app: NewApp) -> None:
    app = new_app(retention=enabled(allowed_lifetime_max=1))
    move = a_clock(app)
    plain, nonsense, short = (a_room(app, room_version="11") for _ in range(3))
    append(app, short, policy(HOUR_MS))
    append(app, nonsense, policy("soon"))
    for room_id in (plain, nonsense, short):
        append(app, room_id, message(ALICE, "hello"), member(BOB, "join"))
    move(100 * DAY_MS)
    purge(app)
    assert kept(app, plain) == kept(app, nonsense) == ["hello"] and kept(app, short) == []


def test_jobs_are_there_if_it_is_enabled(new_app: NewApp, monkeypatch: pytest.MonkeyPatch) -> None:
    configured = (PurgeJob(1_000, None, DAY_MS), PurgeJob(2_000, DAY_MS, None))
    assert retention.list_jobs(new_app(retention=Retention(purge_jobs=configured))) == []
    app = new_app(retention=enabled(HOUR_MS, purge_jobs=configured))
    jobs = retention.list_jobs(app)
    assert [one.interval_s for one in jobs] == [1, 2]
    assert {one.name for one in jobs} == {"impl.jobs.retention.purge_messages"}
    # They are among those that the background process runs.
    move = a_clock(app)
    room_id = a_room(app)
    append(app, room_id, message(ALICE, "hello"), member(BOB, "join"))
    move(HOUR_MS + 1)
    monkeypatch.setattr(periodic, "START_S", 0.0)
    loop = gevent.spawn(periodic.run, app)
    with gevent.Timeout(20):
        while kept(app, room_id):
            gevent.sleep(0.01)
    app.begin_shutdown()
    loop.join(timeout=20)
