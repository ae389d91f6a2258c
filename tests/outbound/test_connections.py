"""Connections: kept, bounded, replaced where the other side closed them; servers that move."""

import resource
import socket
from collections.abc import Callable
from typing import Any

import gevent
import pytest
from gevent.event import Event

from impl.outbound import connection_pool
from impl.outbound.connection_pool import ConnectionPool
from impl.outbound.failures import Unreachable
from impl.outbound.https_wire import HttpsWire
from tests.outbound.conftest import Clock
from tests.outbound.world import NOT_FOUND, Request, World, answer, ask, ok, says, soon

NewWire = Callable[..., HttpsWire]


def test_a_connection_is_kept(world: World, wire: HttpsWire) -> None:
    server = world.host("a.test", ok())
    for _ in range(5):
        ask(wire, f"a.test:{server.port}")
    assert server.connections == 1
    assert len(server.requests) == 5


def test_a_connection_is_kept_though_there_are_a_great_many(world: World, wire: HttpsWire) -> None:
    # The old way of asking whether a socket has something to say knows the first 1024 only.
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 1300:
        pytest.skip("this process may not have so many")
    low = [socket.socket() for _ in range(1100)]
    try:
        server = world.host("a.test", ok())
        ask(wire, f"a.test:{server.port}")
        ask(wire, f"a.test:{server.port}")
    finally:
        for one in low:
            one.close()
    assert server.connections == 1


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
    all_are_there = Event()

    def handle(connection: Any, request: Request) -> None:
        all_are_there.wait()
        connection.sendall(answer(b"{}"))

    server = world.host("a.test", handle)
    wire = new_wire(pool=ConnectionPool(connections_max_of_one=3))
    jobs = [gevent.spawn(ask, wire, f"a.test:{server.port}") for _ in range(9)]
    soon(lambda: len(server.requests) >= 3)
    all_are_there.set()
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
