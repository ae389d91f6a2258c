"""The worker's memory of the stream: what it does when the database fails it, and its bounds."""

from collections.abc import Callable
from typing import Any

import gevent
import psycopg2
import pytest

from impl.app import App
from impl.storage import account_data, notifier, streams
from impl.storage.database import Database, DatabaseUnavailable

LISTENING = """
    SELECT pid
      FROM pg_stat_activity
     WHERE datname = current_database()
       AND query = 'LISTEN soma_stream'
"""


def put(app: App, user_id: str, data_type: str = "org.example") -> None:
    with app.database.transaction() as txn:
        account_data.put(txn, user_id, "", data_type, {})


def until(condition: Callable[[], object], timeout_s: float = 10.0) -> None:
    with gevent.Timeout(timeout_s):
        while not condition():
            gevent.sleep(0.01)


def ask(app: App, sql: str, *parameters: object) -> list[Any]:
    with app.database.read() as txn:
        txn.execute(sql, parameters)
        return txn.fetchall()


def test_a_worker_whose_connection_for_notifications_was_lost_listens_anew(
    new_app: Callable[..., App], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifier, "POLL_SECONDS", 3600)
    monkeypatch.setattr(notifier, "RECONNECT_SECONDS", 0.05)
    one: App = new_app()
    until(lambda: ask(one, LISTENING))
    other = Database(one.database.dsn)
    victims = ask(one, LISTENING)
    ask(one, "SELECT pg_terminate_backend(%s)", victims[0][0])
    # Nobody tells of this one: it is found when the connection stands again.
    since = one.news.position
    with other.transaction() as txn:
        account_data.put(txn, "@a:x", "", "in between", {})
    assert one.news.wait("@a:x", [], since, 10.0) is True
    until(lambda: ask(one, LISTENING) not in ([], victims))
    since = one.news.position
    waiting = gevent.spawn(one.news.wait, "@a:x", [], since, 10.0)
    gevent.sleep(0)
    with other.transaction() as txn:
        account_data.put(txn, "@a:x", "", "afterwards", {})
    assert waiting.get(timeout=10) is True
    other.close()


def test_the_stream_is_looked_at_though_a_look_failed(
    new_app: Callable[..., App], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifier, "POLL_SECONDS", 0.02)
    app: App = new_app()
    # By itself: what hears of commits looks as well, once it listens.
    gevent.kill(app.news._greenlets[0])
    list_news, failures = streams.list_news, []

    def fail_first(txn: Any, after: int) -> Any:
        if len(failures) < 3:
            failures.append(after)
            raise psycopg2.InternalError("a statement failed")
        return list_news(txn, after)

    monkeypatch.setattr(streams, "list_news", fail_first)
    until(lambda: len(failures) == 3)
    gevent.sleep(0.1)
    since = app.news.position
    monkeypatch.setattr(streams, "publish", lambda cursor: 0)  # Nobody is told.
    put(app, "@a:x")
    until(lambda: app.news.user_position("@a:x") > since)


def test_a_commit_that_cannot_be_announced_is_known_to_the_workers_of_the_machine(
    new_app: Callable[..., App], monkeypatch: pytest.MonkeyPatch
) -> None:
    one: App = new_app()
    other: App = new_app(one.database.dsn)

    def fail(cursor: Any) -> int:
        cursor.connection.close()
        raise psycopg2.OperationalError("server closed the connection")

    monkeypatch.setattr(streams, "publish", fail)
    since = other.news.position
    put(one, "@a:x")
    other.news.catch_up_if_behind()
    assert other.news.user_position("@a:x") > since


def test_a_worker_is_not_behind_what_was_deleted(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    gevent.killall(app.news._greenlets)
    put(app, "@a:x")
    put(app, "@b:x")
    with app.database.transaction() as txn:
        account_data.delete_all(txn, "@b:x")
    app.news.catch_up()
    asked: list[int] = []
    monkeypatch.setattr(streams, "list_news", lambda txn, after: asked.append(after) or [])
    for _ in range(3):
        app.news.catch_up_if_behind()
    assert asked == []


def test_what_is_remembered_is_bounded_and_nothing_is_taken_for_old(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifier, "KNOWN_MAX", 3)
    since = app.news.position
    for number in range(10):
        put(app, f"@{number}:x")
        app.news.catch_up()
        assert len(app.news._users) <= 3
    assert all(app.news.user_position(f"@{number}:x") > since for number in range(10))


def test_a_timeout_of_the_request_is_not_taken_for_one_of_the_pool(
    new_database: Callable[[], str],
) -> None:
    database = Database(new_database(), pool_size=1)
    with database.read():
        with pytest.raises(gevent.Timeout), gevent.Timeout(0.05):
            with database.read():
                pass
    with database.read() as txn:
        txn.execute("SELECT 1")
    database.close()


def test_a_connection_lost_while_it_is_made_is_unavailable(
    new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(new_database())

    def fail(cursor: Any, known: str) -> str:
        raise psycopg2.OperationalError("terminating connection")

    monkeypatch.setattr(streams, "ensure_epoch", fail)
    with pytest.raises(DatabaseUnavailable), database.read():
        pass
