"""The loop of the periodic jobs."""

import logging
from collections.abc import Callable, Iterator

import gevent
import pytest

from impl.app import App
from impl.jobs import periodic, schedule
from impl.jobs.schedule import Job, in_batches

Start = Callable[..., gevent.Greenlet]


@pytest.fixture
def start() -> Iterator[Start]:
    """Runs the loop of an App with some jobs; ended after the test."""
    loops: list[gevent.Greenlet] = []

    def start_it(app: App, *jobs: Job) -> gevent.Greenlet:
        loops.append(gevent.spawn(periodic.run_jobs, app, jobs))
        return loops[-1]

    yield start_it
    gevent.killall(loops)


def until(condition: Callable[[], object], timeout_s: float = 10.0) -> None:
    with gevent.Timeout(timeout_s):
        while not condition():
            gevent.sleep(0.01)


def test_each_job_runs_at_its_interval(app: App, start: Start) -> None:
    calls: list[str] = []
    start(app, Job(lambda app: calls.append("often"), 0.01), Job(lambda app: calls.append("x"), 60))
    until(lambda: calls.count("often") > 5)
    assert calls.count("x") == 1


def test_a_job_that_has_more_to_do_is_asked_again_soon_and_others_go_in_between(
    app: App, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(periodic, "MORE_S", 0.0)
    calls: list[str] = []

    def long(app: App) -> bool:
        calls.append("long")
        return calls.count("long") < 3

    start(app, Job(long, 60), Job(lambda app: calls.append("other"), 60))
    until(lambda: calls.count("long") == 3)
    assert calls == ["long", "other", "long", "long"]
    gevent.sleep(0.05)
    assert calls.count("long") == 3


def test_a_job_that_fails_is_logged_and_runs_again_and_the_others_with_it(
    app: App, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[str] = []

    def failing(app: App) -> None:
        calls.append("failing")
        raise RuntimeError("not today")

    with caplog.at_level(logging.ERROR):
        start(app, Job(failing, 0.01), Job(lambda app: calls.append("other"), 0.01))
        until(lambda: min(calls.count("failing"), calls.count("other")) > 2)
    assert "failing failed; again" in caplog.text and "not today" in caplog.text


def test_one_process_runs_them_and_another_when_it_ends(
    new_app: Callable[..., App], start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(periodic, "STANDBY_S", 0.02)
    one = new_app()
    other = new_app(one.database.dsn)
    ran: list[App] = []
    first = start(one, Job(ran.append, 0.01))
    until(lambda: len(ran) > 1)
    start(other, Job(ran.append, 0.01))
    until(lambda: len(ran) > 10)
    assert other not in ran
    one.begin_shutdown()
    first.join(timeout=10)
    del ran[:]
    until(lambda: len(ran) > 1)
    assert one not in ran


def test_a_lease_that_is_lost_is_taken_again(
    app: App, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(periodic, "STANDBY_S", 0.02)
    ran: list[App] = []
    start(app, Job(ran.append, 0.01))
    until(lambda: len(ran) > 1)
    with app.database.read() as txn:
        txn.execute(
            """
            SELECT count(pg_terminate_backend(pid))
              FROM pg_locks
             WHERE locktype = 'advisory'
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            """
        )
        assert txn.fetchone()[0] == 1
    del ran[:]
    until(lambda: len(ran) > 3)


def test_a_server_that_stops_does_not_wait_for_what_is_not_due(app: App, start: Start) -> None:
    ran: list[App] = []
    loop = start(app, Job(ran.append, 3600))
    until(lambda: ran)
    app.begin_shutdown()
    loop.join(timeout=5)
    assert loop.ready()


def test_a_server_that_stops_waits_for_one_batch_at_most(app: App) -> None:
    batches: list[int] = []

    def batch() -> bool:
        batches.append(1)
        if len(batches) == 2:
            app.begin_shutdown()
        return True

    assert in_batches(app, batch) is True
    assert len(batches) == 2


def test_a_turn_ends(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "TURN_S_MAX", 0.05)
    with gevent.Timeout(10):
        assert in_batches(app, lambda: True) is True
    assert in_batches(app, lambda: False) is False
