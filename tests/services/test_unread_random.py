"""Whatever people say, read, ignore and change of their rules, on whichever workers: the counts of
/sync are those of plain counting.
"""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from impl import errors
from impl.app import App
from impl.core import push_rules as rules
from impl.core.event_builder import Draft
from impl.core.threads import MAIN, thread_of
from impl.services import account_data, push_rules, receipts
from impl.services.sync import sync as syncing
from impl.services.sync.request import Question
from impl.storage import push_rules as stored_push_rules
from impl.storage import rooms as stored_rooms
from tests.builders import ALICE, BOB, CHARLIE, a_requester, a_room, append, member
from tests.services.sync_client import plain, requester
from tests.services.unread_model import Model

DORA = "@dora:soma.test"
USERS = [ALICE, BOB, CHARLIE, DORA]
THREADS = json.dumps({"room": {"timeline": {"unread_thread_notifications": True, "limit": 5}}})
WHOLE = json.dumps({"room": {"timeline": {"limit": 5}}})
WORDS = ["cake", "tea", "Bob B", "nothing"]
LOUD = ["notify", {"set_tweak": "highlight"}]


@dataclass
class World:
    workers: list[App]
    chance: random.Random
    model: Model
    room_ids: list[str] = field(default_factory=list)
    since: dict[tuple[str, str], str] = field(default_factory=dict)
    told: dict[tuple[str, str], dict[str, dict[str, Any]]] = field(default_factory=dict)

    def worker(self) -> App:
        app = self.chance.choice(self.workers)
        app.news.catch_up_if_behind()  # As each request does.
        return app

    def said(self, room_id: str) -> list[str]:
        return list(self.model.rooms[room_id].contents)


def say(world: World, room_id: str, sender: str) -> Draft:
    chance = world.chance
    content: dict[str, Any] = {"msgtype": chance.choice(["m.text", "m.text", "m.notice"])}
    content["body"] = f"some {chance.choice(WORDS)} here"
    mentions: dict[str, Any] = {}
    if chance.random() < 0.3:
        mentions["user_ids"] = chance.sample([*USERS, "@nobody:soma.test", "@x:elsewhere"], 2)
    if chance.random() < 0.15:
        mentions["room"] = True
    if mentions:
        content["m.mentions"] = mentions
    if chance.random() < 0.5:
        target = chance.choice(world.said(room_id)[-12:])
        rel_type = chance.choice(["m.thread", "m.thread", "m.reference", "m.replace"])
        if rel_type == "m.thread":
            target = thread_of_or(world, room_id, target)
        content["m.relates_to"] = {"rel_type": rel_type, "event_id": target}
    return Draft(chance.choice(["m.room.message"] * 4 + ["m.room.encrypted"]), sender, content)


def thread_of_or(world: World, room_id: str, event_id: str) -> str:
    """The root of the thread that an event is in, or else the event."""
    contents = world.model.rooms[room_id].contents
    found = thread_of(contents[event_id], contents.get)
    return event_id if found == MAIN else found


def act_in_room(world: World, room_id: str, user_id: str) -> None:
    chance = world.chance
    drafts: dict[str, Callable[[], list[Draft]]] = {
        "say": lambda: [say(world, room_id, user_id)],
        "chat": lambda: [say(world, room_id, user_id) for _ in range(chance.randint(2, 7))],
        "topic": lambda: [Draft("m.room.topic", ALICE, {"topic": str(chance.random())}, "")],
        "name": lambda: [member(user_id, "join", displayname=chance.choice(["Bob B", "x"]))],
        "leave": lambda: [member(chance.choice(USERS[1:]), "leave")],
        "join": lambda: [member(chance.choice(USERS[1:]), "join")],
        "come and talk": lambda: [
            member(DORA, "leave"),
            say(world, room_id, ALICE),
            member(DORA, "join"),
            say(world, room_id, ALICE),
        ],
        "levels": lambda: [
            Draft("m.room.power_levels", ALICE, {"users": {user_id: chance.choice([0, 60])}}, "")
            if user_id != ALICE
            else Draft("m.room.power_levels", ALICE, {"users": {}}, "")
        ],
        "upgraded": lambda: [Draft("m.room.tombstone", ALICE, {"body": str(chance.random())}, "")],
        "redact": lambda: [
            Draft("m.room.redaction", ALICE, {}, redacts=chance.choice(world.said(room_id)[6:]))
        ],
    }
    often = ["say"] * 12 + ["chat"] * 3 + ["join"] * 4
    try:
        append(world.worker(), room_id, *drafts[chance.choice(often + list(drafts))]())
    except (errors.MatrixError, IndexError):
        return


def read(world: World, room_id: str, user_id: str) -> None:
    room = world.model.rooms[room_id]
    if user_id not in room.members:
        return
    event_id = world.chance.choice(world.said(room_id)[-10:])
    own = thread_of(room.contents[event_id], room.contents.get)
    thread_id = world.chance.choice([None, own, own])
    kind = world.chance.choice(["m.read", "m.read.private"])
    app = world.worker()
    receipts.send(app, a_requester(user_id), room_id, kind, event_id, thread_id)
    with app.database.read() as txn:
        room_nid = app.rooms.get(txn, room_id).room_nid
        txn.execute(
            """
            SELECT event_id
              FROM receipts
             WHERE (room_nid, user_id, receipt_type, thread_id) = (%s, %s, %s, %s)
            """,
            (room_nid, user_id, kind, thread_id or ""),
        )
        # It may have stayed where it was, further on.
        stands_at = txn.fetchone()[0]
    world.model.read(room_id, user_id, thread_id, stands_at)


def change_rules(world: World, room_id: str, user_id: str) -> None:
    chance, asker = world.chance, a_requester(user_id)
    here = {"kind": "event_match", "key": "room_id", "pattern": room_id}
    muted, only = {"conditions": [here], "actions": []}, {"actions": []}
    cake = {"pattern": "c?ke", "actions": chance.choice([LOUD, []])}
    topics = [{"kind": "event_match", "key": "type", "pattern": "m.room.topic"}]
    two = {"kind": "room_member_count", "is": "<=2"}
    named = [{"kind": "contains_display_name"}, chance.choice([here, two])]
    put, app = push_rules.put_rule, world.worker()
    changes: list[Callable[[], None]] = [
        lambda: put(app, asker, "override", room_id, muted),
        lambda: put(app, asker, "room", room_id, only),
        lambda: put(app, asker, "room", room_id, {"actions": LOUD}),
        lambda: put(app, asker, "content", "cake", cake),
        lambda: put(
            app, asker, "sender", chance.choice(USERS), {"actions": chance.choice([[], LOUD])}
        ),
        lambda: put(app, asker, "override", "topics", {"conditions": topics, "actions": LOUD}),
        lambda: put(app, asker, "override", "named", {"conditions": named, "actions": LOUD}),
        lambda: put(app, asker, "underride", "all", {"conditions": [], "actions": ["notify"]}),
        lambda: push_rules.set_enabled(
            app, asker, "override", ".m.rule.master", chance.random() < 0.3
        ),
        lambda: push_rules.set_enabled(
            app, asker, "underride", ".m.rule.message", chance.random() < 0.5
        ),
        lambda: push_rules.set_actions(
            app, asker, "underride", ".m.rule.encrypted", chance.choice([LOUD, ["notify"]])
        ),
        lambda: push_rules.set_enabled(
            app, asker, "override", ".m.rule.is_user_mention", chance.random() < 0.5
        ),
        *(
            lambda kind=kind, rule_id=rule_id: push_rules.delete_rule(app, asker, kind, rule_id)
            for kind, rule_id in (
                ("override", room_id),
                ("room", room_id),
                ("content", "cake"),
                ("override", "named"),
                ("underride", "all"),
            )
        ),
    ]
    try:
        chance.choice(changes)()
    except errors.NotFound:
        return
    with app.database.read() as txn:
        world.model.changes[user_id] = stored_push_rules.get(txn, user_id)


def ignore(world: World, user_id: str) -> None:
    others = [one for one in USERS if one != user_id]
    ignored = world.chance.sample(others, world.chance.choice([0, 0, 1]))
    content = {"ignored_users": {one: {} for one in ignored}}
    asker, kind = a_requester(user_id), "m.ignored_user_list"
    account_data.put(world.worker(), asker, user_id, "", kind, content)
    world.model.ignored[user_id] = set(ignored)


def written(counts: dict[str, tuple[int, int]], by_thread: bool) -> dict[str, Any]:
    """What /sync should say."""
    pairs = {
        thread: {"notification_count": pair[0], "highlight_count": pair[1]}
        for thread, pair in counts.items()
    }
    nothing = {"notification_count": 0, "highlight_count": 0}
    if by_thread:
        main = pairs.pop(MAIN, nothing)
        return {"unread_notifications": main, "unread_thread_notifications": pairs}
    total = {name: sum(pair[name] for pair in pairs.values()) for name in nothing}
    return {"unread_notifications": total}


def compare(world: World, user_id: str, *, afresh: bool) -> None:
    """Sync, and look at what was told last of each room."""
    wanted = world.chance.choice([THREADS, WHOLE])
    device = wanted
    key = (user_id, device)
    question = Question(filter=wanted, since=None if afresh else world.since.get(key))
    answer = plain(syncing.answer(world.worker(), requester(user_id, "D"), question))
    told = {} if afresh else dict(world.told.get(key, {}))
    for room_id in answer["rooms"]["leave"]:
        told.pop(room_id, None)
    for room_id, room in answer["rooms"]["join"].items():
        told[room_id] = {name: one for name, one in room.items() if name.startswith("unread")}
    expected = {
        room_id: written(world.model.counts(room_id, user_id), wanted == THREADS)
        for room_id in world.room_ids
        if user_id in world.model.rooms[room_id].members
    }
    assert told == expected, (user_id, afresh, question)
    world.told[key], world.since[key] = told, answer["next_batch"]


def step(world: World) -> None:
    room_id, user_id = world.chance.choice(world.room_ids), world.chance.choice(USERS)
    dice = world.chance.random()
    if dice < 0.65:
        act_in_room(world, room_id, user_id)
    elif dice < 0.85:
        read(world, room_id, user_id)
    elif dice < 0.95:
        change_rules(world, room_id, user_id)
    else:
        ignore(world, user_id)
    world.model.learn(world.workers[0])


@pytest.mark.parametrize("seed", range(6))
def test_counts_are_those_of_plain_counting(new_app: Callable[..., App], seed: int) -> None:
    chance = random.Random(seed)
    one = new_app()
    world = World([one, new_app(one.database.dsn)], chance, Model(USERS))
    world.room_ids = [a_room(one), a_room(one)]
    world.model.learn(one)
    for _ in range(150):
        step(world)
        for user_id in USERS:
            compare(world, user_id, afresh=chance.random() < 0.1)
    _check_heads(world)


def _check_heads(world: World) -> None:
    """What is kept of a room so as not to be counted is what one would count."""
    app = world.workers[0]
    with app.database.transaction() as txn:
        for room_id in world.room_ids:
            nid = app.rooms.get(txn, room_id).room_nid
            head = stored_rooms.lock(txn, [nid], skip_locked=False)[nid]
            assert head.joined_count == len(world.model.rooms[room_id].members)
    assert rules.KINDS
