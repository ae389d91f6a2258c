"""Senders that end, are killed, or share the work: what one leaves the other goes on with."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from impl.app import App
from impl.config.federation import SomaFederation
from impl.services.sending.sender import Sender
from tests.builders import ALICE, SERVER_NAME, a_room, append, message
from tests.services.sending.world import World, come, settle, shard_positions

FAR = "far.example"
DAVE = f"@dave:{FAR}"
ZOE = "@zoe:third.example"


def a_shared_room(app: App) -> str:
    room_id = a_room(app, room_version="11")
    come(app, room_id, DAVE)
    return room_id


def test_a_sender_that_is_killed_loses_nothing(
    new_worker: Callable[..., App], new_sender: Callable[[App], Sender], world: World
) -> None:
    far, third = world.receiver(FAR), world.receiver("third.example")
    gate = world.network.hold(SERVER_NAME, FAR)
    app = new_worker()
    first = new_sender(app)
    room_id = a_shared_room(app)
    come(app, room_id, ZOE)
    for number in range(3):
        append(app, room_id, message(ALICE, str(number)))
        app.news.catch_up()
        first.turn()
    gate.wait()
    # As a kill -9 does: nothing is finished, nothing is written.
    first.shards._leases.release()
    first.post.drop(None)
    append(app, room_id, message(ALICE, "3"))
    gate.open()
    other = new_worker()
    second = new_sender(other)
    settle(second)
    assert list(dict.fromkeys(third.bodies)) == ["0", "1", "2", "3"]
    assert list(dict.fromkeys(far.bodies)) == ["0", "1", "2", "3"]
    assert far.bodies[-4:] == ["0", "1", "2", "3"]


def test_a_sender_that_stops_leaves_the_rest_to_the_next(
    new_worker: Callable[..., App], new_sender: Callable[[App], Sender], world: World
) -> None:
    far = world.receiver(FAR)
    app = new_worker()
    first = Sender(app)
    room_id = a_shared_room(app)
    append(app, room_id, message(ALICE, "one"))
    settle(first)
    first.stop(1.0)
    append(app, room_id, message(ALICE, "two"))
    second = new_sender(new_worker())
    settle(second)
    assert far.bodies == ["one", "two"]


def test_who_has_lost_the_database_begins_anew_with_what_is_written_down(
    app: App, sender: Sender, world: World
) -> None:
    far = world.receiver(FAR)
    room_id = a_shared_room(app)
    append(app, room_id, message(ALICE, "one"))
    settle(sender)
    with app.database.read() as txn:
        txn.execute(
            "SELECT pg_terminate_backend(l.pid) FROM pg_locks l"
            " WHERE locktype = 'advisory' AND classid = %s AND granted"
            " GROUP BY l.pid",
            (0x736F6D62,),
        )
    append(app, room_id, message(ALICE, "two"))
    app.news.catch_up()
    world.clock.advance(60_000)
    with pytest.raises(Exception, match="leases are lost"):
        sender.turn()
    settle(sender)
    assert list(dict.fromkeys(far.bodies)) == ["one", "two"]


def test_two_senders_have_a_part_each_and_what_one_leaves_the_other_takes(
    new_worker: Callable[..., App], new_sender: Callable[[App], Sender], world: World
) -> None:
    names = [f"s{number}.example" for number in range(12)]
    receivers = [world.receiver(name) for name in names]
    apps = [new_worker(), new_worker()]
    senders = [new_sender(one) for one in apps]
    for _ in range(3):
        world.clock.advance(60_000)
        for one in senders:
            settle(one)
    assert [len(one.shards.positions) for one in senders] == [2, 2]
    room_id = a_room(apps[0])
    for name in names:
        come(apps[0], room_id, f"@u:{name}")
    append(apps[0], room_id, message(ALICE, "one"))
    for one in senders:
        settle(one)
    assert all(one.bodies == ["one"] for one in receivers)
    senders.pop().stop(1.0)
    append(apps[0], room_id, message(ALICE, "two"))
    world.clock.advance(60_000)
    settle(senders[0])
    assert all(one.bodies == ["one", "two"] for one in receivers)


def test_more_or_fewer_shards_begin_where_the_others_were(
    new_worker: Callable[..., App], new_sender: Callable[[App], Sender], world: World
) -> None:
    far = world.receiver(FAR)
    first_app = new_worker()
    first = Sender(first_app)
    room_id = a_shared_room(first_app)
    append(first_app, room_id, message(ALICE, "one"))
    settle(first)
    first.stop(1.0)
    append(first_app, room_id, message(ALICE, "two"))
    soma = replace(first_app.config.soma, federation=SomaFederation(sender_shards=7))
    app = new_worker(soma=soma)
    second = new_sender(app)
    settle(second)
    assert far.bodies == ["one", "two"]
    assert len(shard_positions(app)) == 7
