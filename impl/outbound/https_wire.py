"""The wire to the real world: finds the server, connects, sends, within the time there is.

The time limit is for all of it, so that no server holds a request longer by answering slowly; only
what is waited for because of others, a turn for a large answer, is not the server's time. What is
downloaded may take as long as it is long; but it must come, and not slowly.

A kept connection needs no finding; it is tried once more, anew, where it turns out to have been
closed by the other side just then.
"""

import resource
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import gevent

from impl.outbound import https_url
from impl.outbound.connection_pool import CONNECTIONS_MAX, ConnectionPool
from impl.outbound.discovery import Discovery, NoRoute, Route
from impl.outbound.dns import DnsFailure, Resolver
from impl.outbound.failures import Busy, HttpFailure, Unreachable
from impl.outbound.guard import Guard
from impl.outbound.https_connection import HttpsConnection, connect
from impl.outbound.large_answers import LargeAnswers, NoTurn
from impl.outbound.proxy import Proxy
from impl.outbound.tls import Tls
from impl.outbound.well_known import WellKnownClient
from impl.outbound.wire import Sink, WireResponse

# A download, or an answer whose turn others wait for, may stop for so long, and is no slower than
# that: else it would never end, a byte at a time.
SILENCE_S_MAX = 20.0
BYTES_PER_S_MIN = 32 << 10
REDIRECTS_MAX = 5


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
        # For who serves URLs: it may be others that are believed there than for servers.
        self.url_tls = tls
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
        given = {"User-Agent": self._user_agent, **headers}
        with _time_limit(destination, timeout_s) as limit:

            def begin_large() -> _Turn:
                with limit.suspended():
                    end = self._large.begin(destination)
                return _Turn(end, limit)

            return self._exchange(
                destination,
                lambda connection: connection.exchange(
                    method, target, given, body, bytes_max, begin_large
                ),
            )

    def download(
        self,
        destination: str,
        target: str,
        *,
        headers: Mapping[str, str],
        timeout_s: float,
        bytes_max: int,
        sink: Sink,
    ) -> WireResponse:
        """See `Wire`."""
        given = {"User-Agent": self._user_agent, **headers}
        with _time_limit(destination, timeout_s) as limit:
            paced = _Paced(sink, limit)
            return self._exchange(
                destination,
                lambda connection: connection.download(target, given, bytes_max, paced),
            )

    def download_url(
        self, url: str, *, timeout_s: float, bytes_max: int, sink: Sink
    ) -> WireResponse:
        """See `Wire`."""
        with _time_limit(url, timeout_s) as limit:
            paced = _Paced(sink, limit)
            url = https_url.checked(url)
            for _ in range(1 + REDIRECTS_MAX):
                response = self._get_url(url, bytes_max, paced)
                location = response.headers.get("location")
                if response.status not in https_url.REDIRECTS or not location:
                    return response
                url = https_url.redirected(url, location)
            raise HttpFailure("is redirected too often")

    def close(self) -> None:
        self.pool.close()
        self.resolver.close()

    def _get_url(self, url: str, bytes_max: int, sink: Sink) -> WireResponse:
        headers = {"User-Agent": self._user_agent, "Connection": "close"}
        connection = self.pool.open(
            lambda: https_url.connect_to(url, self.resolver, self.url_tls, self._guard, self._proxy)
        )
        try:
            return connection.download(https_url.target(url), headers, bytes_max, sink)
        finally:
            self.pool.discard(connection)

    def _exchange(
        self, destination: str, exchange: Callable[[HttpsConnection], WireResponse]
    ) -> WireResponse:
        with self.pool.slot(destination):
            connection = self.pool.take(destination)
            if connection is not None:
                try:
                    return self._exchange_over(destination, connection, exchange)
                except HttpFailure as failure:
                    if not failure.is_untouched:
                        raise
                    # Closed while it lay idle, and so may be its like. Nothing was answered, and
                    # what we ask of others may be asked twice.
                    self.pool.drop(destination)
            connection = self.pool.open(lambda: self._connect(destination))
            return self._exchange_over(destination, connection, exchange)

    def _exchange_over(
        self,
        destination: str,
        connection: HttpsConnection,
        exchange: Callable[[HttpsConnection], WireResponse],
    ) -> WireResponse:
        try:
            return exchange(connection)
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
    """From now on; `timeout` is what strikes, and `reason` why."""

    def __init__(self, timeout_s: float) -> None:
        self._left_s = timeout_s
        self.reason = f"no answer in {timeout_s:.0f} s"
        self._start()

    def _start(self) -> None:
        self._since_s = time.monotonic()
        self.timeout = gevent.Timeout.start_new(self._left_s)

    def _stop(self) -> None:
        self.timeout.close()
        self._left_s = self.left_s

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """What takes place in here takes no time."""
        self._stop()
        try:
            yield
        finally:
            self._start()

    @property
    def left_s(self) -> float:
        return max(0.0, self._left_s - (time.monotonic() - self._since_s))

    def extend(self, by_s: float, most_s: float) -> None:
        """There is so much more time from now on, but not more than `most_s`."""
        self._stop()
        self._left_s = min(self._left_s + by_s, max(0.0, most_s))
        self._start()

    def begin_anew(self, timeout_s: float) -> None:
        self._stop()
        self._left_s = timeout_s
        self.reason = "its answer comes too slowly"
        self._start()


@contextmanager
def _time_limit(destination: str, timeout_s: float) -> Iterator[_TimeLimit]:
    """What goes wrong in here is told as of this destination."""
    limit = _TimeLimit(timeout_s)
    try:
        yield limit
    except gevent.Timeout as expired:
        if expired is not limit.timeout:
            raise
        raise Unreachable(destination, limit.reason) from None
    except (HttpFailure, DnsFailure, NoRoute) as failure:
        raise Unreachable(destination, str(failure)) from None
    except NoTurn as reason:
        raise Busy(destination, str(reason)) from None
    finally:
        limit.timeout.close()


class _Paced:
    """A sink for what comes in good time: what has come buys time for what is still to come."""

    def __init__(self, sink: Sink, limit: _TimeLimit) -> None:
        self._sink = sink
        self._limit = limit

    def begin(self, headers: Mapping[str, str]) -> None:
        self._limit.begin_anew(SILENCE_S_MAX)
        self._sink.begin(headers)

    def write(self, piece: bytes) -> None:
        self._limit.extend(len(piece) / BYTES_PER_S_MIN, SILENCE_S_MAX)
        self._sink.write(piece)


class _Turn:
    """A turn of what is large: it is had as long as more of it comes, and the time of the request
    is not over. Two who stopped in the middle would else keep all others waiting."""

    def __init__(self, end: Callable[[], None], limit: _TimeLimit) -> None:
        self.end = end
        self._limit = limit
        self._until_s = time.monotonic() + limit.left_s
        if limit.left_s > SILENCE_S_MAX:
            limit.begin_anew(SILENCE_S_MAX)

    def came(self, count: int) -> None:
        """So many bytes more."""
        most_s = min(SILENCE_S_MAX, self._until_s - time.monotonic())
        self._limit.extend(count / BYTES_PER_S_MIN, most_s)


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
