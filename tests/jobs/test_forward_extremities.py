"""Rooms with many branches get an event of ours on top, which clients never see."""

from collections.abc import Callable
from typing import Any

import pytest

from impl.app import App
from impl.core.event_builder import Draft
from impl.jobs import forward_extremities
from impl.services import dummy_events, history
from impl.services.history import Range
from impl.services.visibility import DUMMY_EVENT
from impl.storage import branching_rooms
from tests.builders import ALICE, BOB, a_requester, append, member, message
from tests.services import sync_client
from tests.services.room_events.elsewhere import DAVE, Elsewhere, a_room_elsewhere, send
from tests.services.room_events.inspection import extremity_ids, head_of, stored, timeline_ids


def branch(app: App, number: int, room: Elsewhere | None = None) -> Elsewhere:
    """A room of Dave's, with Alice in it, with so many branches."""
    room = room or a_room_elsewhere()
    base = room.last
    for n in range(number):
        room.add(Draft("m.room.message", DAVE, {"body": str(n)}), [base])
    send(app, room, *room.events.values())
    return room


def noted(app: App) -> list[int]:
    with app.database.read() as txn:
        return branching_rooms.list_due(txn, app.now_ms(), 10)


def dummies(app: App, room: Elsewhere) -> list[Any]:
    room_id = room.create.room_id
    known = [stored(app, room_id, one) for one in timeline_ids(app, room_id)]
    return [one.event for one in known if one.event.type == DUMMY_EVENT]


def test_ten_branches_are_left_alone(app: App) -> None:
    room = branch(app, 10)
    assert noted(app) == []
    forward_extremities.join_branches(app)
    assert len(extremity_ids(app, room.create.room_id)) == 10


def test_more_are_joined_by_a_user_of_ours(app: App) -> None:
    room = branch(app, 11)
    assert noted(app) == [head_of(app, room.create.room_id).room.room_nid]
    forward_extremities.join_branches(app)
    (sent,) = dummies(app, room)
    assert sent.sender == ALICE and len(sent.prev_event_ids) == 10
    assert len(extremity_ids(app, room.create.room_id)) == 2
    assert noted(app) == []


def test_very_many_are_joined_by_several_events_and_in_several_turns(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dummy_events, "EVENTS_MAX", 2)
    room = branch(app, 40)
    forward_extremities.join_branches(app)
    assert len(extremity_ids(app, room.create.room_id)) == 22
    assert noted(app) != []
    forward_extremities.join_branches(app)
    assert len(extremity_ids(app, room.create.room_id)) == 4
    forward_extremities.join_branches(app)
    assert len(dummies(app, room)) == 4 and noted(app) == []


def test_an_event_of_ours_that_joins_them_first_leaves_nothing_to_do(app: App) -> None:
    room = branch(app, 11)
    append(app, room.create.room_id, message(ALICE, "hello"))
    forward_extremities.join_branches(app)
    assert dummies(app, room) == [] and noted(app) == []


def test_who_has_no_power_is_passed_over(app: App) -> None:
    room = a_room_elsewhere()
    room.add(member(BOB, "join"))
    content = {"users": {DAVE: 100, BOB: 5}, "events": {DUMMY_EVENT: 5}}
    room.add(Draft("m.room.power_levels", DAVE, content, ""))
    branch(app, 11, room)
    forward_extremities.join_branches(app)
    assert [one.sender for one in dummies(app, room)] == [BOB]


def test_where_nobody_of_ours_may_it_is_tried_again_next_week(app: App) -> None:
    now = [app.now_ms()]
    app.now_ms = lambda: now[0]
    room = a_room_elsewhere()
    room.add(Draft("m.room.power_levels", DAVE, {"users": {DAVE: 100}, "events_default": 1}, ""))
    base = room.last
    branch(app, 11, room)
    forward_extremities.join_branches(app)
    assert dummies(app, room) == [] and noted(app) == []
    # Another branch does not make it due.
    one_more = room.add(Draft("m.room.message", DAVE, {}), [base])
    send(app, room, one_more)
    assert noted(app) == []

    now[0] += forward_extremities.PUT_OFF_MS
    allowed = Draft("m.room.power_levels", DAVE, {"users": {DAVE: 100, ALICE: 50}}, "")
    send(app, room, room.add(allowed, [room.last]))
    forward_extremities.join_branches(app)
    assert [one.sender for one in dummies(app, room)] == [ALICE]


def test_a_room_that_nobody_of_ours_is_in_is_no_failure(app: App) -> None:
    room = a_room_elsewhere()
    room.add(member(ALICE, "leave"))
    branch(app, 11, room)
    forward_extremities.join_branches(app)
    assert dummies(app, room) == [] and noted(app) == []


def test_switched_off_it_notes_nothing_and_sends_nothing(new_app: Callable[..., App]) -> None:
    app = new_app(dummy_events_threshold=None)
    room = branch(app, 11)
    forward_extremities.join_branches(app)
    with app.database.read() as txn:
        txn.execute("SELECT count(*) FROM branching_rooms")
        assert txn.fetchone() == (0,)
    assert dummies(app, room) == []


def test_clients_are_not_shown_it_and_federation_finds_its_place(app: App) -> None:
    room = branch(app, 11)
    forward_extremities.join_branches(app)
    (sent,) = dummies(app, room)
    page = history.messages(
        app, a_requester(ALICE), room.create.room_id, Range(is_back=True, limit=100)
    )
    assert page["chunk"] and not any(DUMMY_EVENT.encode() in bytes(one) for one in page["chunk"])
    with pytest.raises(Exception, match="no such event"):
        history.event(app, a_requester(ALICE), room.create.room_id, sent.event_id)
    assert timeline_ids(app, room.create.room_id)[-1] == sent.event_id


def test_a_sync_says_nothing_of_it(app: App) -> None:
    room = branch(app, 11)
    room_id = room.create.room_id
    since = sync_client.ask(app, ALICE)["next_batch"]
    forward_extremities.join_branches(app)
    told = sync_client.ask(app, ALICE, since=since, timeout_ms=0)
    assert told["rooms"]["join"] == {} and told["next_batch"] != since
    append(app, room_id, message(ALICE, "hello"))
    told = sync_client.joined(sync_client.ask(app, ALICE, since=since, timeout_ms=0), room_id)
    assert sync_client.bodies(told) == ["hello"] and len(told["timeline"]["events"]) == 1
    assert not told["timeline"]["limited"] and told["state"]["events"] == []
    whole = sync_client.joined(sync_client.ask(app, ALICE), room_id)
    assert DUMMY_EVENT not in str(whole)
