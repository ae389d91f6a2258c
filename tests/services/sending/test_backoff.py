"""How long servers are left alone, and how little is kept of them."""

import sys
from collections.abc import Callable
from typing import Any

import pytest

from impl.app import App
from impl.config.federation import FederationTimes
from impl.outbound.failures import Refused, Unreachable
from impl.outbound.wire import WireResponse
from impl.services.sending import backoff, post
from impl.services.sending.outbox import Outbox
from impl.services.sending.sender import Sender
from impl.storage import destinations
from tests.builders import ALICE, SERVER_NAME, a_room, append, message
from tests.services.sending.world import World, come, rows_of, settle

FAR = "far.example"


def test_where_many_wait_little_is_kept_for_each(
    app: App, sender: Sender, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post, "CROWD", 1)
    monkeypatch.setattr(post, "QUEUED_MAX_IN_CROWD", 3)
    room_id = a_room(app)
    names = [FAR, "third.example"]
    receivers = [world.receiver(name) for name in names]
    gates = [world.network.hold(SERVER_NAME, name) for name in names]
    for name in names:
        come(app, room_id, f"@u:{name}")
    for number in range(10):
        append(app, room_id, message(ALICE, str(number)))
        app.news.catch_up()
        sender.turn()
    # At the latest the one that came second is caught up with.
    assert rows_of(app)
    assert sum(one.queued for one in sender.post.known.values()) <= 10
    for gate in gates:
        gate.open()
    settle(sender)
    world.clock.advance(5_000)
    settle(sender)
    for receiver in receivers:
        assert list(dict.fromkeys(receiver.bodies)) == [str(number) for number in range(10)]


def test_all_requests_may_take_as_long_as_is_configured(
    new_worker: Callable[..., App],
    new_sender: Callable[[App], Sender],
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = new_worker(federation=FederationTimes(client_timeout=7_000))
    seconds: list[float] = []
    request = app.federation.wire.request

    def timed(*where: str, timeout_s: float, **options: Any) -> WireResponse:
        seconds.append(timeout_s)
        return request(*where, timeout_s=timeout_s, **options)

    monkeypatch.setattr(app.federation.wire, "request", timed)
    sender = new_sender(app)
    world.receiver(FAR)
    room_id = a_room(app)
    come(app, room_id, f"@u:{FAR}")
    append(app, room_id, message(ALICE, "hello"))
    settle(sender)
    app.federation.get_version(FAR)
    assert seconds == [7, 7]


def test_pauses_grow_as_configured_and_end() -> None:
    times = FederationTimes()
    gone = Unreachable(FAR, "gone")
    pause = backoff.next_pause(times, 0, 0, gone)
    for _ in range(30):
        before, pause = pause, backoff.next_pause(times, pause.interval_ms, 0, gone)
        assert pause.interval_ms >= before.interval_ms or pause.interval_ms == 604_800_000
    assert pause.interval_ms == times.destination_max_retry_interval
    asked = backoff.next_pause_of_asking(times, 0, 0)
    assert asked.interval_ms < 60_000
    busy = Refused(FAR, 429, {"retry_after_ms": 70_000})
    assert backoff.quick_delay_ms(times, 1, busy) == 0
    assert 0 < backoff.quick_delay_ms(times, 1, gone) < 6_000
    assert backoff.quick_delay_ms(times, 4, gone) == 0


def test_an_outbox_is_small() -> None:
    assert sys.getsizeof(Outbox("s", 0)) < 200
    assert destinations.name_hash("matrix.org") == destinations.name_hash("matrix.org")
