"""Server name -> where to connect, as whom, and who must answer. S-S API, "Resolving server names".

A route is worked out from what the caches of well_known.py and dns.py hold, each for a time of its
own; nothing is kept here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from impl.core import server_name
from impl.core.server_name import ServerName
from impl.outbound import dns
from impl.outbound.dns import DnsFailure, Resolver, ServiceRecord
from impl.outbound.well_known import WellKnownClient

PORT = 8448
# The second is deprecated, and used all over.
SERVICES = ("_matrix-fed._tcp.", "_matrix._tcp.")
# What was found out within this time is not doubted because a connection fails.
DOUBT_S_MIN = 60.0
WELL_KNOWN_DOUBT_S_MIN = 600.0


class NoRoute(Exception):
    """The name leads nowhere. The text says why."""


@dataclass(frozen=True, slots=True)
class Route:
    """How a server is reached. Of `hosts`, (name or address, port), the first that answers."""

    # "1", "2", "3.1" to "3.5", "4" to "6": of the specification's list.
    step: str
    host_header: str
    # What the certificate must be for: a DNS name, or an address.
    certificate_name: str
    hosts: tuple[tuple[str, int], ...]


class Discovery:
    """Finds servers."""

    def __init__(self, resolver: Resolver, well_known: WellKnownClient) -> None:
        self.resolver = resolver
        self.well_known = well_known

    def route(self, destination: str) -> Route:
        """Raises NoRoute."""
        name = server_name.parse(destination)
        if name is None:
            raise NoRoute("is not a name that a server can have")
        # 1, 2. An address, or a port, leaves nothing to be found out.
        if name.is_literal:
            return _direct("1", name)
        if name.port is not None:
            return _direct("2", name)
        # 3. It may delegate to another name.
        delegated = self.well_known.get(name.host).server
        if delegated is not None:
            return self._delegated(delegated)
        # 4, 5, 6. Its service records, or itself.
        return self._by_services(name, ("4", "5", "6"))

    def ends(self, route: Route) -> Iterator[tuple[str, int]]:
        """The addresses of a route, one after another, looked up as they are needed.

        Raises DnsFailure where there are none at all."""
        failure = None
        is_found = False
        for host, port in route.hosts:
            try:
                addresses = self.resolver.addresses(host)
            except DnsFailure as error:
                failure = error
                continue
            for address in addresses:
                is_found = True
                yield address, port
        if failure is not None and not is_found:
            raise failure

    def forget(self, destination: str, route: Route) -> bool:
        """Nobody was there: what is not quite new is asked anew. Says whether there is such."""
        name = server_name.parse(destination)
        doubted = [
            *(host for host, _ in route.hosts),
            *(service + route.certificate_name for service in SERVICES),
        ]
        dropped = [self.resolver.forget(one, DOUBT_S_MIN) for one in doubted]
        if name is not None:
            dropped.append(self.well_known.forget(name.host, WELL_KNOWN_DOUBT_S_MIN))
        return any(dropped)

    def _delegated(self, delegated: str) -> Route:
        name = server_name.parse(delegated)
        if name is None:
            raise NoRoute(f"delegates to {delegated!r}, which is not a server name")
        # 3.1, 3.2. The same rules again, but that delegation goes no further.
        if name.is_literal:
            return _direct("3.1", name)
        if name.port is not None:
            return _direct("3.2", name)
        return self._by_services(name, ("3.3", "3.4", "3.5"))

    def _by_services(self, name: ServerName, steps: tuple[str, str, str]) -> Route:
        for step, service in zip(steps, SERVICES, strict=False):
            records = self._services(service + name.host)
            if records:
                hosts = tuple((one.target, one.port) for one in dns.in_order(records))
                return Route(step, name.host, name.host.rstrip("."), hosts)
        # Without a record, the name itself.
        return Route(steps[2], name.host, name.host.rstrip("."), ((name.host, PORT),))

    def _services(self, name: str) -> list[ServiceRecord]:
        try:
            records = self.resolver.services(name)
        except DnsFailure:
            # Some name servers fail where they should say that there is nothing. To go on is safe:
            # whoever is then asked must show a certificate for the same name.
            return []
        # RFC 2782: a single "." says that the service is decidedly not there.
        if all(record.target == "" for record in records):
            raise NoRoute(f"has no such service, says the record {name}")
        return [record for record in records if record.target and record.port]


def _direct(step: str, name: ServerName) -> Route:
    port = PORT if name.port is None else name.port
    host = name.host if name.is_literal else name.host.rstrip(".")
    return Route(step, name.name, host, ((name.host, port),))
