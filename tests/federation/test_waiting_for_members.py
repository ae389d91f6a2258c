"""How long a join waits for the members of a room: most rooms are whole when it is answered, and
nobody waits for those of a large room, or for a server that does not tell.
"""

import time

import gevent
import pytest

from impl.outbound.wire import WireResponse
from impl.services.remote_history import completion, waiting
from tests.federation import rooms
from tests.federation.conftest import Server
from tests.federation.fake_wire import Gate, Network
from tests.federation.large_rooms import A, B, C, a_large_room, is_partial, settle, state_of
from tests.federation.test_backfill import join

CLIENT = "/_matrix/client/v3"
# Who waits for so long has waited in vain.
LONG_S = 60.0
SOON_S = 20.0


@pytest.fixture
def gate(network: Network) -> Gate:
    """Holds back what the members are fetched by."""
    return network.hold(B, A, "/state_ids/")


@pytest.fixture
def _long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "MOMENT_S", LONG_S)


@pytest.mark.usefixtures("_long")
def test_a_small_room_is_whole_when_the_join_is_answered(
    a: Server, b: Server, c: Server, network: Network
) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id, _ = a_large_room(a, c, alice)
    since = bob.get(f"{CLIENT}/sync").json["next_batch"]
    join(bob, room_id, A)
    assert not is_partial(b, room_id)
    told = bob.get(f"{CLIENT}/sync", {"since": since}).json["rooms"]["join"][room_id]
    assert told["summary"]["m.joined_member_count"] == 4
    assert state_of(bob, room_id) == state_of(alice, room_id)
    (sent,) = network.requests(B, A, "/send_join/")
    assert sent.target.endswith("?omit_members=true")
    # Only what is missing is asked for.
    assert network.requests(B, A, "/event/")
    assert not network.requests(B, A, "/state/")


def test_a_join_is_answered_where_the_members_are_not_told_in_time(
    a: Server, b: Server, c: Server, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MOMENT_S", 0.2)
    alice, bob = a.register("alice"), b.register("bob")
    room_id, _ = a_large_room(a, c, alice)
    joining = gevent.spawn(join, bob, room_id, A)
    gate.wait()
    joining.get(timeout=SOON_S)
    assert is_partial(b, room_id)
    gate.open()
    settle(b)
    assert not is_partial(b, room_id)


@pytest.mark.usefixtures("_long")
def test_nobody_waits_for_members_that_are_not_told(
    a: Server, b: Server, c: Server, network: Network
) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id, _ = a_large_room(a, c, alice)

    def refuse(
        origin: str, destination: str, method: str, target: str, body: bytes | None
    ) -> WireResponse | None:
        is_state = origin == B and "/state" in target
        return WireResponse(500, {}, b"{}") if is_state else None

    network.handlers[A] = network.handlers[C] = refuse
    began = time.monotonic()
    join(bob, room_id, A)
    assert time.monotonic() - began < SOON_S
    assert is_partial(b, room_id)


@pytest.mark.usefixtures("_long")
def test_nobody_waits_for_a_room_on_many_servers(
    a: Server, b: Server, c: Server, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "SERVERS_OF_SMALL_MAX", 1)
    alice, bob = a.register("alice"), b.register("bob")
    room_id, _ = a_large_room(a, c, alice)
    began = time.monotonic()
    join(bob, room_id, A)
    assert time.monotonic() - began < SOON_S
    assert is_partial(b, room_id)
    gate.open()
    settle(b)


@pytest.mark.usefixtures("_long")
def test_whoever_is_in_the_room_already_need_not_wait_for_those_who_do(
    a: Server, b: Server, c: Server, gate: Gate
) -> None:
    alice, bob, berta = a.register("alice"), b.register("bob"), b.register("berta")
    room_id, _ = a_large_room(a, c, alice)
    joining = gevent.spawn(join, bob, room_id, A)
    gate.wait()
    # And others of ours come in.
    began = time.monotonic()
    join(berta, room_id, A)
    rooms.say(berta, room_id, "hello")
    assert time.monotonic() - began < SOON_S
    assert not joining.ready()
    gate.open()
    joining.get(timeout=SOON_S)
    assert not is_partial(b, room_id)


def test_of_many_rooms_each_has_its_turn(
    a: Server, b: Server, c: Server, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MOMENT_S", 0.0)
    monkeypatch.setattr(completion, "ROOMS_AT_ONCE", 1)
    alice, bob = a.register("alice"), b.register("bob")
    room_ids = [a_large_room(a, c, alice)[0], *(rooms.create(alice) for _ in range(2))]
    for room_id in room_ids:
        join(bob, room_id, A)
    gate.wait()
    assert [is_partial(b, room_id) for room_id in room_ids] == [True] * 3
    assert len(gate.waiting) == 1
    gate.open()
    settle(b)
    assert [is_partial(b, room_id) for room_id in room_ids] == [False] * 3


@pytest.mark.usefixtures("_long")
def test_who_waits_is_let_go_when_the_worker_stops(
    a: Server, b: Server, c: Server, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(completion, "ROOMS_AT_ONCE", 1)
    alice, bob = a.register("alice"), b.register("bob")
    room_ids = [a_large_room(a, c, alice)[0], rooms.create(alice)]
    joining = [gevent.spawn(join, bob, room_id, A) for room_id in room_ids]
    gate.wait()
    completers = b.app.part(completion.Completers, completion.Completers)
    while len(completers.under_way) < 2:
        gevent.sleep(0.01)
    completers.stop()
    gevent.joinall(joining, timeout=SOON_S, raise_error=True)
    assert all(one.successful() for one in joining)
    assert all(is_partial(b, room_id) for room_id in room_ids)
