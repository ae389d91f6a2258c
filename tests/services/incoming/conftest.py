"""Our server, soma.test, with a fake wire to a made-up one (site.py)."""

from collections.abc import Callable

import pytest

from impl.app import App
from tests.builders import SERVER_NAME
from tests.federation.conftest import Server, federation_paths, network, new_server
from tests.federation.fake_wire import Network
from tests.services.incoming.site import Site

__all__ = ["federation_paths", "network", "new_server"]


class Clock:
    """Goes on only when it is told to."""

    def __init__(self) -> None:
        self.now_ms = 1_700_000_000_000

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(new_server: Callable[..., Server], clock: Clock) -> Server:
    return new_server(SERVER_NAME, now_ms=clock)


@pytest.fixture
def app(server: Server) -> App:
    return server.app


@pytest.fixture
def site(network: Network) -> Site:
    return Site(network)
