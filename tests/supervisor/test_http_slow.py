"""Who takes large answers slowly, and who sends large bodies slowly, on connections to a real
worker: what waits for them has a bound, and others do not notice."""

import socket
from collections.abc import Iterator

import pytest

from tests.supervisor.test_http_connections import GET, Server, read_response

MIB = 1 << 20
# More than the system takes for one connection.
LARGE = 16 * MIB


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("server")
    running = Server(directory, [{"resources": ["client"]}], waiting_bytes=4 * LARGE)
    yield running
    running.stop()


def connect_from(server: Server, address: str) -> socket.socket:
    return socket.create_connection(
        ("127.0.0.1", server.ports[0]), timeout=20, source_address=(address, 0)
    )


def read_all(connection: socket.socket) -> int:
    """How much comes before the end."""
    count = 0
    try:
        while piece := connection.recv(MIB):
            count += len(piece)
    except ConnectionResetError:
        pass
    return count


def test_what_nobody_takes_waits_only_for_a_few(server: Server) -> None:
    slow = []
    for _ in range(8):
        connection = connect_from(server, "127.0.0.1")
        connection.sendall(GET % (b"/large?%d" % LARGE, b"Connection: close\r\n"))
        assert connection.recv(1) == b"H"
        slow.append(connection)
    with connect_from(server, "127.0.0.2") as quick:
        quick.sendall(GET % (b"/large?%d" % LARGE, b""))
        status, _, body = read_response(quick)
        assert status == 200 and len(body) > LARGE
    # The first ones have waited longest.
    whole = [read_all(one) > LARGE for one in slow]
    assert whole[0] is False and whole[-1] is True and sum(whole) <= 4
    for one in slow:
        one.close()


HEAD = b"POST /bad-body HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"


def test_bodies_that_do_not_come_wait_only_for_a_few(server: Server) -> None:
    slow = []
    for _ in range(8):
        connection = connect_from(server, "127.0.0.1")
        connection.sendall(HEAD % LARGE + b"x" * (LARGE - 100))
        slow.append(connection)
    # Those that were given up are closed.
    assert slow[0].recv(MIB) == b"" or slow[0].recv(MIB) == b""
    with connect_from(server, "127.0.0.2") as quick:
        quick.sendall(HEAD % LARGE + b"x" * LARGE)
        status, _, _ = read_response(quick)
        assert status == 200
    slow[-1].sendall(b"x" * 100)
    assert read_response(slow[-1])[0] == 200
    for one in slow:
        one.close()


@pytest.mark.parametrize("address", ["127.0.0.%d", "127.0.0.2"])
def test_bodies_that_were_only_announced_hinder_nobody(server: Server, address: str) -> None:
    slow = [connect_from(server, address % n if "%" in address else address) for n in range(3, 19)]
    for connection in slow:
        connection.sendall(HEAD % LARGE + b"x" * 100)
    with connect_from(server, "127.0.0.2") as quick:
        quick.sendall(GET % (b"/large?%d" % (2 * LARGE), b"Connection: close\r\n"))
        assert read_all(quick) > 2 * LARGE
    for connection in slow:
        connection.sendall(b"x" * (LARGE - 100))
        assert read_response(connection)[0] == 200
        connection.close()


@pytest.mark.parametrize("address", ["127.0.0.%d", "127.0.0.2"])
def test_what_is_taken_is_not_cut_off_for_what_nobody_takes(server: Server, address: str) -> None:
    slow: list[socket.socket] = []
    with connect_from(server, "127.0.0.2") as quick:
        quick.sendall(GET % (b"/large?%d" % (2 * LARGE), b"Connection: close\r\n"))
        count = 0
        for number in range(3, 10):
            while count < (number - 2) * 4 * MIB:
                piece = quick.recv(MIB)
                assert piece, "it was cut off"
                count += len(piece)
            slow.append(connect_from(server, address % number if "%" in address else address))
            slow[-1].sendall(GET % (b"/large?%d" % LARGE, b"Connection: close\r\n"))
            assert slow[-1].recv(1) == b"H"
        assert count + read_all(quick) > 2 * LARGE
    # Somebody had to be, if not that one.
    assert read_all(slow[0]) < LARGE
    for one in slow:
        one.close()
