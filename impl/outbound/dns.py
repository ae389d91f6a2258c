"""Names -> addresses and service records, cached for as long as their TTL says, within bounds.

Addresses come from the system's resolver (getaddrinfo, hence /etc/hosts and whatever else the
system asks), in threads, since it blocks; it tells no TTL. Service records come from dnspython,
whose sockets are gevent's. Where the configuration names DNS servers, dnspython asks those for
addresses too, and nothing of the system's counts.
"""

import random
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import dns.exception
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver
import gevent
from gevent import monkey
from gevent.threadpool import ThreadPool

from impl.outbound.shared_cache import Entry, Found, SharedCache

ENTRIES_MAX = 10_000
# So many of the records of one name are used.
RECORDS_MAX = 16
LOOKUP_S_MAX = 10.0

TTL_S_MIN = 30.0
TTL_S_MAX = 86_400.0
# Where nothing tells how long an answer stands.
SYSTEM_TTL_S = 60.0
ABSENT_TTL_S_MIN = 60.0
ABSENT_TTL_S_MAX = 900.0
# The resolver failed, and that may pass.
FAILURE_TTL_S = 15.0

_RESOLV_CONF = Path("/etc/resolv.conf")
_THREADS_MAX = 32
_ABSENT = {
    getattr(socket, name)
    for name in ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY")
    if hasattr(socket, name)
}

# The system's own, which blocks: gevent's would run in the threads that hash passwords.
_getaddrinfo: Callable[..., list[Any]] = monkey.get_original("socket", "getaddrinfo")


class DnsFailure(Exception):
    """No address or record: `is_absent` where there is none, else nobody could be asked."""

    def __init__(self, name: str, reason: str, is_absent: bool) -> None:
        super().__init__(name, reason, is_absent)
        self.name = name
        self.reason = reason
        self.is_absent = is_absent

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


@dataclass(frozen=True, slots=True)
class ServiceRecord:
    """An SRV record. A `target` of "" says that there decidedly is no such service."""

    priority: int
    weight: int
    port: int
    target: str


class Resolver:
    """What the server knows of names. `servers` are asked in place of the system's resolver."""

    def __init__(
        self,
        servers: Sequence[tuple[str, int]] = (),
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._servers = tuple(servers)
        self._addresses: SharedCache[tuple[str, ...]] = SharedCache(ENTRIES_MAX, now_s)
        self._services: SharedCache[tuple[ServiceRecord, ...]] = SharedCache(ENTRIES_MAX, now_s)
        self._threads: ThreadPool | None = None
        self._stub: dns.resolver.Resolver | None = None
        self._stub_of: object = None

    def close(self) -> None:
        if self._threads is not None:
            self._threads.kill()

    def addresses(self, host: str) -> tuple[str, ...]:
        """In the order in which they should be tried. Raises DnsFailure."""
        if _is_literal(host):
            return (host,)

        def find(_: Entry[tuple[str, ...]] | None) -> Found[tuple[str, ...]]:
            return self._ask_servers(host) if self._servers else self._ask_system(host)

        return self._addresses.get(host.lower(), find)

    def services(self, name: str) -> tuple[ServiceRecord, ...]:
        """The SRV records of a name, in no order. Raises DnsFailure."""
        return self._services.get(name.lower(), lambda _: self._find_services(name))

    def forget(self, name: str, older_than_s: float) -> bool:
        """Ask anew when next needed; says whether something was known."""
        key = name.lower()
        dropped = [cache.forget(key, older_than_s) for cache in (self._addresses, self._services)]
        return any(dropped)

    def _ask_system(self, host: str) -> Found[tuple[str, ...]]:
        if self._threads is None:
            self._threads = ThreadPool(_THREADS_MAX)
        try:
            with gevent.Timeout(LOOKUP_S_MAX, dns.exception.Timeout):
                infos = self._threads.apply(_getaddrinfo_of, (host,))
        except dns.exception.Timeout:
            return _failure(host, "the system's resolver does not answer")
        except socket.gaierror as error:
            if error.errno in _ABSENT:
                return _absent(host, "has no address", SYSTEM_TTL_S)
            return _failure(host, f"cannot be resolved: {error.strerror}")
        except UnicodeError:
            return _absent(host, "is no name of the DNS", ABSENT_TTL_S_MAX)
        addresses = dict.fromkeys(str(info[4][0]) for info in infos)
        return Found(tuple(addresses)[:RECORDS_MAX], SYSTEM_TTL_S)

    def _ask_servers(self, host: str) -> Found[tuple[str, ...]]:
        kinds = (dns.rdatatype.A, dns.rdatatype.AAAA)
        jobs = [gevent.spawn(self._query, host, kind) for kind in kinds]
        gevent.joinall(jobs)
        answers = [job.value for job in jobs]
        addresses = [one.address for answer in answers for one in answer.value or ()]
        if addresses:
            ttl_s = min(answer.ttl_s for answer in answers if answer.value)
            return Found(tuple(addresses)[:RECORDS_MAX], ttl_s)
        # That one kind is not there tells nothing if the other could not be asked for.
        failures = [answer for answer in answers if answer.failure is not None]
        passing = [one for one in failures if not one.failure.is_absent]
        return (passing or failures or [_absent(host, "has no address", ABSENT_TTL_S_MIN)])[0]

    def _find_services(self, name: str) -> Found[tuple[ServiceRecord, ...]]:
        found = self._query(name, dns.rdatatype.SRV)
        if found.value is None:
            return found
        records = tuple(
            ServiceRecord(one.priority, one.weight, one.port, str(one.target).rstrip("."))
            for one in found.value[:RECORDS_MAX]
        )
        return Found(records, found.ttl_s)

    def _query(self, name: str, kind: dns.rdatatype.RdataType) -> Found[Any]:
        """The records of a kind, or the failure. Raises nothing, for it runs in greenlets."""
        try:
            answer = self._resolver().resolve(
                dns.name.from_text(name), kind, search=False, lifetime=LOOKUP_S_MAX
            )
        except dns.resolver.NXDOMAIN as error:
            return _absent(
                name, "does not exist", _negative_ttl_s(error.response(error.qnames()[0]))
            )
        except dns.resolver.NoAnswer as error:
            return _absent(name, f"has no {kind.name} record", _negative_ttl_s(error.response()))
        except dns.resolver.LifetimeTimeout:
            return _failure(name, "no DNS server answers")
        except (dns.name.LabelTooLong, dns.name.NameTooLong, dns.name.EmptyLabel):
            return _absent(name, "is no name of the DNS", ABSENT_TTL_S_MAX)
        except (dns.exception.DNSException, OSError) as error:
            return _failure(name, f"cannot be resolved: {type(error).__name__}")
        # The shortest TTL on the way, where an alias leads there.
        told = float(answer.chaining_result.minimum_ttl)
        ttl_s = min(max(told, TTL_S_MIN), TTL_S_MAX)
        return Found(list(answer), ttl_s)

    def _resolver(self) -> dns.resolver.Resolver:
        """One for the system's configuration as it is now: laptops move from net to net."""
        state: object = self._servers or _state_of(_RESOLV_CONF)
        if self._stub is None or state != self._stub_of:
            self._stub = _new_resolver(self._servers)
            self._stub_of = state
        return self._stub


def in_order(
    records: Sequence[ServiceRecord], choose: Callable[[int], int] | None = None
) -> list[ServiceRecord]:
    """The order in which to try them: RFC 2782, "The format of the SRV RR"."""
    choose = choose or (lambda most: random.randint(0, most))
    left = sorted(records, key=lambda record: (record.priority, record.weight))
    ordered = []
    while left:
        # Of those of the best priority, each has a chance in proportion to its weight; those of
        # weight 0 have a small one, and so come first in the sum.
        group = [record for record in left if record.priority == left[0].priority]
        point = choose(sum(record.weight for record in group))
        total = 0
        for record in group:
            total += record.weight
            if total >= point:
                break
        ordered.append(record)
        left.remove(record)
    return ordered


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _getaddrinfo_of(host: str) -> list[Any]:
    return _getaddrinfo(host, None, type=socket.SOCK_STREAM)


def _new_resolver(servers: Sequence[tuple[str, int]]) -> dns.resolver.Resolver:
    resolver = dns.resolver.Resolver(configure=False)
    resolver.timeout = 3.0
    if not servers:
        try:
            resolver.read_resolv_conf(str(_RESOLV_CONF))
        except (dns.exception.DNSException, ValueError):
            # As the C library does where nothing is configured.
            servers = (("127.0.0.1", 53),)
    if servers:
        resolver.nameservers = [dns.nameserver.Do53Nameserver(*server) for server in servers]
    return resolver


def _state_of(path: Path) -> object:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino


def _negative_ttl_s(response: Any) -> float:
    """RFC 2308: the zone says how long it stands that there is nothing."""
    for rrset in response.authority:
        if rrset.rdtype == dns.rdatatype.SOA:
            told = float(min(rrset.ttl, rrset[0].minimum))
            return min(max(told, ABSENT_TTL_S_MIN), ABSENT_TTL_S_MAX)
    return ABSENT_TTL_S_MIN


def _absent(name: str, reason: str, ttl_s: float) -> Found[Any]:
    return Found(None, ttl_s, DnsFailure(name, reason, is_absent=True))


def _failure(name: str, reason: str) -> Found[Any]:
    return Found(None, FAILURE_TTL_S, DnsFailure(name, reason, is_absent=False))
