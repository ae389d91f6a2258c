"""The way to PostgreSQL: connections, transactions, and what a commit publishes.

psycopg2 is made to wait the gevent way by a wait callback: while a statement runs, other greenlets
do. The callback is one for the process, so importing this module is what turns it on.

Round trips are what a statement costs here, so a transaction adds none of its own: BEGIN travels
with the first statement and COMMIT with the last. `Transaction.allot` collects the statements that
draw positions from the stream; they go out with the COMMIT, under the stream lock
(storage/streams.py says why)."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import gevent
import psycopg2
import psycopg2.errors
import psycopg2.extensions
import psycopg2.extras
from gevent.socket import wait_read, wait_write

from impl import breath
from impl.storage import prepared, streams
from impl.storage.pool import DatabaseUnavailable, Pool
from impl.storage.prepared import Prepared

POOL_SIZE = 5
CONNECT_SECONDS_MAX = 5.0
BREATH_ROWS = 250

_log = logging.getLogger(__name__)

# What psycopg2 raises, for those who may not import it.
IntegrityError = psycopg2.IntegrityError
StatementError = psycopg2.Error

# `currval` where nothing was drawn yet; NOTIFY where its queue is full. No COMMIT fails so.
PUBLISH_FAILED = (
    psycopg2.errors.ObjectNotInPrerequisiteState,
    psycopg2.errors.ProgramLimitExceeded,
)


def _wait(connection: Any, timeout: float | None = None) -> None:
    try:
        while True:
            state = connection.poll()
            if state == psycopg2.extensions.POLL_OK:
                return
            if state == psycopg2.extensions.POLL_READ:
                wait_read(connection.fileno())
            elif state == psycopg2.extensions.POLL_WRITE:
                wait_write(connection.fileno())
    except BaseException:
        # The greenlet was killed or timed out. psycopg2 closes the connection then, but the server
        # would go on with the statement.
        if not connection.closed and connection.info.backend_pid:
            try:
                connection.cancel()
            except psycopg2.Error:
                pass
        raise


psycopg2.extensions.set_wait_callback(_wait)


class _Connection(psycopg2.extensions.connection):
    """`prepared`: the names of statements that its server knows (storage/prepared.py), as long as
    nobody takes it away.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.prepared: set[str] = set()
        self.forgets = False
        # A pooler lends what is behind it for one transaction each: there is no session.
        self.is_lent = False


class Transaction:
    """An open transaction: a cursor that knows what is to be done with the COMMIT."""

    __slots__ = ("_allotments", "_begin", "_cursor", "_last", "is_published")

    def __init__(self, cursor: Any, begin: str) -> None:
        self._cursor = cursor
        self._begin = begin
        self._allotments: list[bytes] = []
        self._last: list[bytes] = []
        # Behind a pooler, once it is committed: whether its positions were told with the COMMIT.
        self.is_published = True

    def execute(self, sql: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> None:
        """Run one statement; '%s' stands for a parameter."""
        if self._begin:
            sql, self._begin = self._begin + sql, ""
        self._cursor.execute(sql, parameters or None)

    def execute_prepared(self, statement: Prepared, parameters: Sequence[object]) -> None:
        prepared.execute(self.execute, self._cursor, statement, parameters)

    def execute_values(
        self, sql: str, rows: Sequence[Sequence[object]], template: str | None = None
    ) -> None:
        """Run one statement whose single '%s' becomes all the rows, as a VALUES list."""
        if not rows:
            return
        statement = self._with_values(sql, rows, template)
        if self._begin:
            statement, self._begin = self._begin.encode() + statement, ""
        self._cursor.execute(statement)

    def allot(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Run a statement that draws stream positions: later, with the COMMIT, under the stream
        lock.

        It sees what the transaction wrote; nobody sees its result.
        """
        self._allotments.append(self._cursor.mogrify(sql, parameters or None))

    def with_commit(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Run a statement in the round trip of the COMMIT: nobody needs its result, and nothing in
        the transaction reads what it wrote but the allotments.
        """
        self._last.append(self._cursor.mogrify(sql, parameters or None))

    def values_with_commit(
        self, sql: str, rows: Sequence[Sequence[object]], template: str | None = None
    ) -> None:
        """`execute_values` in the round trip of the COMMIT."""
        if rows:
            self._last.append(self._with_values(sql, rows, template))

    def fetchone(self) -> Any:
        return self._cursor.fetchone()

    def fetchall(self) -> list[Any]:
        return self._cursor.fetchall()

    @property
    def rowcount(self) -> int:
        return self._cursor.rowcount

    def _with_values(
        self, sql: str, rows: Sequence[Sequence[object]], template: str | None
    ) -> bytes:
        one = template or "(" + ",".join(["%s"] * len(rows[0])) + ")"
        written: list[bytes] = []
        for number, row in enumerate(rows, 1):
            written.append(self._cursor.mogrify(one, row))
            if number % BREATH_ROWS == 0:
                # A large room has tens of thousands: other requests have their turn.
                breath.take()
        values = b",".join(written)
        head, _, tail = sql.partition("%s")
        return head.encode() + values + tail.encode()

    def commit(self) -> bool:
        """End the transaction; says whether it drew stream positions."""
        last = [statement.strip() for statement in self._last]
        if self._allotments:
            last.append(streams.LOCK.encode())
            last.extend(statement.strip() for statement in self._allotments)
        if self._begin:
            if not last:
                return False  # Nothing was ever sent.
            last.insert(0, self._begin.strip(" ;").encode())
        last.append(b"COMMIT")
        if self._allotments and self._cursor.connection.is_lent:
            self._commit_and_publish(last)
            return True
        self._cursor.execute(b";".join(last))
        if self._cursor.statusmessage != "COMMIT":
            # A statement failed before, and somebody passed over it: PostgreSQL rolls back then,
            # and calls it no error.
            raise psycopg2.errors.InFailedSqlTransaction("it was rolled back, not committed")
        return bool(self._allotments)

    def _commit_and_publish(self, last: list[bytes]) -> None:
        # What the next message is sent to may have drawn other positions, or none. The LOCK has
        # seen to it that nothing failed before.
        try:
            self._cursor.execute(b";".join([*last, streams.PUBLISH.encode()]))
        except PUBLISH_FAILED:
            connection = self._cursor.connection
            if connection.closed or connection.info.transaction_status:
                raise
            # It is committed: the allotments had nothing to draw a position for, perhaps, and
            # nobody had drawn one on that connection.
            _log.debug("a commit could not be announced with it", exc_info=True)
            self.is_published = False

    def rollback(self) -> None:
        if not self._begin:
            self._cursor.execute("ROLLBACK")


class Database:
    """Transactions on pooled connections. `on_allotted(position)` is called after a commit that
    drew positions, with the last of them, before the transaction's caller goes on.

    `past_pooler` leads to PostgreSQL where `dsn` leads to a pooler that has one of its connections
    serve many of ours, a transaction each: what needs a session goes there (`connect`)."""

    def __init__(
        self, dsn: str, pool_size: int = POOL_SIZE, past_pooler: str | None = None
    ) -> None:
        self.dsn = dsn
        self.on_allotted: Callable[[int], None] = lambda position: None
        self._past_pooler = past_pooler
        self._pool = Pool(self._borrow, pool_size)
        self._aside = Pool(self._borrow, 1)
        self._epoch = ""

    def connect(self) -> Any:
        """A new connection of the caller's own, in autocommit."""
        return self._connect(self._past_pooler or self.dsn, is_lent=False)

    def _borrow(self) -> Any:
        """The same without a session of its own, if there is a pooler."""
        return self._connect(self.dsn, is_lent=self._past_pooler is not None)

    def _connect(self, dsn: str, *, is_lent: bool) -> Any:
        connection: Any = None
        # libpq does not heed connect_timeout under a wait callback.
        timeout = gevent.Timeout(CONNECT_SECONDS_MAX)
        try:
            with timeout:
                connection = psycopg2.connect(
                    dsn, application_name="soma", connection_factory=_Connection
                )
                connection.autocommit = True
                connection.is_lent = connection.forgets = is_lent
                with connection.cursor() as cursor:
                    if not is_lent:
                        cursor.execute("SET plan_cache_mode = force_generic_plan")
                    self._epoch = streams.ensure_epoch(cursor, self._epoch)
        except BaseException as error:
            if connection is not None:
                connection.close()
            if error is timeout or isinstance(error, psycopg2.Error):
                raise DatabaseUnavailable(f"cannot connect to the database: {error}") from error
            raise
        return connection

    def transaction(self) -> Any:
        """`with database.transaction() as txn:` BEGIN to COMMIT; an exception rolls back."""
        return self._run("BEGIN; ")

    def snapshot(self) -> Any:
        """Like `transaction`, read-only, and every statement sees the same instant."""
        return self._run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ")

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Statements that are each a transaction of their own: for one SELECT, or several that need
        not agree.
        """
        with _statements(self._pool) as txn:
            yield txn

    @contextmanager
    def aside(self) -> Iterator[Transaction]:
        """Statements that stand whatever becomes of a transaction that the caller is in.

        Not from the pool: the caller may hold what those wait for who have its connections."""
        with _statements(self._aside) as txn:
            yield txn

    def at_once(self) -> Any:
        """For a statement that writes and needs no other: its own transaction, in one round trip.
        It draws no positions.
        """
        return self.read()

    @contextmanager
    def _run(self, begin: str) -> Iterator[Transaction]:
        connection = self._pool.get()
        try:
            with _named_failures(), self.transaction_on(connection, begin) as txn:
                yield txn
        finally:
            if not connection.closed and connection.info.transaction_status != 0:
                connection.close()  # Neither committed nor rolled back: not to be used again.
            self._pool.put(connection)

    @contextmanager
    def transaction_on(self, connection: Any, begin: str = "BEGIN; ") -> Iterator[Transaction]:
        """A transaction on a connection of the caller's own."""
        with connection.cursor() as cursor:
            txn = Transaction(cursor, begin)
            try:
                yield txn
                has_allotted = txn.commit()
            except BaseException:
                if not connection.closed:
                    txn.rollback()
                raise
            if has_allotted:
                self._publish(txn, cursor)

    def close(self) -> None:
        self._pool.close()
        self._aside.close()

    def _publish(self, txn: Transaction, cursor: Any) -> None:
        try:
            if not txn.is_published:
                position = self._newest()
            elif cursor.connection.is_lent:
                position = streams.published(cursor)  # With the commit.
            else:
                position = self._announce(cursor)
        except DatabaseUnavailable:
            # As after a COMMIT whose outcome is unknown: nobody tries again on what is closed.
            cursor.connection.close()
            raise
        self.on_allotted(position)

    def _announce(self, cursor: Any) -> int:
        try:
            return streams.publish(cursor)
        except psycopg2.Error:
            # It is committed all the same, and the other machines find it when they next look at
            # the stream. The workers of this one must know now, before the caller is answered.
            _log.warning("a commit could not be announced", exc_info=True)
            return self._newest()

    def _newest(self) -> int:
        # Not from the pool: a connection of it is held.
        connection = self.connect()
        try:
            with _named_failures(), connection.cursor() as cursor:
                return streams.current(Transaction(cursor, ""))
        finally:
            connection.close()


@contextmanager
def _statements(pool: Pool) -> Iterator[Transaction]:
    connection = pool.get()
    try:
        with _named_failures(), connection.cursor() as cursor:
            yield Transaction(cursor, "")
    finally:
        pool.put(connection)


@contextmanager
def _named_failures() -> Iterator[None]:
    try:
        yield
    except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
        # A statement that was cancelled or ran out of a limit is a failure of its own; it has a
        # code.
        if getattr(error, "pgcode", None) and not error.pgcode.startswith(("57P", "08")):
            raise
        raise DatabaseUnavailable(f"the database went away: {error}") from error
