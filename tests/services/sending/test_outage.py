"""Servers that do not answer, and what they are told once they do; senders that end."""

import sys

import pytest

from impl.app import App
from impl.services.sending import catch_up, parcels
from impl.services.sending.sender import Sender
from tests.builders import ALICE, SERVER_NAME, a_room, append, message
from tests.services.room_events.inspection import stored
from tests.services.sending.world import (
    Receiver,
    World,
    come,
    kick,
    rows_of,
    settle,
    shard_positions,
)

FAR = "far.example"
DAVE = f"@dave:{FAR}"
ZOE = "@zoe:third.example"
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def a_shared_room(app: App, version: str = "11") -> str:
    room_id = a_room(app, room_version=version)
    come(app, room_id, DAVE)
    return room_id


def say(app: App, sender: Sender, room_id: str, *texts: str) -> list[str]:
    said = append(app, room_id, *(message(ALICE, text) for text in texts))
    settle(sender)
    return said


def later(world: World, sender: Sender, ms: int) -> None:
    world.clock.advance(ms)
    settle(sender)


def until_left_alone(world: World, app: App, sender: Sender, name: str = FAR) -> None:
    """It is tried a few times more, and then no more for long."""
    for _ in range(10):
        if name in rows_of(app) and rows_of(app)[name]["failing_since_ts"] is not None:
            return
        later(world, sender, 60_000)
    raise AssertionError(f"{name} is tried for ever")


def a_dead_server(world: World, app: App, sender: Sender, room_id: str) -> Receiver:
    """It was told "first", and then it went away."""
    far = world.receiver(FAR)
    say(app, sender, room_id, "first")
    far.status = None
    return far


def test_what_a_server_missed_it_is_told_when_it_is_back(
    app: App, sender: Sender, world: World
) -> None:
    room_id = a_shared_room(app)
    far = a_dead_server(world, app, sender, room_id)
    say(app, sender, room_id, "second", "third")
    later(world, sender, 5 * 60_000)
    say(app, sender, room_id, "fourth")
    later(world, sender, 5 * 60_000)
    far.status = 200
    later(world, sender, DAY_MS)
    say(app, sender, room_id, "fifth")
    assert far.bodies == ["first", "second", "third", "fourth", "fifth"]
    assert rows_of(app) == {}


def test_a_server_that_blinks_is_told_the_same_again_under_the_same_id(
    app: App, sender: Sender, world: World
) -> None:
    room_id = a_shared_room(app)
    far = a_dead_server(world, app, sender, room_id)
    say(app, sender, room_id, "second")
    say(app, sender, room_id, "third")
    assert len(far.txn_ids) == 2
    far.status = 200
    later(world, sender, 10_000)
    assert far.bodies == ["first", "second", "third"]
    # An answer that is lost is not known to be one.
    assert far.txn_ids[1] == far.txn_ids[2]
    assert len(set(far.txn_ids)) == 3
    assert rows_of(app) == {}


def test_a_server_that_never_answered_is_left_alone_at_once(
    app: App, sender: Sender, world: World
) -> None:
    room_id = a_shared_room(app)
    far = world.receiver(FAR)
    far.status = None
    (event_id,) = say(app, sender, room_id, "hello")
    assert len(far.txn_ids) == 1
    row = rows_of(app)[FAR]
    times = app.config.federation
    assert row["failing_since_ts"] == world.clock.ms
    assert row["failure"] == "nobody is there"
    pause = row["retry_ts"] - world.clock.ms
    assert 0.8 <= pause / times.destination_min_retry_interval <= 1.4
    # It holds nobody back.
    assert set(shard_positions(app)) == {app.news.position}
    assert row["served_position"] < app.news.position
    later(world, sender, pause - 1)
    assert len(far.txn_ids) == 1
    later(world, sender, 1_001)
    assert len(far.txn_ids) == 2
    again = rows_of(app)[FAR]
    assert again["failing_since_ts"] == row["failing_since_ts"]
    assert again["served_position"] == row["served_position"]
    grown = again["retry_ts"] - world.clock.ms
    assert 0.8 <= grown / (row["retry_interval_ms"] * times.destination_retry_multiplier) <= 1.4
    assert event_id not in far.bodies


def test_who_has_caught_up_is_not_told_again_before_that_is_written_down(
    app: App, sender: Sender, world: World
) -> None:
    room_id = a_shared_room(app)
    far = a_dead_server(world, app, sender, room_id)
    say(app, sender, room_id, "second")
    until_left_alone(world, app, sender)
    far.status = 200
    world.clock.advance(DAY_MS)
    for _ in range(3):
        # A second has passed for those who lag, and it was written down just now: also in the
        # first turn, in which the answer may come before the turn ends.
        sender._due["checkpoint"] = world.clock.ms
        sender.turn()
        sender.post.delivery.join()
        world.clock.advance(1_100)
    assert FAR in rows_of(app)
    assert far.bodies == ["first", "second"]


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 502])
def test_a_server_that_refuses_is_left_alone(
    app: App, sender: Sender, world: World, status: int
) -> None:
    room_id = a_shared_room(app)
    far = world.receiver(FAR)
    far.status, far.answer = status, {"errcode": "M_UNKNOWN", "error": "not now"}
    say(app, sender, room_id, "hello")
    assert rows_of(app)[FAR]["failure"] == f"{status} M_UNKNOWN not now"
    far.status, far.answer = 200, {"pdus": {}}
    later(world, sender, DAY_MS)
    assert far.bodies == ["hello"]


def test_who_asks_for_more_time_gets_it(app: App, sender: Sender, world: World) -> None:
    room_id = a_shared_room(app)
    far = world.receiver(FAR)
    far.status, far.answer = 429, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": HOUR_MS}
    say(app, sender, room_id, "hello")
    assert rows_of(app)[FAR]["retry_ts"] == world.clock.ms + HOUR_MS


@pytest.mark.parametrize("status", [400, 413])
def test_what_a_server_cannot_take_is_left_out(
    app: App, sender: Sender, world: World, status: int
) -> None:
    room_id = a_shared_room(app)
    far = world.receiver(FAR)
    taken = far.take

    def take(target: str, body: bytes | None) -> object:
        far.status = status if b"poison" in (body or b"") else 200
        return taken(target, body)

    far.take = take  # type: ignore[assignment, method-assign]
    say(app, sender, room_id, "a", "b", "poison", "c", "d")
    assert far.bodies == ["a", "b", "c", "d"]
    assert rows_of(app) == {}


def test_who_missed_much_is_told_the_newest_of_each_room(
    app: App, sender: Sender, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catch_up, "REPLAYED_MAX", 10)
    monkeypatch.setattr(catch_up, "PDUS_MAX", 3)
    rooms = [a_shared_room(app) for _ in range(8)]
    far = a_dead_server(world, app, sender, rooms[0])
    for number, room_id in enumerate(rooms[1:]):
        say(app, sender, room_id, *(f"{number} {text}" for text in ("a", "b", "c")))
    until_left_alone(world, app, sender)
    left = rooms[3]
    come(app, left, DAVE, "leave")
    far.status = 200
    later(world, sender, DAY_MS)
    newest = {f"{number} c" for number in range(7)} - {"2 c"}
    assert set(far.bodies) == {"first", *newest}
    assert len(far.bodies) == len(set(far.bodies))
    assert [len(one["pdus"]) for one in far.transactions] == [1, 3, 3]
    say(app, sender, rooms[0], "and on")
    assert far.bodies[-1] == "and on"
    assert rows_of(app) == {}


def test_where_somebody_else_had_the_last_word_that_is_told(
    app: App, sender: Sender, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catch_up, "REPLAYED_MAX", 1)
    room_id = a_shared_room(app)
    far = a_dead_server(world, app, sender, room_id)
    said = say(app, sender, room_id, "a", "b")
    last = come(app, room_id, ZOE)
    until_left_alone(world, app, sender)
    far.status = 200
    later(world, sender, DAY_MS)
    assert far.pdus[1:] == [stored(app, room_id, last).event.pdu]
    assert said[1] in far.pdus[-1]["prev_events"]


@pytest.mark.parametrize("replayed_max", [0, 300])
def test_who_was_kicked_meanwhile_is_told_so(
    app: App, sender: Sender, world: World, monkeypatch: pytest.MonkeyPatch, replayed_max: int
) -> None:
    monkeypatch.setattr(catch_up, "REPLAYED_MAX", replayed_max)
    room_id = a_shared_room(app)
    far = a_dead_server(world, app, sender, room_id)
    append(app, room_id, kick(DAVE, ALICE))
    say(app, sender, room_id, "he is gone")
    until_left_alone(world, app, sender)
    far.status = 200
    later(world, sender, DAY_MS)
    assert [pdu["type"] for pdu in far.pdus[1:]] == ["m.room.member"]


def test_what_happens_while_a_server_catches_up_comes_after_that(
    app: App, sender: Sender, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catch_up, "REPLAYED_MAX", 1)
    rooms = [a_shared_room(app) for _ in range(3)]
    far = a_dead_server(world, app, sender, rooms[0])
    for room_id in rooms:
        say(app, sender, room_id, "missed")
    until_left_alone(world, app, sender)
    far.status = 200
    gate = world.network.hold(SERVER_NAME, FAR)
    world.clock.advance(DAY_MS)
    sender.turn()
    gate.wait()
    append(app, rooms[0], message(ALICE, "new"))
    app.news.catch_up()
    sender.turn()
    gate.open()
    settle(sender)
    assert far.bodies == ["first", "missed", "missed", "missed", "new"]


def test_a_catch_up_that_is_cut_short_goes_on_where_it_was(
    app: App, sender: Sender, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catch_up, "REPLAYED_MAX", 1)
    monkeypatch.setattr(catch_up, "PDUS_MAX", 2)
    rooms = [a_shared_room(app) for _ in range(6)]
    far = a_dead_server(world, app, sender, rooms[0])
    for number, room_id in enumerate(rooms):
        say(app, sender, room_id, str(number))
    until_left_alone(world, app, sender)
    taken = far.take

    def take(target: str, body: bytes | None) -> object:
        # It takes two, and is gone again.
        far.status = 200 if len(far.transactions) < 3 else None
        return taken(target, body)

    far.take = take  # type: ignore[assignment, method-assign]
    later(world, sender, DAY_MS)
    for _ in range(5):
        later(world, sender, 60_000)
    assert far.bodies == ["first", "0", "1", "2", "3"]
    assert rows_of(app)[FAR]["catch_up_room_nid"] is not None
    far.take = taken  # type: ignore[method-assign]
    far.status = 200
    say(app, sender, rooms[0], "later")
    later(world, sender, 10 * DAY_MS)
    assert far.bodies[5:] == ["4", "5", "later"]


def test_a_server_that_is_too_slow_is_caught_up_with(
    app: App, sender: Sender, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parcels, "QUEUED_MAX", 5)
    far = world.receiver(FAR)
    gate = world.network.hold(SERVER_NAME, FAR)
    room_id = a_shared_room(app)
    for number in range(20):
        append(app, room_id, message(ALICE, str(number)))
        app.news.catch_up()
        sender.turn()
    gate.wait()
    assert rows_of(app)[FAR]["failing_since_ts"] is None
    gate.open()
    settle(sender)
    later(world, sender, 10_000)
    assert list(dict.fromkeys(far.bodies)) == [str(number) for number in range(20)]
    assert rows_of(app) == {}


def test_a_slow_server_does_not_hold_back_the_position_for_long(
    app: App, sender: Sender, world: World
) -> None:
    world.receiver(FAR)
    gate = world.network.hold(SERVER_NAME, FAR)
    room_id = a_shared_room(app)
    append(app, room_id, message(ALICE, "hello"))
    app.news.catch_up()
    sender.turn()
    gate.wait()
    world.clock.advance(10_000)
    append(app, room_id, message(ALICE, "there"))
    app.news.catch_up()
    sender.turn()
    assert rows_of(app)[FAR]["served_position"] == app.news.position - 2
    assert set(shard_positions(app)) == {app.news.position}
    gate.open()
    settle(sender)
    later(world, sender, 1_000)
    assert rows_of(app) == {}


def test_thousands_of_dead_servers_are_rows_and_little_else(
    app: App, sender: Sender, world: World
) -> None:
    count = 300
    room_id = a_room(app)
    alive = world.receiver("alive.example")
    come(app, room_id, "@u:alive.example")
    for number in range(count):
        come(app, room_id, f"@u:dead{number}.example")
    say(app, sender, room_id, "one")
    tried = len(world.network.sent)
    for number in range(50):
        say(app, sender, room_id, str(number))
    assert len(alive.bodies) == 51
    assert len(rows_of(app)) == count
    # Nobody was tried a second time, and nothing waits in memory.
    assert len(world.network.sent) == tried + 50
    dead = [one for one in sender.post.known.values() if "dead" in one.server_name]
    assert all(one.is_empty for one in dead)
    assert sender.post.active == set()
    assert sum(sys.getsizeof(one) for one in dead) / count < 200
    assert {row["retry_ts"] for row in rows_of(app).values()} != {
        next(iter(rows_of(app).values()))["retry_ts"]
    }


def test_those_whose_time_has_come_are_not_tried_all_at_once(
    app: App, sender: Sender, world: World
) -> None:
    room_id = a_room(app)
    for number in range(50):
        come(app, room_id, f"@u:dead{number}.example")
    say(app, sender, room_id, "one")
    tried = len(world.network.sent)
    world.clock.advance(DAY_MS)
    sender.turn()
    sender.post.delivery.join()
    assert len(world.network.sent) == tried + 20
    world.clock.advance(1_000)
    sender.turn()
    sender.post.delivery.join()
    assert len(world.network.sent) == tried + 40
