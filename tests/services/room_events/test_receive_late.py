"""Events made elsewhere that come late, or out of order, or by the hundred."""

from collections.abc import Callable
from typing import Any

import gevent
import pytest

from impl import errors, state_resolution
from impl.app import App
from impl.core.event_builder import Draft
from impl.services.room_events import batching, receive
from impl.services.room_events.submission import Received, Submission
from impl.storage import event_graph, events
from impl.storage.database import Transaction
from tests.builders import ALICE, member, message
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
)


def test_what_others_stand_on_already_is_no_extremity(app: App) -> None:
    room = a_room_elsewhere()
    send(app, room, *room.events.values())
    between = room.add(message(DAVE, "lost"))
    last = room.add(topic(DAVE, "arrives"))
    send(app, room, last, state_before=list(room.states[between.event_id].values()))
    send(app, room, between)
    room_id = room.create.room_id
    assert extremity_ids(app, room_id) == {last.event_id}
    assert_tables_say(app, room_id, room.states[last.event_id])


def test_what_came_late_is_no_extremity_within_one_submission_either(app: App) -> None:
    room = a_room_elsewhere()
    send(app, room, *room.events.values())
    between = room.add(topic(DAVE, "lost"))
    last = room.add(topic(DAVE, "arrives"))
    room_id = room.create.room_id
    state = list(room.states[between.event_id].values())
    send(app, room, between, is_outlier=True)
    batching.submit(
        app,
        Submission(room_id, [], received=[Received(last, state_before=state), Received(between)]),
    )
    assert extremity_ids(app, room_id) == {last.event_id}
    assert_tables_say(app, room_id, room.states[last.event_id])


def test_an_outlier_that_an_event_stands_on_is_a_place_to_ask_history_from(app: App) -> None:
    room = a_room_elsewhere()
    send(app, room, *room.events.values())
    between = room.add(topic(DAVE, "an outlier"))
    last = room.add(message(DAVE, "arrives"))
    send(app, room, between, is_outlier=True)
    send(app, room, last, state_before=list(room.states[between.event_id].values()))
    room_nid = head_of(app, room.create.room_id).room.room_nid
    with app.database.read() as txn:
        assert event_graph.list_backward_extremities(txn, room_nid) == [between.event_id]


def test_a_state_that_is_given_with_a_message_in_it_is_taken_without(app: App) -> None:
    room = a_room_elsewhere()
    said = room.add(message(DAVE, "no state"))
    send(app, room, *room.events.values())
    room.add(message(DAVE, "lost"))
    last = room.add(message(DAVE, "arrives"))
    expected = room.states[last.event_id]
    send(app, room, last, state_before=[*expected.values(), said.event_id])
    room_id = room.create.room_id
    state = state_of(app, room_id, stored(app, room_id, last.event_id).state_before or 0)
    assert state == expected


def test_a_rejected_event_is_not_in_the_tables_of_the_state_that_its_neighbours_change(
    app: App,
) -> None:
    room = a_room_elsewhere()
    send(app, room, *room.events.values())
    ban = room.add(member(ALICE, "ban", EVELYN))
    said = room.add(topic(DAVE, "in the same transaction"))
    send(app, room, ban, said)
    assert stored(app, room.create.room_id, ban.event_id).rejected_reason is not None
    assert_tables_say(app, room.create.room_id, room.states[said.event_id])


@pytest.mark.parametrize(
    "draft",
    [
        member(DAVE, "join", join_authorised_via_users_server="@nul\0:elsewhere.example"),
        member(FRANK, "invite", DAVE, third_party_invite={"signed": {"token": "nul\0"}}),
        Draft("m.room.join_rules", DAVE, {"join_rule": "nul\0"}, ""),
        Draft("m.room.history_visibility", DAVE, {"history_visibility": "nul\0"}, ""),
        Draft(
            "m.room.message", DAVE, {"body": "\0", "m.mentions": {"user_ids": ["@\0:soma.test"]}}
        ),
        Draft("m.room.message", DAVE, {"m.relates_to": {"rel_type": "\0", "event_id": "$\0"}}),
    ],
)
def test_a_nul_wherever_it_stands_harms_nobody(app: App, draft: Draft) -> None:
    room = a_room_elsewhere()
    send(app, room, *room.events.values())
    send(app, room, room.add(draft))
    after = room.add(message(DAVE, "goes on"))
    send(app, room, after)
    assert extremity_ids(app, room.create.room_id) == {after.event_id}


def test_an_event_of_another_room_is_bad(app: App) -> None:
    room, other = a_room_elsewhere(), Elsewhere("12")
    send(app, room, *room.events.values())
    with pytest.raises(errors.BadJson, match="room_id"):
        send(app, room, other.create, is_outlier=True)


def test_a_second_create_event_is_rejected(app: App) -> None:
    room = a_room_elsewhere()
    made = list(room.events.values())
    send(app, room, *made)
    expected = room.states[room.last]
    second = Elsewhere("11", creator=EVELYN).create
    batching.submit(app, Submission(room.create.room_id, [], received=[Received(second)]))
    assert stored(app, room.create.room_id, second.event_id).rejected_reason is not None
    assert extremity_ids(app, room.create.room_id) == {made[-1].event_id}
    assert_tables_say(app, room.create.room_id, expected)


@pytest.mark.parametrize("draft", [topic(EVELYN, "refused"), message(FRANK, "not a member")])
def test_the_refused_place_of_an_outlier_is_known_to_every_worker(
    new_app: Callable[..., App], draft: Draft
) -> None:
    one = new_app()
    other = new_app(one.database.dsn)
    room = a_room_elsewhere()
    base = room.last
    send(one, room, *room.events.values())
    # By what it cites it is allowed.
    state = room.after(base)
    if draft.sender == FRANK:
        join = room.add(member(FRANK, "join"), [base])
        send(one, room, join, is_outlier=True)
        state = {**state, join.key: join.event_id}
    else:
        state = {key: one_id for key, one_id in state.items() if key[0] != "m.room.power_levels"}
    late = room.add(draft, [base], cited_state=state)
    send(one, room, late, is_outlier=True)
    for worker in (one, other):
        with worker.database.read() as txn:
            nid = events.get_nid(
                txn, head_of(one, room.create.room_id).room.room_nid, late.event_id
            )
            room_nid = head_of(one, room.create.room_id).room.room_nid
            cached = worker.events.get(txn, room_nid, nid or 0)
        assert cached is not None and cached.state_before is None

    send(one, room, late)
    assert stored(one, room.create.room_id, late.event_id).rejected_reason is not None
    other.news.catch_up()
    on_top = room.add(message(DAVE, "on top of it"), [late.event_id])
    send(other, room, late, on_top)
    assert extremity_ids(other, room.create.room_id) == {on_top.event_id}


def test_while_two_branches_grow_what_they_come_to_is_worked_out_once(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = a_room_elsewhere()
    base = room.last
    room.add(topic(DAVE, "one"), [base])
    first = room.add(topic(DAVE, "other"), [base])
    send(app, room, *room.events.values())
    settled: list[object] = []
    settle = state_resolution.settle
    monkeypatch.setattr(
        state_resolution, "settle", lambda *args, **more: settled.append(1) or settle(*args, **more)
    )
    room.last = first.event_id
    for number in range(5):
        send(app, room, room.add(message(EVELYN, str(number))))
    assert settled == []
    assert_tables_say(
        app, room.create.room_id, room.after(*extremity_ids(app, room.create.room_id))
    )


def test_a_hundred_events_cost_a_few_statements(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    room = a_room_elsewhere()
    send(app, room, *room.events.values())
    many = [room.add(Draft("test.state", DAVE, {}, str(number))) for number in range(100)]
    statements: list[str] = []
    execute = Transaction.execute

    def counting(self: Transaction, sql: str, *rest: Any) -> None:
        statements.append(sql)
        execute(self, sql, *rest)

    monkeypatch.setattr(Transaction, "execute", counting)
    app.events.clear()
    send(app, room, *many, is_outlier=True)
    send(app, room, *many)
    assert len(statements) < 30
    assert extremity_ids(app, room.create.room_id) == {room.last}


def test_a_batch_takes_a_hundred_events_made_elsewhere(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = a_room_elsewhere()
    send(app, room, *room.events.values())
    sizes: list[int] = []
    persist = batching.persist.persist

    def counting(app: App, txn: Any, batch: Any, **more: Any) -> Any:
        sizes.append(sum(len(one.received) for one in batch))
        return persist(app, txn, batch, **more)

    monkeypatch.setattr(batching.persist, "persist", counting)
    made = [room.add(message(DAVE, str(number))) for number in range(150)]
    room_id = room.create.room_id
    each = [Submission(room_id, [], received=[Received(event)]) for event in made]
    assert batching.submit_all(app, each) == [[event.event_id] for event in made]
    assert sum(sizes) == 150
    assert max(sizes) <= batching.BATCH_EVENTS_MAX


def test_while_many_events_are_checked_others_have_their_turn(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = a_room_elsewhere()
    send(app, room, *room.events.values())
    turns = [0]

    def count() -> None:
        while True:
            turns[0] += 1
            gevent.sleep(0)

    def turns_during(breath: int) -> int:
        monkeypatch.setattr(receive, "BREATH_EVENTS", breath)
        events_made = [room.add(message(DAVE, str(number))) for number in range(100)]
        turns[0] = 0
        counting = gevent.spawn(count)
        checked: list[int] = []
        placed = receive.OpenRoom.append

        def append(self: Any, one: Any) -> None:
            placed(self, one)
            checked.append(turns[0])

        with monkeypatch.context() as patch:
            patch.setattr(receive.OpenRoom, "append", append)
            send(app, room, *events_made)
        counting.kill()
        return checked[-1] - checked[0]

    assert turns_during(1_000) == 0
    assert turns_during(10) >= 9
