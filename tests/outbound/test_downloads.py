"""What is downloaded comes piece by piece, from a server or from a URL that somebody names: with no
end, too slowly, or from where we do not go, it ends in time.
"""

import gc
import tracemalloc
from collections.abc import Callable, Mapping
from typing import Any

import gevent
import pytest

from impl.outbound import https_url, https_wire
from impl.outbound.failures import HttpFailure, Unreachable
from impl.outbound.https_wire import HttpsWire
from impl.outbound.wire import WireResponse
from tests.outbound.world import Request, World, answer, says, soon

FILE = bytes(range(256)) * 1_000


class Sink:
    """Keeps what comes, or says that it is enough."""

    def __init__(self, bytes_max: int = 1 << 30) -> None:
        self.headers: Mapping[str, str] | None = None
        self.pieces: list[bytes] = []
        self._bytes_max = bytes_max

    def begin(self, headers: Mapping[str, str]) -> None:
        assert self.headers is None
        self.headers = headers

    def write(self, piece: bytes) -> None:
        self.pieces.append(piece)
        if sum(map(len, self.pieces)) > self._bytes_max:
            raise Enough

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)


class Counting:
    """Keeps nothing."""

    size = 0

    def begin(self, headers: Mapping[str, str]) -> None:
        pass

    def write(self, piece: bytes) -> None:
        self.size += len(piece)


class Enough(Exception):
    pass


def download(wire: HttpsWire, destination: str, sink: Any, **changes: Any) -> WireResponse:
    options = {"headers": {}, "timeout_s": 5.0, "bytes_max": 1 << 30, **changes}
    return wire.download(destination, "/_matrix/x?y=%2F", sink=sink, **options)


def visit(wire: HttpsWire, url: str, sink: Any, **changes: Any) -> WireResponse:
    options = {"timeout_s": 5.0, "bytes_max": 1 << 30, **changes}
    return wire.download_url(url, sink=sink, **options)


def test_a_body_comes_in_pieces(world: World, wire: HttpsWire) -> None:
    server = world.host("a.test", says(answer(FILE, X_One="1")))
    for _ in range(2):
        sink = Sink()
        response = download(wire, f"a.test:{server.port}", sink, headers={"Authorization": "x"})
        assert (response.status, response.body) == (200, b"")
        assert sink.headers is not None
        assert sink.headers["x-one"] == "1"
        assert sink.body == FILE
        assert len(sink.pieces) > 1
    assert server.requests[0].headers["authorization"] == "x"
    assert server.requests[0].target == "/_matrix/x?y=%2F"
    # It is kept, as it is after other requests.
    assert server.connections == 1


def test_the_memory_that_it_takes_does_not_grow_with_it(world: World, wire: HttpsWire) -> None:
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"

    def handle(connection: Any, request: Request) -> None:
        connection.sendall(b"HTTP/1.1 200 So\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(500):
            connection.sendall(chunk)
        connection.sendall(b"0\r\n\r\n")

    server = world.host("a.test", handle)
    sink = Counting()
    gc.collect()
    tracemalloc.start()
    try:
        download(wire, f"a.test:{server.port}", sink)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sink.size == 500 * 65_536
    assert peak < 3_000_000


def test_an_error_goes_past_the_sink(world: World, wire: HttpsWire) -> None:
    server = world.host("a.test", says(answer(b'{"errcode": "M_X"}', 404)))
    sink = Sink()
    response = download(wire, f"a.test:{server.port}", sink)
    assert (response.status, response.body) == (404, b'{"errcode": "M_X"}')
    assert sink.headers is None


def test_what_the_sink_raises_ends_it(world: World, wire: HttpsWire) -> None:
    server = world.host("a.test", endlessly(b"x" * 65_536))
    with pytest.raises(Enough):
        download(wire, f"a.test:{server.port}", Sink(bytes_max=500_000))
    server.handler = says(answer(b"fine"))
    sink = Sink()
    download(wire, f"a.test:{server.port}", sink)
    assert sink.body == b"fine"
    assert server.connections == 2


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 200 So\r\nContent-Le"])
def test_a_kept_connection_that_was_closed_is_replaced(
    world: World, wire: HttpsWire, data: bytes
) -> None:
    def close_then(connection: Any, request: Request) -> None:
        if len(server.requests) == 2:
            connection.sendall(data)
            connection.close()
        else:
            connection.sendall(answer(b"fine"))

    server = world.host("a.test", close_then)
    download(wire, f"a.test:{server.port}", Sink())
    sink = Sink()
    if data:
        with pytest.raises(Unreachable, match="ends early"):
            download(wire, f"a.test:{server.port}", sink)
    else:
        download(wire, f"a.test:{server.port}", sink)
        assert sink.body == b"fine"


# Slow ones.


def test_what_comes_slowly_but_well_may_take_longer_than_an_answer(
    world: World, wire: HttpsWire
) -> None:
    server = world.host("a.test", says(answer(b"fine")))
    # Then the connection is there, and only the answer takes time.
    download(wire, f"a.test:{server.port}", Counting())
    server.handler = endlessly(b"x" * 65_536, pause_s=0.4, count=8)
    sink = Counting()
    download(wire, f"a.test:{server.port}", sink, timeout_s=2.0)
    assert sink.size == 8 * 65_536


@pytest.mark.parametrize(
    "piece",
    [b"", b"x" * 4_096, b"x" * 65_536],
    ids=["nothing more comes", "little comes", "much comes, and seldom"],
)
def test_what_comes_too_slowly_ends(
    world: World, wire: HttpsWire, monkeypatch: pytest.MonkeyPatch, piece: bytes
) -> None:
    monkeypatch.setattr(https_wire, "SILENCE_S_MAX", 0.3)
    monkeypatch.setattr(https_wire, "BYTES_PER_S_MIN", 1_000_000)
    server = world.host("a.test", endlessly(piece, pause_s=0.2))
    with pytest.raises(Unreachable, match="too slowly"), gevent.Timeout(10):
        download(wire, f"a.test:{server.port}", Sink())
    # It is the server's doing, and costs nobody else anything.
    soon(lambda: wire.pool.count_idle() == 0)


def test_an_answer_that_does_not_begin_ends(world: World, wire: HttpsWire) -> None:
    server = world.host("a.test", lambda connection, request: gevent.sleep(60))
    with pytest.raises(Unreachable, match="no answer in 0 s"):
        download(wire, f"a.test:{server.port}", Sink(), timeout_s=0.2)


def endlessly(
    piece: bytes, pause_s: float = 0.0, count: int | None = None
) -> Callable[[Any, Request], None]:
    """Chunks of that; a last one after so many."""

    def handle(connection: Any, request: Request) -> None:
        connection.sendall(b"HTTP/1.1 200 So\r\nTransfer-Encoding: chunked\r\n\r\n")
        sent = 0
        while sent != count:
            if piece:
                connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            gevent.sleep(pause_s)
            sent += 1
        connection.sendall(b"0\r\n\r\n")

    return handle


# From a URL.


def test_a_url_is_visited(world: World, wire: HttpsWire) -> None:
    server = world.host("cdn.test", says(answer(FILE)))
    sink = Sink()
    visit(wire, f"https://user:secret@cdn.test:{server.port}/a%20b?c=d#e", sink)
    assert sink.body == FILE
    [request] = server.requests
    assert request.target == "/a%20b?c=d"
    # Nothing tells who we are, or who asks.
    assert request.headers == {
        "host": f"cdn.test:{server.port}",
        "user-agent": "Test",
        "accept-encoding": "identity",
        "connection": "close",
    }
    assert wire.pool.count_idle() == 0


def test_a_url_may_lead_elsewhere_some_times(world: World, wire: HttpsWire) -> None:
    last = world.host("last.test", says(answer(FILE)))
    end = f"https://last.test:{last.port}/x"
    first = world.host("cdn.test", says(answer(b"", 307, Location=end)))
    sink = Sink()
    visit(wire, f"https://cdn.test:{first.port}/", sink)
    assert sink.body == FILE

    first.handler = says(answer(b"", 302, Location="/again"))
    with pytest.raises(Unreachable, match="too often"):
        visit(wire, f"https://cdn.test:{first.port}/", Sink())
    assert len(first.requests) == 1 + 1 + https_wire.REDIRECTS_MAX


@pytest.mark.parametrize(
    "url",
    [
        "http://cdn.test/",
        "ftp://cdn.test/",
        "file:///etc/passwd",
        "//cdn.test/x",
        "x",
        "",
        "https://",
        "https:///x",
        "https://cdn.test:99999/",
        "https://cdn.test:x/",
        "https://cdn.test/a b",
        "https://cdn.test/a\r\nX: y",
        "https://cdn.test/é",
        "https://[::1/",
        "https://a b/",
    ],
)
def test_what_is_no_url_is_not_visited(wire: HttpsWire, url: str) -> None:
    with pytest.raises(Unreachable, match="is no URL|not https"):
        visit(wire, url, Sink())
    with pytest.raises(HttpFailure):
        https_url.checked(url)


@pytest.mark.parametrize("name", ["127.0.0.1", "[::ffff:127.0.0.1]", "private.test", "0x7f000001"])
def test_nobody_sends_us_to_our_own_network(world: World, wire: HttpsWire, name: str) -> None:
    world.dns.add("private.test", "A", "127.0.0.1")
    world.dns.add("0x7f000001", "A", "127.0.0.1")
    inner = f"https://{name}/latest/meta-data"
    outer = world.host("cdn.test", says(answer(b"", 302, Location=inner)))
    for url in (inner, f"https://cdn.test:{outer.port}/"):
        with pytest.raises(Unreachable, match="does not connect to"):
            visit(wire, url, Sink())


def test_a_url_needs_a_good_certificate(world: World, wire: HttpsWire) -> None:
    server = world.server("other.test", handler=says(answer(FILE)))
    world.dns.add("cdn.test", "A", server.address)
    with pytest.raises(Unreachable, match="certificate"):
        visit(wire, f"https://cdn.test:{server.port}/", Sink())
    assert server.requests == []
