"""That no test reaches the network."""

import _socket
import socket
from collections.abc import Iterator

import pytest

from tests import network_guard
from tests.network_guard import NetworkReached

# Of documentation: nobody has it.
ELSEWHERE = "192.0.2.1"


@pytest.fixture(autouse=True)
def _on_purpose() -> Iterator[None]:
    yield
    network_guard.refused.clear()


@pytest.mark.parametrize("kind", [socket.socket, _socket.socket], ids=["gevent", "plain"])
def test_a_connection_to_elsewhere_is_refused(kind: type[_socket.socket]) -> None:
    one = kind(socket.AF_INET, socket.SOCK_STREAM)
    try:
        with pytest.raises(NetworkReached, match=ELSEWHERE):
            one.connect((ELSEWHERE, 443))
        with pytest.raises(NetworkReached, match=ELSEWHERE):
            one.connect_ex((ELSEWHERE, 443))
    finally:
        one.close()


def test_a_datagram_to_elsewhere_is_refused() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        with pytest.raises(NetworkReached):
            one.sendto(b"hello", (ELSEWHERE, 53))


def test_a_name_of_elsewhere_is_not_looked_up() -> None:
    with pytest.raises(NetworkReached, match=r"matrix\.test"):
        socket.create_connection(("matrix.test", 443))


def test_what_was_swallowed_is_remembered() -> None:
    with socket.socket() as one:
        try:
            one.connect((ELSEWHERE, 443))
        except AssertionError:
            pass
    assert network_guard.refused == [f"socket.connect {ELSEWHERE}"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_is_reached(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection((host, server.getsockname()[1])) as one:
            assert one.getpeername()[0] == "127.0.0.1"
