"""Transactions, the pool, and what a commit publishes, on a real server."""

import contextlib
from collections.abc import Iterator

import gevent
import pytest
from gevent.socket import wait_read

from impl.app import App
from impl.storage.database import Database, DatabaseUnavailable, StatementError

# One row of the stream, addressed to a user.
ALLOT = """
    INSERT INTO account_data (user_id, type, content, position)
         VALUES (%s, %s, '{}', nextval('stream_positions'))
"""


@pytest.fixture
def database(new_database) -> Iterator[Database]:
    made = Database(new_database(), pool_size=2)
    yield made
    made.close()


def rows_of(database: Database) -> list[tuple[str, int]]:
    with database.read() as txn:
        txn.execute("SELECT type, position FROM account_data ORDER BY position")
        return txn.fetchall()


def test_a_transaction_is_all_or_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError):
        with database.transaction() as txn:
            txn.execute(
                "INSERT INTO rooms (room_id, room_version, created_ts) VALUES ('!a', '12', 0)"
            )
            txn.with_commit(
                "INSERT INTO rooms (room_id, room_version, created_ts) VALUES ('!b', '12', 0)"
            )
            raise RuntimeError("half-way")
    with database.read() as txn:
        txn.execute("SELECT count(*) FROM rooms")
        assert txn.fetchone() == (0,)


def test_what_goes_with_the_commit_is_written_in_order(database: Database) -> None:
    with database.transaction() as txn:
        for name in ("first", "second"):
            txn.allot(ALLOT, ("@a:x", name))
    (first, low), (second, high) = rows_of(database)
    assert (first, second) == ("first", "second")
    assert high == low + 1


def test_the_last_position_is_published_before_the_caller_goes_on(database: Database) -> None:
    published: list[int] = []
    database.on_allotted = published.append
    with database.transaction() as txn:
        txn.allot(ALLOT, ("@a:x", "one"))
        assert published == []
    assert published == [rows_of(database)[0][1]]


def test_a_transaction_that_allots_nothing_publishes_nothing(database: Database) -> None:
    published: list[int] = []
    database.on_allotted = published.append
    with database.transaction() as txn:
        txn.execute("SELECT 1")
    assert published == []


def test_positions_become_visible_in_their_order(database: Database) -> None:
    other = Database(database.dsn, pool_size=20)
    seen: list[int] = []
    stop = False

    def write() -> None:
        for number in range(25):
            with other.transaction() as txn:
                txn.execute("SELECT pg_sleep(random() / 500)")
                txn.allot(ALLOT, (f"@{id(gevent.getcurrent())}:x", str(number)))

    def follow() -> None:
        after = 0
        while True:
            was_stopped = stop
            with database.read() as txn:
                txn.execute(
                    "SELECT position FROM account_data WHERE position > %s ORDER BY position",
                    (after,),
                )
                new = [row[0] for row in txn.fetchall()]
            seen.extend(new)
            after = max(new, default=after)
            if was_stopped:
                return
            gevent.sleep(0)

    reader = gevent.spawn(follow)
    gevent.joinall([gevent.spawn(write) for _ in range(8)], raise_error=True)
    stop = True
    reader.get(timeout=20)
    other.close()
    # A reader that goes by the greatest position it saw has missed none.
    assert seen == [position for _, position in rows_of(database)]
    assert len(seen) == 200


def test_a_failed_statement_that_is_passed_over_is_no_commit(database: Database) -> None:
    with pytest.raises(StatementError):
        with database.transaction() as txn:
            txn.execute("CREATE TABLE numbers (n integer)")
            with contextlib.suppress(StatementError):
                txn.execute("SELECT 1 / 0")
    with database.read() as txn:
        txn.execute("SELECT to_regclass('numbers')")
        assert txn.fetchone() == (None,)


def test_a_failed_statement_leaves_a_connection_that_works(database: Database) -> None:
    for _ in range(5):
        with pytest.raises(StatementError):
            with database.transaction() as txn:
                txn.execute("SELECT nonsense")
    with database.read() as txn:
        txn.execute("SELECT 1")
        assert txn.fetchone() == (1,)


def test_a_killed_greenlet_gives_its_connection_back(database: Database) -> None:
    def sleep() -> None:
        with database.transaction() as txn:
            txn.execute("SELECT pg_sleep(60)")

    jobs = [gevent.spawn(sleep) for _ in range(2)]
    waiting = gevent.spawn(sleep)  # The pool has two.
    gevent.sleep(0.1)
    gevent.killall([*jobs, waiting])
    with database.read() as txn:
        txn.execute("SELECT 1")
    with database.read() as txn:
        # And the server does not go on with what nobody waits for.
        txn.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE query LIKE '%%pg_sleep(60)%%' AND state = 'active'"
            " AND datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert txn.fetchone() == (0,)


def test_connections_go_to_who_waits_longest(database: Database) -> None:
    single = Database(database.dsn, pool_size=1)
    order: list[int] = []

    def use(number: int) -> None:
        for _ in range(2):
            with single.read() as txn:
                order.append(number)
                txn.execute("SELECT pg_sleep(0.01)")

    gevent.joinall([gevent.spawn(use, number) for number in range(6)], raise_error=True)
    single.close()
    # Who gives it back does not take it again before the others.
    assert order == [*range(6), *range(6)]


def test_a_connection_that_the_server_closed_is_replaced(database: Database) -> None:
    with database.read() as txn:
        txn.execute("SELECT pg_backend_pid()")
        (victim,) = txn.fetchone()
    other = Database(database.dsn)
    with other.read() as txn:
        txn.execute("SELECT pg_terminate_backend(%s)", (victim,))
    other.close()
    (idle,) = database._pool._idle
    wait_read(idle.fileno(), timeout=10)
    with database.read() as txn:
        txn.execute("SELECT pg_backend_pid()")
        assert txn.fetchone() != (victim,)


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(DatabaseUnavailable):
        with Database("host=/nowhere dbname=x").read() as txn:
            txn.execute("SELECT 1")


def test_a_connection_lost_within_a_transaction_is_unavailable(database: Database) -> None:
    other = Database(database.dsn)
    with pytest.raises(DatabaseUnavailable):
        with database.transaction() as txn:
            txn.execute("SELECT pg_backend_pid()")
            (victim,) = txn.fetchone()
            with other.read() as killer:
                killer.execute("SELECT pg_terminate_backend(%s)", (victim,))
            gevent.sleep(0.05)
            txn.execute("SELECT 1")
    other.close()


def test_a_new_start_of_the_database_moves_the_positions_on(database: Database) -> None:
    with database.transaction() as txn:
        txn.allot(ALLOT, ("@a:x", "before"))
    with database.read() as txn:
        # As if the row had been written by an earlier start.
        txn.execute("UPDATE stream_epoch SET started_at = 'long ago'")
    for _ in range(2):
        later = Database(database.dsn)
        with later.transaction() as txn:
            txn.allot(ALLOT, ("@a:x", f"after {_}"))
        later.close()
    before, first, second = (position for _, position in rows_of(database))
    assert first - before == 2**32 + 1
    assert second == first + 1


def test_a_worker_hears_what_another_committed(new_app) -> None:
    one: App = new_app()
    other: App = new_app(one.database.dsn)
    waiting = gevent.spawn(other.news.wait, "@a:x", [], other.news.position, 10.0)
    gevent.sleep(0.05)
    with one.database.transaction() as txn:
        txn.allot(ALLOT, ("@a:x", "told"))
    assert waiting.get(timeout=5) is True
    assert other.news.user_position("@a:x") == other.news.position


def test_what_is_addressed_to_others_wakes_nobody(new_app) -> None:
    app: App = new_app()
    since = app.news.position
    waiting = gevent.spawn(app.news.wait, "@a:x", [], since, 0.3)
    gevent.sleep(0.05)
    with app.database.transaction() as txn:
        txn.allot(ALLOT, ("@b:x", "not for a"))
    assert waiting.get(timeout=5) is False
    app.news.catch_up()
    assert app.news.position > since
    assert app.news.user_position("@a:x") <= since


def test_a_request_to_another_worker_finds_what_was_answered_for(new_app) -> None:
    one: App = new_app()
    other: App = new_app(one.database.dsn)
    for number in range(20):
        with one.database.transaction() as txn:
            txn.allot(ALLOT, ("@a:x", str(number)))
        other.news.catch_up_if_behind()
        assert other.news.position == rows_of(one.database)[-1][1]


def test_a_stop_answers_all_who_wait(app: App) -> None:
    waiting = [
        gevent.spawn(app.news.wait, f"@{n}:x", [], app.news.position, 60.0) for n in range(3)
    ]
    gevent.sleep(0.05)
    app.begin_shutdown()
    gevent.joinall(waiting, timeout=5, raise_error=True)
    assert [one.value for one in waiting] == [False] * 3
    assert app.news.wait("@late:x", [], app.news.position, 60.0) is False


def test_a_worker_far_behind_forgets_and_wakes_all(new_app, monkeypatch) -> None:
    app: App = new_app()
    monkeypatch.setattr("impl.storage.streams.NEWS_MAX", 3)
    since = app.news.position
    with app.database.transaction() as txn:
        for number in range(10):
            txn.allot(ALLOT, ("@a:x", str(number)))
    app.news.catch_up()
    assert app.news.position == rows_of(app.database)[-1][1]
    # What it cannot know may have moved.
    assert app.news.user_position("@b:x") > since
