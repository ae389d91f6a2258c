"""Work that is divided among the processes of all machines: leases of shards.

As with a single lease (lease.py) each is an advisory lock, and falls free with the connection of
its holder. Here one connection has all locks of a process, and what is written about a shard is
written on that connection: whoever has lost a shard cannot write about it any more. Nobody keeps
more than their part: how many take part is counted by a lock that all of them share."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gevent.lock import RLock

from impl.storage.database import Database, DatabaseUnavailable, StatementError, Transaction
from impl.storage.lease import KEEPALIVES

# The first half of the locks' key; lease.py has another.
LOCK_CLASS = 0x736F6D62  # "somb"
# The second half of the lock that all share; the shards' are below, by how many there are.
_PRESENT = 1 << 20


class ShardLeases:
    """This process's hold on some of `count` shards."""

    def __init__(self, database: Database, count: int) -> None:
        self._database = database
        self._count = count
        self._connection: Any = None
        self._held: set[int] = set()
        self._using = RLock()

    @property
    def held(self) -> frozenset[int]:
        """As far as is known."""
        return frozenset(self._held)

    def hold(self) -> frozenset[int]:
        """The shards that are ours now; takes what is free, up to our part, and gives back what is
        beyond it. Never waits for anybody.

        Raises DatabaseUnavailable; nothing is ours then."""
        with self._using, self._losing_all():
            if self._connection is None:
                self._connection = self._database.connect()
                self._ask(f"{KEEPALIVES}; SELECT 1")
                self._ask("SELECT pg_advisory_lock_shared(%s, %s)::text", LOCK_CLASS, _PRESENT)
            part = -(-self._count // max(1, self._count_present()))
            for shard in sorted(self._held)[part:]:
                self._ask("SELECT pg_advisory_unlock(%s, %s)", LOCK_CLASS, self._key(shard))
                self._held.discard(shard)
            for shard in range(self._count):
                if len(self._held) >= part:
                    break
                if shard not in self._held and self._ask(
                    "SELECT pg_try_advisory_lock(%s, %s)", LOCK_CLASS, self._key(shard)
                ):
                    self._held.add(shard)
            return frozenset(self._held)

    def release(self) -> None:
        """Let others have them."""
        connection, self._connection = self._connection, None
        self._held.clear()
        if connection is not None:
            connection.close()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction that takes place only if the shards are still ours. Raises
        DatabaseUnavailable; nothing is ours then.
        """
        with self._using, self._losing_all():
            if self._connection is None:
                raise DatabaseUnavailable("the leases are lost")
            with self._database.transaction_on(self._connection) as txn:
                yield txn

    def _count_present(self) -> int:
        found: int = self._ask(
            """
            SELECT count(*)
              FROM pg_locks
             WHERE locktype = 'advisory'
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
               AND classid = %s
               AND objid = %s
               AND granted
            """,
            LOCK_CLASS,
            _PRESENT,
        )
        return found

    def _key(self, shard: int) -> int:
        return self._count * 1_000 + shard

    def _ask(self, sql: str, *parameters: object) -> Any:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, parameters or None)
            return cursor.fetchone()[0]

    @contextmanager
    def _losing_all(self) -> Iterator[None]:
        try:
            yield
        except StatementError as error:
            self.release()
            raise DatabaseUnavailable(f"the leases are lost: {error}") from error
        except BaseException:
            if self._connection is not None and self._connection.closed:
                self.release()
            raise
