"""`/.well-known/matrix/server`: to whom a hostname delegates. S-S API, "Resolving server names", 3.

What it says is kept as long as its headers allow, within bounds. Where it fails it is asked again,
later each time; and where it was there and cannot be asked now, what it said counts on, until it is
as old as anything may get: the machine that serves this one file is often not the one that is being
talked to, and may be down without harm.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gevent
import msgspec

from impl.core import server_name
from impl.outbound import https_url
from impl.outbound.dns import DnsFailure, Resolver
from impl.outbound.failures import HttpFailure
from impl.outbound.guard import Guard
from impl.outbound.http_caching import lifetime_s
from impl.outbound.proxy import Proxy
from impl.outbound.shared_cache import Entry, Found, SharedCache
from impl.outbound.tls import Tls
from impl.outbound.wire import WireResponse

PATH = "/.well-known/matrix/server"
ENTRIES_MAX = 10_000

TTL_S_DEFAULT = 24 * 3600.0
TTL_S_MAX = 48 * 3600.0
# Not with every request, whatever the headers say.
TTL_S_MIN = 300.0
# Of failures: the first, and the most of one after another.
FAILURE_TTL_S_MIN = 120.0
FAILURE_TTL_S_MAX = 3600.0

FETCH_S_MAX = 12.0
BYTES_MAX = 50 << 10
REDIRECTS_MAX = 8
_PORT = 443


@dataclass(frozen=True, slots=True)
class WellKnown:
    """What came of asking: `server` is delegated to, or None, and `reason` says why."""

    server: str | None
    reason: str = ""
    # Whether somebody answered: "there is none" is as good an answer as another.
    is_answered: bool = True
    # How often in a row it has failed by now.
    failures: int = 0
    # When, by the clock that never jumps, a server last said so.
    told_s: float = 0.0


class WellKnownClient:
    """Asks, and remembers."""

    def __init__(
        self,
        resolver: Resolver,
        tls: Tls,
        guard: Guard,
        user_agent: str,
        *,
        port: int = _PORT,
        now_s: Callable[[], float] = time.monotonic,
        proxy: Proxy | None = None,
    ) -> None:
        self._resolver = resolver
        self._tls = tls
        self._guard = guard
        self._proxy = proxy
        self._headers = {"User-Agent": user_agent, "Connection": "close"}
        # Another one only in tests.
        self._port = port
        self._now_s = now_s
        self._cache: SharedCache[WellKnown] = SharedCache(ENTRIES_MAX, now_s, TTL_S_MAX)

    def get(self, hostname: str) -> WellKnown:
        """For a hostname that is no IP literal. Raises nothing."""
        return self._cache.get(hostname.lower(), lambda last: self._refresh(hostname, last))

    def forget(self, hostname: str, older_than_s: float) -> bool:
        return self._cache.forget(hostname.lower(), older_than_s)

    def fetch(self, hostname: str) -> tuple[WellKnown, float | None]:
        """Ask now. With it, for how long the headers let it be kept, if they say so."""
        try:
            with gevent.Timeout(FETCH_S_MAX, HttpFailure(f"no answer in {FETCH_S_MAX:.0f} s")):
                response = self._follow(hostname)
        except (HttpFailure, DnsFailure) as failure:
            return WellKnown(None, str(failure), is_answered=False), None
        if response.status != 200:
            # A server that cannot say is no server that says no.
            is_answered = response.status < 500 and response.status != 429
            return WellKnown(None, f"answers with {response.status}", is_answered), None
        server = _server_of(response.body)
        if server is None:
            return WellKnown(None, "is not JSON with a server name in m.server"), None
        return WellKnown(server, told_s=self._now_s()), lifetime_s(response.headers)

    def _refresh(self, hostname: str, last: Entry[WellKnown] | None) -> Found[WellKnown]:
        before = last.found.value if last is not None else None
        result, told_ttl_s = self.fetch(hostname)
        if result.server is not None:
            ttl_s = TTL_S_DEFAULT if told_ttl_s is None else told_ttl_s
            return Found(result, min(max(ttl_s, TTL_S_MIN), TTL_S_MAX))
        failures = min(before.failures + 1 if before is not None else 1, 16)
        ttl_s = min(FAILURE_TTL_S_MIN * 2 ** (failures - 1), FAILURE_TTL_S_MAX)
        server, told_s = None, 0.0
        if before is not None and before.server is not None and not result.is_answered:
            left_s = before.told_s + TTL_S_MAX - self._now_s()
            if left_s > 0:
                server, told_s, ttl_s = before.server, before.told_s, min(ttl_s, left_s)
        return Found(WellKnown(server, result.reason, result.is_answered, failures, told_s), ttl_s)

    def _follow(self, hostname: str) -> WireResponse:
        url = f"https://{hostname}{PATH}"
        seen = set()
        while True:
            if url in seen:
                raise HttpFailure("is redirected in a circle")
            seen.add(url)
            response = self._get(url)
            location = response.headers.get("location")
            if response.status not in https_url.REDIRECTS or not location:
                return response
            if len(seen) > REDIRECTS_MAX:
                raise HttpFailure("is redirected too often")
            url = https_url.redirected(url, location)

    def _get(self, url: str) -> WireResponse:
        connection = https_url.connect_to(
            url, self._resolver, self._tls, self._guard, self._proxy, self._port
        )
        try:
            return connection.exchange("GET", https_url.target(url), self._headers, None, BYTES_MAX)
        finally:
            connection.close()


def _server_of(body: bytes) -> str | None:
    try:
        document: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    server = document.get("m.server") if isinstance(document, dict) else None
    return server if isinstance(server, str) and server_name.parse(server) else None
