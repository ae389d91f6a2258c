"""Large answers come one after the other; the others pass them by."""

import gevent
import pytest

from impl.outbound import https_connection, large_answers
from impl.outbound.failures import Unreachable
from impl.outbound.https_wire import HttpsWire
from tests.outbound.world import Request, World, answer, ask, says

LARGE = b"[" + b"0," * 5_000 + b"0]"
IN_CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"


@pytest.fixture(autouse=True)
def small_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(https_connection, "LARGE_BYTES", 4_096)


@pytest.mark.parametrize("data", [answer(LARGE), IN_CHUNKS % (len(LARGE), LARGE)])
def test_few_large_answers_are_held_at_once(world: World, wire: HttpsWire, data: bytes) -> None:
    """With their length told, and without."""
    server = world.host("large.test", says(data))
    small = world.host("small.test", says(answer(b"{}")))
    held = [ask(wire, f"large.test:{server.port}") for _ in range(large_answers.AT_ONCE)]
    assert all(one.body == LARGE for one in held)
    waiting = gevent.spawn(ask, wire, f"large.test:{server.port}")
    assert ask(wire, f"small.test:{small.port}").body == b"{}"
    assert not waiting.ready()
    held[0].done()
    assert waiting.get().body == LARGE
    # To say so twice gives nobody a second turn.
    held[0].done()
    with pytest.raises(Unreachable):
        ask(wire, f"large.test:{server.port}", timeout_s=0.2)


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
