"""A second user of ours and a room that another brought here, as long as its members are not all
known: who is invited there, and who needs somebody who vouches for the join.
"""

import gevent
import pytest

from impl.config import Config
from impl.services.remote_history import waiting
from impl.services.remote_membership import leave as remote_leave
from tests.api.api_client import User
from tests.federation import large_rooms, rooms
from tests.federation.conftest import Server, Servers
from tests.federation.fake_wire import Gate, Network
from tests.federation.large_rooms import A, B, is_partial, settle, state_of
from tests.federation.test_joining import CLIENT, join

# Whoever does not wait is done by then.
MOMENT_S = 0.3
SOON_S = 20.0


@pytest.fixture
def b(new_server: Servers, config: Config) -> Server:
    return new_server(B, soma=large_rooms.joining(config, omit_members=True))


@pytest.fixture
def gate(network: Network, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Holds back what the members are fetched by."""
    monkeypatch.setattr(waiting, "MOMENT_S", 0.0)
    return network.hold(B, A, "/state_ids/")


@pytest.fixture
def bella(b: Server) -> User:
    return b.register("bella")


@pytest.fixture
def both_invited(b: Server, alice: User, bob: User, bella: User, gate: Gate) -> str:
    """A room that Bob has joined, and Bella has not."""
    room_id = rooms.create(alice, preset="private_chat", name="Few")
    for user in (bob, bella):
        assert rooms.act(alice, room_id, "invite", user.user_id).status == 200
    assert join(bob, room_id, A).status == 200
    gate.wait()
    assert is_partial(b, room_id) and shown(bella, room_id) == ["invite"]
    return room_id


def shown(user: User, room_id: str) -> list[str]:
    """Under what /sync tells of the room."""
    told = user.get(f"{CLIENT}/sync", {"filter": '{"room": {"include_leave": true}}'}).json
    return [name for name, rooms in told["rooms"].items() if room_id in rooms]


def test_who_is_invited_joins_once_the_members_are_known(
    b: Server, bob: User, bella: User, gate: Gate, both_invited: str
) -> None:
    joining = gevent.spawn(join, bella, both_invited, A)
    gevent.sleep(MOMENT_S)
    assert not joining.ready()
    gate.open()
    assert joining.get(timeout=SOON_S).status == 200
    settle(b)
    assert rooms.membership(bob, both_invited, bella.user_id) == "join"
    assert shown(bella, both_invited) == ["join"]


def test_who_declines_has_left_the_room(
    b: Server, alice: User, bob: User, bella: User, gate: Gate, both_invited: str
) -> None:
    leaving = gevent.spawn(bella.post, rooms.path(both_invited, "leave"), {})
    gevent.sleep(MOMENT_S)
    assert not leaving.ready()
    gate.open()
    assert leaving.get(timeout=SOON_S).status == 200
    settle(b)
    assert rooms.membership(bob, both_invited, bella.user_id) == "leave"
    assert "invite" not in shown(bella, both_invited)


@pytest.mark.parametrize("is_reached", [True, False])
def test_who_declines_is_out_though_nobody_tells_the_members(
    alice: User,
    bella: User,
    network: Network,
    both_invited: str,
    monkeypatch: pytest.MonkeyPatch,
    is_reached: bool,
) -> None:
    monkeypatch.setattr(remote_leave, "WAIT_S", MOMENT_S)
    if not is_reached:
        network.cut(A, B)
    assert bella.post(rooms.path(both_invited, "leave"), {}).status == 200
    assert "invite" not in shown(bella, both_invited)
    expected = "leave" if is_reached else "invite"
    assert rooms.membership(alice, both_invited, bella.user_id) == expected
    # Nor is there anything left to leave.
    assert bella.post(rooms.path(both_invited, "leave"), {}).status == 200


@pytest.fixture
def club_room(a: Server, b: Server, alice: User, bob: User, bella: User, gate: Gate) -> str:
    """A room of two clubs, of which Bob's and Bella's server knows one of each. Bob has joined
    it, and may vouch for nobody.
    """
    gate.is_open = True
    clubs = rooms.create(alice), rooms.create(alice)
    for user, club in zip((bob, bella), clubs, strict=True):
        assert join(user, club, A).status == 200
    settle(b)
    gate.is_open = False
    rules = {"type": "m.room.join_rules", "content": rooms.restricted_to(*clubs)}
    levels = {"invite": 50}
    room_id = rooms.create(
        alice, name="Club", initial_state=[rules], power_level_content_override=levels
    )
    anna = a.register("anna")
    for one in (clubs[0], room_id):
        assert join(anna, one).status == 200
    assert join(bob, room_id, A).status == 200
    gate.wait()
    assert is_partial(b, room_id)
    return room_id


def test_who_needs_somebody_to_vouch_joins_once_the_members_are_known(
    b: Server, alice: User, bob: User, bella: User, gate: Gate, club_room: str
) -> None:
    joining = gevent.spawn(join, bella, club_room, A)
    gevent.sleep(MOMENT_S)
    assert not joining.ready()
    gate.open()
    assert joining.get(timeout=SOON_S).status == 200
    settle(b)
    assert not is_partial(b, club_room)
    assert state_of(bob, club_room) == state_of(alice, club_room)


def test_a_join_by_way_of_another_server_does_not_end_the_fetching(
    b: Server,
    alice: User,
    bob: User,
    bella: User,
    gate: Gate,
    club_room: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As where the room was whole a moment before."""
    said = rooms.say(bob, club_room, "meanwhile")
    with monkeypatch.context() as patched:
        patched.setattr(waiting, "until_whole", lambda *_: False)
        assert join(bella, club_room, A).status == 200
    gate.open()
    settle(b)
    assert not is_partial(b, club_room)
    assert state_of(bob, club_room) == state_of(alice, club_room)
    with b.app.database.read() as txn:
        members = large_rooms.members_at(b, txn, said)
    assert members == {alice.user_id, bob.user_id, "@anna:a.test"}
