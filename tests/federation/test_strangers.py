"""Servers that are made up do not keep those out that we have to do with."""

from collections.abc import Callable

import gevent
import pytest

from impl.app import App
from impl.core.rate_limit import Allowance
from impl.services import strangers
from impl.services.strangers import Strangers
from impl.storage import room_servers, rooms
from tests.federation.conftest import Server
from tests.federation.fake_wire import Network
from tests.federation.made_up_server import DAY_MS, Clock, MadeUpServer
from tests.federation.signed_requests import PATH, US, header, site
from tests.web.wsgi_call import call


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def us(new_server: Callable[..., Server], clock: Clock) -> App:
    return new_server(US, clock).app


@pytest.fixture
def slow(network: Network, clock: Clock) -> Callable[[str], MadeUpServer]:
    """Makes servers that take their time to answer for their keys."""

    def make(name: str) -> MadeUpServer:
        network.hold(US, name)
        return MadeUpServer(network, name, clock)

    return make


def ask(us: App, server: MadeUpServer, address: str = "192.0.2.1") -> int:
    authorization = header(server.name, server.key)
    return call(site(us), PATH, "GET", HTTP_AUTHORIZATION=authorization, REMOTE_ADDR=address)[0]


def begin(us: App, *waiting: gevent.Greenlet) -> None:
    """Until they all wait."""
    with gevent.Timeout(10):
        while us.part(Strangers, Strangers).count < len(waiting):
            gevent.sleep(0.01)


def test_who_shares_a_room_with_us_is_no_stranger(
    us: App,
    network: Network,
    clock: Clock,
    slow: Callable[[str], MadeUpServer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also where its key has ended since it was heard of last."""
    monkeypatch.setattr(strangers, "PLACES_MAX", 3)
    neighbour = MadeUpServer(network, "neighbour.test", clock)
    other = MadeUpServer(network, "other.test", clock)
    with us.database.transaction() as txn:
        head = rooms.insert(txn, "!room:neighbour.test", "11", 1)
        assert head is not None
        room_servers.put_told(txn, head.room.room_nid, [neighbour.name])
    assert ask(us, neighbour) == ask(us, other) == 200
    clock.ms += 2 * DAY_MS
    waiting = [gevent.spawn(ask, us, slow(f"made-up{number}.test")) for number in range(3)]
    begin(us, *waiting)
    assert ask(us, neighbour) == 200
    assert ask(us, other) == 429
    gevent.killall(waiting)
    assert ask(us, other) == 200


def test_one_name_takes_few_places(
    us: App,
    network: Network,
    clock: Clock,
    slow: Callable[[str], MadeUpServer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(strangers, "PLACES_MAX", 4)
    monkeypatch.setattr(strangers, "OF_SERVER_MAX", 2)
    evil = slow("evil.test")
    waiting = [gevent.spawn(ask, us, evil, f"192.0.2.{number}") for number in range(2)]
    begin(us, *waiting)
    assert ask(us, evil) == 429
    assert ask(us, MadeUpServer(network, "other.test", clock)) == 200
    gevent.killall(waiting)


def test_one_address_takes_a_share_of_the_places(
    us: App,
    network: Network,
    clock: Clock,
    slow: Callable[[str], MadeUpServer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(strangers, "PLACES_MAX", 4)
    monkeypatch.setattr(strangers, "OF_ADDRESS_MAX", 2)
    waiting = [gevent.spawn(ask, us, slow(f"made-up{number}.test")) for number in range(2)]
    begin(us, *waiting)
    other = MadeUpServer(network, "other.test", clock)
    assert ask(us, other) == 429
    assert ask(us, other, "192.0.2.2") == 200
    gevent.killall(waiting)
    assert ask(us, MadeUpServer(network, "another.test", clock)) == 200


def test_strangers_come_so_often_and_no_more(
    us: App, network: Network, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them leaves keys here."""
    monkeypatch.setattr(strangers, "RATE", Allowance(1, 3))
    monkeypatch.setattr(strangers, "RATE_OF_ADDRESS", Allowance(1, 2))
    made_up = [MadeUpServer(network, f"made-up{number}.test", clock) for number in range(6)]
    assert [ask(us, one) for one in made_up[:3]] == [200, 200, 429]
    assert [ask(us, one, "192.0.2.2") for one in made_up[2:4]] == [200, 429]
    # Who is known by now does not count.
    assert ask(us, made_up[0]) == 200
    clock.ms += 1_000
    assert ask(us, made_up[3]) == 200
