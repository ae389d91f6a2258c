"""PDUs that refer to what is not here: what is fetched for them, and what becomes of them."""

from collections.abc import Callable
from typing import Any

import gevent
import pytest

from impl.app import App
from impl.core.event_builder import Draft
from impl.jobs import staged_pdus as staged_pdus_job
from impl.services.incoming import missing_state, staging
from impl.services.room_events import receive
from impl.storage import event_graph, staged_pdus
from tests.builders import ALICE, SERVER_NAME, append, member, message
from tests.federation.conftest import Server
from tests.federation.fake_wire import Network
from tests.services.incoming.conftest import Clock
from tests.services.incoming.site import Site, let_in, put, settle
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


def waiting(app: App, room_id: str) -> list[str]:
    with app.database.read() as txn:
        return staged_pdus.list_ids(txn, head_of(app, room_id).room.room_nid)


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


def test_what_cannot_be_placed_is_dropped_and_the_others_go_on(app: App, site: Site) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    base = room.last
    for operation in ("get_missing_events", "state_ids", "event", "event_auth"):
        site.answers[operation] = None
    room.add(message(EVELYN, "missing"), [base])
    lost = room.add(message(EVELYN, "lost"))
    fine = room.add(message(EVELYN, "fine"), [base])
    assert put(app, lost, fine) == {lost.event_id: {}, fine.event_id: {}}
    settle(app)
    assert timeline_ids(app, room_id)[-1] == fine.event_id
    assert waiting(app, room_id) == []


def test_a_server_that_cannot_be_reached_is_asked_again_later(
    app: App, site: Site, network: Network, clock: Clock
) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    base = room.last
    put(app, room.add(message(EVELYN, "so that its key is known"), [base]))
    missing = room.add(message(EVELYN, "missing"))
    top = room.add(message(EVELYN, "top"))
    other = room.add(message(DAVE, "other"), [base])
    network.cut(SERVER_NAME, ELSEWHERE)
    put(app, top, other)
    settle(app)
    assert timeline_ids(app, room_id)[-1] == other.event_id
    assert waiting(app, room_id) == [top.event_id]
    # Meanwhile what follows goes straight in.
    straight = room.add(message(DAVE, "straight"), [other.event_id])
    put(app, straight)
    assert timeline_ids(app, room_id)[-1] == straight.event_id

    network.mend(SERVER_NAME, ELSEWHERE)
    staging.take_up(app)
    settle(app)
    assert waiting(app, room_id) == [top.event_id]  # It is not its time yet.
    clock.now_ms += staging.RETRY_MS
    staging.take_up(app)
    settle(app)
    assert timeline_ids(app, room_id)[-2:] == [missing.event_id, top.event_id]
    assert waiting(app, room_id) == []


def test_a_server_that_is_gone_for_good_is_not_asked_for_ever(
    app: App, site: Site, network: Network, clock: Clock
) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    put(app, room.add(message(EVELYN, "so that its key is known")))
    room.add(message(EVELYN, "missing"))
    top = room.add(message(EVELYN, "top"))
    network.cut(SERVER_NAME, ELSEWHERE)
    put(app, top)
    settle(app)
    for _ in range(staging.ATTEMPTS_MAX - 1):
        assert waiting(app, room_id) == [top.event_id]
        clock.now_ms += staging.RETRY_MS_MAX
        staging.take_up(app)
        settle(app)
    assert waiting(app, room_id) == []


def test_another_worker_goes_on_with_what_one_has_left(
    server: Server, new_server: Callable[..., Server], site: Site, network: Network
) -> None:
    room = a_room_elsewhere()
    room_id = let_in(server.app, site, room)
    missing = room.add(message(EVELYN, "missing"))
    top = room.add(message(EVELYN, "top"))
    gate = network.hold(SERVER_NAME, ELSEWHERE, "get_missing_events")
    put(server.app, top)
    gate.wait()
    other = new_server(SERVER_NAME, beside=server)
    # While the first one sees to it nobody else does.
    staging.take_up(other.app)
    settle(other.app)
    assert len(gate.waiting) == 1
    server.app.part(staging.Placers, staging.Placers).stop()  # As a kill would.
    gate.open()
    staging.take_up(other.app)
    settle(other.app)
    assert timeline_ids(other.app, room_id)[-2:] == [missing.event_id, top.event_id]
    assert waiting(other.app, room_id) == []


def test_the_background_process_sees_to_what_nobody_does(
    app: App, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staged_pdus_job, "LOOK_S", 0.01)
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    room.add(message(EVELYN, "missing"))
    top = room.add(message(EVELYN, "top"))
    with monkeypatch.context() as busy:
        busy.setattr(staging, "ROOMS_AT_ONCE", 0)
        put(app, top)
    assert waiting(app, room_id) == [top.event_id]
    loop = gevent.spawn(staged_pdus_job.run, app)
    with gevent.Timeout(30):
        while waiting(app, room_id):
            gevent.sleep(0.01)
    loop.kill()
    assert timeline_ids(app, room_id)[-1] == top.event_id


def test_what_comes_while_a_gap_is_filled_finds_its_place(
    app: App, site: Site, network: Network
) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    missing = room.add(message(EVELYN, "missing"))
    first, second = room.add(message(EVELYN, "first")), room.add(message(EVELYN, "second"))
    gate = network.hold(SERVER_NAME, ELSEWHERE, "get_missing_events")
    put(app, first)
    gate.wait()
    put(app, second)
    gate.open()
    settle(app)
    assert timeline_ids(app, room_id)[-3:] == [one.event_id for one in (missing, first, second)]
    assert site.asked("get_missing_events") == 1


def test_pdus_in_the_wrong_order_are_put_right(app: App, site: Site) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    sent = [room.add(message(EVELYN, f"{number}")) for number in range(10)]
    put(app, *reversed(sent))
    settle(app)
    assert timeline_ids(app, room_id)[-10:] == [one.event_id for one in sent]
    assert site.asked("get_missing_events") == 0


def test_no_more_waits_in_a_room_than_is_bearable(
    app: App, site: Site, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "OF_ROOM_MAX", 3)
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    room.add(message(EVELYN, "missing"))
    base = room.last
    sent = [room.add(message(EVELYN, f"{number}"), [base]) for number in range(5)]
    network.hold(SERVER_NAME, ELSEWHERE, "get_missing_events")
    answers = list(put(app, *sent).values())
    assert answers[:3] == [{}, {}, {}]
    assert all("too much waits" in one["error"] for one in answers[3:])
    assert waiting(app, room_id) == [one.event_id for one in sent[:3]]


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


def test_a_bug_that_one_event_meets_is_not_the_others(
    app: App, site: Site, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    base = room.last
    poison = room.add(message(EVELYN, "poison"), [base])
    fine = [room.add(message(EVELYN, "fine"), [base]), room.add(message(DAVE, "and well"))]
    append_all = receive.append

    def append_but_poison(opened: Any, received: Any, *rest: Any) -> Any:
        if any(one.event.event_id == poison.event_id for one in received):
            raise RuntimeError("a bug")
        return append_all(opened, received, *rest)

    monkeypatch.setattr(receive, "append", append_but_poison)
    assert put(app, fine[0], poison, fine[1]) == {
        one.event_id: {} for one in (fine[0], poison, fine[1])
    }
    settle(app)
    assert timeline_ids(app, room_id)[-2:] == [one.event_id for one in fine]
    assert waiting(app, room_id) == [poison.event_id]
    monkeypatch.undo()
    clock.now_ms += staging.RETRY_MS
    staging.take_up(app)
    settle(app)
    assert timeline_ids(app, room_id)[-1] == poison.event_id
