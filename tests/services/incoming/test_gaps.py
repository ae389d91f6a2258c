"""Gaps between what we have of a room and what is sent to us, and what it takes to fill them."""

import pytest

from impl.app import App
from impl.core.event_builder import Draft
from impl.services.incoming import missing_state
from impl.storage import event_graph
from tests.builders import ALICE, append, member, message
from tests.services.incoming.site import Site, let_in, put, settle
from tests.services.incoming.test_staging import waiting
from tests.services.room_events.elsewhere import (
    DAVE,
    ELSEWHERE,
    EVELYN,
    FRANK,
    a_room_elsewhere,
    levels,
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

VERSIONS = ["1", "2", "6", "11", "12"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_gap_is_filled_in_order(app: App, site: Site, version: str) -> None:
    room = a_room_elsewhere(version)
    room_id = let_in(app, site, room)
    sent = [room.add(message(EVELYN, f"{number}")) for number in range(45)]
    assert put(app, sent[-1]) == {sent[-1].event_id: {}}
    settle(app)
    assert timeline_ids(app, room_id)[-45:] == [one.event_id for one in sent]
    assert waiting(app, room_id) == []
    assert site.asked("get_missing_events") == 3
    assert site.asked("state_ids") == 0


def test_a_gap_with_branches_and_new_state_is_filled(app: App, site: Site) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    base = room.last
    one = room.add(member(FRANK, "join"), [base])
    other = room.add(topic(DAVE, "other"), [base])
    room.add(message(FRANK, "hello"), [one.event_id])
    last = room.add(levels(DAVE, {DAVE: 100, FRANK: 50}), [room.last, other.event_id])
    top = room.add(topic(FRANK, "Frank's"))
    put(app, top)
    settle(app)
    assert extremity_ids(app, room_id) == {top.event_id}
    assert_tables_say(app, room_id, room.after(top.event_id))
    assert not stored(app, room_id, last.event_id).rejected_reason


def test_of_a_long_gap_the_newest_is_taken_and_the_rest_stays_to_be_asked_for(
    app: App, site: Site
) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    room.add(member(FRANK, "join"))
    sent = [room.add(message(FRANK, f"{number}")) for number in range(230)]
    put(app, sent[-1])
    settle(app)
    ids = [one.event_id for one in sent]
    # Itself, and two hundred before it.
    assert timeline_ids(app, room_id)[-201:] == ids[-201:]
    assert ids[-202] not in timeline_ids(app, room_id)
    assert site.asked("state_ids") == 1
    with app.database.read() as txn:
        room_nid = head_of(app, room_id).room.room_nid
        assert event_graph.list_backward_extremities(txn, room_nid) == [ids[-202]]
    # Both ends of the room are stood on, until an event of ours joins them.
    assert_tables_say(app, room_id, room.after(room.last))
    (ours,) = append(app, room_id, message(ALICE, "here"))
    assert state_of(app, room_id, stored(app, room_id, ours).state_before or 0) == room.after(
        room.last
    )


def test_where_nothing_is_known_of_the_gap_the_state_is_asked_for(app: App, site: Site) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    room.add(member(FRANK, "join"))
    room.add(topic(DAVE, "new"))
    top = room.add(message(FRANK, "hello"))
    site.answers["get_missing_events"] = None
    put(app, top)
    settle(app)
    assert timeline_ids(app, room_id)[-1] == top.event_id
    assert_tables_say(app, room_id, room.after(top.event_id))
    # Frank's join, the topic.
    assert site.asked("event") == 2
    assert site.asked("state") == 0


def test_where_much_of_a_state_is_missing_all_of_it_is_asked_for(
    app: App, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(missing_state, "SINGLY_MAX", 5)
    monkeypatch.setattr(missing_state, "PIECE_EVENTS", 3)
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    for number in range(20):
        room.add(member(f"@u{number}:{ELSEWHERE}", "join"))
    top = room.add(message(f"@u7:{ELSEWHERE}", "hello"))
    site.answers["get_missing_events"] = None
    put(app, top)
    settle(app)
    assert_tables_say(app, room_id, room.after(top.event_id))
    # The one: what the message cites.
    assert (site.asked("state"), site.asked("event")) == (1, 1)


def test_what_an_event_cites_is_asked_for(app: App, site: Site) -> None:
    """Not all of the state: just what leads to the event."""
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    base = room.last
    room.add(member(FRANK, "join"))
    state = room.after(room.last)
    event = room.add(message(FRANK, "hello"), [base], cited_state=state)
    site.answers["get_missing_events"] = lambda *_, **__: {"events": []}
    put(app, event)
    settle(app)
    # By the state before it he is not in the room.
    assert "state before it" in (stored(app, room_id, event.event_id).rejected_reason or "")
    assert site.asked("event") == 1
    assert site.asked("state_ids") == 0


def test_the_auth_chain_is_asked_for_where_much_of_it_is_missing(app: App, site: Site) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    base = room.last
    for number in range(6):
        room.add(levels(DAVE, {DAVE: 100, FRANK: number}))
    room.add(member(FRANK, "join"))
    state = room.after(room.last)
    event = room.add(message(FRANK, "hello"), [base], cited_state=state)
    site.answers["get_missing_events"] = lambda *_, **__: {"events": []}
    put(app, event)
    settle(app)
    assert stored(app, room_id, event.event_id).rejected_reason
    assert site.asked("event_auth") == 1


def test_a_fork_comes_to_the_same_state_on_both_servers(app: App, site: Site) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    base = room.last
    # Both write while the link is cut: ours on its side, theirs on theirs.
    (ours,) = append(app, room_id, Draft("m.room.member", ALICE, _named("Al"), ALICE))
    theirs = [
        room.add(levels(DAVE, {DAVE: 100, EVELYN: 50}), [base]),
        room.add(topic(EVELYN, "theirs")),
        room.add(member(FRANK, "join")),
    ]
    put(app, *theirs)
    event = stored(app, room_id, ours).event
    room.keep(event, room.states[base])
    expected = room.after(ours, theirs[-1].event_id)
    assert_tables_say(app, room_id, expected)
    joined = room.add(message(EVELYN, "both"), [ours, theirs[-1].event_id])
    put(app, joined)
    assert extremity_ids(app, room_id) == {joined.event_id}
    assert_tables_say(app, room_id, room.after(joined.event_id))


def test_a_state_that_leaves_out_what_we_know_takes_nothing_from_the_room(
    app: App, site: Site
) -> None:
    """An event that stands on our newest event, and on one that nobody shows us: the state before
    it, as its server tells it, lacks the ban of Evelyn.
    """
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    innocent = room.after(room.last)
    ban = room.add(member(EVELYN, "ban", DAVE))
    put(app, ban)
    unknown = room.add(message(DAVE, "unknown"), [ban.event_id])
    event = room.add(message(DAVE, "on both"), [ban.event_id, unknown.event_id])
    site.answers["get_missing_events"] = None
    site.answers["event"] = None
    site.answers["state_ids"] = lambda *_, **__: {
        "pdu_ids": sorted(innocent.values()),
        "auth_chain_ids": [],
    }
    put(app, event)
    settle(app)
    assert timeline_ids(app, room_id)[-1] == event.event_id
    state = state_of(app, room_id, head_of(app, room_id).current_state_root)
    assert state["m.room.member", EVELYN] == ban.event_id


def test_where_part_of_what_an_event_stands_on_is_missing_that_part_is_placed(
    app: App, site: Site
) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    base = room.last
    known = room.add(topic(DAVE, "known"), [base])
    put(app, known)
    room.add(message(DAVE, "further down"), [base])
    unknown = room.add(member(FRANK, "join"))
    event = room.add(message(FRANK, "on both"), [known.event_id, unknown.event_id])
    site.answers["get_missing_events"] = None
    put(app, event)
    settle(app)
    assert extremity_ids(app, room_id) == {event.event_id}
    assert_tables_say(app, room_id, room.after(event.event_id))


def _named(name: str) -> dict[str, object]:
    return {"membership": "join", "displayname": name}
