"""By way of a forward proxy: what it is asked for, and what it cannot do."""

from collections.abc import Callable, Iterator
from ipaddress import ip_network
from typing import Any

import gevent
import pytest
from gevent import socket
from gevent.server import StreamServer

from impl.outbound import https_connection
from impl.outbound.dns import Resolver
from impl.outbound.failures import Unreachable
from impl.outbound.guard import Guard
from impl.outbound.https_wire import HttpsWire
from impl.outbound.proxy import HEAD_BYTES_MAX, Proxy
from impl.outbound.tls import Tls
from impl.outbound.well_known import WellKnownClient
from tests.outbound.world import World, an_address, ask, ok

OPEN = b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n"


class ForwardProxy:
    """Does as it is asked, or answers something else."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.answer = OPEN
        self._server = StreamServer((an_address(), 0), self._handle)
        self._server.start()

    @property
    def end(self) -> tuple[str, int]:
        return self._server.address

    @property
    def asked(self) -> list[str]:
        return [head.split(b" ")[1].decode() for head in self.heads]

    def stop(self) -> None:
        self._server.stop(timeout=0)

    def _handle(self, client: Any, address: object) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        self.heads.append(head)
        try:
            client.sendall(self.answer)
        except OSError:
            return
        if self.answer is not OPEN:
            client.close()
            return
        host, _, port = self.asked[-1].rpartition(":")
        server = socket.create_connection((host, int(port)))
        ways = [gevent.spawn(_pass_on, client, server), gevent.spawn(_pass_on, server, client)]
        gevent.joinall(ways, count=1)
        gevent.killall(ways)
        server.close()


def _pass_on(one: Any, other: Any) -> None:
    while data := one.recv(65536):
        other.sendall(data)


@pytest.fixture
def proxy() -> Iterator[ForwardProxy]:
    made = ForwardProxy()
    yield made
    made.stop()


@pytest.fixture
def wire_by(
    world: World, resolver: Resolver, tls: Tls, guard: Guard, clock: Any
) -> Iterator[Callable[[Proxy], HttpsWire]]:
    wires: list[HttpsWire] = []

    def make(proxy: Proxy) -> HttpsWire:
        port = world.https_port
        known = WellKnownClient(resolver, tls, guard, "T", port=port, now_s=clock, proxy=proxy)
        wires.append(HttpsWire(resolver, tls, guard, "T", well_known=known, proxy=proxy))
        return wires[-1]

    yield make
    for wire in wires:
        wire.close()


Wires = Callable[[Proxy], HttpsWire]


def test_others_are_reached_by_it_at_the_addresses_that_we_found(
    world: World, proxy: ForwardProxy, wire_by: Wires
) -> None:
    server = world.host("a.test", ok())
    wire = wire_by(Proxy(*proxy.end))
    for _ in range(2):
        assert ask(wire, f"a.test:{server.port}").status == 200
    # The connection is kept, as any other.
    assert proxy.asked == [f"{server.address}:{server.port}"]
    assert b"Proxy-Authorization" not in proxy.heads[0]
    # What is in it is for the other end alone: it is who its certificate says.
    other = world.server("somebody.test", handler=ok())
    world.dns.add("b.test", "A", other.address)
    with pytest.raises(Unreachable, match="certificate"):
        ask(wire, f"b.test:{other.port}")


def test_what_serves_a_name_is_found_by_it_too(
    world: World, proxy: ForwardProxy, wire_by: Wires
) -> None:
    server = world.host("real.test", ok())
    web = world.well_known("a.test", b"real.test:%d" % server.port)
    assert ask(wire_by(Proxy(*proxy.end)), "a.test").status == 200
    ends = [f"{one.address}:{one.port}" for one in (web, server)]
    assert proxy.asked == ends


def test_what_the_guard_refuses_it_is_not_asked_for(
    world: World, proxy: ForwardProxy, wire_by: Wires
) -> None:
    world.dns.add("private.test", "A", "127.0.0.1")
    wire = wire_by(Proxy(*proxy.end))
    for name in ("private.test:443", "127.0.0.1:443", "[::ffff:127.0.0.1]:443"):
        with pytest.raises(Unreachable, match="does not connect to"):
            ask(wire, name)
    assert proxy.heads == []


def test_it_is_told_who_we_are(world: World, proxy: ForwardProxy, wire_by: Wires) -> None:
    server = world.host("a.test", ok())
    ask(wire_by(Proxy(*proxy.end, "user:pässword")), f"a.test:{server.port}")
    assert b"\r\nProxy-Authorization: Basic dXNlcjpww6Rzc3dvcmQ=\r\n" in proxy.heads[0]


def test_some_are_reached_without_it(world: World, proxy: ForwardProxy, wire_by: Wires) -> None:
    servers = [world.host(name, ok()) for name in ("lan.test", "a.lan.test", "b.test", "vlan.test")]
    networks = [ip_network(servers[2].address)]
    wire = wire_by(Proxy(*proxy.end, "", [".LAN.test"], networks))
    for name, server in zip(
        ("lan.test", "a.lan.test", "b.test", "vlan.test"), servers, strict=True
    ):
        assert ask(wire, f"{name}:{server.port}").status == 200
    assert proxy.asked == [f"{servers[3].address}:{servers[3].port}"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\nwho are you?", "answers with 407"),
        (b"HTTP/1.1 503 No\r\n\r\n", "answers with 503"),
        (b"", "closed the connection"),
        (b"HTTP/1.1 200 OK\r\n", "closed the connection"),
        (b"SSH-2.0-x\r\n\r\n", "does not answer with HTTP"),
        (b"HTTP/1.1 \r\n\r\n", "does not answer with HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * HEAD_BYTES_MAX, "answers with too much"),
    ],
)
def test_a_proxy_that_is_of_no_use(
    world: World, proxy: ForwardProxy, wire_by: Wires, answer: bytes, reason: str
) -> None:
    server = world.host("a.test", ok())
    proxy.answer = answer
    with pytest.raises(Unreachable, match=reason):
        ask(wire_by(Proxy(*proxy.end)), f"a.test:{server.port}")
    assert server.requests == []


def test_a_proxy_that_is_not_there_or_says_nothing(
    world: World, proxy: ForwardProxy, wire_by: Wires, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = world.host("a.test", ok())
    wire = wire_by(Proxy(*proxy.end))
    proxy.stop()
    with pytest.raises(Unreachable, match="proxy is not reached"):
        ask(wire, f"a.test:{server.port}")
    monkeypatch.setattr(https_connection, "CONNECT_S_MAX", 0.1)
    silent = socket.create_server((an_address(), 0))
    with pytest.raises(Unreachable, match="nobody answers"):
        ask(wire_by(Proxy(*silent.getsockname())), f"a.test:{server.port}")
    silent.close()
