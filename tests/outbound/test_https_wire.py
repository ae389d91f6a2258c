"""Requests over the wire: to whom, under which name and certificate, and over which connections.

What hostile servers do is in test_hostile_servers.py."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import gevent
import pytest
import trustme

from impl.outbound import connection_pool
from impl.outbound.connection_pool import ConnectionPool
from impl.outbound.discovery import PORT
from impl.outbound.failures import Unreachable
from impl.outbound.https_wire import HttpsWire
from impl.outbound.tls import Tls
from impl.outbound.wire import WireResponse
from tests.outbound.conftest import Clock
from tests.outbound.world import NOT_FOUND, Request, World, answer, ok, says, soon

NewWire = Callable[..., HttpsWire]


def ask(wire: HttpsWire, destination: str, **changes: Any) -> WireResponse:
    options = {"headers": {}, "body": None, "timeout_s": 5.0, "bytes_max": 100_000, **changes}
    method, target = options.pop("method", "GET"), options.pop("target", "/_matrix/x")
    return wire.request(destination, method, target, **options)


# What is sent, and what comes back.


def test_a_request_and_its_answer(world: World, wire: HttpsWire) -> None:
    server = world.host("a.test", says(answer(b"some", 418, X_One="1", x_two="2", X_TWO="3")))
    response = ask(
        wire,
        f"a.test:{server.port}",
        method="PUT",
        target="/_matrix/%21a?b=%2F",
        headers={"Authorization": "X-Matrix y"},
        body=b'{"a":1}',
    )
    assert response.status == 418
    assert response.body == b"some"
    assert response.headers == {"content-length": "4", "x-one": "1", "x-two": "2, 3"}
    [request] = server.requests
    assert (request.method, request.target) == ("PUT", "/_matrix/%21a?b=%2F")
    assert request.body == b'{"a":1}'
    assert request.headers == {
        "host": f"a.test:{server.port}",
        "user-agent": "Test",
        "authorization": "X-Matrix y",
        "content-length": "7",
        "accept-encoding": "identity",
    }


def test_a_body_may_be_large_or_missing(world: World, wire: HttpsWire) -> None:
    server = world.host("a.test", ok())
    ask(wire, f"a.test:{server.port}", method="POST", body=b"x" * 3_000_000)
    ask(wire, f"a.test:{server.port}", method="POST")
    ask(wire, f"a.test:{server.port}", method="GET")
    assert [len(request.body) for request in server.requests] == [3_000_000, 0, 0]
    assert [one.headers.get("content-length") for one in server.requests] == ["3000000", "0", None]


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabcde",
        b"HTTP/1.0 200 OK\r\n\r\nabcde",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde",
    ],
)
def test_bodies_come_in_several_wrappings(world: World, wire: HttpsWire, data: bytes) -> None:
    def handle(connection: Any, request: Request) -> None:
        connection.sendall(data)
        if b"Length" not in data and b"chunked" not in data:
            connection.close()

    server = world.host("a.test", handle)
    for _ in range(2):
        assert ask(wire, f"a.test:{server.port}").body == b"abcde"


def test_an_empty_answer_is_one(world: World, wire: HttpsWire) -> None:
    server = world.host("a.test", says(b"HTTP/1.1 204 No Content\r\n\r\n"))
    assert ask(wire, f"a.test:{server.port}").body == b""
    server.handler = ok(b"")
    assert ask(wire, f"a.test:{server.port}").body == b""
    assert server.connections == 1


# To whom, by which name.


def test_1_an_address_without_a_port(world: World, wire: HttpsWire) -> None:
    address = "127.9.8.7"
    server = world.server(address, handler=ok(), address=address, port=PORT)
    ask(wire, address)
    assert server.requests[0].headers["host"] == address
    # No name is told for an address.
    assert server.names == [None]


def test_1_an_address_of_version_6(world: World, wire: HttpsWire) -> None:
    server = world.server("::1", handler=ok(), address="::1")
    ask(wire, f"[::1]:{server.port}")
    assert server.requests[0].headers["host"] == f"[::1]:{server.port}"
    assert server.names == [None]


def test_1_the_certificate_must_be_for_the_address(world: World, wire: HttpsWire) -> None:
    server = world.server("a.test", handler=ok())
    with pytest.raises(Unreachable, match="IP address mismatch"):
        ask(wire, f"{server.address}:{server.port}")


def test_3_delegation_decides_host_and_certificate(world: World, wire: HttpsWire) -> None:
    server = world.host("b.test", ok())
    world.well_known("a.test", f"b.test:{server.port}".encode())
    ask(wire, "a.test")
    assert server.requests[0].headers["host"] == f"b.test:{server.port}"
    assert server.names == ["b.test"]


def test_4_a_record_decides_neither_host_nor_certificate(world: World, wire: HttpsWire) -> None:
    server = world.server("a.test", handler=ok())
    world.dns.add("_matrix-fed._tcp.a.test", "SRV", f"0 0 {server.port} c.test.")
    world.dns.add("c.test", "A", server.address)
    ask(wire, "a.test")
    assert server.requests[0].headers["host"] == "a.test"
    assert server.names == ["a.test"]


def test_4_the_certificate_must_not_be_for_the_records_target(
    world: World, wire: HttpsWire
) -> None:
    server = world.server("c.test", handler=ok())
    world.dns.add("_matrix-fed._tcp.a.test", "SRV", f"0 0 {server.port} c.test.")
    world.dns.add("c.test", "A", server.address)
    with pytest.raises(Unreachable, match="not valid for 'a.test'"):
        ask(wire, "a.test")
    assert server.requests == []


def test_6_the_name_itself(world: World, wire: HttpsWire) -> None:
    world.host("a.test", ok(b"6"), port=PORT)
    assert ask(wire, "a.test").body == b"6"


def test_addresses_are_tried_one_after_another(world: World, wire: HttpsWire) -> None:
    server = world.server("a.test", handler=ok(b"there"))
    world.dns.add("a.test", "A", "127.77.0.1", "127.77.0.2", server.address)
    assert ask(wire, f"a.test:{server.port}").body == b"there"


def test_when_no_address_answers_each_is_named(world: World, wire: HttpsWire) -> None:
    world.dns.add("a.test", "A", "127.77.0.1", "127.77.0.2")
    with pytest.raises(Unreachable) as caught:
        ask(wire, "a.test:7")
    assert caught.value.destination == "a.test:7"
    for address in ("127.77.0.1", "127.77.0.2"):
        assert f"{address}:7: Connection refused" in str(caught.value)


@pytest.mark.parametrize("name", ["nowhere.test:1", "nowhere.test", "not a name", "a..test"])
def test_a_name_that_leads_nowhere_is_unreachable(wire: HttpsWire, name: str) -> None:
    with pytest.raises(Unreachable):
        ask(wire, name)


# Certificates.


def certificate_of(world: World, **options: Any) -> trustme.LeafCert:
    return world.authority.issue_cert("a.test", **options)


def test_an_expired_certificate_is_not_good(world: World, wire: HttpsWire) -> None:
    past = datetime.now(UTC) - timedelta(days=1)
    expired = certificate_of(world, not_before=past - timedelta(days=9), not_after=past)
    server = world.server(handler=ok(), certificate=expired)
    world.dns.add("a.test", "A", server.address)
    with pytest.raises(Unreachable, match="certificate has expired"):
        ask(wire, f"a.test:{server.port}")
    assert server.requests == []


def test_another_authoritys_certificate_is_not_good(world: World, wire: HttpsWire) -> None:
    server = world.server(handler=ok(), certificate=trustme.CA().issue_cert("a.test"))
    world.dns.add("a.test", "A", server.address)
    with pytest.raises(Unreachable, match="certificate is not good"):
        ask(wire, f"a.test:{server.port}")


def test_the_systems_authorities_do_not_know_ours(world: World, new_wire: NewWire) -> None:
    server = world.host("a.test", ok())
    with pytest.raises(Unreachable, match="certificate is not good"):
        ask(new_wire(tls=Tls()), f"a.test:{server.port}")


def test_listed_names_need_no_certificate(
    world: World, new_wire: NewWire, authority_file: Path
) -> None:
    wire = new_wire(tls=Tls([authority_file], unverified=["*.onion", "lan"]))
    other = trustme.CA()
    for name in ("x.onion", "lan", "x.test"):
        server = world.server(handler=ok(), certificate=other.issue_cert("whatever"))
        world.dns.add(name, "A", server.address)
        if name == "x.test":
            with pytest.raises(Unreachable, match="certificate is not good"):
                ask(wire, f"{name}:{server.port}")
        else:
            assert ask(wire, f"{name}:{server.port}").status == 200
            assert server.names == [name]


def test_certificates_may_be_switched_off(world: World, new_wire: NewWire) -> None:
    server = world.server(handler=ok(), certificate=trustme.CA().issue_cert("whatever"))
    world.dns.add("a.test", "A", server.address)
    assert ask(new_wire(tls=Tls(verifies=False)), f"a.test:{server.port}").status == 200


def test_the_least_version_of_tls_is_kept(
    world: World, new_wire: NewWire, authority_file: Path
) -> None:
    server = world.host("a.test", ok())
    server.context.maximum_version = 0x0303  # 1.2
    assert ask(new_wire(), f"a.test:{server.port}").status == 200
    strict = new_wire(tls=Tls([authority_file], minimum_version="1.3"))
    with pytest.raises(Unreachable, match="TLS fails: .*protocol version"):
        ask(strict, f"a.test:{server.port}")


# Connections.


def test_a_connection_is_kept(world: World, wire: HttpsWire) -> None:
    server = world.host("a.test", ok())
    for _ in range(5):
        ask(wire, f"a.test:{server.port}")
    assert server.connections == 1
    assert len(server.requests) == 5


def test_a_kept_connection_needs_no_names(world: World, wire: HttpsWire) -> None:
    server = world.host("a.test", ok())
    ask(wire, f"a.test:{server.port}")
    asked = len(world.dns.asked)
    wire.resolver.forget("a.test", 0)
    ask(wire, f"a.test:{server.port}")
    assert len(world.dns.asked) == asked


def test_an_answer_that_ends_the_connection_ends_it(world: World, wire: HttpsWire) -> None:
    server = world.host("a.test", ok(Connection="close"))
    ask(wire, f"a.test:{server.port}")
    ask(wire, f"a.test:{server.port}")
    assert server.connections == 2
    assert wire.pool.count_idle() == 0


def test_a_connection_that_was_closed_meanwhile_is_replaced(world: World, wire: HttpsWire) -> None:
    def handle(connection: Any, request: Request) -> None:
        connection.sendall(answer(b"{}"))
        connection.close()

    server = world.host("a.test", handle)
    for _ in range(3):
        assert ask(wire, f"a.test:{server.port}").status == 200
    assert server.connections == 3


def test_a_connection_that_is_closed_under_our_hands_is_replaced(
    world: World, wire: HttpsWire
) -> None:
    # The server hangs up when it has read the second request: we could not know before.
    def handle(connection: Any, request: Request) -> None:
        if len(server.requests) == 2:
            connection.close()
        else:
            connection.sendall(answer(b"{}"))

    server = world.host("a.test", handle)
    for _ in range(2):
        assert ask(wire, f"a.test:{server.port}", method="PUT", body=b"{}").status == 200
    assert server.connections == 2
    assert len(server.requests) == 3


def test_a_new_connection_that_is_closed_is_not_tried_again(world: World, wire: HttpsWire) -> None:
    server = world.host("a.test", lambda connection, request: connection.close())
    with pytest.raises(Unreachable, match="it closed the connection"):
        ask(wire, f"a.test:{server.port}")
    assert len(server.requests) == 1


def test_a_request_that_was_answered_in_part_is_not_tried_again(
    world: World, wire: HttpsWire
) -> None:
    def handle(connection: Any, request: Request) -> None:
        if len(server.requests) == 1:
            connection.sendall(answer(b"{}"))
        else:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")
            connection.close()

    server = world.host("a.test", handle)
    ask(wire, f"a.test:{server.port}")
    with pytest.raises(Unreachable):
        ask(wire, f"a.test:{server.port}")
    assert len(server.requests) == 2


def slowly(connection: Any, request: Request) -> None:
    gevent.sleep(0.05)
    connection.sendall(answer(b"{}"))


def test_requests_at_once_have_a_connection_each_up_to_a_bound(
    world: World, new_wire: NewWire
) -> None:
    server = world.host("a.test", slowly)
    wire = new_wire(pool=ConnectionPool(connections_max_of_one=3))
    jobs = [gevent.spawn(ask, wire, f"a.test:{server.port}") for _ in range(9)]
    gevent.joinall(jobs, raise_error=True)
    assert server.connections == 3
    assert len(server.requests) == 9


def test_a_busy_destination_is_not_in_the_way_of_others(world: World, new_wire: NewWire) -> None:
    wire = new_wire(pool=ConnectionPool(connections_max_of_one=1))
    stuck = world.host("a.test", lambda connection, request: gevent.sleep(60))
    server = world.host("b.test", ok())
    jobs = [gevent.spawn(ask, wire, f"a.test:{stuck.port}") for _ in range(3)]
    soon(lambda: bool(stuck.requests))
    assert ask(wire, f"b.test:{server.port}").status == 200
    gevent.killall(jobs)


def test_connections_in_all_are_bounded_and_the_longest_unused_makes_place(
    world: World, new_wire: NewWire
) -> None:
    wire = new_wire(pool=ConnectionPool(connections_max=2))
    servers = {name: world.host(name, ok()) for name in ("a.test", "b.test", "c.test")}

    def go(name: str) -> None:
        ask(wire, f"{name}:{servers[name].port}")

    for name in ("a.test", "b.test", "a.test", "c.test", "a.test"):
        go(name)
    assert wire.pool.count_idle() == 2
    assert servers["a.test"].connections == 1
    go("b.test")
    assert servers["b.test"].connections == 2


def test_who_waits_for_a_place_gets_that_of_a_finished_request(
    world: World, new_wire: NewWire
) -> None:
    wire = new_wire(pool=ConnectionPool(connections_max=1))
    first, second = world.host("a.test", slowly), world.host("b.test", ok())
    jobs = [
        gevent.spawn(ask, wire, f"a.test:{first.port}"),
        gevent.spawn(ask, wire, f"b.test:{second.port}"),
    ]
    gevent.joinall(jobs, raise_error=True)
    assert wire.pool.count_idle() == 1


def test_a_failure_gives_its_place_back(world: World, new_wire: NewWire) -> None:
    wire = new_wire(pool=ConnectionPool(connections_max=1, connections_max_of_one=1))
    stuck = world.host("a.test", lambda connection, request: gevent.sleep(60))
    closing = world.host("b.test", lambda connection, request: connection.close())
    server = world.host("c.test", ok())
    for _ in range(2):
        with pytest.raises(Unreachable):
            ask(wire, f"a.test:{stuck.port}", timeout_s=0.1)
        with pytest.raises(Unreachable):
            ask(wire, f"b.test:{closing.port}")
        with pytest.raises(Unreachable):
            ask(wire, "nowhere.test:1")
    assert ask(wire, f"c.test:{server.port}").status == 200


def test_unused_connections_are_closed(world: World, new_wire: NewWire, clock: Clock) -> None:
    pool = ConnectionPool(now_s=clock)
    wire = new_wire(pool=pool)
    server = world.host("a.test", ok())
    ask(wire, f"a.test:{server.port}")
    clock.now_s += connection_pool.IDLE_S_MAX - 1
    pool.sweep()
    assert pool.count_idle() == 1
    clock.now_s += 2
    pool.sweep()
    assert pool.count_idle() == 0


def test_the_sweeper_comes_by_itself_and_goes(
    world: World, new_wire: NewWire, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_pool, "_SWEEP_S", 0.01)
    pool = ConnectionPool(now_s=clock)
    wire = new_wire(pool=pool)
    server = world.host("a.test", ok())
    for _ in range(2):
        ask(wire, f"a.test:{server.port}")
        clock.now_s += connection_pool.IDLE_S_MAX + 1
        soon(lambda: pool.count_idle() == 0)
    assert server.connections == 2


def test_an_old_connection_is_not_used_for_ever(
    world: World, new_wire: NewWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_pool, "AGE_S_MAX", -1e9)
    wire = new_wire()
    server = world.host("a.test", ok())
    ask(wire, f"a.test:{server.port}")
    ask(wire, f"a.test:{server.port}")
    assert server.connections == 2


def test_nothing_is_kept_of_those_that_are_gone(world: World, wire: HttpsWire) -> None:
    for number in range(50):
        with pytest.raises(Unreachable):
            ask(wire, f"nowhere{number}.test:1")
    assert wire.pool.count_idle() == 0
    assert not wire.pool._slots and not wire.pool._of_destination


# A server that moves.


def test_a_server_that_moved_is_found_again_in_the_same_request(
    world: World, wire: HttpsWire, clock: Clock
) -> None:
    first = world.host("a.test", ok(b"first", Connection="close"))
    ask(wire, f"a.test:{first.port}")
    first.stop()
    second = world.server("a.test", handler=ok(b"second"), port=first.port)
    world.dns.add("a.test", "A", second.address)
    clock.now_s += 61
    assert ask(wire, f"a.test:{first.port}").body == b"second"


def test_a_delegation_that_moved_is_found_again(
    world: World, wire: HttpsWire, clock: Clock
) -> None:
    first = world.host("b.test", ok(b"first", Connection="close"))
    delegating = world.well_known("a.test", f"b.test:{first.port}".encode())
    ask(wire, "a.test")
    first.stop()
    second = world.host("c.test", ok(b"second"))
    delegating.handler = says(answer(b'{"m.server": "c.test:%d"}' % second.port))
    with pytest.raises(Unreachable):
        ask(wire, "a.test")
    clock.now_s += 601
    assert ask(wire, "a.test").body == b"second"
    delegating.handler = says(NOT_FOUND)
    assert ask(wire, "a.test").body == b"second"
