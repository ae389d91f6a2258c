"""Work that one process does at a time, on however many machines: leases.

A lease is an advisory lock on a connection of its own. It falls free with that connection, however
the process ends: nothing has to be cleaned up, and nobody waits for a time to run out."""

from typing import Any

from impl.storage.database import Database, DatabaseUnavailable, StatementError

# The first half of the locks' key; the second is made of the lease's name. Keys of two halves are
# apart from those of one, which migrate.py and streams.py have.
LOCK_CLASS = 0x736F6D61  # "soma"
# A machine that is cut off says no goodbye: the server finds out within a minute. On a local socket
# these say nothing.
KEEPALIVES = (
    "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3"
)


class Lease:
    """This process's hold on one kind of work, if it has it."""

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name
        self._connection: Any = None

    def hold(self) -> bool:
        """Whether the lease is ours now; takes it where it is free. Never waits for it.

        Raises DatabaseUnavailable; the lease is not ours then."""
        try:
            if self._connection is not None:
                self._ask("SELECT 1")  # The lock is ours for as long as the connection stands.
                return True
            self._connection = self._database.connect()
            self._ask(KEEPALIVES + "; SELECT 1")
            if self._ask("SELECT pg_try_advisory_lock(%s, hashtext(%s))", (LOCK_CLASS, self._name)):
                return True
        except StatementError as error:
            self.release()
            raise DatabaseUnavailable(f"the lease {self._name!r} is lost: {error}") from error
        self.release()
        return False

    def release(self) -> None:
        """Let others have it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _ask(self, sql: str, parameters: tuple[object, ...] | None = None) -> Any:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchone()[0]
