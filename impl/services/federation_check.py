"""What other servers see of a server, step by step as they find it. S-S API, "Server discovery".

It is looked at from here: what stands between this machine and the rest of the world (a firewall, a
router, a name server that answers differently inside) is not seen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from impl.core import server_name
from impl.core.signing import SigningKey
from impl.outbound.discovery import PORT, SERVICES, Discovery, NoRoute, Route
from impl.outbound.dns import DnsFailure, Resolver
from impl.outbound.guard import Guard
from impl.outbound.proxy import Proxy
from impl.outbound.well_known import PATH as WELL_KNOWN_PATH
from impl.outbound.well_known import WellKnownClient
from impl.services.federation_probe import NOTE, OK, PROBLEM, Finding, Probe

ADDRESSES_MAX = 8


@dataclass(frozen=True, slots=True)
class Instruments:
    """What it is looked at with. `guard` is what a server of the outside has."""

    resolver: Resolver
    well_known: WellKnownClient
    guard: Guard
    authorities: Sequence[Path] = ()
    proxy: Proxy | None = None


def check(
    name: str, instruments: Instruments, own_keys: Sequence[SigningKey] = ()
) -> Iterator[Finding]:
    """Line by line, as it is found out. `own_keys` where the server is this one."""
    parsed = server_name.parse(name)
    if parsed is None:
        yield Finding("name", PROBLEM, f"{name} is not a name that a server can have")
        return
    if parsed.is_literal or parsed.port is not None:
        yield Finding("name", OK, f"{name} says by itself where the server is")
    else:
        yield _well_known(parsed.host, instruments)
    discovery = Discovery(instruments.resolver, instruments.well_known)
    try:
        route = discovery.route(name)
    except NoRoute as failure:
        yield Finding("records", PROBLEM, f"{name} {failure}")
        return
    if route.step not in ("1", "2", "3.1", "3.2"):
        yield from _services(route, instruments.resolver)
    ends: list[tuple[str, int]] = []
    for host, port in route.hosts:
        finding, addresses = _addresses(host, instruments)
        yield finding
        ends += [(address, port) for address in addresses]
    probe = Probe(name, route, instruments.authorities, own_keys, instruments.proxy)
    for address, port in list(dict.fromkeys(ends))[:ADDRESSES_MAX]:
        yield from probe.look(address, port)


def _well_known(host: str, instruments: Instruments) -> Finding:
    known = instruments.well_known.get(host)
    url = f"https://{host}{WELL_KNOWN_PATH}"
    if known.server is not None:
        return Finding("well-known", OK, f"{url} delegates to {known.server}")
    text = f"{url} delegates to nobody: {known.reason}"
    advice = f"the server is looked for by SRV records, and on port {PORT}"
    is_wrong = known.is_answered and not known.reason.startswith("answers with 404")
    return Finding("well-known", PROBLEM if is_wrong else NOTE, text, advice)


def _services(route: Route, resolver: Resolver) -> Iterator[Finding]:
    name = route.certificate_name
    for service in SERVICES:
        try:
            records = resolver.services(service + name)
        except DnsFailure as failure:
            if not failure.is_absent:
                yield Finding("records", PROBLEM, f"SRV {failure}", "is its DNS server broken?")
            continue
        targets = ", ".join(f"{one.target}:{one.port}" for one in records)
        text = f"SRV {service}{name}: {targets}"
        if service == SERVICES[0]:
            yield Finding("records", OK, text)
        else:
            yield Finding("records", NOTE, text, f"its name is deprecated: use {SERVICES[0]}{name}")
        return
    yield Finding("records", OK, f"no SRV record for {name}: its port {PORT}")


def _addresses(host: str, instruments: Instruments) -> tuple[Finding, tuple[str, ...]]:
    try:
        addresses = instruments.resolver.addresses(host)
    except DnsFailure as failure:
        return Finding("address", PROBLEM, str(failure), "give it an A or AAAA record"), ()
    text = f"{host}: {', '.join(addresses)}"
    private = [one for one in addresses if not instruments.guard.is_allowed(one)]
    if not private:
        return Finding("address", OK, text), addresses
    advice = f"{', '.join(private)}: private, and other servers do not connect there"
    return Finding("address", PROBLEM, text, advice), addresses
