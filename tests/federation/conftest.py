"""Servers of one process with a fake wire between them (fake_wire.py).

a, b = new_server("a.test"), new_server("b.test")
alice = a.register("alice")            a client of a's (tests/api/api_client.py)
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from impl.app import App
from impl.config import Config
from impl.core import signing
from impl.core.signing import SigningKey
from impl.storage.worker_page import WorkerPage
from impl.web import matrix_api, path_tree
from impl.web.application import Application
from tests.api import api_client
from tests.api.api_client import Api, User
from tests.federation.fake_wire import Network

WORKERS_MAX = 4


@dataclass
class Server:
    """One server: a worker, its database, and what is called by clients and by other servers."""

    name: str
    app: App
    api: Api
    dsn: str = field(repr=False)
    page: Path = field(repr=False)

    def register(self, localpart: str) -> User:
        return api_client.register(self.api, localpart)

    def user_id(self, localpart: str) -> str:
        return f"@{localpart}:{self.name}"


# Of `new_server`.
Servers = Callable[..., Server]


def key_of(server_name: str) -> SigningKey:
    """A server's key: the same for the same name."""
    return signing.new_signing_key(hashlib.sha256(server_name.encode()).digest(), "a_key")


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture(scope="session")
def federation_paths() -> path_tree.Node:
    return matrix_api.load().root


@pytest.fixture
def new_server(
    network: Network,
    new_database: Callable[[], str],
    config: Config,
    tmp_path: Path,
    federation_paths: path_tree.Node,
) -> Iterator[Servers]:
    """Makes servers: `new_server("a.test", now_ms=..., **changes of the configuration)`;
    `beside=server` makes another worker of the same server, which answers in the first one's place
    from then on.
    """
    servers: list[Server] = []

    def make(
        name: str,
        now_ms: Callable[[], int] | None = None,
        beside: Server | None = None,
        **changes: object,
    ) -> Server:
        page = beside.page if beside else tmp_path / f"workers of {name}"
        if beside is None:
            WorkerPage.create(page, WORKERS_MAX)
        dsn = beside.dsn if beside else new_database()
        own = replace(
            config,
            server_name=name,
            public_baseurl=f"https://{name}/",
            **{"trusted_key_servers": (), **changes},  # type: ignore[arg-type]
        )
        slot = sum(one.name == name for one in servers)
        app = App(
            own, dsn, key_of(name), WorkerPage(page, slot), now_ms, wire=network.wire_of(name)
        )
        application = Application(app, federation_paths)
        server = Server(name, app, Api(application), dsn, page)
        servers.append(server)
        network.sites[name] = application
        app.start()
        return server

    yield make
    for server in servers:
        server.app.begin_shutdown()
    for server in servers:
        server.app.stop()


@pytest.fixture
def a(new_server: Servers) -> Server:
    return new_server("a.test")


@pytest.fixture
def b(new_server: Servers) -> Server:
    return new_server("b.test")


@pytest.fixture
def c(new_server: Servers) -> Server:
    return new_server("c.test")


@pytest.fixture
def alice(a: Server) -> User:
    return a.register("alice")


@pytest.fixture
def bob(b: Server) -> User:
    return b.register("bob")
