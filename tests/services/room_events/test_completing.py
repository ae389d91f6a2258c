"""A room whose members were not all known gets them: what the database comes to is what the pure
rules come to.
"""

import random
from collections.abc import Collection

import pytest

from impl import errors
from impl.app import App
from impl.core.event import Event
from impl.services.room_events import batching, completing
from impl.services.room_events.submission import MissingEvents, Received, Submission
from impl.storage import partial_rooms, rooms
from tests.builders import BOB, append, member, message
from tests.services.room_events.elsewhere import (
    DAVE,
    EVELYN,
    FRANK,
    Elsewhere,
    a_room_elsewhere,
    send,
    topic,
)
from tests.services.room_events.inspection import (
    assert_tables_say,
    extremity_ids,
    head_of,
    state_of,
    stored,
    timeline_ids,
)
from tests.services.room_events.test_backfilled import fill, history_ids, submit
from tests.services.room_events.test_receive_random import a_random_draft, a_random_graph


def come_in(app: App, room: Elsewhere, at: Event) -> str:
    """Our server comes into the room by a join, and is told of no members but those that this
    rests on; returns the room's id.
    """
    state = room.after(*at.prev_event_ids)
    told = [one for key, one in state.items() if key[0] != "m.room.member"]
    needed = {*told, *at.auth_event_ids}
    needed |= room._chain({("", one): one for one in needed})
    room_id = room.create.room_id
    with app.database.transaction() as txn:
        rooms.insert(txn, room_id, room.version.version, room.create.origin_server_ts)
    put_outliers(app, room, needed)

    def begin(txn, found) -> None:
        partial_rooms.begin(txn, found.room_nid, at.event_id, "elsewhere.example", 0)

    received = Received(at, state_before=sorted(told), starts_anew=True, lacks_members=True)
    batching.submit(app, Submission(room_id, [], received=[received], alongside=begin))
    return room_id


def put_outliers(app: App, room: Elsewhere, event_ids: Collection[str]) -> None:
    outliers = [one for one in room.events.values() if one.event_id in event_ids]
    submit(app, room.create.room_id, [Received(one, is_outlier=True) for one in outliers])


def complete(app: App, room: Elsewhere, at: Event) -> None:
    state = room.after(*at.prev_event_ids)
    put_outliers(app, room, {*state.values(), *room._chain(state)})
    nid = head_of(app, room.create.room_id).room.room_nid
    assert completing.complete(app, nid, list(state.values()))


def send_with_cited(app: App, room: Elsewhere, event: Event) -> None:
    put_outliers(app, room, room._chain({("", one): one for one in [event.event_id]}))
    send(app, room, event)


def test_the_state_and_the_tables_have_all_members(app: App) -> None:
    room = a_room_elsewhere()
    join = room.add(member(BOB, "join"))
    room_id = come_in(app, room, join)
    assert ("m.room.member", EVELYN) not in state_of(
        app, room_id, head_of(app, room_id).current_state_root
    )
    said = room.add(message(EVELYN, "hello"))
    changed = room.add(topic(DAVE, "new"))
    send_with_cited(app, room, said)
    send_with_cited(app, room, changed)
    (ours,) = append(app, room_id, message(BOB, "here"))
    complete(app, room, join)
    assert_tables_say(app, room_id, room.after(changed.event_id))
    for one in (join, said, changed):
        found = stored(app, room_id, one.event_id)
        assert state_of(app, room_id, found.state_after or 0) == room.states[one.event_id]
    assert state_of(app, room_id, stored(app, room_id, ours).state_before or 0) == room.after(
        changed.event_id
    )
    assert not head_of(app, room_id).room.is_partial
    nid = head_of(app, room_id).room.room_nid
    assert not completing.complete(app, nid, [])
    with app.database.read() as txn:
        assert partial_rooms.list_events(txn, nid) == []


def test_what_the_timeline_says_of_the_state_has_all_members(app: App) -> None:
    room = a_room_elsewhere()
    join = room.add(member(BOB, "join"))
    room_id = come_in(app, room, join)
    later = [
        room.add(topic(DAVE, "1")),
        room.add(member(FRANK, "join")),
        room.add(topic(DAVE, "2")),
    ]
    for one in later:
        send_with_cited(app, room, one)
    complete(app, room, join)
    with app.database.read() as txn:
        rows = partial_rooms.list_timeline(txn, head_of(app, room_id).room.room_nid)
    for (_, _, root), one in zip(rows, [join, *later], strict=True):
        assert state_of(app, room_id, root) == room.states[one.event_id]


def test_who_was_not_in_the_room_is_taken_out_of_it(app: App) -> None:
    room = a_room_elsewhere()
    frank = room.add(member(FRANK, "join"))
    room.add(member(FRANK, "ban", DAVE))
    join = room.add(member(BOB, "join"))
    room_id = come_in(app, room, join)
    # Frank cites his membership of old: we do not know that he is banned.
    cited = {**room.after(join.event_id), ("m.room.member", FRANK): frank.event_id}
    forged = room.add(message(FRANK, "still here"), cited_state=cited)
    send_with_cited(app, room, forged)
    assert stored(app, room_id, forged.event_id).rejected_reason is None
    said = room.add(message(EVELYN, "who?"))
    send_with_cited(app, room, said)
    top = room.add(message(FRANK, "again"), cited_state=cited)
    send_with_cited(app, room, top)
    assert extremity_ids(app, room_id) == {top.event_id}
    complete(app, room, join)
    assert room.rejected == {forged.event_id, top.event_id}
    assert stored(app, room_id, forged.event_id).rejected_reason is not None
    assert timeline_ids(app, room_id) == [join.event_id, said.event_id]
    assert extremity_ids(app, room_id) == {said.event_id}
    assert_tables_say(app, room_id, room.after(said.event_id))


def test_a_state_that_does_not_let_us_in_changes_nothing(app: App) -> None:
    room = a_room_elsewhere()
    join = room.add(member(BOB, "join"))
    room_id = come_in(app, room, join)
    ban = room.add(member(BOB, "ban", DAVE), [join.prev_event_ids[0]])
    lie = [*room.after(*join.prev_event_ids).values(), ban.event_id]
    nid = head_of(app, room_id).room.room_nid
    with pytest.raises(MissingEvents):
        completing.complete(app, nid, lie)
    put_outliers(app, room, {*lie, *room._chain({("", one): one for one in lie})})
    with pytest.raises(errors.Forbidden):
        completing.complete(app, nid, lie)
    with app.database.read() as txn:
        assert partial_rooms.is_partial(txn, nid)
    complete(app, room, join)
    assert_tables_say(app, room_id, room.after(join.event_id))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("version", ["1", "6", "11", "12"])
def test_a_random_room_comes_to_the_states_of_the_pure_rules(
    app: App, version: str, seed: int
) -> None:
    dice = random.Random(f"complete {version} {seed}")
    room, join = _a_random_join(version, dice)
    room_id = come_in(app, room, join)
    before = list(room.events.values())[-2::-1]
    after: list[Event] = []
    for _ in range(25):
        tops = [join.event_id, *(one.event_id for one in after)][-3:]
        prev = dice.sample(tops, k=min(len(tops), dice.choice([1, 1, 2])))
        after.append(room.add(a_random_draft(dice, version), prev))
        send_with_cited(app, room, after[-1])
    # Some of history is read meanwhile.
    ancestors = _below(room, join)
    below, told = _a_page([one for one in before if one.event_id in ancestors][:6])
    for one in below:
        put_outliers(app, room, _needed(room, one))
    fill(app, room, *below, told=told)
    app.events.clear()
    complete(app, room, join)
    for one in (*below, join, *after):
        ours = stored(app, room_id, one.event_id)
        assert (ours.rejected_reason is not None) is (one.event_id in room.rejected)
        assert state_of(app, room_id, ours.state_after or 0) == room.states[one.event_id]
    assert_tables_say(app, room_id, room.after(*sorted(extremity_ids(app, room_id))))
    shown = set(history_ids(app, room_id))
    assert not shown & room.rejected


def _a_random_join(version: str, dice: random.Random) -> tuple[Elsewhere, Event]:
    while True:
        room = a_random_graph(version, dice, 25)
        join = room.add(member(BOB, "join"), sorted(room.extremities()))
        if join.event_id not in room.rejected:
            return room, join


def _a_page(events: list[Event]) -> tuple[list[Event], list[Event]]:
    """The first of them, and those whose state must be told: nothing is known of what these stand
    on. What is told of a part cannot be told from the rest by the first resolution.
    """
    while events:
        ids = {one.event_id for one in events}
        told = [one for one in events if ids.isdisjoint(one.prev_event_ids)]
        if all(one in told or ids.issuperset(one.prev_event_ids) for one in events):
            return events, told
        events = events[:-1]
    return [], []


def _below(room: Elsewhere, event: Event) -> set[str]:
    found: set[str] = set()
    waiting = [event]
    while waiting:
        for prev in waiting.pop().prev_event_ids:
            if prev not in found:
                found.add(prev)
                waiting.append(room.events[prev])
    return found


def _needed(room: Elsewhere, event: Event) -> set[str]:
    state = {*room.after(*event.prev_event_ids).values(), event.event_id}
    return state | room._chain({("", one): one for one in state})
