"""rc_federation: how much of a worker one other server may have."""

from collections.abc import Callable

import gevent
import gevent.event
import pytest

from impl.app import App
from impl.config.federation import RcFederation
from impl.services import federation_limits
from impl.services.federation_limits import FederationLimits
from impl.storage import room_servers, rooms
from tests.federation.conftest import Server
from tests.federation.fake_wire import Network
from tests.federation.made_up_server import Clock, MadeUpServer
from tests.federation.signed_requests import US, ask, header, put, site


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def other(network: Network, clock: Clock) -> MadeUpServer:
    return MadeUpServer(network, "other.test", clock)


def soon(condition: Callable[[], bool]) -> None:
    with gevent.Timeout(10):
        while not condition():
            gevent.sleep(0.001)


def limited(new_server: Callable[..., Server], clock: Clock, **limits: int) -> App:
    rates = {"window_size": 1000, "sleep_limit": 100, "sleep_delay": 1, "reject_limit": 2, **limits}
    return new_server(US, clock, rc_federation=RcFederation(**rates)).app


def test_so_many_requests_of_a_server_are_worked_on_at_once(
    new_server: Callable[..., Server], other: MadeUpServer, network: Network, clock: Clock
) -> None:
    app = limited(new_server, clock, concurrent=2)
    running: list[str] = []
    gate = gevent.event.Event()

    def function(app: App, origin: str) -> dict[str, str]:
        running.append(origin)
        gate.wait()
        return {}

    wsgi = site(app, function)
    signed = header(other.name, other.key)
    asking = [gevent.spawn(ask, wsgi, signed) for _ in range(6)]
    # Two are worked on, three wait, and the sixth is one too many.
    gevent.wait(asking, timeout=10, count=1)
    (refusal,) = [one.value for one in asking if one.ready()]
    assert refusal[0] == 429 and refusal[1]["errcode"] == "M_LIMIT_EXCEEDED"
    soon(lambda: len(running) == 2)
    assert running == [other.name] * 2
    # Another server is not kept waiting by that.
    third = MadeUpServer(network, "third.test", clock)
    beside = gevent.spawn(ask, wsgi, header(third.name, third.key))
    soon(lambda: third.name in running)
    gate.set()
    gevent.joinall([*asking, beside], timeout=10, raise_error=True)
    assert sorted(one.value[0] for one in asking) == [200] * 5 + [429]


def test_who_waits_for_a_file_keeps_its_server_from_nothing_else(
    new_server: Callable[..., Server], other: MadeUpServer, clock: Clock
) -> None:
    app = limited(new_server, clock, concurrent=1)
    waiting: list[str] = []
    gate = gevent.event.Event()

    def function(app: App, origin: str, body: object = None) -> dict[str, str]:
        if body is not None:
            waiting.append(origin)
            gate.wait()
        return {}

    wsgi = site(app, function, is_download=True)
    download = gevent.spawn(put, wsgi, other, b"{}")
    soon(lambda: waiting == [other.name])
    with gevent.Timeout(10):
        assert ask(wsgi, header(other.name, other.key))[0] == 200
    gate.set()
    assert download.get(timeout=10)[0] == 200


def test_servers_that_share_no_room_with_us_wait_for_each_other(
    new_server: Callable[..., Server],
    network: Network,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(federation_limits, "STRANGERS_AT_ONCE", 2)
    monkeypatch.setattr(federation_limits, "STRANGERS_WAITING_MAX", 1)
    app = limited(new_server, clock, concurrent=3)
    names = ["neighbour.test", *[f"made-up{number}.test" for number in range(4)]]
    neighbour, *strangers = (MadeUpServer(network, name, clock) for name in names)
    with app.database.transaction() as txn:
        head = rooms.insert(txn, "!room:neighbour.test", "11", 1)
        assert head is not None
        room_servers.put_told(txn, head.room.room_nid, [neighbour.name])
    running: list[str] = []
    gate = gevent.event.Event()

    def function(app: App, origin: str) -> dict[str, str]:
        running.append(origin)
        if origin != neighbour.name:
            gate.wait()
        return {}

    wsgi = site(app, function)
    asking = [gevent.spawn(ask, wsgi, header(one.name, one.key)) for one in strangers]
    # Two are worked on, one waits, and the last is one too many.
    gevent.wait(asking, timeout=10, count=1)
    (refusal,) = [one.value for one in asking if one.ready()]
    assert refusal[0] == 429 and refusal[1]["errcode"] == "M_LIMIT_EXCEEDED"
    soon(lambda: len(running) == 2)
    assert ask(wsgi, header(neighbour.name, neighbour.key))[0] == 200
    gate.set()
    gevent.joinall(asking, timeout=10, raise_error=True)
    assert sorted(one.value[0] for one in asking) == [200] * 3 + [429]


def test_a_server_that_asks_too_often_is_slowed_down(
    new_server: Callable[..., Server],
    other: MadeUpServer,
    clock: Clock,
) -> None:
    app = limited(new_server, clock, sleep_limit=3, sleep_delay=250)
    slept: list[float] = []
    app.part(FederationLimits, FederationLimits).sleep = slept.append
    wsgi = site(app)
    for _ in range(5):
        assert ask(wsgi, header(other.name, other.key))[0] == 200
    assert slept == [0.25, 0.25]
    clock.ms += 1000
    assert ask(wsgi, header(other.name, other.key))[0] == 200
    assert len(slept) == 2


def test_who_gives_up_waiting_leaves_no_hole(
    new_server: Callable[..., Server], other: MadeUpServer, clock: Clock
) -> None:
    limits = limited(new_server, clock, concurrent=1).part(FederationLimits, FederationLimits)
    order: list[str] = []

    def wait(name: str) -> None:
        with limits.turn("x.test"):
            order.append(name)

    with limits.turn("x.test"):
        first, second = gevent.spawn(wait, "first"), gevent.spawn(wait, "second")
        gevent.sleep(0)
        first.kill()
    gevent.joinall([second], timeout=10, raise_error=True)
    with limits.turn("x.test"):
        third = gevent.spawn(wait, "third")
        gevent.sleep(0)
        # It is given its turn in the moment in which it is killed.
        third.kill(block=False)
    with gevent.Timeout(10), limits.turn("x.test"):
        assert order == ["second"]


def test_servers_that_were_not_heard_of_lately_are_forgotten(
    new_server: Callable[..., Server], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(federation_limits, "SERVERS_FEW", 10)
    limits = limited(new_server, clock).part(FederationLimits, FederationLimits)
    with limits.turn("busy.test"):
        for number in range(1000):
            with limits.turn(f"s{number}.test"):
                clock.ms += 100
            assert len(limits._servers) <= 30
        assert "busy.test" in limits._servers


def test_transactions_have_places_of_their_own_and_are_not_slowed_down(
    new_server: Callable[..., Server], clock: Clock
) -> None:
    app = limited(new_server, clock, concurrent=1, sleep_limit=1)
    limits = app.part(FederationLimits, FederationLimits)
    slept: list[float] = []
    limits.sleep = slept.append
    with limits.turn("x.test"):
        for _ in range(10):
            with limits.transaction("x.test"):
                pass
    assert slept == []
