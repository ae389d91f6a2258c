"""Connections that are kept open, by destination: no more than so many to each and so many in all,
none longer unused than `IDLE_S_MAX`.

What is kept for a destination is gone with its last connection, so that it costs nothing to have
talked to a great many.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import gevent
from gevent.lock import BoundedSemaphore

from impl.outbound.https_connection import HttpsConnection

# The sender has one request at a time for a destination; people's requests come beside it.
CONNECTIONS_MAX_OF_ONE = 16
CONNECTIONS_MAX = 1000
# Shorter than the 60 and 75 seconds after which servers and proxies commonly hang up.
IDLE_S_MAX = 50.0
# The name may lead elsewhere by now.
AGE_S_MAX = 3600.0
_SWEEP_S = 10.0


class ConnectionPool:
    """`open` is given to `use`, and makes a connection."""

    def __init__(
        self,
        connections_max: int = CONNECTIONS_MAX,
        connections_max_of_one: int = CONNECTIONS_MAX_OF_ONE,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._all = BoundedSemaphore(connections_max)
        # How many wait for one of them.
        self._waiting = 0
        self._connections_max_of_one = connections_max_of_one
        self._now_s = now_s
        # destination -> its slots, while somebody uses one or waits for one.
        self._slots: dict[str, tuple[BoundedSemaphore, list[int]]] = {}
        # Idle ones, the longest unused first; each has a slot of `_all`, and none of `_slots`.
        self._idle: OrderedDict[HttpsConnection, tuple[str, float]] = OrderedDict()
        self._of_destination: dict[str, list[HttpsConnection]] = {}
        self._sweeper: gevent.Greenlet | None = None
        self.is_closed = False

    def count_idle(self) -> int:
        return len(self._idle)

    @contextmanager
    def slot(self, destination: str) -> Iterator[None]:
        """Wait for a turn with this destination."""
        semaphore, users = self._slots.setdefault(
            destination, (BoundedSemaphore(self._connections_max_of_one), [0])
        )
        users[0] += 1
        try:
            with semaphore:
                yield
        finally:
            users[0] -= 1
            if not users[0]:
                del self._slots[destination]

    def take(self, destination: str) -> HttpsConnection | None:
        """A kept connection that still stands, the one that was used last."""
        while kept := self._of_destination.get(destination):
            connection = kept[-1]
            _, since_s = self._idle[connection]
            self._forget(connection)
            now_s = self._now_s()
            is_young = now_s - connection.opened_s < AGE_S_MAX and now_s - since_s < IDLE_S_MAX
            if is_young and connection.is_quiet():
                return connection
            self.discard(connection)
        return None

    def open(self, make: Callable[[], HttpsConnection]) -> HttpsConnection:
        """A new one, in place of the longest unused where there are too many."""
        if self._all.locked() and self._idle:
            oldest = next(iter(self._idle))
            self._forget(oldest)
            self.discard(oldest)
        self._waiting += 1
        try:
            self._all.acquire()
        finally:
            self._waiting -= 1
        is_done = False
        try:
            connection = make()
            is_done = True
        finally:
            if not is_done:
                self._all.release()
        return connection

    def give_back(self, destination: str, connection: HttpsConnection) -> None:
        """Keep it for the next request, if it is still good and nobody waits for its place."""
        if not connection.is_reusable or self.is_closed or self._waiting:
            self.discard(connection)
            return
        self._idle[connection] = (destination, self._now_s())
        self._of_destination.setdefault(destination, []).append(connection)
        if self._sweeper is None:
            self._sweeper = gevent.spawn(self._sweep)

    def discard(self, connection: HttpsConnection) -> None:
        connection.close()
        self._all.release()

    def drop(self, destination: str) -> None:
        """Close the idle connections to a destination."""
        for connection in list(self._of_destination.get(destination, ())):
            self._forget(connection)
            self.discard(connection)

    def close(self) -> None:
        self.is_closed = True
        for destination in list(self._of_destination):
            self.drop(destination)
        if self._sweeper is not None:
            self._sweeper.kill()

    def sweep(self) -> None:
        """Close what was not used for too long."""
        now_s = self._now_s()
        while self._idle:
            connection, (_, since_s) = next(iter(self._idle.items()))
            if now_s - since_s < IDLE_S_MAX:
                return
            self._forget(connection)
            self.discard(connection)

    def _sweep(self) -> None:
        try:
            while self._idle:
                gevent.sleep(_SWEEP_S)
                self.sweep()
        finally:
            self._sweeper = None

    def _forget(self, connection: HttpsConnection) -> None:
        destination, _ = self._idle.pop(connection)
        kept = self._of_destination[destination]
        kept.remove(connection)
        if not kept:
            del self._of_destination[destination]
