"""A wire between servers of one process: a request of one is a call of the other's WSGI callable,
with all that is real about it (signature, JSON, status) and without sockets.

    network.cut("a.test", "b.test")        neither reaches the other until network.mend(...)
    network.drop_next("a.test", "b.test")  the next request of a's is lost before b sees it
    network.lose_next_answer(...)          ... is done by b, but a hears nothing of it
    gate = network.hold("a.test", "b.test", "/send/")
                                           requests of a's whose path holds that wait, until
                                           gate.release() lets one go (in any order: gate.waiting)
    network.pages["https://cdn.test/x"]    what is found at a URL that a server sends others to
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from gevent.event import Event

from impl.outbound.failures import Unreachable
from impl.outbound.wire import Sink, WireResponse

# What is downloaded comes in pieces of so much, so that parts of it are cut anywhere.
_PIECE_BYTES = 997

# (origin, destination, method, target, body) -> an answer, or None to let the request go on.
Handler = Callable[[str, str, str, str, bytes | None], WireResponse | None]


@dataclass
class Sent:
    """A request that was made, whether it arrived or not."""

    origin: str
    destination: str
    method: str
    target: str
    body: bytes | None


@dataclass
class Gate:
    """Requests that are held."""

    origin: str
    destination: str
    part: str
    waiting: list[tuple[Sent, Event]] = field(default_factory=list)
    is_open: bool = False
    # Set whenever a request begins to wait.
    arrived: Event = field(default_factory=Event)

    def wait(self, count: int = 1, timeout_s: float = 10.0) -> None:
        """Until so many wait."""
        while len(self.waiting) < count:
            self.arrived.clear()
            assert self.arrived.wait(timeout_s), f"only {len(self.waiting)} requests came"

    def release(self, number: int = 0) -> None:
        """Let one go that waits."""
        self.waiting.pop(number)[1].set()

    def open(self) -> None:
        """Let all go, now and later."""
        self.is_open = True
        for _, event in self.waiting:
            event.set()
        self.waiting.clear()


class Network:
    """Who is where, and what happens in between."""

    def __init__(self) -> None:
        self.sites: dict[str, Any] = {}
        self.sent: list[Sent] = []
        # For servers that are made up: destination -> what it answers.
        self.handlers: dict[str, Handler] = {}
        self.pages: dict[str, WireResponse] = {}
        # URLs that were asked for.
        self.visited: list[str] = []
        self._cuts: set[frozenset[str]] = set()
        self._drops: list[tuple[str, str]] = []
        self._lost_answers: list[tuple[str, str]] = []
        self._gates: list[Gate] = []

    def wire_of(self, origin: str) -> "FakeWire":
        return FakeWire(self, origin)

    def cut(self, one: str, other: str) -> None:
        self._cuts.add(frozenset((one, other)))

    def mend(self, one: str, other: str) -> None:
        self._cuts.discard(frozenset((one, other)))

    def drop_next(self, origin: str, destination: str) -> None:
        self._drops.append((origin, destination))

    def lose_next_answer(self, origin: str, destination: str) -> None:
        self._lost_answers.append((origin, destination))

    def hold(self, origin: str, destination: str, part: str = "") -> Gate:
        gate = Gate(origin, destination, part)
        self._gates.append(gate)
        return gate

    def requests(self, origin: str, destination: str, part: str = "") -> list[Sent]:
        """What was sent, in order."""
        return [
            one
            for one in self.sent
            if (one.origin, one.destination) == (origin, destination) and part in one.target
        ]

    def carry(
        self, sent: Sent, headers: Mapping[str, str], sink: Sink | None = None
    ) -> WireResponse:
        self.sent.append(sent)
        way = (sent.origin, sent.destination)
        for gate in self._gates:
            if (gate.origin, gate.destination) == way and gate.part in sent.target:
                if not gate.is_open:
                    event = Event()
                    gate.waiting.append((sent, event))
                    gate.arrived.set()
                    event.wait()
        if frozenset(way) in self._cuts:
            raise Unreachable(sent.destination, "the wire is cut")
        if way in self._drops:
            self._drops.remove(way)
            raise Unreachable(sent.destination, "the request was dropped")
        response = self._answer(sent, headers, sink)
        if way in self._lost_answers:
            self._lost_answers.remove(way)
            raise Unreachable(sent.destination, "the answer was lost")
        return response

    def visit(self, url: str, sink: Sink) -> WireResponse:
        self.visited.append(url)
        page = self.pages.get(url)
        if page is None:
            raise Unreachable(url, "there is nobody")
        return pour(page, sink)

    def _answer(self, sent: Sent, headers: Mapping[str, str], sink: Sink | None) -> WireResponse:
        handler = self.handlers.get(sent.destination)
        if handler is not None:
            made = handler(sent.origin, sent.destination, sent.method, sent.target, sent.body)
            if made is not None:
                return made if sink is None else pour(made, sink)
        site = self.sites.get(sent.destination)
        if site is None:
            raise Unreachable(sent.destination, "there is no such server")
        return _call(site, sent, headers, sink)


class FakeWire:
    """The wire of one server."""

    def __init__(self, network: Network, origin: str) -> None:
        self._network = network
        self._origin = origin

    def close(self) -> None:
        pass

    def request(
        self,
        destination: str,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout_s: float,
        bytes_max: int,
    ) -> WireResponse:
        sent = Sent(self._origin, destination, method, target, body)
        response = self._network.carry(sent, headers)
        if len(response.body) > bytes_max:
            raise Unreachable(destination, f"the answer is longer than {bytes_max} bytes")
        return response

    def download(
        self,
        destination: str,
        target: str,
        *,
        headers: Mapping[str, str],
        timeout_s: float,
        bytes_max: int,
        sink: Sink,
    ) -> WireResponse:
        sent = Sent(self._origin, destination, "GET", target, None)
        return self._network.carry(sent, headers, sink)

    def download_url(
        self, url: str, *, timeout_s: float, bytes_max: int, sink: Sink
    ) -> WireResponse:
        return self._network.visit(url, sink)


def pour(response: WireResponse, sink: Sink) -> WireResponse:
    """Into the sink, if it is no error."""
    if response.is_error:
        return response
    sink.begin(response.headers)
    for start in range(0, len(response.body), _PIECE_BYTES):
        sink.write(response.body[start : start + _PIECE_BYTES])
    return WireResponse(response.status, response.headers, b"")


def _call(
    site: Any, sent: Sent, headers: Mapping[str, str], sink: Sink | None = None
) -> WireResponse:
    body = sent.body or b""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": sent.method,
        "RAW_URI": sent.target,
        "PATH_INFO": sent.target.partition("?")[0],
        "QUERY_STRING": sent.target.partition("?")[2],
        "SERVER_NAME": sent.destination,
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "https",
    }
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    started: list[Any] = []
    pieces = site(environ, lambda status, given, *_: started.extend([status, given]))
    try:
        # Nobody need say how it begins before something is asked of it.
        rest = iter(pieces)
        first = next(rest, b"")
        status, given = started
        told = {name.lower(): value for name, value in given}
        response = WireResponse(int(status[:3]), told, b"")
        if sink is None or response.is_error:
            return replace(response, body=b"".join([first, *rest]))
        sink.begin(told)
        for piece in chain([first], rest):
            sink.write(piece)
        return response
    finally:
        if hasattr(pieces, "close"):
            pieces.close()
