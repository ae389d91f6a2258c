"""What clients see of a room whose members are not all known yet."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import gevent
import pytest

from impl.config import Config
from impl.services.remote_history import waiting
from tests.federation import large_rooms, rooms
from tests.federation.conftest import Server, Servers
from tests.federation.fake_wire import Gate, Network
from tests.federation.large_rooms import A, B, a_large_room, members, settle, state_of
from tests.federation.test_backfill import bodies, join

CLIENT = "/_matrix/client/v3"
LAZY = {"filter": '{"room": {"state": {"lazy_load_members": true}}}'}


@pytest.fixture
def new_b(new_server: Servers, config: Config) -> Callable[..., Server]:
    """Makes workers of a server that comes into rooms without their members."""

    def make(**options: Any) -> Server:
        return new_server(B, soma=large_rooms.joining(config, omit_members=True), **options)

    return make


@pytest.fixture
def b(new_b: Callable[..., Server]) -> Server:
    return new_b()


@pytest.fixture
def gate(network: Network, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Holds back what the members are fetched by, so that no join need wait for them."""
    monkeypatch.setattr(waiting, "MOMENT_S", 0.0)
    return network.hold(B, A, "/state_ids/")


def test_who_asks_for_the_members_waits_until_they_are_known(
    a: Server, c: Server, b: Server, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id, _ = a_large_room(a, c, alice)
    join(bob, room_id, A)
    gate.wait()
    asking = [
        gevent.spawn(bob.get, rooms.path(room_id, rest))
        for rest in ("members", "joined_members", "state", f"state/m.room.member/{alice.user_id}")
    ]
    kick = gevent.spawn(rooms.act, bob, room_id, "kick", "@anna:a.test")
    gevent.sleep(0.6)
    assert not any(one.ready() for one in (*asking, kick))
    # What is known is told at once.
    assert bob.get(rooms.path(room_id, "state/m.room.name/")).json == {"name": "Large"}
    gate.open()
    gevent.joinall(asking, timeout=20)
    assert [one.get().status for one in asking] == [200] * 4
    assert kick.get().status == 403
    assert len(asking[0].get().json["chunk"]) == 5
    assert members(bob, room_id) == members(alice, room_id)
    monkeypatch.setattr(waiting, "WAIT_S", 0.0)
    assert members(bob, room_id) == members(alice, room_id)


def test_who_waits_too_long_is_told_so(
    a: Server, c: Server, b: Server, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id, _ = a_large_room(a, c, alice)
    join(bob, room_id, A)
    gate.wait()
    monkeypatch.setattr(waiting, "WAIT_S", 0.3)
    answer = bob.get(rooms.path(room_id, "members"))
    assert (answer.status, answer.errcode) == (503, "M_UNKNOWN")
    gate.open()
    settle(b)


def test_clients_that_want_all_members_see_the_room_when_they_are_there(
    a: Server, c: Server, b: Server, gate: Gate
) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id, _ = a_large_room(a, c, alice)
    since = bob.get(f"{CLIENT}/sync").json["next_batch"]
    join(bob, room_id, A)
    gate.wait()
    rooms.say(bob, room_id, "early")
    hidden = bob.get(f"{CLIENT}/sync", {"since": since}).json
    assert room_id not in hidden["rooms"]["join"]
    assert room_id not in bob.get(f"{CLIENT}/sync").json["rooms"]["join"]
    bob.put(f"{CLIENT}/user/{bob.user_id}/rooms/{quote(room_id)}/account_data/x.test", {"a": 1})
    hidden = bob.get(f"{CLIENT}/sync", {"since": hidden["next_batch"]}).json
    assert room_id not in hidden["rooms"]["join"]
    polling = gevent.spawn(
        bob.get, f"{CLIENT}/sync", {"since": hidden["next_batch"], "timeout": 20_000}
    )
    gevent.sleep(0.1)
    gate.open()
    told = polling.get().json["rooms"]["join"][room_id]
    state = {(one["type"], one["state_key"]) for one in told["state"]["events"]}
    shown = {
        (one["type"], one["state_key"]) for one in told["timeline"]["events"] if "state_key" in one
    }
    assert state | shown == state_of(alice, room_id).keys()
    assert "early" in bodies(told["timeline"]["events"])
    assert [one["type"] for one in told["account_data"]["events"]] == ["x.test"]
    assert told["summary"]["m.joined_member_count"] == 4


def test_clients_that_load_members_lazily_hear_how_many_there_are(
    a: Server, c: Server, b: Server, gate: Gate
) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id, _ = a_large_room(a, c, alice)
    join(bob, room_id, A)
    gate.wait()
    first = bob.get(f"{CLIENT}/sync", LAZY).json
    assert "early" not in bodies(first["rooms"]["join"][room_id]["timeline"]["events"])
    gate.open()
    settle(b)
    then = bob.get(f"{CLIENT}/sync", {"since": first["next_batch"], **LAZY}).json
    told = then["rooms"]["join"][room_id]
    assert told["timeline"]["events"] == [] and not told["timeline"]["limited"]
    assert told["summary"]["m.joined_member_count"] == 4
    # From then on it is a room like any other.
    said = rooms.say(bob, room_id, "later")
    last = bob.get(f"{CLIENT}/sync", {"since": then["next_batch"], **LAZY}).json
    told = last["rooms"]["join"][room_id]
    assert [one["event_id"] for one in told["timeline"]["events"]] == [said]
    assert [one for one in told["state"]["events"] if one["state_key"] != bob.user_id] == []
