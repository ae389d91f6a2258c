"""A file from another server, with all that lies in between: TLS, HTTP, its two parts, the disk."""

import gc
import hashlib
import random
import tracemalloc
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest

from impl.core import signing
from impl.outbound.failures import BadAnswer, Unreachable
from impl.outbound.federation import FederationClient
from impl.outbound.https_wire import HttpsWire
from impl.received_file import FileTooLarge, ReceivedFile
from tests.outbound.world import Request, World, answer, says

BYTES_MAX = 50 << 20
HEAD = (
    b"HTTP/1.1 200 So\r\nContent-Type: multipart/mixed; boundary=b_1\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
BEGIN = (
    b"--b_1\r\nContent-Type: application/json\r\n\r\n{}\r\n--b_1\r\nContent-Type: video/mp4\r\n\r\n"
)
END = b"\r\n--b_1--\r\n"
PIECE = random.Random(1).randbytes(100_000) + b"\r\n--b_"


@pytest.fixture
def client(wire: HttpsWire) -> FederationClient:
    return FederationClient("a.test", signing.new_signing_key(b"\x07" * 32, "1"), wire)


def file_of(pieces: int) -> Any:
    """A server that sends so many pieces."""

    def handle(connection: Any, request: Request) -> None:
        connection.sendall(HEAD)
        for data in chain([BEGIN], repeat(PIECE, pieces), [END]):
            connection.sendall(b"%x\r\n%s\r\n" % (len(data), data))
        connection.sendall(b"0\r\n\r\n")

    return handle


def test_a_large_file_is_never_in_memory(
    world: World, client: FederationClient, tmp_path: Path
) -> None:
    server = world.host("b.test", file_of(300))
    gc.collect()
    tracemalloc.start()
    try:
        with ReceivedFile(tmp_path, BYTES_MAX) as received:
            client.get_content(f"b.test:{server.port}", "id", 0, received)
            received.finish()
            peak = tracemalloc.get_traced_memory()[1]
            assert received.size == 300 * len(PIECE)
            assert received.sha256 == hashlib.sha256(PIECE * 300).digest()
            assert hashlib.sha256(received.path.read_bytes()).digest() == received.sha256
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000
    # The connection is good for more.
    with ReceivedFile(tmp_path, BYTES_MAX) as received:
        client.get_content(f"b.test:{server.port}", "id", 0, received)
    assert server.connections == 1


def test_what_is_too_much_is_not_waited_for(
    world: World, client: FederationClient, tmp_path: Path
) -> None:
    server = world.host("b.test", file_of(10**9))
    with ReceivedFile(tmp_path, 1_000_000) as received, pytest.raises(FileTooLarge):
        client.get_content(f"b.test:{server.port}", "id", 0, received)
    assert [*tmp_path.iterdir()] == []


def test_a_file_that_is_cut_off_is_none(
    world: World, client: FederationClient, tmp_path: Path
) -> None:
    def handle(connection: Any, request: Request) -> None:
        connection.sendall(HEAD + b"%x\r\n%s" % (10_000, BEGIN + b"x" * 500))
        connection.close()

    server = world.host("b.test", handle)
    with ReceivedFile(tmp_path, BYTES_MAX) as received, pytest.raises(Unreachable, match="early"):
        client.get_content(f"b.test:{server.port}", "id", 0, received)

    # Nor where nothing says how much it would have been.
    def handle_without_length(connection: Any, request: Request) -> None:
        head = HEAD.replace(b"Transfer-Encoding: chunked", b"Connection: close")
        connection.sendall(head + BEGIN + b"x" * 500)
        connection.close()

    server.handler = handle_without_length
    with ReceivedFile(tmp_path, BYTES_MAX) as received, pytest.raises(BadAnswer, match="early"):
        client.get_content(f"b.test:{server.port}", "id", 0, received)


def test_nobody_sends_us_for_a_file_to_our_own_network(
    world: World, client: FederationClient, tmp_path: Path
) -> None:
    place = b"--b_1\r\n\r\n{}\r\n--b_1\r\nLocation: https://127.0.0.1/latest/meta-data\r\n\r\n"
    kind = {"Content-Type": "multipart/mixed; boundary=b_1"}
    server = world.host("b.test", says(answer(place + END, **kind)))
    name = f"b.test:{server.port}"
    with ReceivedFile(tmp_path, BYTES_MAX) as received:
        with pytest.raises(BadAnswer, match="an address that this server does not connect to"):
            client.get_content(name, "id", 0, received)

        # The older way of it is no way round that.
        def handle(connection: Any, request: Request) -> None:
            if request.target.startswith("/_matrix/federation"):
                connection.sendall(answer(b'{"errcode": "M_UNRECOGNIZED"}', 404))
            else:
                url = "https://127.0.0.1:8008/_synapse/admin"
                connection.sendall(answer(b"", 307, Location=url))

        server.handler = handle
        with pytest.raises(BadAnswer, match="an address that this server does not connect to"):
            client.get_content(name, "id", 0, received)
