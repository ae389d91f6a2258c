"""Random graphs, of which some events are never sent to us and the others in any order: with what
is fetched, our rooms come to what the pure rules come to.
"""

import random

import pytest

from impl.app import App
from impl.core.event import Event
from impl.core.event_builder import Draft
from tests.builders import member, message
from tests.services.incoming.site import Site, let_in, put, settle
from tests.services.incoming.test_staging import waiting
from tests.services.room_events.elsewhere import (
    DAVE,
    EVELYN,
    FRANK,
    Elsewhere,
    a_room_elsewhere,
    join_rule,
    levels,
    topic,
)
from tests.services.room_events.inspection import (
    assert_tables_say,
    extremity_ids,
    state_of,
    stored,
)

PEOPLE = [DAVE, EVELYN, FRANK]
EVENTS = 60


def a_draft(dice: random.Random, version: str) -> Draft:
    sender, target = dice.choice(PEOPLE), dice.choice(PEOPLE)
    kind = dice.choice(["join", "leave", "ban", "invite", "levels", "rule", "topic", "say", "say"])
    # Dave stays: a server that nobody is in the room of is not believed as much.
    if (kind == "leave" and sender != DAVE) or kind == "join":
        return member(sender, kind)
    if kind in ("ban", "invite") and target != DAVE:
        return member(target, kind, sender)
    if kind == "levels":
        users = {DAVE: 100, target: dice.choice([0, 50, 100]), sender: dice.choice([50, 100])}
        return levels(sender, users, version)
    if kind == "rule":
        return join_rule(sender, dice.choice(["public", "invite"]))
    return topic(sender, str(dice.random())) if kind == "topic" else message(sender, "hello")


def grow(room: Elsewhere, dice: random.Random) -> list[Event]:
    """Branches that part and meet again."""
    recent = [room.last]
    made = []
    for _ in range(EVENTS):
        prev = dice.sample(recent, k=min(len(recent), dice.choice([1, 1, 1, 2, 3])))
        made.append(room.add(a_draft(dice, room.version.version), prev))
        recent = [*recent, made[-1].event_id][-6:]
    return made


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("version", [str(number) for number in range(1, 13)])
def test_what_comes_in_any_order_comes_to_the_same(
    app: App, site: Site, version: str, seed: int
) -> None:
    dice = random.Random(f"arrival {version} {seed}")
    room = a_room_elsewhere(version)
    room_id = let_in(app, site, room)
    made = grow(room, dice)
    sent = [one for one in made if dice.random() < 0.6]
    dice.shuffle(sent)
    while sent:
        piece = [sent.pop() for _ in range(min(len(sent), dice.randrange(1, 8)))]
        put(app, *piece)
        if dice.random() < 0.5:
            settle(app)
    last = room.add(message(DAVE, "last"), [one.event_id for one in made[-6:]])
    put(app, last)
    settle(app)
    assert waiting(app, room_id) == []
    # All that there is below it was fetched, and no state had to be taken on trust.
    assert site.asked("state_ids") == site.asked("state") == 0
    below, todo = set[str](), [last.event_id]
    while todo:
        event_id = todo.pop()
        if event_id not in below:
            below.add(event_id)
            todo.extend(room.events[event_id].prev_event_ids)
    for event_id in below:
        ours = stored(app, room_id, event_id)
        assert (ours.rejected_reason is not None) is (event_id in room.rejected)
        assert state_of(app, room_id, ours.state_after or 0) == room.states[event_id]
    assert_tables_say(app, room_id, room.after(*sorted(extremity_ids(app, room_id))))
