"""Large answers come one after the other; the others pass them by."""

from typing import Any

import gevent
import pytest

from impl.core import signing
from impl.outbound import https_connection, https_wire, large_answers
from impl.outbound.failures import Busy, FederationFailure, Unreachable
from impl.outbound.federation import FederationClient
from impl.outbound.https_wire import HttpsWire
from tests.outbound.world import Request, World, answer, ask, says, soon

LARGE = b"[" + b"0," * 5_000 + b"0]"
# The time of a request, without that in which it waits for a turn.
OWN_S = 1.0
LARGER = b" " * 300_000
IN_CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"


@pytest.fixture(autouse=True)
def small_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(https_connection, "LARGE_BYTES", 4_096)


@pytest.mark.parametrize("data", [answer(LARGE), IN_CHUNKS % (len(LARGE), LARGE)])
def test_few_large_answers_are_held_at_once(world: World, wire: HttpsWire, data: bytes) -> None:
    """With their length told, and without."""
    first, *others = large_ones(world, large_answers.AT_ONCE + 2, says(data))
    small = world.host("small.test", says(answer(b"{}")))
    last = others.pop()
    held = ask(wire, first)
    more = [gevent.spawn(ask, wire, one) for one in others]
    assert ask(wire, f"small.test:{small.port}").body == b"{}"
    assert gevent.wait(more, count=large_answers.AT_ONCE - 1)
    assert sum(one.ready() for one in more) == large_answers.AT_ONCE - 1
    held.done()
    assert [one.get().body for one in more] == [LARGE] * large_answers.AT_ONCE
    # To say so twice gives nobody a second turn.
    held.done()
    large_answers_have_no_turn(wire, last)


def test_a_server_has_one_turn_at_a_time(world: World, wire: HttpsWire) -> None:
    greedy, modest = large_ones(world, 2, says(answer(LARGE)))
    held = ask(wire, greedy)
    waiting = gevent.spawn(ask, wire, greedy)
    ask(wire, modest).done()
    assert ask(wire, modest).body == LARGE
    assert not waiting.ready()
    held.done()
    assert waiting.get().body == LARGE


def test_what_is_announced_and_does_not_come_takes_no_turn(world: World, wire: HttpsWire) -> None:
    def stall(connection: Any, request: Request) -> None:
        connection.sendall(answer(LARGE)[:1_000])
        stalling.append(request)
        gevent.sleep(60)

    stalling: list[Request] = []
    (good,) = large_ones(world, 1, says(answer(LARGE)))
    bad = world.host("bad.test", stall)
    running = [
        gevent.spawn(ask, wire, f"bad.test:{bad.port}") for _ in range(large_answers.AT_ONCE)
    ]
    soon(lambda: len(stalling) == len(running))
    assert ask(wire, good).body == LARGE
    assert not any(one.ready() for one in running)
    gevent.killall(running)


def test_who_waits_for_a_turn_does_so_in_no_time_of_the_server(
    world: World, wire: HttpsWire
) -> None:
    *first, last = large_ones(world, large_answers.AT_ONCE + 1, says(answer(LARGE)))
    held = [ask(wire, one) for one in first]
    waiting = gevent.spawn(ask, wire, last, timeout_s=OWN_S)
    gevent.sleep(1.5 * OWN_S)
    held[0].done()
    assert waiting.get().body == LARGE


def test_the_time_that_is_left_after_a_turn_has_come_is_short(
    world: World, wire: HttpsWire
) -> None:
    def stall(connection: Any, request: Request) -> None:
        connection.sendall(answer(b" " * 300_000)[:200_000])
        gevent.sleep(60)

    first, *others = large_ones(world, large_answers.AT_ONCE, says(answer(LARGE)))
    held = [ask(wire, one) for one in (first, *others)]
    bad = world.host("bad.test", stall)
    waiting = gevent.spawn(ask, wire, f"bad.test:{bad.port}", timeout_s=OWN_S, bytes_max=1 << 20)
    gevent.sleep(1.5 * OWN_S)
    assert not waiting.ready()
    held[0].done()
    with pytest.raises(Unreachable, match="no answer in"):
        waiting.get()
    # Whose turn is over leaves it to others.
    assert ask(wire, first).body == LARGE


def test_who_stops_in_the_middle_of_a_turn_keeps_nobody_waiting(
    world: World, wire: HttpsWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(https_wire, "SILENCE_S_MAX", 2.0)

    def stall(connection: Any, request: Request) -> None:
        connection.sendall(answer(LARGER)[:200_000])
        gevent.sleep(60)

    stuck = [
        gevent.spawn(ask, wire, one, timeout_s=60.0, bytes_max=1 << 20)
        for one in large_ones(world, large_answers.AT_ONCE, stall)
    ]
    soon(lambda: len(wire._large._held) == large_answers.AT_ONCE)
    good = world.host("good.test", says(answer(LARGER)))
    assert ask(wire, f"good.test:{good.port}", bytes_max=1 << 20).body == LARGER
    for one in stuck:
        with pytest.raises(Unreachable, match="too slowly"):
            one.get()


def test_a_turn_lasts_as_long_as_more_comes(
    world: World, wire: HttpsWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(https_wire, "SILENCE_S_MAX", 2.5)

    def slowly(connection: Any, request: Request) -> None:
        whole = answer(LARGER)
        for start in range(0, len(whole), 66_000):
            connection.sendall(whole[start : start + 66_000])
            gevent.sleep(0.7)

    (name,) = large_ones(world, 1, slowly)
    assert ask(wire, name, bytes_max=1 << 20).body == LARGER


def test_a_server_whose_turn_does_not_come_is_not_blamed(
    world: World, wire: HttpsWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large_answers, "TURN_S_MAX", 0.2)
    *first, last = large_ones(world, large_answers.AT_ONCE + 1, says(answer(LARGE)))
    held = [ask(wire, one) for one in first]
    noted: list[FederationFailure | None] = []
    client = FederationClient("us.test", signing.new_signing_key(b"\x07" * 32, "1"), wire)
    client.note = lambda destination, failure: noted.append(failure)
    with pytest.raises(Busy, match="no turn"):
        client.get_room_state_ids(last, "!r:b", "$e")
    assert noted == [None]
    held[0].done()
    assert ask(wire, last).body == LARGE


def large_ones(world: World, count: int, handler: Any) -> list[str]:
    """The names of servers with such an answer."""
    servers = [(name, world.host(name, handler)) for name in (f"l{n}.test" for n in range(count))]
    return [f"{name}:{server.port}" for name, server in servers]


def large_answers_have_no_turn(wire: HttpsWire, name: str) -> None:
    waiting = gevent.spawn(ask, wire, name)
    gevent.sleep(0.4)
    assert not waiting.ready()
    waiting.kill()


def test_what_fails_keeps_no_turn(world: World, wire: HttpsWire) -> None:
    def cut_off(connection: object, request: Request) -> None:
        connection.sendall(answer(LARGE)[:-100])  # type: ignore[attr-defined]
        connection.close()  # type: ignore[attr-defined]

    server = world.host("large.test", cut_off)
    for _ in range(large_answers.AT_ONCE + 1):
        with pytest.raises(Unreachable, match="ends early|closed"):
            ask(wire, f"large.test:{server.port}")
    for _ in range(large_answers.AT_ONCE + 1):
        with pytest.raises(Unreachable, match="more than"):
            ask(wire, f"large.test:{server.port}", bytes_max=6_000)
