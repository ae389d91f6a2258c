"""Events that somebody dates or signs so that keys of others are not asked for any more."""

from collections.abc import Callable
from typing import Any

import pytest

from impl.core.room_version import ROOM_VERSIONS
from tests.federation.conftest import Server
from tests.federation.fake_wire import Network
from tests.federation.made_up_server import DAY_MS, Clock, MadeUpServer
from tests.federation.test_server_keys import US, fault

V12 = ROOM_VERSIONS["12"]
HOUR_MS = 3_600_000
MINUTE_MS = 60_000


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def us(new_server: Callable[..., Server], clock: Clock) -> Server:
    return new_server(US, clock)


@pytest.fixture
def victim(network: Network, clock: Clock) -> MadeUpServer:
    return MadeUpServer(network, "victim.test", clock)


def in_its_name(victim: MadeUpServer, clock: Clock, ahead_ms: int) -> dict[str, Any]:
    """An event of the future that it has not signed, with the name of its key."""
    pdu = victim.event(V12, origin_server_ts=clock.ms + ahead_ms)
    pdu["signatures"] = {victim.name: {victim.key.key_id: "A" * 86}}
    return pdu


def test_events_of_the_future_do_not_keep_keys_from_being_asked_for(
    us: Server, victim: MadeUpServer, clock: Clock
) -> None:
    """The keys are known, and not yet for then: whoever says such things again and again must not
    have us give up asking.
    """
    assert fault(us, victim.event(V12)) is None
    for _ in range(20):
        clock.ms += 2 * HOUR_MS
        assert "not known to have been good" in (
            fault(us, in_its_name(victim, clock, 6 * DAY_MS)) or ""
        )
        # What it says itself meanwhile is believed, also where its key has to be asked for anew.
        assert fault(us, victim.event(V12, origin_server_ts=clock.ms)) is None
    for _ in range(20):
        clock.ms += 2 * HOUR_MS
        fault(us, in_its_name(victim, clock, 6 * DAY_MS))
    # Others bring its events, when what was known of its key is over.
    clock.ms += DAY_MS - HOUR_MS
    assert fault(us, victim.event(V12, origin_server_ts=clock.ms)) is None
    clock.ms += DAY_MS
    fault(us, in_its_name(victim, clock, 6 * DAY_MS))
    clock.ms += 2 * MINUTE_MS
    assert fault(us, victim.event(V12, origin_server_ts=clock.ms)) is None
    asked = victim.asked
    for _ in range(50):
        fault(us, in_its_name(victim, clock, 6 * DAY_MS))
    assert victim.asked <= asked + 1


def test_keys_that_it_does_not_have_do_not_either(
    us: Server, victim: MadeUpServer, clock: Clock
) -> None:
    """A name that somebody makes up, and which it uses later."""
    for _ in range(15):
        clock.ms += HOUR_MS
        pdu = victim.event(V12)
        pdu["signatures"] = {victim.name: {"ed25519:next": "A" * 86}}
        assert "is not known" in (fault(us, pdu) or "")
    victim.rotate("next")
    clock.ms += HOUR_MS
    assert fault(us, victim.event(V12, origin_server_ts=clock.ms)) is None
