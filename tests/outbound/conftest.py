"""A world on loopback (world.py), and what reaches into it."""

from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import trustme

from impl.outbound.connection_pool import ConnectionPool
from impl.outbound.dns import Resolver
from impl.outbound.federation import FederationClient
from impl.outbound.guard import Guard
from impl.outbound.https_wire import HttpsWire
from impl.outbound.tls import Tls
from impl.outbound.well_known import WellKnownClient
from impl.received_file import ReceivedFile
from tests.outbound.media_site import BYTES_MAX, KEY, Site
from tests.outbound.world import World

# In these tests loopback is the internet, and this part of it is somebody's private network.
PRIVATE = "127.0.0.0/16"


class Clock:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def authority_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


@pytest.fixture
def world(authority: trustme.CA) -> Iterator[World]:
    world = World(authority)
    yield world
    world.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def guard() -> Guard:
    return Guard([ip_network(PRIVATE)])


@pytest.fixture
def tls(authority_file: Path) -> Tls:
    return Tls([authority_file])


@pytest.fixture
def resolver(world: World, clock: Clock) -> Iterator[Resolver]:
    resolver = Resolver([world.dns.end], clock)
    yield resolver
    resolver.close()


@pytest.fixture
def well_known(
    world: World, resolver: Resolver, tls: Tls, guard: Guard, clock: Clock
) -> WellKnownClient:
    return WellKnownClient(resolver, tls, guard, "Test", port=world.https_port, now_s=clock)


@pytest.fixture
def new_wire(
    world: World, resolver: Resolver, tls: Tls, guard: Guard, well_known: WellKnownClient
) -> Iterator[Callable[..., HttpsWire]]:
    """Makes wires: `new_wire(tls=..., pool=...)`."""
    wires: list[HttpsWire] = []

    def make(
        tls: Tls = tls, pool: ConnectionPool | None = None, resolver: Resolver = resolver
    ) -> HttpsWire:
        wires.append(HttpsWire(resolver, tls, guard, "Test", pool=pool, well_known=well_known))
        return wires[-1]

    yield make
    for wire in wires:
        wire.close()


@pytest.fixture
def wire(new_wire: Callable[..., HttpsWire]) -> HttpsWire:
    return new_wire()


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def received(tmp_path: Path) -> Iterator[ReceivedFile]:
    with ReceivedFile(tmp_path, BYTES_MAX) as received:
        yield received


@pytest.fixture
def client(site: Site) -> FederationClient:
    return FederationClient("a.example", KEY, site)  # type: ignore[arg-type]


@pytest.fixture
def fetch(client: FederationClient, received: ReceivedFile) -> Callable[..., bytes]:
    def make(**options: Any) -> bytes:
        client.get_content("b.example", "media_id", 20_000, received, **options)
        received.finish()
        return received.path.read_bytes()

    return make
