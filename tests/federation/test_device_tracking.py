"""Following the devices of another server's user: changes in order and out of order, what is
missed, who is told. S-S API, "Device Management"."""

import random

import pytest

from impl.services.remote_devices import fetching
from tests.api.api_client import User
from tests.federation.conftest import Server, Servers
from tests.federation.encrypting import KeyServer, Listener, keys_of, query
from tests.federation.fake_wire import Network
from tests.federation.made_up_server import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def a(new_server: Servers, clock: Clock) -> Server:
    return new_server("a.test", clock)


@pytest.fixture
def other(network: Network, clock: Clock) -> KeyServer:
    return KeyServer(network, "other.test", clock)


@pytest.fixture
def alice(a: Server, other: KeyServer) -> User:
    """She is in a room with the user of the other server."""
    alice = a.register("alice")
    other.join("a.test", alice.create_room(preset="public_chat"))
    return alice


def settle(server: Server) -> None:
    fetching.wait(server.app)
    server.app.news.catch_up()


def devices_of(server: Server, user: User, other: KeyServer) -> list[str]:
    """As they are told without asking anybody."""
    settle(server)
    asked = other.asked_for("/user/")
    found = sorted(keys_of(user, other.user_id))
    assert other.asked_for("/user/") == asked
    return found


@pytest.fixture
def followed(a: Server, alice: User, other: KeyServer) -> KeyServer:
    """Alice knows one device, and where the sequence stands."""
    other.put_device("PHONE")
    assert list(keys_of(alice, other.user_id)) == ["PHONE"]
    other.tell(a, other.update("PHONE"))
    settle(a)
    assert (other.asked_for("/user/keys/query"), other.asked_for("/user/devices/")) == (1, 1)
    return other


def test_changes_in_order_are_taken_without_asking(
    a: Server, alice: User, followed: KeyServer
) -> None:
    listener = Listener(alice)
    followed.put_device("LAPTOP")
    followed.names["LAPTOP"] = "A laptop"
    followed.tell(a, followed.update("LAPTOP"))
    assert listener.hear() == (["user"], [])
    found = query(alice, followed.user_id)["device_keys"][followed.user_id]
    assert found["LAPTOP"]["unsigned"] == {"device_display_name": "A laptop"}
    del followed.devices["PHONE"]
    followed.tell(a, followed.update("PHONE"))
    assert listener.hear() == (["user"], [])
    assert devices_of(a, alice, followed) == ["LAPTOP"]
    assert followed.asked_for("/user/") == 2


def test_several_changes_come_in_one_transaction(
    a: Server, alice: User, followed: KeyServer
) -> None:
    updates = []
    for device_id in ("TWO", "THREE", "FOUR"):
        followed.put_device(device_id)
        updates.append(followed.update(device_id))
    del followed.devices["THREE"]
    updates.append(followed.update("THREE"))
    followed.tell(a, *updates)
    assert devices_of(a, alice, followed) == ["FOUR", "PHONE", "TWO"]
    assert followed.asked_for("/user/") == 2


def test_a_change_that_changes_nothing_is_no_news(
    a: Server, alice: User, followed: KeyServer
) -> None:
    listener = Listener(alice)
    followed.tell(a, followed.update("PHONE"))
    followed.tell(a, followed.update("NEVER THERE"))
    assert listener.hear() == ([], [])


def test_ids_of_changes_may_be_texts(a: Server, alice: User, followed: KeyServer) -> None:
    followed.put_device("TWO")
    followed.tell(a, followed.update("TWO", str(followed.sequence), stream_id="x2"))
    followed.put_device("THREE")
    followed.tell(a, followed.update("THREE", "x2", stream_id="x3"))
    assert devices_of(a, alice, followed) == ["PHONE", "THREE", "TWO"]
    assert followed.asked_for("/user/") == 2


def test_what_was_missed_is_fetched(a: Server, alice: User, followed: KeyServer) -> None:
    listener = Listener(alice)
    followed.put_device("MISSED")
    followed.update("MISSED")
    followed.put_device("TWO")
    followed.tell(a, followed.update("TWO"))
    assert listener.wait_for_change() == ["user"]
    assert devices_of(a, alice, followed) == ["MISSED", "PHONE", "TWO"]
    assert followed.asked_for("/user/devices/") == 2
    # From there it goes on in order.
    followed.put_device("THREE")
    followed.tell(a, followed.update("THREE"))
    assert len(devices_of(a, alice, followed)) == 4
    assert followed.asked_for("/user/devices/") == 2


def test_a_change_that_names_none_before_it_is_in_doubt(
    a: Server, alice: User, followed: KeyServer
) -> None:
    followed.put_device("MISSED")
    followed.put_device("TWO")
    followed.tell(a, followed.update("TWO", prev_id=[]))
    assert devices_of(a, alice, followed) == ["MISSED", "PHONE", "TWO"]


def test_a_change_that_comes_twice_is_one(a: Server, alice: User, followed: KeyServer) -> None:
    followed.put_device("TWO")
    come = followed.update("TWO")
    followed.tell(a, come)
    del followed.devices["TWO"]
    followed.tell(a, followed.update("TWO"))
    followed.tell(a, come)
    assert devices_of(a, alice, followed) == ["PHONE"]
    assert followed.asked_for("/user/") == 2


def test_what_comes_late_does_not_bring_back_what_was(
    a: Server, alice: User, followed: KeyServer
) -> None:
    followed.put_device("TWO")
    late = followed.update("TWO")
    del followed.devices["TWO"]
    followed.tell(a, followed.update("TWO"))
    settle(a)
    followed.tell(a, late)
    assert devices_of(a, alice, followed) == ["PHONE"]


def test_a_change_while_the_list_is_fetched_is_not_lost(
    a: Server, alice: User, followed: KeyServer, network: Network
) -> None:
    gate = network.hold("a.test", "other.test", "/user/devices/")
    # The answer of now comes later.
    stale: list[dict] = []

    def answer(now: dict) -> dict:
        stale.append(now)
        return stale[0]

    followed.put_device("TWO")
    followed.tell(a, followed.update("TWO", prev_id=[]))
    gate.wait()
    stale.append(followed._user_devices())
    followed.user_devices = answer
    followed.put_device("THREE")
    followed.tell(a, followed.update("THREE"))
    followed.user_devices = lambda now: stale[0] if followed.asked_for("/devices/") == 2 else now
    gate.open()
    assert devices_of(a, alice, followed) == ["PHONE", "THREE", "TWO"]
    assert followed.asked_for("/user/devices/") == 3


def test_a_change_while_somebody_asks_is_not_lost(
    a: Server, alice: User, other: KeyServer, network: Network
) -> None:
    other.put_device("PHONE")
    gate = network.hold("a.test", "other.test", "/user/keys/query")
    answered: list[dict] = []
    asking = a.app.spawn(lambda: answered.append(query(alice, other.user_id)))
    gate.wait()
    before = other._keys_query({other.user_id: []})
    other.put_device("TWO")
    other.tell(a, other.update("TWO"))
    other.keys_query = lambda now: before
    listener = Listener(alice)
    gate.open()
    asking.join()
    # The other may be there already, if the list was fetched before this was read.
    assert "PHONE" in answered[0]["device_keys"][other.user_id]
    assert listener.wait_for_change() == ["user"]
    assert devices_of(a, alice, other) == ["PHONE", "TWO"]


def test_a_server_that_is_away_is_asked_again_by_whoever_runs_then(
    a: Server, alice: User, followed: KeyServer, clock: Clock, new_server: Servers
) -> None:
    followed.put_device("TWO")
    followed.is_down = True
    followed.tell(a, followed.update("TWO", prev_id=[]))
    settle(a)
    # What is known is told, and that it may be old.
    found = query(alice, followed.user_id)
    assert list(found["device_keys"][followed.user_id]) == ["PHONE"]
    assert set(found["failures"]) == {"other.test"}
    a.app.begin_shutdown()
    a.app.stop()

    again = new_server("a.test", clock, beside=a)
    alice = User(again.api, alice.user_id, alice.access_token, alice.device_id, alice.password)
    listener = Listener(alice)
    followed.is_down = False
    fetching.take_up(again.app)
    settle(again)
    assert listener.hear() == ([], [])
    clock.ms += 3_600_000
    fetching.take_up(again.app)
    assert listener.wait_for_change() == ["user"]
    assert devices_of(again, alice, followed) == ["PHONE", "TWO"]


def test_who_took_a_list_and_died_is_followed_by_another(
    a: Server, alice: User, followed: KeyServer, clock: Clock, network: Network, new_server: Servers
) -> None:
    gate = network.hold("a.test", "other.test", "/user/devices/")
    followed.put_device("TWO")
    followed.tell(a, followed.update("TWO", prev_id=[]))
    gate.wait()
    a.app.part(fetching.Fetchers, fetching.Fetchers).stop()
    again = new_server("a.test", clock, beside=a)
    gate.open()
    fetching.take_up(again.app)
    settle(again)
    asked = followed.asked_for("/user/devices/")
    clock.ms += fetching.TAKEN_MS
    fetching.take_up(again.app)
    settle(again)
    assert followed.asked_for("/user/devices/") == asked + 1


def test_a_sign_of_life_ends_the_wait(
    a: Server, alice: User, followed: KeyServer, clock: Clock
) -> None:
    followed.put_device("TWO")
    followed.is_down = True
    followed.tell(a, followed.update("TWO", prev_id=[]))
    settle(a)
    followed.is_down = False
    followed.put_device("THREE")
    followed.tell(a, followed.update("THREE"))
    assert devices_of(a, alice, followed) == ["PHONE", "THREE", "TWO"]


def test_a_server_that_answers_with_nonsense_is_asked_less_and_less(
    a: Server, alice: User, followed: KeyServer, clock: Clock
) -> None:
    followed.user_devices = lambda answer: {"devices": "many"}
    followed.put_device("TWO")
    followed.tell(a, followed.update("TWO", prev_id=[]))
    for _ in range(100):
        settle(a)
        clock.ms += 60_000
        fetching.take_up(a.app)
    settle(a)
    assert 5 < followed.asked_for("/user/devices/") < 15


def test_keys_for_cross_signing_are_taken(a: Server, alice: User, followed: KeyServer) -> None:
    listener = Listener(alice)
    for edu_type in ("m.signing_key_update", "org.matrix.signing_key_update"):
        followed.tell(a, followed.key_update(edu_type))
    assert listener.hear() == (["user"], [])
    found = query(alice, followed.user_id)
    identity = followed.identity
    assert found["master_keys"] == {followed.user_id: identity.object("master")}
    assert found["self_signing_keys"] == {followed.user_id: identity.object("self_signing")}
    # A new master key alone ends what the old one has signed.
    identity.generation = 2
    followed.tell(a, followed.key_update(self_signing_key=None))
    assert listener.hear() == (["user"], [])
    found = query(alice, followed.user_id)
    assert found["master_keys"] == {followed.user_id: identity.object("master")}
    assert found["self_signing_keys"] == {}
    # One that it signed comes later.
    followed.tell(a, followed.key_update(master_key=None))
    found = query(alice, followed.user_id)
    assert found["self_signing_keys"] == {followed.user_id: identity.object("self_signing")}
    assert followed.asked_for("/user/") == 2


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_lost_late_or_twice_the_list_is_right_in_the_end(
    a: Server, alice: User, followed: KeyServer, clock: Clock, seed: int
) -> None:
    dice = random.Random(seed)
    on_their_way: list[dict] = []
    for _ in range(40):
        device_id = f"D{dice.randrange(4)}"
        if device_id in followed.devices and dice.random() < 0.5:
            del followed.devices[device_id]
        else:
            followed.put_device(device_id, number=dice.random() > 0.5)
        on_their_way.append(followed.update(device_id))
        match dice.randrange(8):
            case 0:
                on_their_way.pop()
            case 1:
                on_their_way.append(dice.choice(on_their_way))
            case 2:
                dice.shuffle(on_their_way)
            case 3 if dice.random() < 0.5:
                followed.is_down = not followed.is_down
        while on_their_way and dice.random() < 0.6:
            followed.tell(a, on_their_way.pop(0))
            if dice.random() < 0.5:
                settle(a)
    # The last arrives: none that is lost is without one that follows it.
    followed.is_down = False
    on_their_way.append(followed.update("D0"))
    followed.tell(a, *on_their_way)
    settle(a)
    clock.ms += 3_600_000
    fetching.take_up(a.app)
    settle(a)
    assert keys_of(alice, followed.user_id) == followed.devices
