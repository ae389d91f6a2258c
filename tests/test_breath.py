"""Who computes for long and takes breaths keeps nobody waiting."""

import time

import gevent
import gevent.socket

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
