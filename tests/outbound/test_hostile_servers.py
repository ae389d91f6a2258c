"""Servers that mean harm, or are broken as if they did: each request ends, in time and within its
bounds, with Unreachable, and nobody else notices.
"""

import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from impl.outbound.dns import Resolver
from impl.outbound.failures import Unreachable
from impl.outbound.guard import Guard
from impl.outbound.https_wire import HttpsWire
from impl.outbound.tls import Tls
from impl.outbound.wire import WireResponse
from tests.outbound.world import HttpsServer, Request, World, answer, ask, ok, says

Serve = Callable[[Any, Request], None]
BYTES_MAX = 100_000


@pytest.fixture
def asks(world: World, wire: HttpsWire) -> Callable[..., WireResponse]:
    """Asks a server that does this: `asks(handler, timeout_s=...)`."""

    def make(handler: Serve, timeout_s: float = 20.0) -> WireResponse:
        server = world.host("a.test", handler)
        name = f"a.test:{server.port}"
        return ask(wire, name, method="PUT", timeout_s=timeout_s, bytes_max=BYTES_MAX)

    return make


def endlessly(first: bytes, more: bytes, pause_s: float | None = None) -> Serve:
    """Sends, until nobody listens any more: as fast as it can, or slowly."""

    def handle(connection: Any, request: Request) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(more)
            if pause_s is not None:
                gevent.sleep(pause_s)

    return handle


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

TOO_MUCH = {
    "a body without a length": endlessly(HEAD + b"\r\n", b" " * 65536),
    "a body with a length": says(answer(b" " * (BYTES_MAX + 1))),
    "a length that is a lie": says(HEAD + b"Content-Length: 999999999999\r\n\r\n"),
    "large chunks": endlessly(CHUNKED, b"10000\r\n" + b" " * 65536 + b"\r\n"),
    "tiny chunks": endlessly(CHUNKED, b"1\r\nx\r\n" * 10_000),
    "chunks with extensions": endlessly(CHUNKED, b"1;" + b"e" * 60_000 + b"\r\nx\r\n"),
    "an endless chunk size": endlessly(CHUNKED, b"0" * 65536),
    "endless trailers": endlessly(CHUNKED + b"0\r\n", b"X: y\r\n" * 10_000),
    "an endless status": endlessly(b"HTTP/1.1 200 ", b"O" * 65536),
    "an endless header": endlessly(HEAD + b"X: ", b"y" * 65536),
    "endless headers": endlessly(HEAD, b"X: y\r\n" * 10_000),
    "promises of an answer": endlessly(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 2_000),
}


@pytest.mark.parametrize("handler", TOO_MUCH.values(), ids=TOO_MUCH)
def test_too_much_is_not_taken(asks: Callable[..., WireResponse], handler: Serve) -> None:
    with pytest.raises(Unreachable) as caught:
        asks(handler)
    assert "no answer in" not in str(caught.value)


ERROR = b"HTTP/1.1 403 No\r\n"
LONG_ERRORS = {
    "a length": endlessly(ERROR + b"Content-Length: 268435456\r\n\r\n", b"", 60.0),
    "no length": endlessly(ERROR + b"\r\n", b" " * 4_096, 0.001),
    "chunks": endlessly(ERROR + CHUNKED.removeprefix(HEAD), b"1000\r\n" + b" " * 4_096 + b"\r\n"),
}


@pytest.mark.parametrize("handler", LONG_ERRORS.values(), ids=LONG_ERRORS)
def test_an_error_is_not_read_to_its_end(world: World, wire: HttpsWire, handler: Serve) -> None:
    server = world.host("a.test", handler)
    for _ in range(2):
        found = ask(wire, f"a.test:{server.port}", timeout_s=10.0, bytes_max=256 << 20)
        assert (found.status, found.body) == (403, b"")
    # What was not read of one is no part of the next one.
    assert server.connections == 2


def test_an_error_that_is_short_is_read(asks: Callable[..., WireResponse]) -> None:
    body = b'{"errcode":"%s"}' % (b"x" * 60_000)
    assert asks(says(answer(body, 400))).body == body


TOO_SLOW = {
    "nothing": lambda connection, request: gevent.sleep(60),
    "a body, byte by byte": endlessly(HEAD + b"Content-Length: 10000\r\n\r\n", b" ", 0.01),
    "headers, byte by byte": endlessly(HEAD, b"x", 0.01),
    "a status, byte by byte": endlessly(b"", b"H", 0.01),
    "chunks, one by one": endlessly(CHUNKED, b"1\r\nx\r\n", 0.01),
    "promises, one by one": endlessly(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.01),
}


@pytest.mark.parametrize("handler", TOO_SLOW.values(), ids=TOO_SLOW)
def test_what_is_too_slow_ends_in_time(asks: Callable[..., WireResponse], handler: Serve) -> None:
    with pytest.raises(Unreachable, match="no answer in"):
        asks(handler, timeout_s=0.4)


def test_a_server_that_does_not_read_is_left(world: World, wire: HttpsWire) -> None:
    server = world.server("a.test", handler=ok())
    world.dns.add("a.test", "A", server.address)
    server.on_connection = lambda secured: gevent.sleep(60)
    with pytest.raises(Unreachable, match="no answer in"):
        ask(wire, f"a.test:{server.port}", method="PUT", body=b"x" * 50_000_000, timeout_s=1.0)


def test_a_server_that_accepts_and_says_nothing_is_left(world: World, wire: HttpsWire) -> None:
    # Half open: there is a connection, and no TLS.
    server = world.plain_server(says(b""), "127.80.0.1")
    server.on_connection = lambda connection: gevent.sleep(60)
    with pytest.raises(Unreachable, match="no answer in"):
        ask(wire, f"127.80.0.1:{server.port}", timeout_s=0.3)


@pytest.fixture
def flood(world: World, tmp_path: Path) -> Iterator[int]:
    """The port of a server in a process of its own, which sends faster than anybody can read."""
    leaf = world.authority.issue_cert("127.0.0.1")
    certificate = tmp_path / "leaf.pem"
    leaf.private_key_and_cert_chain_pem.write_to_path(certificate)
    command = [sys.executable, "-m", "tests.outbound.flood", str(certificate)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert process.stdin is not None and process.stdout is not None
    yield int(process.stdout.readline())
    process.stdin.close()
    process.wait()
    process.stdout.close()


def test_a_flood_does_not_stop_the_clock(
    world: World, resolver: Resolver, tls: Tls, flood: int
) -> None:
    # There is always something to be read, and the limit of bytes is far away: unless who reads
    # lets others run, no time limit ever strikes.
    wire = HttpsWire(resolver, tls, Guard(), "Test")
    with pytest.raises(Unreachable, match="no answer in"):
        ask(wire, f"127.0.0.1:{flood}", timeout_s=0.5, bytes_max=300_000_000)
    wire.close()


NOT_HTTP = {
    "nonsense": says(b"nonsense\r\n\r\n"),
    "binary": says(bytes(range(256)) * 10),
    "another version": says(b"HTTP/9.9 200 OK\r\n\r\n"),
    "a status that is none": says(b"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n"),
    "a chunk size that is none": says(CHUNKED + b"xyz\r\n"),
    "a negative chunk size": says(CHUNKED + b"-5\r\nabc\r\n"),
}


@pytest.mark.parametrize("handler", NOT_HTTP.values(), ids=NOT_HTTP)
def test_what_is_not_http_is_no_answer(asks: Callable[..., WireResponse], handler: Serve) -> None:
    def handle(connection: Any, request: Request) -> None:
        handler(connection, request)
        connection.close()

    with pytest.raises(Unreachable) as caught:
        asks(handle)
    # What a stranger wrote does not get into our log as it is.
    assert str(caught.value).isprintable()


CUT_OFF = {
    "nothing at all": b"",
    "in the status": b"HTTP/1.1 20",
    "in the headers": HEAD + b"Content-Le",
    "after a header": HEAD + b"Content-Length: 5\r\n",
    "in the body": HEAD + b"Content-Length: 5\r\n\r\nabc",
    "in a chunk": CHUNKED + b"5\r\nabc",
    "between chunks": CHUNKED + b"3\r\nabc\r\n",
}


@pytest.mark.parametrize("data", CUT_OFF.values(), ids=CUT_OFF)
def test_half_an_answer_is_none(asks: Callable[..., WireResponse], data: bytes) -> None:
    def handle(connection: Any, request: Request) -> None:
        connection.sendall(data)
        connection.close()

    with pytest.raises(Unreachable):
        asks(handle)


def test_what_is_compressed_is_not_unpacked(asks: Callable[..., WireResponse]) -> None:
    bomb = zlib.compress(b" " * 50_000_000)
    assert len(bomb) < BYTES_MAX
    with pytest.raises(Unreachable, match="encoded"):
        asks(says(answer(bomb, Content_Encoding="deflate")))


def test_a_redirect_is_an_answer_and_not_followed(
    asks: Callable[..., WireResponse], world: World
) -> None:
    # S-S API knows redirects for well-known alone, and media.
    other = world.host("b.test", ok())
    response = asks(says(answer(b"", 302, Location=f"https://b.test:{other.port}/")))
    assert response.status == 302
    assert other.connections == 0


# Where it would lead us.


@pytest.fixture
def private(world: World) -> HttpsServer:
    """A server that nobody outside should reach."""
    return world.server("127.0.0.9", "a.test", handler=ok(), address="127.0.0.9")


def test_a_name_with_a_private_address_is_not_reached(
    world: World, wire: HttpsWire, private: HttpsServer
) -> None:
    world.dns.add("a.test", "A", "127.0.0.9")
    world.dns.add("b.test", "AAAA", "::ffff:127.0.0.9")
    world.dns.add("_matrix-fed._tcp.c.test", "SRV", f"0 0 {private.port} a.test.")
    world.well_known("d.test", b"127.0.0.9:%d" % private.port)
    port = private.port
    names = [f"a.test:{port}", f"b.test:{port}", "c.test", "d.test"]
    for name in [*names, f"127.0.0.9:{port}", f"[::ffff:127.0.0.9]:{port}"]:
        with pytest.raises(Unreachable, match="does not connect to"):
            ask(wire, name)
    assert private.connections == 0


def test_of_several_addresses_only_the_public_ones_are_tried(
    world: World, wire: HttpsWire, private: HttpsServer
) -> None:
    public = world.server("a.test", handler=ok(b"public"), port=private.port)
    world.dns.add("a.test", "A", "127.0.0.9", public.address)
    assert ask(wire, f"a.test:{private.port}").body == b"public"
    assert private.connections == 0


def test_a_name_that_changes_between_two_looks_gets_nowhere(
    world: World, wire: HttpsWire, private: HttpsServer
) -> None:
    # Whoever checked the first answer and connected by the second would be led inside.
    public = world.server("a.test", handler=ok(Connection="close"), port=private.port)
    world.dns.ttl_s = 0
    world.dns.add("a.test", "A", public.address)
    name = f"a.test:{private.port}"
    assert ask(wire, name).status == 200
    world.dns.add("a.test", "A", "127.0.0.9")
    wire.resolver.forget("a.test", 0)
    with pytest.raises(Unreachable, match="does not connect to"):
        ask(wire, name)
    assert private.connections == 0


def test_plain_http_is_not_spoken(world: World, wire: HttpsWire) -> None:
    server = world.plain_server(ok(), "127.80.0.2")

    def hello(connection: Any) -> None:
        # What a web server says to a TLS handshake.
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    server.on_connection = hello
    with pytest.raises(Unreachable, match="does not speak TLS"):
        ask(wire, f"127.80.0.2:{server.port}")


def test_a_thousand_dead_servers_leave_nothing_behind(world: World, wire: HttpsWire) -> None:
    def attempt(number: int) -> None:
        with pytest.raises(Unreachable):
            ask(wire, f"127.81.{number // 250}.{number % 250 + 1}:9")

    for start in range(0, 1000, 100):
        gevent.joinall(
            [gevent.spawn(attempt, number) for number in range(start, start + 100)],
            raise_error=True,
        )
    assert wire.pool.count_idle() == 0
    assert not wire.pool._slots and not wire.pool._of_destination
