"""Events made elsewhere: branches, rejections, soft failures, outliers, what is missing."""

import pytest

from impl.app import App
from impl.core.event_builder import Draft
from impl.services.room_events.submission import MissingEvents
from impl.storage import event_graph, events, memberships
from tests.builders import ALICE, append, member, message
from tests.services.room_events.elsewhere import (
    DAVE,
    EVELYN,
    FRANK,
    a_room_elsewhere,
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
    timeline_ids,
)


def test_two_branches_are_both_extremities_until_an_event_of_ours_joins_them(app: App) -> None:
    room = a_room_elsewhere()
    base = room.last
    one = room.add(topic(DAVE, "one"), [base])
    other = room.add(message(EVELYN, "other"), [base])
    send(app, room, *room.events.values())
    room_id = room.create.room_id
    assert extremity_ids(app, room_id) == {one.event_id, other.event_id}

    (ours,) = append(app, room_id, message(ALICE, "ours"))
    assert set(stored(app, room_id, ours).event.prev_event_ids) == {one.event_id, other.event_id}
    assert extremity_ids(app, room_id) == {ours}
    assert state_of(app, room_id, stored(app, room_id, ours).state_before or 0) == room.after(
        one.event_id, other.event_id
    )


def test_an_event_of_ours_names_ten_branches_and_leaves_the_rest(app: App) -> None:
    room = a_room_elsewhere()
    base = room.last
    for number in range(14):
        room.add(Draft("test.branch", DAVE, {"n": number}, str(number)), [base])
    send(app, room, *room.events.values())
    room_id = room.create.room_id
    assert len(extremity_ids(app, room_id)) == 14

    (ours,) = append(app, room_id, message(ALICE, "ours"))
    assert len(stored(app, room_id, ours).event.prev_event_ids) == 10
    assert len(extremity_ids(app, room_id)) == 5
    expected = room.after(*(one for one in extremity_ids(app, room_id) if one != ours))
    prevs = stored(app, room_id, ours).event.prev_event_ids
    assert_tables_say(app, room_id, {**expected, **room.after(*prevs)})
    (last,) = append(app, room_id, message(ALICE, "and again"))
    assert extremity_ids(app, room_id) == {last}


def test_a_ban_on_one_branch_takes_a_member_out_of_the_merged_room(app: App) -> None:
    room = a_room_elsewhere()
    base = room.last
    room.add(member(ALICE, "ban", DAVE), [base])
    room.add(
        Draft("m.room.member", ALICE, {"membership": "join", "displayname": "A"}, ALICE), [base]
    )
    send(app, room, *room.events.values())
    room_id = room.create.room_id

    assert_tables_say(app, room_id, room.after(*room.extremities()))
    with app.database.read() as txn:
        member_now = memberships.get(txn, head_of(app, room_id).room.room_nid, ALICE)
    assert member_now is not None and member_now.membership == "ban"


@pytest.mark.parametrize("version", ["11", "12"])
def test_what_both_branches_have_does_not_hold_up_a_kick(app: App, version: str) -> None:
    room = a_room_elsewhere(version)
    room.add(member(FRANK, "join"))
    base = room.add(levels(DAVE, {DAVE: 100, FRANK: 60, EVELYN: 50}, version)).event_id
    kick = room.add(member(EVELYN, "leave", FRANK), [base])
    answer = room.add(member(ALICE, "leave", EVELYN), [base])
    room.add(message(DAVE, "on top of both"), [kick.event_id, answer.event_id])
    send(app, room, *room.events.values())
    expected = room.after(base) | {kick.key: kick.event_id}
    assert_tables_say(app, room.create.room_id, expected)


def test_what_breaks_a_rule_is_kept_and_not_shown(app: App) -> None:
    room = a_room_elsewhere()
    bad = room.add(topic(EVELYN, "not hers to set"))
    good = room.add(message(EVELYN, "on top of it"))
    send(app, room, *room.events.values())
    room_id = room.create.room_id

    ours = stored(app, room_id, bad.event_id)
    assert ours.rejected_reason is not None and "not have enough power" in ours.rejected_reason
    assert ours.state_after == ours.state_before
    assert bad.event_id not in timeline_ids(app, room_id)
    assert extremity_ids(app, room_id) == {good.event_id}


def test_what_cites_a_rejected_event_is_rejected(app: App) -> None:
    room = a_room_elsewhere()
    ban = room.add(member(ALICE, "ban", EVELYN))
    state = {**room.states[ban.event_id], ("m.room.member", ALICE): ban.event_id}
    leave = room.add(member(ALICE, "leave", DAVE), cited_state=state)
    send(app, room, *room.events.values())

    reason = stored(app, room.create.room_id, leave.event_id).rejected_reason
    assert reason is not None and "was rejected" in reason


def test_what_the_current_state_forbids_is_soft_failed(app: App) -> None:
    room = a_room_elsewhere()
    base = room.last
    ban = room.add(member(EVELYN, "ban", DAVE), [base])
    late = room.add(message(EVELYN, "before I was banned, I say"), [base])
    after = room.add(message(DAVE, "on top of both"), [ban.event_id, late.event_id])
    send(app, room, *list(room.events.values())[:-1])
    room_id = room.create.room_id

    ours = stored(app, room_id, late.event_id)
    assert ours.is_soft_failed and ours.rejected_reason is None
    assert late.event_id not in timeline_ids(app, room_id)
    assert extremity_ids(app, room_id) == {ban.event_id}
    # Somebody else may have put an event on top of it.
    send(app, room, after)
    assert extremity_ids(app, room_id) == {after.event_id}


def test_an_event_that_stands_on_a_soft_failed_one_takes_the_place_of_what_is_below(
    app: App,
) -> None:
    room = a_room_elsewhere()
    base = room.last
    room.add(member(EVELYN, "ban", DAVE), [base])
    late = room.add(message(EVELYN, "late"), [base])
    on_top = room.add(message(DAVE, "on the late one alone"), [late.event_id])
    send(app, room, *room.events.values())
    assert extremity_ids(app, room.create.room_id) == room.extremities() - {late.event_id}
    assert on_top.event_id in extremity_ids(app, room.create.room_id)


def test_a_missing_prev_event_is_named_and_nothing_is_written(app: App) -> None:
    room = a_room_elsewhere()
    send(app, room, *room.events.values())
    between = room.add(message(DAVE, "lost"))
    last = room.add(message(DAVE, "arrives"))

    with pytest.raises(MissingEvents) as missing:
        send(app, room, last)
    assert missing.value.event_ids == (between.event_id,)
    with app.database.read() as txn:
        room_nid = head_of(app, room.create.room_id).room.room_nid
        assert events.get_nid(txn, room_nid, last.event_id) is None


def test_with_a_state_a_missing_prev_event_is_a_place_to_ask_history_from(app: App) -> None:
    room = a_room_elsewhere()
    send(app, room, *room.events.values())
    between = room.add(message(DAVE, "lost"))
    last = room.add(message(DAVE, "arrives"))
    state = list(room.states[between.event_id].values())
    send(app, room, last, state_before=state)

    room_id = room.create.room_id
    room_nid = head_of(app, room_id).room.room_nid
    with app.database.read() as txn:
        assert event_graph.list_backward_extremities(txn, room_nid) == [between.event_id]
    send(app, room, between)
    with app.database.read() as txn:
        assert event_graph.list_backward_extremities(txn, room_nid) == []
    assert_tables_say(app, room_id, room.states[last.event_id])


def test_an_outlier_has_no_place_until_it_comes_by_itself(app: App) -> None:
    room = a_room_elsewhere()
    send(app, room, *room.events.values())
    join = room.add(member(FRANK, "join"))
    said = room.add(message(FRANK, "hello"))
    room_id = room.create.room_id

    send(app, room, join, is_outlier=True)
    assert stored(app, room_id, join.event_id).state_before is None
    assert join.event_id not in timeline_ids(app, room_id)
    assert join.event_id not in extremity_ids(app, room_id)

    send(app, room, join)
    send(app, room, said)
    assert stored(app, room_id, join.event_id).state_before is not None
    assert timeline_ids(app, room_id)[-2:] == [join.event_id, said.event_id]
    assert_tables_say(app, room_id, room.states[said.event_id])


def test_an_outlier_and_its_arrival_in_one_submission(app: App) -> None:
    room = a_room_elsewhere()
    send(app, room, *room.events.values())
    join = room.add(member(FRANK, "join"))
    room_id = room.create.room_id
    send(app, room, join, is_outlier=True)
    send(app, room, join, join)
    assert timeline_ids(app, room_id).count(join.event_id) == 1


def test_the_same_event_twice_is_one_event(app: App) -> None:
    room = a_room_elsewhere()
    made = list(room.events.values())
    send(app, room, *made)
    before = timeline_ids(app, room.create.room_id)
    send(app, room, *made[1:])
    assert timeline_ids(app, room.create.room_id) == before
