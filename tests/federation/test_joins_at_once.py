"""Several people of one server come into a room of another at once: one of them brings it here, and
the others find it, whichever worker they ask.
"""

import gevent
import pytest

from tests.federation import rooms
from tests.federation.conftest import Server, Servers
from tests.federation.fake_wire import Gate, Network
from tests.federation.large_rooms import (
    A,
    B,
    a_large_room,
    is_partial,
    members_at,
    settle,
    state_of,
)
from tests.federation.test_backfill import join, read_back

# Whoever does not wait has asked by then.
MOMENT_S = 0.5
SOON_S = 20.0
OURS = {f"@{name}:{B}" for name in ("bob", "berta")}


@pytest.fixture
def gate(network: Network) -> Gate:
    return network.hold(B, A, "/send_join/")


def test_people_of_two_workers(
    a: Server, b: Server, c: Server, new_server: Servers, gate: Gate, network: Network
) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    other = new_server(B, beside=b)
    berta = other.register("berta")
    room_id, _ = a_large_room(a, c, alice)
    joining = [gevent.spawn(join, user, room_id, A) for user in (bob, berta)]
    gate.wait()
    gevent.sleep(MOMENT_S)
    assert len(gate.waiting) == 1
    gate.open()
    gevent.joinall(joining, timeout=SOON_S, raise_error=True)
    assert all(one.successful() for one in joining)
    assert len(network.requests(B, A, "/send_join/")) == 1
    for one in (b, other):
        settle(one)
        one.app.news.catch_up()
        assert not is_partial(one, room_id)
    known = {key: one for key, one in state_of(alice, room_id).items() if key[1] not in OURS}
    for user in (bob, berta):
        found = state_of(user, room_id)
        assert {key: one for key, one in found.items() if key[1] not in OURS} == known
        assert {key[1] for key in found} >= OURS
    # Nor does any event of theirs stand on half of the room.
    members = {key[1] for key in known if key[0] == "m.room.member"}
    with b.app.database.read() as txn:
        for event in read_back(bob, room_id):
            if event["sender"] in OURS:
                assert members_at(b, txn, event["event_id"]) >= members


def test_who_asks_again_after_giving_up(
    a: Server, b: Server, c: Server, gate: Gate, network: Network
) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id, _ = a_large_room(a, c, alice)
    joining = gevent.spawn(join, bob, room_id, A)
    gate.wait()
    joining.kill()
    again = gevent.spawn(join, bob, room_id, A)
    gevent.sleep(MOMENT_S)
    assert not again.ready() and len(gate.waiting) == 1
    gate.open()
    again.get(timeout=SOON_S)
    assert len(network.requests(B, A, "/send_join/")) == 1
    settle(b)
    assert state_of(bob, room_id) == state_of(alice, room_id)
    assert rooms.membership(bob, room_id, bob.user_id) == "join"
