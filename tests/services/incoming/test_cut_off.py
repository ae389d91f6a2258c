"""How long it may take to place an event, and what becomes of that when the time is over."""

from collections.abc import Callable

import gevent
import pytest
from gevent.event import Event as Signal

from impl.app import App
from impl.config.federation import FederationTimes
from impl.core.event import Event
from impl.outbound.failures import Unreachable
from impl.services.incoming import missing_state, placing
from impl.services.incoming.asking import Source
from impl.storage.rooms import Room
from tests.builders import SERVER_NAME
from tests.federation.conftest import Server


class Asked(Source):
    """Nobody answers before the gate is open, and the first of all then says nothing more."""

    def __init__(self, app: App) -> None:
        super().__init__(app, Room(1, "!room:else.test", "11"), ["else.test"])
        self.events: list[str] = []
        self.gate = Signal()

    def event(self, event_id: str) -> Event:
        self.events.append(event_id)
        self.gate.wait()
        raise Unreachable("else.test", "it is gone")


IDS = [f"${number:043}" for number in range(100)]


@pytest.fixture
def source(app: App) -> Asked:
    return Asked(app)


def test_what_was_cut_off_does_not_go_on(source: Asked) -> None:
    with pytest.raises(gevent.Timeout), gevent.Timeout(0.1):
        missing_state.fetch_singly(source, IDS)
    source.gate.set()
    gevent.sleep(0.1)
    assert source.events == IDS[: missing_state.AT_ONCE]


def test_where_one_fails_the_others_are_not_asked_for(source: Asked) -> None:
    source.gate.set()
    with pytest.raises(Unreachable):
        missing_state.fetch_singly(source, IDS)
    count = len(source.events)
    gevent.sleep(0.1)
    assert len(source.events) == count < len(IDS)


def test_an_event_has_as_long_as_some_whole_states(new_server: Callable[..., Server]) -> None:
    """However long the administrator lets one take."""
    times = FederationTimes(client_timeout=300_000)
    app = new_server(SERVER_NAME, federation=times).app
    assert app.federation.long_s == 600
    assert placing.seconds_max(app) == 1800
