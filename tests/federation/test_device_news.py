"""Who is told that the devices of another server's user have changed, and who is not. C-S API,
"Tracking the device list for a user"."""

import gevent
import pytest

from impl.services import room_reading
from impl.storage import doubtful_devices, room_servers
from tests.api.api_client import User
from tests.federation.conftest import Server, Servers
from tests.federation.encrypting import KeyServer, Listener, keys_of
from tests.federation.fake_wire import Network
from tests.federation.made_up_server import Clock
from tests.federation.test_device_tracking import settle


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


@pytest.fixture
def followed(a: Server, alice: User, other: KeyServer) -> KeyServer:
    """Alice knows one device, and where the sequence stands."""
    other.put_device("PHONE")
    assert list(keys_of(alice, other.user_id)) == ["PHONE"]
    other.tell(a, other.update("PHONE"))
    settle(a)
    assert (other.asked_for("/user/keys/query"), other.asked_for("/user/devices/")) == (1, 1)
    return other


def test_who_nobody_asked_for_is_told_of_and_not_fetched(
    a: Server, alice: User, other: KeyServer
) -> None:
    listener = Listener(alice)
    other.put_device("PHONE")
    other.tell(a, other.update("PHONE"))
    assert listener.hear() == (["user"], [])
    settle(a)
    assert other.asked_for("/user/") == 0


def test_who_comes_to_share_a_room_later_is_told_of_changes_too(
    a: Server, alice: User, followed: KeyServer
) -> None:
    bob = a.register("bob")
    first, second = Listener(alice), Listener(bob)
    followed.put_device("TWO")
    followed.tell(a, followed.update("TWO"))
    assert (first.hear(), second.hear()) == ((["user"], []), ([], []))
    followed.join("a.test", bob.create_room(preset="public_chat"))
    assert (first.hear(), second.hear()) == (([], []), (["user"], []))
    followed.put_device("THREE")
    followed.tell(a, followed.update("THREE"))
    assert (first.hear(), second.hear()) == ((["user"], []), (["user"], []))


def test_who_waits_is_woken_also_if_they_share_a_room_since_a_moment_ago(
    a: Server, alice: User, followed: KeyServer
) -> None:
    bob = a.register("bob")
    for user in (alice, bob):
        if user is bob:
            followed.join("a.test", bob.create_room(preset="public_chat"))
        asked = {"since": Listener(user).since, "timeout": 10_000}
        poll = a.app.spawn(user.get, "/_matrix/client/v3/sync", asked)
        while not a.app.news.waiters.all:
            gevent.sleep(0.01)
        followed.put_device(user.device_id)
        followed.tell(a, followed.update(user.device_id))
        poll.join(5)
        assert poll.value.json["device_lists"]["changed"] == [followed.user_id]


def test_who_shares_no_room_is_told_of_to_nobody(a: Server, other: KeyServer) -> None:
    alice = a.register("alice")
    alice.create_room()
    listener = Listener(alice)
    other.put_device("PHONE")
    other.tell(a, other.update("PHONE"), other.key_update())
    assert listener.hear() == ([], [])
    assert other.asked_for("/user/") == 0


def test_who_may_be_in_a_room_is_told_of_when_that_is_known(a: Server, other: KeyServer) -> None:
    alice = a.register("alice")
    room_id = alice.create_room(preset="public_chat")
    with a.app.database.transaction() as txn:
        room = room_reading.get(a.app, txn, room_id)
        room_servers.put_told(txn, room.room_nid, ["other.test"])
    for _ in range(2):
        other.tell(a, other.update("PHONE"), other.key_update())
    other.tell(a, other.update("PHONE", user_id="@nobody:other.test"))
    listener = Listener(alice)
    other.join("a.test", room_id)
    assert listener.hear() == (["user"], [])
    with a.app.database.transaction() as txn:
        doubtful_devices.settle(txn, room.room_nid)
        room_servers.delete_told(txn, room.room_nid)
    assert listener.hear() == (["user"], [])
    with a.app.database.transaction() as txn:
        doubtful_devices.settle(txn, room.room_nid)
    assert listener.hear() == ([], [])
