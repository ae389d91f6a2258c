"""The connections to PostgreSQL that a worker keeps, and who has them when."""

import select
from collections import deque
from collections.abc import Callable
from typing import Any

import gevent
import gevent.monkey
from gevent.event import AsyncResult

WAIT_SECONDS_MAX = 30.0

# gevent's own `select` would switch to the hub; looking at an idle socket must not.
_poll = gevent.monkey.get_original("select", "poll")


class DatabaseUnavailable(Exception):
    """The database cannot be reached, or went away. Whether a COMMIT that was under way took place
    is not known.
    """


class Pool:
    """Connections, handed to those who wait in the order in which they came.

    A connection that is given back goes straight to the longest waiter. With a plain queue the
    greenlet that gives one back takes it again, and others starve."""

    def __init__(self, connect: Callable[[], Any], size: int) -> None:
        self._connect = connect
        self._size = size
        self._open = 0
        self._idle: list[Any] = []
        self._waiting: deque[AsyncResult] = deque()

    def get(self) -> Any:
        while self._idle:
            connection = self._idle.pop()
            if _is_alive(connection):
                return connection
            connection.close()
            self._open -= 1
        if self._open < self._size:
            self._open += 1
            return self._connect_in_slot()
        return self._wait_for_one()

    def put(self, connection: Any) -> None:
        if connection.closed:
            self._free_slot()
        elif self._waiting:
            self._waiting.popleft().set(connection)
        else:
            self._idle.append(connection)

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()
            self._open -= 1

    def _connect_in_slot(self) -> Any:
        try:
            return self._connect()
        except BaseException:
            self._free_slot()
            raise

    def _wait_for_one(self) -> Any:
        waiter = AsyncResult()
        self._waiting.append(waiter)
        timeout = gevent.Timeout(WAIT_SECONDS_MAX)
        try:
            with timeout:
                connection = waiter.get()
        except BaseException as error:
            if waiter.ready():
                # It was handed over while we were being killed: pass it on.
                self._free_slot() if waiter.value is None else self.put(waiter.value)
            else:
                self._waiting.remove(waiter)
            # Another's timeout is that of the request, which knows its own.
            if error is timeout:
                raise DatabaseUnavailable("no database connection became free") from error
            raise
        return self._connect_in_slot() if connection is None else connection

    def _free_slot(self) -> None:
        if self._waiting:
            self._waiting.popleft().set(None)  # The waiter opens a new one in this slot.
        else:
            self._open -= 1


def _is_alive(connection: Any) -> bool:
    # An idle connection has nothing to say: readable means that the server closed it.
    if connection.closed:
        return False
    poll = _poll()
    poll.register(connection.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
    return not poll.poll(0)
