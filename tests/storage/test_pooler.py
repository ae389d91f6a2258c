"""A pooler between Soma and PostgreSQL that lends its connections for one transaction each, as
PgBouncer does with pool_mode = transaction."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gevent
import psycopg2.extensions
import pytest

from impl.app import App
from impl.config import Config
from impl.config import database as configured
from impl.storage import streams
from impl.storage.database import Database, StatementError
from impl.storage.lease import Lease
from tests import ports
from tests.builders import ALICE, BOB, a_room, append, member, message
from tests.services.room_events.inspection import timeline_ids

ALLOT = """
    INSERT INTO account_data (user_id, type, content, position)
         VALUES (%s, %s, '{}', nextval('stream_positions'))
"""


@pytest.fixture
def lent(new_database: Callable[[], str]) -> Iterator[Database]:
    """As if there were a pooler."""
    dsn = new_database()
    # The first to come moves the positions on. What comes later has drawn none.
    Database(dsn).connect().close()
    made = Database(dsn, pool_size=2, past_pooler=dsn)
    yield made
    made.close()


def position_of(database: Database, name: str) -> int | None:
    with database.read() as txn:
        txn.execute("SELECT position FROM account_data WHERE type = %s", (name,))
        row = txn.fetchone()
        return row[0] if row else None


def test_what_was_drawn_is_told_in_the_same_message(
    lent: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One of its own would reach another connection, which has drawn others.
    monkeypatch.delattr(streams, "publish")
    told: list[int] = []
    lent.on_allotted = told.append
    hearing = lent.connect()
    with hearing.cursor() as cursor:
        cursor.execute(f"LISTEN {streams.CHANNEL}")
        with lent.transaction() as txn:
            txn.allot(ALLOT, (ALICE, "one"))
        cursor.execute("SELECT 1")
    heard = [int(one.payload) for one in hearing.notifies]
    hearing.close()
    assert told == heard == [position_of(lent, "one")]


def test_what_fails_is_not_told(lent: Database) -> None:
    told: list[int] = []
    lent.on_allotted = told.append
    with pytest.raises(StatementError), lent.transaction() as txn:
        txn.allot(ALLOT, (ALICE, "one"))
        with pytest.raises(StatementError):
            txn.execute("SELECT no_such_column")
    assert (told, position_of(lent, "one")) == ([], None)


def test_what_drew_nothing_is_committed_and_no_failure(lent: Database) -> None:
    """Nobody has drawn a position on the connection that it was sent to."""
    told: list[int] = []
    lent.on_allotted = told.append
    with lent.transaction() as txn:
        txn.execute("CREATE TABLE written (number int)")
    with lent.transaction() as txn:
        txn.execute("INSERT INTO written VALUES (1)")
        txn.allot("DELETE FROM device_list_changes WHERE user_id = 'nobody'")
    with lent.read() as txn:
        txn.execute("SELECT count(*) FROM written")
        assert txn.fetchone() == (1,)
        assert told == [streams.current(txn)]


def test_what_fails_with_the_commit_raises(lent: Database) -> None:
    with lent.transaction() as txn:
        txn.execute("CREATE TABLE twice (number int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(StatementError), lent.transaction() as txn:
        txn.allot("SELECT currval('stream_positions')")
    with pytest.raises(StatementError), lent.transaction() as txn:
        txn.execute("INSERT INTO twice VALUES (1), (1)")
        txn.allot(ALLOT, (ALICE, "one"))
    assert position_of(lent, "one") is None


def test_nothing_is_prepared_or_set_on_what_is_lent(lent: Database) -> None:
    with lent.read() as txn:
        streams.list_news(txn, 0)
        txn.execute(
            "SELECT (SELECT count(*) FROM pg_prepared_statements),"
            " current_setting('plan_cache_mode')"
        )
        assert txn.fetchone() == (0, "auto")


@pytest.fixture
def pgbouncer(new_database: Callable[[], str]) -> Iterator[tuple[str, str]]:
    """The real one, where it is installed: (through it, past it)."""
    program = shutil.which("pgbouncer")
    if program is None:
        pytest.skip("there is no pgbouncer here")
    past = new_database()
    found = psycopg2.extensions.parse_dsn(past)
    name, port = found.pop("dbname"), ports.free_port()
    through = " ".join(f"{key}='{value}'" for key, value in found.items())
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        settings = Path(directory) / "pgbouncer.ini"
        settings.write_text(
            f"[databases]\n{name} = dbname={name} {through}\n[pgbouncer]\npool_mode = transaction\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
            "default_pool_size = 3\nignore_startup_parameters = extra_float_digits\n"
        )
        # It does not run as root; whose the socket is may connect to it.
        user = Path(found["host"]).stat().st_uid if os.geteuid() == 0 else None
        process = subprocess.Popen([program, str(settings)], stderr=subprocess.PIPE, user=user)
        try:
            assert process.stderr is not None
            for line in process.stderr:
                if b"process up" in line:
                    break
            yield f"host=127.0.0.1 port={port} dbname={name} user=soma", past
        finally:
            process.kill()
            process.wait()


def test_two_workers_behind_pgbouncer(
    pgbouncer: tuple[str, str], new_app: Callable[..., App], config: Config
) -> None:
    through, past = pgbouncer
    changes: dict[str, Any] = {
        "database": configured.Database({"dsn": through}),
        "soma": replace(config.soma, past_pooler={"dsn": past}),
    }
    one, other = (new_app(through, **changes) for _ in range(2))
    room_id = a_room(one)
    append(one, room_id, member(BOB, "join"))
    told: list[int] = []
    written: list[str] = []
    for app in (one, other):
        app.database.on_allotted = lambda position, of=app.page: (
            told.append(position),
            of.advance(position),
        )

    def talk(app: App, user_id: str, what: str) -> None:
        for number in range(10):
            said = append(app, room_id, message(user_id, what))
            with app.database.transaction() as txn:
                txn.allot(ALLOT, (user_id, f"{what} {number}"))
            written.append(f"{what} {number}")
            assert said[0] in timeline_ids(app, room_id)

    talks = [
        (app, user, f"{n}{user}") for n in range(5) for app, user in ((one, ALICE), (other, BOB))
    ]
    gevent.joinall([gevent.spawn(talk, *each) for each in talks], raise_error=True)
    # Each commit has told its own position, and none another's.
    drawn = {position_of(one.database, name) for name in written}
    assert len(drawn) == len(written) == 100
    assert drawn <= set(told)
    assert len(told) == len(set(told))
    one.news.catch_up()
    assert one.news.position == max(told)
    first, second = (Lease(app.database, "work") for app in (one, other))
    assert [first.hold(), second.hold()] == [True, False]
    first.release()
    assert second.hold()
    second.release()
