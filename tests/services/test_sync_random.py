"""Whatever happens, on whichever workers: who follows /sync from answer to answer ends up knowing
what who asks afresh is told.
"""

import json
import random
from collections.abc import Callable

import gevent
import pytest

from impl import errors
from impl.app import App
from impl.core.event_builder import Draft
from tests.builders import ALICE, BOB, CHARLIE, a_room, append, member, message
from tests.services.sync_follower import MEMBER, Follower

USERS = [ALICE, BOB, CHARLIE]
VISIBILITIES = ["shared", "joined", "invited"]


def rooms_of(app: App) -> list[str]:
    return [
        a_room(
            app,
            first=[
                Draft("m.room.history_visibility", ALICE, {"history_visibility": one}, ""),
            ],
        )
        for one in VISIBILITIES
    ]


def act(app: App, chance: random.Random, room_id: str, number: int) -> None:
    """Something that somebody does; or tries to, for the room's rules may refuse it."""
    one, other = chance.choice(USERS), chance.choice([BOB, CHARLIE])
    drafts = {
        "say": [message(one, str(number))],
        "chat": [message(one, f"{number}.{n}") for n in range(4)],
        "name": [Draft("m.room.name", ALICE, {"name": str(number)}, "")],
        "state": [Draft("org.example", ALICE, {"n": number}, str(number % 5))],
        "join": [member(other, "join", displayname=str(number))],
        "leave": [member(other, "leave")],
        "invite": [member(other, "invite", ALICE)],
        "kick": [member(other, "leave", ALICE)],
        "ban": [member(other, "ban", ALICE)],
        "go and come": [
            member(other, "leave"),
            message(ALICE, f"{number} unheard"),
            member(other, "join"),
        ],
        "kick and ban": [
            member(other, "leave", ALICE),
            Draft("m.room.topic", ALICE, {"topic": str(number)}, ""),
            member(other, "ban", ALICE),
        ],
    }
    often = ["say"] * 6 + ["chat", "join", "join", "join"]
    try:
        append(app, room_id, *drafts[chance.choice(often + list(drafts))])
    except errors.Forbidden:
        return


def followers(workers: list[App]) -> list[Follower]:
    few = {"room": {"timeline": {"limit": 4}, "include_leave": True}}
    lazy = {"room": {**few["room"], "state": {"lazy_load_members": True}}}
    return [
        made
        for user_id in USERS
        for made in (
            Follower(user_id, f"{user_id} state", workers, json.dumps(few)),
            Follower(user_id, f"{user_id} state_after", workers, json.dumps(few), True),
            Follower(user_id, f"{user_id} lazy", workers, json.dumps(lazy), is_lazy=True),
            Follower(user_id, f"{user_id} lazy after", workers, json.dumps(lazy), True, True),
        )
    ]


def compare(follower: Follower, chance: random.Random) -> None:
    whole = {"room": {"timeline": {"limit": 1000}, "include_leave": True}}
    fresh = Follower(follower.user_id, "fresh", follower.workers, json.dumps(whole))
    follower.sync(chance)
    fresh.sync(chance)
    what = (follower.device_id, follower.since, fresh.since)
    assert {nid: one.section for nid, one in follower.rooms.items()} == {
        nid: one.section for nid, one in fresh.rooms.items()
    }, what
    for room_id, told in fresh.rooms.items():
        known = follower.rooms[room_id]
        if told.section == "join":
            assert known.timeline == told.timeline, (what, room_id)
        if told.section not in ("join", "leave"):
            continue
        expected = told.state
        if follower.is_lazy:
            expected = {
                key: value
                for key, value in told.state.items()
                if key[0] != MEMBER or key in known.state
            }
        if told.section == "join":
            assert known.state == expected, (what, room_id)
        own = (MEMBER, follower.user_id)
        assert known.state[own] == told.state[own], (what, room_id)


@pytest.mark.parametrize("seed", range(4))
def test_who_follows_knows_what_who_asks_afresh_is_told(
    new_app: Callable[..., App], seed: int
) -> None:
    chance = random.Random(seed)
    one = new_app()
    workers = [one, new_app(one.database.dsn)]
    room_ids = rooms_of(one)
    following = followers(workers)
    for number in range(150):
        act(chance.choice(workers), chance, chance.choice(room_ids), number)
        for follower in following:
            if chance.random() < 0.2:
                follower.sync(chance, loses=0.2)
    for follower in following:
        compare(follower, chance)


def test_who_follows_while_much_goes_on_misses_nothing(new_app: Callable[..., App]) -> None:
    one = new_app()
    workers = [one, new_app(one.database.dsn)]
    room_ids = rooms_of(one)
    following = followers(workers)
    is_over = False

    def do(seed: int) -> None:
        chance = random.Random(seed)
        for number in range(60):
            act(chance.choice(workers), chance, chance.choice(room_ids), number)
            gevent.sleep(chance.random() / 200)

    def follow(follower: Follower) -> None:
        chance = random.Random(follower.device_id)
        while not is_over:
            follower.sync(chance, timeout_ms=chance.choice([0, 200]), loses=0.1)

    def forget_joined() -> None:
        # As a worker does that has not heard of the user before, or of too many.
        while not is_over:
            for app in workers:
                app.news._joined.clear()
            gevent.sleep(0.001)

    greenlets = [gevent.spawn(follow, one) for one in following]
    greenlets.append(gevent.spawn(forget_joined))
    gevent.joinall([gevent.spawn(do, seed) for seed in range(4)], raise_error=True)
    is_over = True
    gevent.joinall(greenlets, raise_error=True)
    for follower in following:
        compare(follower, random.Random(1))
