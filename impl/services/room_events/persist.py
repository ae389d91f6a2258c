"""One batch of submissions, of any rooms, in one transaction. DESIGN, "Rooms: from request to
commit".

Theory. Appending to a room is serialised by the lock on its row; batches of several workers for
different rooms go side by side. Within a batch the rooms are locked in the order of their numbers,
so that two batches cannot wait for each other in a circle. Everything that is read is cached in the
worker (state nodes and events never change), so a batch of messages costs two round trips:

1. BEGIN, and lock the rooms;
2. insert everything; take the stream lock; allot the timeline's positions; COMMIT.

A submission that breaks a rule is taken out of the batch and fails alone.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from impl import errors
from impl.app import App
from impl.core import state_trie
from impl.services.room_events import (
    create,
    history_rows,
    looking_ahead,
    merging,
    receive,
    room_rows,
    unread,
)
from impl.services.room_events.open_room import OpenRoom, Placed
from impl.services.room_events.submission import RoomIdTaken, Submission
from impl.storage import idempotency, rooms, timeline
from impl.storage.idempotency import ClientTransaction
from impl.storage.rooms import Head


@dataclass(slots=True)
class Outcome:
    """What became of a batch: event ids or an error by the submission's place in it, and whose room
    was busy.
    """

    event_ids: dict[int, list[str]] = field(default_factory=dict)
    failures: dict[int, errors.MatrixError] = field(default_factory=dict)
    busy: list[int] = field(default_factory=list)
    opened: list[OpenRoom] = field(default_factory=list)


def persist(
    app: App,
    txn: Any,
    batch: Sequence[Submission],
    *,
    skip_locked: bool,
    look_up_transactions: bool,
) -> Outcome:
    """Append a batch within a transaction of the caller's.

    Client transactions that are seen for the first time need no look-up: a second one breaks the
    primary key, the batch fails, and the caller tries its submissions one by one with
    `look_up_transactions`. What is refused is looked up, though: what was allowed the first time
    may not be so again, but the client is to have its answer."""
    outcome = Outcome()
    opened = _open_rooms(app, txn, batch, skip_locked, outcome)
    answered = _answered(txn, batch) if look_up_transactions else {}
    new_answers: dict[ClientTransaction, str] = {}
    arrivals = [(opened[one.room_id], one.received) for one in batch if one.room_id in opened]
    looking_ahead.look_ahead(txn, [arrival for arrival in arrivals if arrival[1]])

    for place, submission in enumerate(batch):
        room = opened.get(submission.room_id)
        if room is None or place in outcome.failures:
            continue  # Busy, or failed already.
        transaction = submission.transaction
        before = transaction and (answered.get(transaction) or new_answers.get(transaction))
        if before:
            outcome.event_ids[place] = [before]
            continue
        try:
            outcome.event_ids[place] = _append(room, submission)
        except errors.MatrixError as error:
            if not look_up_transactions and (given := _answered(txn, [submission])):
                outcome.event_ids[place] = list(given.values())
            else:
                outcome.failures[place] = error
            continue
        if transaction:
            new_answers[transaction] = outcome.event_ids[place][0]

    outcome.opened = [room for room in opened.values() if room.appended]
    _write(app, txn, outcome.opened, new_answers)
    return outcome


def after_commit(app: App, outcome: Outcome) -> None:
    """What this worker wrote it need not read."""
    for room in outcome.opened:
        for one in room.appended:
            for nid in (one.placed.redacts_nid, one.placed.event_nid):
                if nid is not None:
                    app.events.forget(nid)
        for nid in room.changed_parents:
            app.events.touch(nid)
        for event in room.stored_events():
            app.events.keep(event)
        merging.keep(room)
        unread.keep(room)


def _open_rooms(
    app: App, txn: Any, batch: Sequence[Submission], skip_locked: bool, outcome: Outcome
) -> dict[str, OpenRoom]:
    wanted: dict[str, int] = {}
    for submission in batch:
        if submission.create_event is None:
            known = app.rooms.peek(submission.room_id) or app.rooms.get(txn, submission.room_id)
            # On what is known by an invite alone nothing can be put; but the room may come.
            if known is not None and (known.has_state or not submission.drafts):
                wanted[submission.room_id] = known.room_nid
    heads = rooms.lock(txn, list(wanted.values()), skip_locked=skip_locked) if wanted else {}
    opened = {
        head.room.room_id: OpenRoom.open(app, txn, head, merging.merge) for head in heads.values()
    }
    begun: set[str] = set()
    for place, submission in enumerate(batch):
        if submission.create_event is not None:
            head = None
            # What another of the batch begins looks like a room that had no state yet.
            if submission.room_id not in begun:
                head = rooms.insert(
                    txn,
                    submission.room_id,
                    submission.create_event.room_version.version,
                    submission.create_event.origin_server_ts,
                )
            if head is None:
                outcome.failures[place] = RoomIdTaken("the room id is taken")
                continue
            opened[submission.room_id] = OpenRoom.open(app, txn, head, merging.merge)
            begun.add(submission.room_id)
        elif submission.room_id not in wanted:
            outcome.failures[place] = errors.NotFound("unknown room")
        elif submission.room_id not in opened and skip_locked:
            outcome.busy.append(place)
        elif submission.room_id not in opened:
            # It was purged, and we have not heard of it yet.
            app.rooms.forget(wanted[submission.room_id])
            outcome.failures[place] = errors.NotFound("unknown room")
    return opened


def _append(room: OpenRoom, submission: Submission) -> list[str]:
    """All of the submission's events, or none."""
    mark = room.mark()
    transaction = submission.transaction
    sent_by = (transaction.device_id, transaction.txn_id) if transaction else None
    event_ids: list[str] = []
    try:
        if submission.expected:
            _check_expected(room, submission.expected)
        if submission.create_event is not None:
            room.append(Placed(submission.create_event, [], state_trie.EMPTY))
        event_ids += receive.append(
            room, submission.received, None if submission.drafts else sent_by
        )
        for draft in submission.drafts:
            if submission.minds_policy:
                create.refuse_without_voucher(room, draft)
            event_ids.append(create.append(room, draft, sent_by))
            sent_by = None
        if submission.alongside is not None:
            submission.alongside(room.txn, room.head.room)
    except errors.MatrixError:
        room.cut(mark)
        if submission.create_event is not None:
            rooms.delete(room.txn, room.head.room.room_nid)
        raise
    return event_ids


def _check_expected(room: OpenRoom, expected: Mapping[str, Collection[str]]) -> None:
    members = room.state_events([("m.room.member", user_id) for user_id in expected])
    for user_id, wanted in expected.items():
        event = members.get(("m.room.member", user_id))
        if (event.membership if event is not None else "leave") not in wanted:
            raise errors.Forbidden(f"the membership of {user_id} has changed")


def _answered(txn: Any, batch: Sequence[Submission]) -> dict[ClientTransaction, str]:
    transactions = [one.transaction for one in batch if one.transaction]
    return idempotency.get_many(txn, transactions) if transactions else {}


def _write(
    app: App, txn: Any, opened: Sequence[OpenRoom], answers: dict[ClientTransaction, str]
) -> None:
    rows: list[timeline.NewRow] = []
    heads: list[Head] = []
    for room in opened:
        room_rows.write(room)
        heads.append(room.head)
        rows += room_rows.timeline_rows(room)
    if answers:
        idempotency.insert(txn, list(answers.items()), app.now_ms())
    if heads:
        rooms.put_heads(txn, heads)
    for room in opened:
        history_rows.write(room)
    if rows:
        timeline.append(txn, rows)
