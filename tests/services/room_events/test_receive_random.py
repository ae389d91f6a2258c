"""Random graphs with forks, bans and power fights: what our database comes to is what the pure
rules come to.
"""

import random

import pytest

from impl.app import App
from impl.core import state_trie
from impl.core.event_builder import Draft
from impl.services.room_events import auth_chains, merging
from impl.services.room_events.open_room import OpenRoom
from tests.builders import ALICE, member, message
from tests.services.room_events.elsewhere import (
    DAVE,
    ELSEWHERE,
    EVELYN,
    FRANK,
    Elsewhere,
    a_room_elsewhere,
    join_rule,
    levels,
    send,
    topic,
)
from tests.services.room_events.inspection import (
    assert_tables_say,
    extremity_ids,
    head_of,
    state_of,
    stored,
)

PEOPLE = [DAVE, EVELYN, FRANK, ALICE]
VERSIONS = [str(number) for number in range(1, 13)]


def a_random_draft(dice: random.Random, version: str) -> Draft:
    sender, target = dice.choice(PEOPLE), dice.choice(PEOPLE)
    kind = dice.choice(["join", "leave", "ban", "kick", "invite", "levels", "rule", "topic", "say"])
    if kind in ("join", "leave"):
        return member(sender, kind)
    if kind in ("ban", "kick", "invite"):
        return member(target, {"kick": "leave"}.get(kind, kind), sender)
    if kind == "levels":
        users = {DAVE: 100, target: dice.choice([0, 50, 100]), sender: dice.choice([50, 100])}
        return levels(sender, users, version)
    if kind == "rule":
        return join_rule(sender, dice.choice(["public", "invite"]))
    if kind == "topic":
        return topic(sender, str(dice.random()))
    return message(sender, str(dice.random()))


def a_random_graph(version: str, dice: random.Random, size: int) -> Elsewhere:
    room = a_room_elsewhere(version)
    for _ in range(size):
        ids = list(room.events)[5:]
        recent = ids[-5:] if dice.random() < 0.8 else ids
        prev = dice.sample(recent, k=min(len(recent), dice.choice([1, 1, 1, 2, 3])))
        ts = room.now_ms if dice.random() < 0.8 else dice.randrange(room.now_ms)
        room.add(a_random_draft(dice, version), prev, ts=ts)
    return room


@pytest.mark.parametrize("version", VERSIONS)
def test_random_graphs_come_to_the_state_of_the_pure_rules(app: App, version: str) -> None:
    dice = random.Random(f"graph {version}")
    room = a_random_graph(version, dice, 60)
    made = list(room.events.values())
    send(app, room, *made[:10])
    for event in made[10:]:
        # A worker that has just started knows nothing; one that has not has everything cached.
        if dice.random() < 0.1:
            app.events.clear()
            app.part(auth_chains.Unions, auth_chains.Unions).clear()
        send(app, room, event)

    room_id = room.create.room_id
    for event in made:
        ours = stored(app, room_id, event.event_id)
        assert (ours.rejected_reason is not None) is (event.event_id in room.rejected)
        assert state_of(app, room_id, ours.state_after or 0) == room.states[event.event_id]


def test_the_chains_of_a_state_are_whole_though_few_of_its_unions_find_room(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth_chains, "EVENTS_KEPT_MAX", 20)
    room = a_room_elsewhere("11")
    # So many that the state is several nodes; the second membership of each rests on the first.
    for number in range(120):
        user_id = f"@{number % 60}:{ELSEWHERE}"
        room.add(member(user_id, "join", displayname=str(number)))
    send(app, room, *room.events.values())
    with app.database.read() as txn:
        head = head_of(app, room.create.room_id)
        open_room = OpenRoom.open(app, txn, head, merging.merge)
        entries = dict(state_trie.items(open_room.nodes, head.current_state_root))
        union = open_room.chains.union_of_state(open_room.nodes, head.current_state_root, ())
        assert union == open_room.chains.union(entries.values())


@pytest.mark.parametrize("version", VERSIONS)
def test_current_state_is_the_resolution_at_the_extremities(app: App, version: str) -> None:
    dice = random.Random(f"head {version}")
    room = a_random_graph(version, dice, 40)
    send(app, room, *room.events.values())
    # What was soft-failed is beside the graph that the current state is of.
    room_id = room.create.room_id
    soft = {one for one in room.events if stored(app, room_id, one).is_soft_failed}
    if not soft:
        assert extremity_ids(app, room_id) == room.extremities()
    assert_tables_say(app, room_id, room.after(*sorted(extremity_ids(app, room_id))))
