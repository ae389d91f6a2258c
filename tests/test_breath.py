"""Who computes for long and takes breaths keeps nobody waiting."""

import time

import gevent
import gevent.socket
import pytest

from impl import breath

TURNS = 20


def test_a_breath_lets_those_go_on_who_wait_for_a_time_or_a_socket() -> None:
    here, there = gevent.socket.socketpair()
    ticks, read = [], []

    def tick() -> None:
        while True:
            gevent.sleep(0.001)
            ticks.append(1)

    def listen() -> None:
        while True:
            read.append(here.recv(1))

    greenlets = [gevent.spawn(tick), gevent.spawn(listen)]
    gevent.sleep(0.01)
    ticks.clear()
    for _ in range(TURNS):
        there.send(b"x")
        until = time.monotonic() + 0.003
        while time.monotonic() < until:
            pass
        breath.take()
    gevent.killall(greenlets)
    here.close()
    there.close()
    # The last may be on its way.
    assert len(ticks) >= TURNS - 1
    assert len(read) >= TURNS - 1


def test_what_is_gone_through_is_all_there_and_others_have_their_turn_in_between(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    breaths: list[None] = []
    monkeypatch.setattr(breath, "take", lambda: breaths.append(None))
    assert list(breath.between(range(7), 3)) == list(range(7))
    assert len(breaths) == 2
    breaths.clear()
    assert list(breath.pieces([1, 2, 3, 4, 5], 2)) == [[1, 2], [3, 4], [5]]
    assert len(breaths) == 2
    assert list(breath.pieces([])) == []
