"""Events that relate to others, under the room's lock: duplicates, nested threads, redactions, and
what a message costs."""

from collections.abc import Callable
from typing import Any

import gevent
import pytest

from impl import errors
from impl.app import App
from impl.core.event_builder import Draft
from impl.services import messages, room_reading
from impl.services.room_events import batching
from impl.services.room_events.submission import Submission
from impl.storage.database import Transaction
from impl.storage.events import StoredEvent
from tests.builders import ALICE, BOB, a_requester, a_room, append, member, message
from tests.services.room_events.elsewhere import DAVE, a_room_elsewhere, send
from tests.services.room_events.inspection import stored

alice, bob = a_requester(ALICE), a_requester(BOB)


def related(rel_type: str, parent: str, sender: str = ALICE, **more: Any) -> Draft:
    key = {"key": more.pop("key")} if "key" in more else {}
    content = {"m.relates_to": {"rel_type": rel_type, "event_id": parent, **key}, **more}
    return Draft("m.reaction" if key else "m.room.message", sender, content)


def children(app: App, room_id: str, parent: str) -> list[str]:
    with app.database.read() as txn:
        room = room_reading.get(app, txn, room_id)
        txn.execute(
            """
            SELECT r.event_id
              FROM relations r
              JOIN timeline t USING (room_nid, position, event_nid, topological)
             WHERE room_nid = %s AND parent_event_id = %s
             ORDER BY position
            """,
            (room.room_nid, parent),
        )
        return [row[0] for row in txn.fetchall()]


def cached(app: App, room_id: str, event_id: str) -> StoredEvent:
    """As this worker's cache has it."""
    nid = stored(app, room_id, event_id).event_nid
    with app.database.read() as txn:
        room = room_reading.get(app, txn, room_id)
        found = app.events.get(txn, room.room_nid, nid)
    assert found is not None
    return found


@pytest.fixture
def room_id(app: App) -> str:
    return a_room(app, first=[member(BOB, "join")])


@pytest.fixture
def parent(app: App, room_id: str) -> str:
    return append(app, room_id, message(ALICE, "parent"))[0]


def test_the_same_annotation_is_made_once(app: App, room_id: str, parent: str) -> None:
    append(app, room_id, related("m.annotation", parent, key="a"))
    with pytest.raises(errors.DuplicateAnnotation):
        append(app, room_id, related("m.annotation", parent, key="a"))
    (other,) = append(app, room_id, message(ALICE, "other"))
    for draft in (
        related("m.annotation", parent, key="b"),
        related("m.annotation", parent, BOB, key="a"),
        related("m.annotation", other, key="a"),
        Draft("test.other", ALICE, related("m.annotation", parent, key="a").content),
    ):
        append(app, room_id, draft)


def test_two_of_one_batch_are_told_apart(app: App, room_id: str, parent: str) -> None:
    drafts = [related("m.annotation", parent, key="a")] * 2
    with pytest.raises(errors.DuplicateAnnotation):
        append(app, room_id, *drafts)
    assert children(app, room_id, parent) == []


def test_of_many_at_once_in_two_workers_one_is_made(
    new_app: Callable[..., App], app: App, room_id: str, parent: str
) -> None:
    workers = [app, new_app(app.database.dsn)]
    for worker in workers:
        append(worker, room_id, message(ALICE, "hello"))

    def react(number: int) -> str | None:
        draft = related("m.annotation", parent, key="a")
        try:
            return batching.submit(workers[number % 2], Submission(room_id, [draft]))[0]
        except errors.DuplicateAnnotation:
            return None

    made = [one.get() for one in [gevent.spawn(react, number) for number in range(10)]]
    assert [one for one in made if one] == children(app, room_id, parent)
    assert len(children(app, room_id, parent)) == 1


def test_a_redacted_annotation_may_be_made_again(app: App, room_id: str, parent: str) -> None:
    (first,) = append(app, room_id, related("m.annotation", parent, key="a"))
    redaction = Draft("m.room.redaction", ALICE, {}, redacts=first)
    # In one batch as well.
    again = append(app, room_id, redaction, related("m.annotation", parent, key="a"))[1]
    assert children(app, room_id, parent) == [again]
    messages.redact(app, alice, room_id, again, "1", None)
    (last,) = append(app, room_id, related("m.annotation", parent, key="a"))
    assert children(app, room_id, parent) == [last]


def test_an_annotation_sent_again_by_its_transaction_is_the_same(
    app: App, room_id: str, parent: str
) -> None:
    content = related("m.annotation", parent, key="a").content
    first = messages.send(app, alice, room_id, "m.reaction", "1", content)
    assert messages.send(app, alice, room_id, "m.reaction", "1", content) == first
    with pytest.raises(errors.DuplicateAnnotation):
        messages.send(app, alice, room_id, "m.reaction", "2", content)


def test_what_was_allowed_once_is_answered_though_it_is_no_more(app: App, room_id: str) -> None:
    first = messages.send(app, bob, room_id, "m.room.message", "1", {})
    append(app, room_id, member(BOB, "leave"))
    assert messages.send(app, bob, room_id, "m.room.message", "1", {}) == first
    with pytest.raises(errors.Forbidden):
        messages.send(app, bob, room_id, "m.room.message", "2", {})


@pytest.mark.parametrize("rel_type", ["m.thread", "m.annotation", "m.replace", "org.example"])
def test_no_thread_begins_at_what_is_related(
    app: App, room_id: str, parent: str, rel_type: str
) -> None:
    (child,) = append(app, room_id, related(rel_type, parent))
    with pytest.raises(errors.Unknown) as refusal:
        append(app, room_id, related("m.thread", child))
    assert refusal.value.status == 400
    assert children(app, room_id, child) == []


def test_a_thread_may_begin_at_a_reply_and_at_what_was_redacted(
    app: App, room_id: str, parent: str
) -> None:
    replies_to = {"m.relates_to": {"m.in_reply_to": {"event_id": parent}}}
    (answer,) = append(app, room_id, Draft("m.room.message", ALICE, replies_to))
    (child,) = append(app, room_id, related("m.thread", answer))
    append(app, room_id, Draft("m.room.redaction", ALICE, {}, redacts=child))
    (first,) = append(app, room_id, related("m.thread", child))
    assert children(app, room_id, child) == [first]


def test_the_parent_need_not_be_known(app: App, room_id: str) -> None:
    sent = [append(app, room_id, related(kind, "$x"))[0] for kind in ("m.thread", "m.replace")]
    assert children(app, room_id, "$x") == sent


def test_a_relation_redacted_in_its_own_batch_leaves_no_row(
    app: App, room_id: str, parent: str
) -> None:
    room = a_room_elsewhere()
    first = room.add(message(DAVE, "parent"))
    child = room.add(related("m.reference", first.event_id, DAVE))
    redaction = room.add(Draft("m.room.redaction", DAVE, {}, redacts=child.event_id))
    send(app, room, *room.events.values())
    assert redaction.event_id in room.events
    assert children(app, room.create.room_id, first.event_id) == []


def test_received_events_relate_as_ours_do(app: App) -> None:
    room = a_room_elsewhere()
    first = room.add(message(DAVE, "parent"))
    child = room.add(related("m.annotation", first.event_id, DAVE, key="a"))
    # A duplicate is not refused to another server.
    same = room.add(related("m.annotation", first.event_id, DAVE, key="a"))
    send(app, room, *room.events.values())
    room_id = room.create.room_id
    assert children(app, room_id, first.event_id) == [child.event_id, same.event_id]
    later = room.add(related("m.reference", first.event_id, DAVE))
    send(app, room, later)
    assert children(app, room_id, first.event_id)[-1] == later.event_id


def test_what_is_rejected_relates_to_nothing(app: App) -> None:
    room = a_room_elsewhere()
    first = room.add(message(DAVE, "parent"))
    stranger = "@stranger:elsewhere.example"
    room.add(related("m.reference", first.event_id, stranger), [first.event_id])
    send(app, room, *room.events.values())
    assert children(app, room.create.room_id, first.event_id) == []


def test_a_child_that_came_before_its_parent_is_its_child(app: App) -> None:
    room = a_room_elsewhere()
    base = room.last
    first = room.add(message(DAVE, "parent"), [base])
    child = room.add(related("m.reference", first.event_id, DAVE), [base])
    events = [one for one in room.events.values() if one is not first]
    send(app, room, *events)
    send(app, room, first)
    room_id = room.create.room_id
    assert children(app, room_id, first.event_id) == [child.event_id]
    assert cached(app, room_id, first.event_id).has_children


def test_all_workers_hear_that_an_event_has_children(
    new_app: Callable[..., App], app: App, room_id: str, parent: str
) -> None:
    other = new_app(app.database.dsn)
    assert not cached(app, room_id, parent).has_children
    assert not cached(other, room_id, parent).has_children
    (child,) = append(app, room_id, related("m.reference", parent))
    other.news.catch_up()
    for worker in (app, other):
        found = cached(worker, room_id, parent)
        assert found.has_children
        found.children = "kept"
    append(other, room_id, Draft("m.room.redaction", ALICE, {}, redacts=child))
    app.news.catch_up()
    for worker in (app, other):
        assert cached(worker, room_id, parent).children is None


def test_a_message_costs_what_it_did_and_a_relation_one_row_more(
    app: App, room_id: str, parent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(app, room_id, message(ALICE, "warm"))
    seen: list[str] = []
    execute = Transaction.execute

    def counting(self: Transaction, sql: str, *rest: Any) -> None:
        seen.append(sql)
        execute(self, sql, *rest)

    def rows() -> int:
        tables = ("events", "event_edges", "timeline", "relations", "membership_changes")
        with app.database.read() as txn:
            total = 0
            for table in tables:
                txn.execute(f"SELECT count(*) FROM {table}")
                total += txn.fetchone()[0]
        return total

    def cost(draft: Draft) -> tuple[int, int]:
        before = rows()
        with monkeypatch.context() as patch:
            patch.setattr(Transaction, "execute", counting)
            seen.clear()
            append(app, room_id, draft)
            asked = [sql for sql in seen if "EXECUTE news" not in sql]
        return len(asked), rows() - before

    # The lock; what is written goes with the COMMIT.
    assert cost(message(ALICE, "plain")) == (1, 3)
    # One look-up more.
    assert cost(related("m.annotation", parent, key="a")) == (2, 4)
    # And another for the totals of the thread.
    assert cost(related("m.thread", parent)) == (3, 4)
    assert cost(related("m.replace", parent)) == (2, 4)
