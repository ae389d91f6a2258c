"""Events that fill history: their places, and that nobody is told of them."""

import random
from collections.abc import Sequence

import pytest

from impl.app import App
from impl.core.event import Event
from impl.core.event_builder import Draft
from impl.services.room_events import batching, submission
from impl.services.room_events.submission import MissingEvents, Received, Submission
from impl.services.search import index
from impl.storage import event_graph, rooms
from impl.storage.history import FIRST, LAST, get_place, list_back
from tests.builders import ALICE, BOB, append, member, message
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
from tests.services.room_events.test_receive_random import a_random_graph
from tests.services.room_events.test_receive_redactions import redacted_by, redaction


def come_in(app: App, room: Elsewhere, at: Event) -> str:
    """Our server comes into the room by an event, as by a join; returns the room's id."""
    state = room.after(*at.prev_event_ids)
    needed = set(state.values()) | room._chain(state)
    room_id = room.create.room_id
    with app.database.transaction() as txn:
        rooms.insert(txn, room_id, room.version.version, room.create.origin_server_ts)
    outliers = [one for one in room.events.values() if one.event_id in needed]
    submit(app, room_id, [Received(one, is_outlier=True) for one in outliers])
    told = sorted(state.values())
    submit(app, room_id, [Received(at, state_before=told, starts_anew=True)])
    return room_id


def submit(app: App, room_id: str, received: Sequence[Received]) -> list[str]:
    return batching.submit(app, Submission(room_id, [], received=received))


def fill(app: App, room: Elsewhere, *events: Event, told: Sequence[Event] = ()) -> None:
    """The newest first; of those that are `told` with the state before them."""
    received = [
        Received(
            one,
            sorted(room.after(*one.prev_event_ids).values()) if one in told else None,
            is_backfilled=True,
        )
        for one in events
    ]
    submit(app, room.create.room_id, received)


def history_ids(app: App, room_id: str) -> list[str]:
    """All of the room, as one reads it from the beginning."""
    room_nid = head_of(app, room_id).room.room_nid
    with app.database.read() as txn:
        rows = list_back(txn, room_nid, LAST, FIRST, 1000)
        loaded = app.events.get_many(txn, [(room_nid, row.event_nid) for row in rows])
    return [loaded[row.event_nid].event_id for row in reversed(rows)]


def a_line(version: str = "11") -> Elsewhere:
    """A room in which things were said before we come, and once done."""
    room = a_room_elsewhere(version)
    for number in range(5):
        room.add(topic(DAVE, "between") if number == 2 else message(EVELYN, str(number)))
    return room


@pytest.mark.parametrize("version", ["1", "2", "6", "11", "12"])
def test_messages_have_the_state_of_what_stands_on_them(app: App, version: str) -> None:
    room = a_room_elsewhere(version)
    said = [room.add(message(EVELYN, str(number))) for number in range(5)]
    room_id = come_in(app, room, room.add(member(BOB, "join")))
    assert history_ids(app, room_id) == [room.last]
    before = head_of(app, room_id)
    app.news.catch_up()
    position = app.news.position

    fill(app, room, *reversed(said))
    assert history_ids(app, room_id) == [*(one.event_id for one in said), room.last]
    # Its places are below zero, the oldest at the bottom, and the room's head is what it was.
    assert timeline_ids(app, room_id) == history_ids(app, room_id)
    assert head_of(app, room_id) == before
    assert_tables_say(app, room_id, room.after(room.last))
    for one in said:
        ours = stored(app, room_id, one.event_id)
        assert state_of(app, room_id, ours.state_before or 0) == room.states[one.event_id]
        assert ours.state_before == ours.state_after
    app.news.catch_up()
    assert app.news.position == position


def test_state_is_asked_of_what_it_stands_on_where_that_is_here(app: App) -> None:
    room = a_line()
    room_id = come_in(app, room, room.add(member(BOB, "join")))
    events = list(room.events.values())[-2::-1]
    fill(app, room, *events)
    assert history_ids(app, room_id) == list(room.events)
    for one in room.events.values():
        ours = stored(app, room_id, one.event_id)
        assert ours.rejected_reason is None
        assert state_of(app, room_id, ours.state_after or 0) == room.states[one.event_id]
    with app.database.read() as txn:
        nid = head_of(app, room_id).room.room_nid
        assert event_graph.list_backward_extremities(txn, nid) == []


def test_what_is_told_of_a_state_counts_only_where_nothing_here_says_it(app: App) -> None:
    room = a_room_elsewhere()
    ban = room.add(member(FRANK, "ban", DAVE))
    said = room.add(message(EVELYN, "hello"))
    room_id = come_in(app, room, room.add(member(BOB, "join")))
    lie = [one for one in room.after(said.event_id).values() if one != ban.event_id]
    submit(app, room_id, [Received(said, lie, is_backfilled=True)])
    ours = stored(app, room_id, said.event_id)
    assert state_of(app, room_id, ours.state_before or 0) == room.after(said.event_id)


def test_state_below_what_is_not_here_must_be_told(app: App) -> None:
    room = a_line()
    room_id = come_in(app, room, room.add(member(BOB, "join")))
    newest = list(room.events.values())[-2:-6:-1]
    assert newest[-2].type == "m.room.topic"
    with pytest.raises(MissingEvents):
        fill(app, room, *newest)
    assert history_ids(app, room_id) == [room.last]
    fill(app, room, *newest, told=newest[-1:])
    assert history_ids(app, room_id) == list(room.events)[-5:]
    for one in newest:
        ours = stored(app, room_id, one.event_id)
        assert state_of(app, room_id, ours.state_after or 0) == room.states[one.event_id]
    with app.database.read() as txn:
        nid = head_of(app, room_id).room.room_nid
        missing = newest[-1].prev_event_ids
        assert event_graph.list_backward_extremities(txn, nid) == missing
        depth = newest[-1].depth
        assert event_graph.list_gaps(txn, nid, (0, depth), 5) == [(missing[0], depth)]
        assert event_graph.list_gaps(txn, nid, (0, depth - 1), 5) == []
        assert event_graph.list_gaps(txn, nid, (depth + 1, 1_000), 5) == []


def test_nobody_is_told_and_nothing_is_counted(app: App) -> None:
    room = a_room_elsewhere()
    said = [room.add(message(EVELYN, f"hello {ALICE}")) for _ in range(3)]
    room.add(member(ALICE, "leave"))
    join = room.add(member(ALICE, "join"))
    room_id = come_in(app, room, join)
    fill(app, room, *list(room.events.values())[-2::-1])
    assert history_ids(app, room_id) == list(room.events)
    room_nid = head_of(app, room_id).room.room_nid
    with app.database.read() as txn:
        txn.execute("SELECT count(*) FROM membership_changes WHERE room_nid = %s", (room_nid,))
        assert txn.fetchone() == (1,)
        txn.execute(
            """
            SELECT count(*), max(position)
              FROM timeline
             WHERE room_nid = %s
               AND (position > 0 OR unread_totals <> '' OR thread_id IS NOT NULL)
            """,
            (room_nid,),
        )
        assert txn.fetchone()[0] == 1
        # Before all that came by the stream there is history.
        first = get_place(txn, room_nid, 0)
        assert first == get_place(txn, room_nid, 1) and first[0] == join.depth
    assert_tables_say(app, room_id, room.after(join.event_id))
    assert said[0].event_id in timeline_ids(app, room_id)


def test_what_the_rules_refuse_is_kept_without_a_place_in_history(app: App) -> None:
    room = a_room_elsewhere()
    base = room.last
    refused = room.add(topic(FRANK, "who is that?"))
    said = room.add(message(EVELYN, "hello"), [refused.event_id])
    room_id = come_in(app, room, room.add(member(BOB, "join")))
    fill(app, room, said, refused, told=[refused])
    assert refused.event_id not in history_ids(app, room_id)
    assert stored(app, room_id, refused.event_id).rejected_reason
    with app.database.read() as txn:
        # And history goes on below it.
        nid = head_of(app, room_id).room.room_nid
        assert event_graph.list_backward_extremities(txn, nid) == [base]


def test_what_only_a_refused_event_stands_on_is_no_history(app: App) -> None:
    room = a_room_elsewhere()
    send(app, room, *room.events.values())
    hidden = room.add(message(EVELYN, "never sent"))
    refused = room.add(message(FRANK, "I am not in it"))
    send(app, room, refused, state_before=sorted(room.after(hidden.event_id).values()))
    with app.database.read() as txn:
        nid = head_of(app, room.create.room_id).room.room_nid
        assert event_graph.list_backward_extremities(txn, nid) == []


def test_a_gap_is_filled_between_what_came_before_it_and_after(app: App) -> None:
    room = a_room_elsewhere()
    room_id = room.create.room_id
    send(app, room, *room.events.values())
    old = list(room.events)
    gap = [room.add(message(EVELYN, "1")), room.add(topic(DAVE, "2")), room.add(message(DAVE, "3"))]
    last = room.add(message(EVELYN, "arrives"))
    send(app, room, gap[1], is_outlier=True)
    send(app, room, last, state_before=sorted(room.after(gap[-1].event_id).values()))
    assert history_ids(app, room_id) == [*old, last.event_id]
    assert extremity_ids(app, room_id) == {old[-1], last.event_id}
    fill(app, room, *reversed(gap))
    assert history_ids(app, room_id) == list(room.events)
    # The gap stands on what was an end of the room.
    assert extremity_ids(app, room_id) == {last.event_id}
    for one in gap:
        ours = stored(app, room_id, one.event_id)
        assert state_of(app, room_id, ours.state_after or 0) == room.states[one.event_id]
    # What they are is what a transaction would have brought: it is no news any more.
    send(app, room, *gap)
    assert [one for one in timeline_ids(app, room_id) if one == gap[1].event_id] == [
        gap[1].event_id
    ]


@pytest.mark.parametrize("version", ["2", "11"])
def test_redactions_of_history_wait_for_what_they_redact(app: App, version: str) -> None:
    room = a_room_elsewhere(version)
    said = room.add(message(EVELYN, "hush"))
    room.add(message(EVELYN, "more"))
    gone = room.add(redaction(DAVE, said.event_id))
    room_id = come_in(app, room, room.add(member(BOB, "join")))
    made = list(room.events.values())
    fill(app, room, *made[-2:-4:-1])
    assert gone.event_id not in history_ids(app, room_id)
    fill(app, room, said)
    assert history_ids(app, room_id) == [one.event_id for one in made[-4:]]
    assert redacted_by(app, room_id, said.event_id) == gone.event_id
    assert all(one.position < 0 for one in rows_of(app, room_id) if one.topological < 9)


def rows_of(app: App, room_id: str):
    with app.database.read() as txn:
        return list_back(txn, head_of(app, room_id).room.room_nid, LAST, FIRST, 100)


def test_other_workers_hear_of_what_is_another_event_now(app: App, new_app) -> None:
    other = new_app(app.database.dsn)
    room = a_room_elsewhere()
    room_id = room.create.room_id
    said = room.add(message(EVELYN, "hush"))
    liked = room.add(message(EVELYN, "like me"))
    send(app, room, *room.events.values())
    gone = room.add(redaction(DAVE, said.event_id))
    relates = {"m.relates_to": {"rel_type": "m.annotation", "event_id": liked.event_id, "key": "+"}}
    like = room.add(Draft("m.reaction", DAVE, relates))
    set_before = room.add(topic(DAVE, "an outlier first"))
    send(app, room, set_before, is_outlier=True)
    last = room.add(message(EVELYN, "arrives"))
    send(app, room, last, state_before=sorted(room.after(set_before.event_id).values()))
    other.news.catch_up()
    room_nid = head_of(app, room_id).room.room_nid
    watched = [said, liked, set_before]
    nids = [stored(other, room_id, one.event_id).event_nid for one in watched]
    keys = [(room_nid, nid) for nid in nids]
    with other.database.read() as txn:
        first = other.events.get_many(txn, keys)
    assert not first[nids[1]].has_children
    fill(app, room, set_before, like, gone)
    other.news.catch_up_if_behind()
    with other.database.read() as txn:
        then = other.events.get_many(txn, keys)
    assert then[nids[0]].redacted_by_nid is not None
    assert "body" not in then[nids[0]].event.content
    assert then[nids[1]].has_children
    assert then[nids[2]].state_before is not None


def test_history_is_indexed_for_search_in_the_order_in_which_it_comes(app: App) -> None:
    room = a_room_elsewhere()
    words = [room.add(message(EVELYN, f"word{number}")) for number in range(4)]
    room_id = come_in(app, room, room.add(member(BOB, "join")))

    def indexed() -> int:
        while index.index_some(app):
            pass
        with app.database.read() as txn:
            txn.execute("SELECT count(*) FROM search_texts")
            return txn.fetchone()[0]

    assert indexed() == 0
    fill(app, room, words[3], words[2])
    assert indexed() == 2
    fill(app, room, words[1], words[0])
    assert indexed() == 4
    assert room_id


def test_what_a_fetched_redaction_redacts_is_not_found_any_more(app: App) -> None:
    room = a_room_elsewhere()
    room_id = room.create.room_id
    said = room.add(message(EVELYN, "hush"))
    send(app, room, *room.events.values())
    gone = room.add(redaction(DAVE, said.event_id))
    last = room.add(message(EVELYN, "arrives"))
    send(app, room, last, state_before=sorted(room.after(gone.event_id).values()))
    assert index.index_some(app) and indexed_words(app) == {"hush", "arrives"}
    fill(app, room, gone)
    assert index.index_some(app) and indexed_words(app) == {"arrives"}
    assert redacted_by(app, room_id, said.event_id) == gone.event_id


def indexed_words(app: App) -> set[str]:
    with app.database.read() as txn:
        txn.execute("SELECT unnest(tsvector_to_array(words)) FROM search_texts")
        return {row[0] for row in txn.fetchall() if row[0][0].isalpha()}


def test_a_submission_that_fails_leaves_nothing_to_the_next(app: App) -> None:
    room = a_line()
    room_id = come_in(app, room, room.add(member(BOB, "join")))
    events = list(room.events.values())
    bad = Submission(room_id, [], received=[Received(events[-3], is_backfilled=True)])
    good = Submission(room_id, [], received=[Received(events[-2], is_backfilled=True)])
    failed, done = batching.submit_all(app, [bad, good])
    assert isinstance(failed, submission.MissingEvents)
    assert done == [events[-2].event_id]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("version", ["1", "6", "11", "12"])
def test_a_random_history_has_the_states_of_the_pure_rules(
    app: App, version: str, seed: int
) -> None:
    dice = random.Random(f"backfill {version} {seed}")
    room, join = _a_random_join(version, dice)
    room_id = come_in(app, room, join)
    ancestors = _ancestors(room, join)
    waiting = list(reversed([one for one in room.events.values() if one.event_id in ancestors]))
    while waiting:
        page, waiting = waiting[:7], waiting[7:]
        left = {one.event_id for one in waiting}
        told = [one for one in page if not left.isdisjoint(one.prev_event_ids)]
        _outliers(app, room, page)
        fill(app, room, *page, told=told)
        if dice.random() < 0.5:
            app.events.clear()
    for event_id in ancestors:
        ours = stored(app, room_id, event_id)
        assert (ours.rejected_reason is not None) is (event_id in room.rejected)
        assert state_of(app, room_id, ours.state_after or 0) == room.states[event_id]
    assert extremity_ids(app, room_id) == {join.event_id}
    assert_tables_say(app, room_id, room.after(join.event_id))
    append(app, room_id, message(BOB, "here"))


def _a_random_join(version: str, dice: random.Random) -> tuple[Elsewhere, Event]:
    """A history that led to a room that lets us in."""
    while True:
        room = a_random_graph(version, dice, 30)
        join = room.add(member(BOB, "join"), sorted(room.extremities()))
        if join.event_id not in room.rejected:
            return room, join


def _ancestors(room: Elsewhere, event: Event) -> set[str]:
    found: set[str] = set()
    waiting = [event]
    while waiting:
        for prev in waiting.pop().prev_event_ids:
            if prev not in found:
                found.add(prev)
                waiting.append(room.events[prev])
    return found


def _outliers(app: App, room: Elsewhere, page: Sequence[Event]) -> None:
    cited = {cited for one in page for cited in one.auth_event_ids}
    cited |= {one for event in page for one in room.after(*event.prev_event_ids).values()}
    chain = room._chain({("", one): one for one in cited}) | cited
    events = [one for one in room.events.values() if one.event_id in chain]
    submit(app, room.create.room_id, [Received(one, is_outlier=True) for one in events])
