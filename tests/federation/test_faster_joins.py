"""A room of others is used before all its members are known: `omit_members` of PUT /send_join."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import gevent
import pytest

from impl.config import Config
from impl.outbound.wire import WireResponse
from impl.services.incoming.staging import Placers
from impl.services.remote_history import completion, waiting
from impl.services.remote_history.completion import Completers
from impl.storage import partial_rooms, room_servers
from tests.federation import large_rooms, rooms
from tests.federation.conftest import Server, Servers
from tests.federation.fake_wire import Gate, Network
from tests.federation.large_rooms import (
    A,
    B,
    C,
    a_large_room,
    deliver,
    is_partial,
    members,
    members_at,
    settle,
    state_of,
)
from tests.federation.test_backfill import bodies, join, page, read_back
from tests.services.room_events.inspection import assert_tables_say, head_of

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


@pytest.mark.parametrize("version", [str(number) for number in range(1, 13)])
def test_the_members_come_after_the_join(a: Server, c: Server, b: Server, version: str) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id, _ = a_large_room(a, c, alice, version)
    join(bob, room_id, A)
    settle(b)
    assert not is_partial(b, room_id)
    assert state_of(bob, room_id) == state_of(alice, room_id)
    assert_tables_say(b.app, room_id, state_of(alice, room_id))
    with b.app.database.read() as txn:
        nid = head_of(b.app, room_id).room.room_nid
        now = room_servers.get(txn, nid)
    assert now is not None and not now.told and now.joined_counts == {A: 2, C: 1}


def test_messages_go_both_ways_before_the_members_are_known(
    a: Server, c: Server, b: Server, gate: Gate
) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id, (anna, carol, _) = a_large_room(a, c, alice)
    join(bob, room_id, A)
    gate.wait()
    assert is_partial(b, room_id)
    said = rooms.say(bob, room_id, "mine")
    assert deliver(b, A, room_id, said) == {}
    # Anna does not stand in the state that we have.
    hers = rooms.say(anna, room_id, "hers")
    assert deliver(a, B, room_id, hers) == {}
    changed = rooms.put_state(alice, room_id, "m.room.topic", {"topic": "new"})
    assert deliver(a, B, room_id, changed) == {}
    b.app.part(Placers, Placers).wait()
    synced = bob.get(f"{CLIENT}/sync", LAZY).json["rooms"]["join"][room_id]
    assert bodies(synced["timeline"]["events"]) == ["mine", "hers"]
    known = {
        one["state_key"] for one in synced["state"]["events"] if one["type"] == "m.room.member"
    }
    assert anna.user_id in known and carol.user_id not in known
    # To all servers that are in the room.
    with b.app.database.read() as txn:
        nid = head_of(b.app, room_id).room.room_nid
        assert room_servers.list_of_room(txn, nid) == [A, C]
    gate.open()
    settle(b)
    assert state_of(bob, room_id) == state_of(alice, room_id)
    assert_tables_say(b.app, room_id, state_of(alice, room_id))
    assert carol.user_id in members(bob, room_id)


def test_history_that_was_fetched_meanwhile_has_its_members_too(
    a: Server, c: Server, b: Server, gate: Gate
) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id, (anna, *_) = a_large_room(a, c, alice)
    rooms.put_state(alice, room_id, "m.room.topic", {"topic": "old"})
    rooms.say(anna, room_id, "old")
    join(bob, room_id, A)
    gate.wait()
    first = page(bob, room_id, limit=2)
    assert bodies(first["chunk"]) == ["old"]
    gate.open()
    settle(b)
    own, theirs = read_back(bob, room_id), read_back(alice, room_id)
    there = [one["event_id"] for one in theirs]
    assert [one["event_id"] for one in own if one["event_id"] in there] == there
    with a.app.database.read() as txn_a, b.app.database.read() as txn_b:
        for one in own:
            assert members_at(b, txn_b, one["event_id"]) == members_at(a, txn_a, one["event_id"])


def test_another_worker_goes_on_with_what_one_has_left(
    a: Server, c: Server, new_b: Callable[..., Server], network: Network, gate: Gate
) -> None:
    b = new_b()
    alice, bob = a.register("alice"), b.register("bob")
    room_id, _ = a_large_room(a, c, alice)
    join(bob, room_id, A)
    gate.wait()
    b.app.part(Completers, Completers).stop()
    other = new_b(beside=b)
    gate.open()
    other.app.now_ms = lambda: 4_000_000_000_000
    completion.take_up(other.app)
    settle(other)
    assert not is_partial(b, room_id)
    # And the first worker has heard of it.
    b.app.news.catch_up()
    assert state_of(bob, room_id) == state_of(alice, room_id)


def test_it_is_tried_again_where_nobody_answers(
    a: Server, c: Server, b: Server, network: Network
) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id, _ = a_large_room(a, c, alice)
    refusing = [True]

    def refuse(
        origin: str, destination: str, method: str, target: str, body: bytes | None
    ) -> WireResponse | None:
        is_state = refusing and origin == B and "/state" in target
        return WireResponse(500, {}, b"{}") if is_state else None

    network.handlers[A] = network.handlers[C] = refuse
    join(bob, room_id, A)
    settle(b)
    assert is_partial(b, room_id)
    with b.app.database.read() as txn:
        nid = head_of(b.app, room_id).room.room_nid
        partial = partial_rooms.get(txn, nid)
        assert partial is not None and partial.attempts == 1
        assert partial_rooms.list_due(txn, b.app.now_ms(), 10) == []
    refusing.clear()
    completion.begin(b.app, nid)
    settle(b)
    assert not is_partial(b, room_id)
    assert state_of(bob, room_id) == state_of(alice, room_id)


def test_who_leaves_before_the_members_are_known_may_come_back(
    a: Server, c: Server, b: Server, gate: Gate
) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id, _ = a_large_room(a, c, alice)
    join(bob, room_id, A)
    gate.wait()
    left = bob.post(rooms.path(room_id, "leave"), {})
    assert left.status == 200
    gate.open()
    settle(b)
    join(bob, room_id, A)
    settle(b)
    assert not is_partial(b, room_id)
    assert state_of(bob, room_id) == state_of(alice, room_id)


def test_others_of_ours_may_come_in_meanwhile(a: Server, c: Server, b: Server, gate: Gate) -> None:
    alice, bob, berta = a.register("alice"), b.register("bob"), b.register("berta")
    room_id, _ = a_large_room(a, c, alice)
    join(bob, room_id, A)
    gate.wait()
    join(berta, room_id)
    rooms.say(berta, room_id, "hello")
    gate.open()
    settle(b)
    expected = {**state_of(alice, room_id)}
    own = state_of(bob, room_id)
    assert own.pop(("m.room.member", berta.user_id))
    assert own == expected
    synced = berta.get(f"{CLIENT}/sync").json["rooms"]["join"][room_id]
    assert "hello" in bodies(synced["timeline"]["events"])


def test_who_turns_out_to_be_banned_is_not_heard(
    a: Server, c: Server, b: Server, gate: Gate, network: Network
) -> None:
    """Carl cites the membership that he had; that he is banned we do not know yet."""
    alice, bob = a.register("alice"), b.register("bob")
    room_id = rooms.create(alice, name="Large")
    carl = c.register("carl")
    join(carl, room_id, A)
    banned = rooms.act(alice, room_id, "ban", carl.user_id)
    assert banned.status == 200
    rooms.say(alice, room_id, "before")
    join(bob, room_id, A)
    gate.wait()
    # His server has not heard of it, and sends on top of what it knows.
    said = rooms.say(carl, room_id, "I am still here")
    network.handlers[C] = lambda *_: None
    deliver(c, B, room_id, said)
    gevent.sleep(0.5)
    gate.open()
    settle(b)
    assert state_of(bob, room_id) == state_of(alice, room_id)
    shown = bodies(read_back(bob, room_id))
    assert "I am still here" not in shown


def test_other_servers_are_not_told_what_is_not_known(
    a: Server, c: Server, b: Server, new_server: Servers, gate: Gate
) -> None:
    d = new_server("d.test")
    alice, bob, dora = a.register("alice"), b.register("bob"), d.register("dora")
    room_id, _ = a_large_room(a, c, alice)
    join(bob, room_id, A)
    gate.wait()
    answer = dora.api.post(
        f"{CLIENT}/join/{quote(room_id, safe='')}", {}, dora.access_token, {"via": [B]}
    )
    # It goes on to the room's own server.
    assert answer.status in (200, 404, 502)
    assert members(dora, room_id) == members(alice, room_id) if answer.status == 200 else True
    gate.open()
    settle(b)


@pytest.mark.parametrize("servers", [None, {}, "x"])
def test_an_answer_without_members_must_say_who_is_in_the_room(
    a: Server, b: Server, network: Network, servers: object
) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id = rooms.create(alice)
    real = network._answer

    def change(sent: Any, *given: Any) -> WireResponse:
        response = real(sent, *given)
        if "/send_join/" in sent.target:
            told = json.loads(response.body)
            told["servers_in_room"] = servers
            return WireResponse(200, {}, json.dumps(told).encode())
        return response

    network._answer = change  # type: ignore[method-assign]
    answer = bob.api.post(
        f"{CLIENT}/join/{quote(room_id, safe='')}", {}, bob.access_token, {"via": [A]}
    )
    assert answer.status == 502 and "servers_in_room" in answer.json["error"]
