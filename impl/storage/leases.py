"""Many leases of one process, as it takes and gives them by the hundred: like lease.py, on one
connection for all of them.

Whoever is cut off from the database has lost them, and may find out late: they keep two from doing
the same work, and are no lock for what must not be done twice."""

from typing import Any

from gevent.lock import RLock

from impl.storage.database import Database, DatabaseUnavailable, StatementError
from impl.storage.lease import KEEPALIVES, LOCK_CLASS


class Leases:
    """This process's holds on work of some kind, each known by a number."""

    def __init__(self, database: Database, kind: str) -> None:
        self._database = database
        self._kind = kind
        self._connection: Any = None
        self._using = RLock()
        self._held: set[int] = set()

    def take(self, number: int) -> bool:
        """Whether the lease is ours now. Never waits for it. Raises DatabaseUnavailable."""
        with self._using:
            if number in self._held:
                return False
            if self._ask("SELECT pg_try_advisory_lock(%s, hashtext(%s))", number):
                self._held.add(number)
                return True
            self._close_if_unused()
            return False

    def give(self, number: int) -> None:
        """Let others have it."""
        with self._using:
            if number not in self._held:
                return  # It was lost with its connection.
            self._held.discard(number)
            try:
                self._ask("SELECT pg_advisory_unlock(%s, hashtext(%s))", number)
            except DatabaseUnavailable:
                return
            self._close_if_unused()

    def close(self) -> None:
        """Let others have them all."""
        self._held.clear()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _ask(self, sql: str, number: int) -> bool:
        try:
            if self._connection is None or self._connection.closed:
                self.close()
                self._connection = self._database.connect()
                with self._connection.cursor() as cursor:
                    cursor.execute(KEEPALIVES)
            with self._connection.cursor() as cursor:
                cursor.execute(sql, (LOCK_CLASS, f"{self._kind} {number}"))
                return bool(cursor.fetchone()[0])
        except StatementError as error:
            self.close()
            raise DatabaseUnavailable(f"the leases of {self._kind} are lost: {error}") from error

    def _close_if_unused(self) -> None:
        if not self._held:
            self.close()
