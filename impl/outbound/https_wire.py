"""The wire to the real world: finds the server, connects, sends, within the time there is.

The time limit is for all of it, so that no server holds a request longer by answering slowly; only
what is waited for because of others, a turn for a large answer, is not the server's time.

A kept connection needs no finding; it is tried once more, anew, where it turns out to have been
closed by the other side just then.
"""

import resource
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import gevent

from impl.outbound.connection_pool import CONNECTIONS_MAX, ConnectionPool
from impl.outbound.discovery import Discovery, NoRoute, Route
from impl.outbound.dns import DnsFailure, Resolver
from impl.outbound.failures import Busy, Unreachable
from impl.outbound.guard import Guard
from impl.outbound.https_connection import HttpFailure, HttpsConnection, connect
from impl.outbound.large_answers import LargeAnswers, NoTurn
from impl.outbound.proxy import Proxy
from impl.outbound.tls import Tls
from impl.outbound.well_known import WellKnownClient
from impl.outbound.wire import WireResponse


class HttpsWire:
    """Of one process; `close` ends its connections and threads."""

    def __init__(
        self,
        resolver: Resolver,
        tls: Tls,
        guard: Guard,
        user_agent: str,
        *,
        pool: ConnectionPool | None = None,
        well_known: WellKnownClient | None = None,
        proxy: Proxy | None = None,
    ) -> None:
        self._tls = tls
        self._guard = guard
        self._proxy = proxy
        self._user_agent = user_agent
        self._large = LargeAnswers()
        self.resolver = resolver
        self.pool = ConnectionPool(_connections_max()) if pool is None else pool
        self.discovery = Discovery(
            resolver,
            well_known or WellKnownClient(resolver, tls, guard, user_agent, proxy=proxy),
        )

    def request(
        self,
        destination: str,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout_s: float,
        bytes_max: int,
    ) -> WireResponse:
        """See `Wire`."""
        limit = _TimeLimit(timeout_s)

        def begin_large() -> Callable[[], None]:
            with limit.suspended():
                return self._large.begin(destination)

        request = (method, target, headers, body, bytes_max, begin_large)
        try:
            with self.pool.slot(destination):
                return self._request(destination, request)
        except gevent.Timeout as expired:
            if expired is not limit.timeout:
                raise
            raise Unreachable(destination, f"no answer in {timeout_s:.0f} s") from None
        except (HttpFailure, DnsFailure, NoRoute) as failure:
            raise Unreachable(destination, str(failure)) from None
        except NoTurn as reason:
            raise Busy(destination, str(reason)) from None
        finally:
            limit.timeout.close()

    def close(self) -> None:
        self.pool.close()
        self.resolver.close()

    def _request(self, destination: str, request: tuple) -> WireResponse:
        connection = self.pool.take(destination)
        if connection is not None:
            try:
                return self._exchange(destination, connection, request)
            except HttpFailure as failure:
                if not failure.is_untouched:
                    raise
                # Closed while it lay idle, and so may be its like. Nothing was answered, and what
                # we ask of others may be asked twice.
                self.pool.drop(destination)
        connection = self.pool.open(lambda: self._connect(destination))
        return self._exchange(destination, connection, request)

    def _exchange(
        self, destination: str, connection: HttpsConnection, request: tuple
    ) -> WireResponse:
        method, target, headers, body, bytes_max, begin_large = request
        try:
            return connection.exchange(
                method,
                target,
                {"User-Agent": self._user_agent, **headers},
                body,
                bytes_max,
                begin_large,
            )
        finally:
            # Where the exchange failed, to be closed.
            self.pool.give_back(destination, connection)

    def _connect(self, destination: str) -> HttpsConnection:
        route = self.discovery.route(destination)
        try:
            return self._connect_by(route)
        except (HttpFailure, DnsFailure):
            # It may have moved since we looked.
            if not self.discovery.forget(destination, route):
                raise
        return self._connect_by(self.discovery.route(destination))

    def _connect_by(self, route: Route) -> HttpsConnection:
        return connect(
            self.discovery.ends(route),
            route.host_header,
            route.certificate_name,
            self._tls,
            self._guard,
            self._proxy,
        )


class _TimeLimit:
    """From now on; `timeout` is what strikes."""

    def __init__(self, timeout_s: float) -> None:
        self._left_s = timeout_s
        self._start()

    def _start(self) -> None:
        self._since_s = time.monotonic()
        self.timeout = gevent.Timeout.start_new(self._left_s)

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """What takes place in here takes no time."""
        self.timeout.close()
        self._left_s = max(0.0, self._left_s - (time.monotonic() - self._since_s))
        try:
            yield
        finally:
            self._start()


def _connections_max() -> int:
    """As many as there may be descriptors for. In a process that serves clients the limit is far
    above this already; in the one that sends to all the others it is the system's default.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4 * CONNECTIONS_MAX
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(16, min(CONNECTIONS_MAX, soft // 4))
