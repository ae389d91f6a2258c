"""How much of this worker one other server may have: `rc_federation`, as Synapse counts it.

In a window of time a server's first requests are worked on at once and later ones are made to wait
a little, so that it slows down by itself. A few are worked on at the same time; the next wait for
their turn, and when too many wait, they are refused.

Whoever wants to can have any number of servers. So those that share no room with us have so many
places together, and those that do are not kept waiting by them."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import gevent
from gevent.event import Event
from gevent.lock import BoundedSemaphore

from impl import errors
from impl.app import App
from impl.storage import room_servers

# With so many servers those of them that were not heard of lately are forgotten.
SERVERS_FEW = 1_000
# Of servers that share no room with us so many requests are worked on at once, and so many wait.
STRANGERS_AT_ONCE = 20
STRANGERS_WAITING_MAX = 200
# So long it is remembered that a server shares none, or one.
REMEMBERED_MS = 60_000
_PAUSE_MS = 1_000


class _Server:
    """What one server is doing here, as far as it is counted."""

    __slots__ = ("is_stranger", "looked_ts", "running", "sleeping", "times", "waiting")

    def __init__(self) -> None:
        self.times: deque[int] = deque()
        self.sleeping = 0
        self.waiting: deque[Event] = deque()
        self.running = 0
        # Whether it shares no room with us, and when that was looked at.
        self.is_stranger = True
        self.looked_ts = 0

    @property
    def is_idle(self) -> bool:
        return not (self.running or self.sleeping or self.waiting)


class FederationLimits:
    """The servers that ask something of this worker."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._limits = app.config.rc_federation
        self._servers: dict[str, _Server] = {}
        self._sweep_at = SERVERS_FEW
        self._places_of_strangers = BoundedSemaphore(STRANGERS_AT_ONCE)
        self._strangers_waiting = 0
        self.sleep: Callable[[float], object] = gevent.sleep

    @contextmanager
    def turn(self, origin: str) -> Iterator[None]:
        """Wait for a turn, have it, and give it to the next. Raises LimitExceeded."""
        server = self._server(origin)
        self._check(server)
        now_ms = self._app.now_ms()
        self._forget_old(server, now_ms)
        server.times.append(now_ms)
        if len(server.times) > self._limits.sleep_limit:
            self._slow_down(server)
        with self._place(server), self._place_of_stranger(server, origin):
            yield

    @contextmanager
    def transaction(self, origin: str) -> Iterator[None]:
        """The same for a transaction. A server sends one after the other and as fast as they are
        answered, so it is not slowed down; and as they may take long, it has places of their own
        for them.
        """
        server = self._server(f"{origin} transactions")
        self._check(server)
        with self._place(server), self._place_of_stranger(server, origin):
            yield

    def _server(self, name: str) -> _Server:
        server = self._servers.get(name)
        if server is None:
            if len(self._servers) >= self._sweep_at:
                self._sweep()
            server = self._servers[name] = _Server()
        return server

    def _check(self, server: _Server) -> None:
        if server.sleeping + len(server.waiting) > self._limits.reject_limit:
            pause_ms = self._limits.window_size // max(1, self._limits.sleep_limit)
            raise errors.LimitExceeded(
                "too many requests of this server are waiting", retry_after_ms=max(1, pause_ms)
            )

    def _forget_old(self, server: _Server, now_ms: int) -> None:
        times = server.times
        while times and not 0 <= now_ms - times[0] < self._limits.window_size:
            times.popleft()

    def _slow_down(self, server: _Server) -> None:
        server.sleeping += 1
        try:
            self.sleep(self._limits.sleep_delay / 1000)
        finally:
            server.sleeping -= 1

    @contextmanager
    def _place(self, server: _Server) -> Iterator[None]:
        if server.running < self._limits.concurrent:
            server.running += 1
        else:
            self._wait(server)
        try:
            yield
        finally:
            self._free_place(server)

    @contextmanager
    def _place_of_stranger(self, server: _Server, origin: str) -> Iterator[None]:
        if not self._is_stranger(server, origin):
            yield
            return
        if self._strangers_waiting >= STRANGERS_WAITING_MAX:
            raise errors.LimitExceeded("too many servers ask", retry_after_ms=_PAUSE_MS)
        self._strangers_waiting += 1
        try:
            self._places_of_strangers.acquire()
        finally:
            self._strangers_waiting -= 1
        try:
            yield
        finally:
            self._places_of_strangers.release()

    def _is_stranger(self, server: _Server, origin: str) -> bool:
        now_ms = self._app.now_ms()
        if not 0 <= now_ms - server.looked_ts < REMEMBERED_MS:
            with self._app.database.read() as txn:
                server.is_stranger = not room_servers.is_in_any(txn, origin)
            server.looked_ts = now_ms
        return server.is_stranger

    def _wait(self, server: _Server) -> None:
        # Whoever goes hands its place over, so nobody who comes later is faster.
        turn = Event()
        server.waiting.append(turn)
        try:
            turn.wait()
        except BaseException:
            if turn.is_set():
                self._free_place(server)
            else:
                server.waiting.remove(turn)
            raise

    def _free_place(self, server: _Server) -> None:
        if server.waiting:
            server.waiting.popleft().set()
        else:
            server.running -= 1

    def _sweep(self) -> None:
        now_ms = self._app.now_ms()
        for name, server in list(self._servers.items()):
            self._forget_old(server, now_ms)
            if server.is_idle and not server.times:
                del self._servers[name]
        self._sweep_at = max(SERVERS_FEW, 2 * len(self._servers))
