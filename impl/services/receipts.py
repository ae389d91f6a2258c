"""Receipts and read markers. C-S API, "Receipts", "Read and unread markers".

Both only move forward: what names an earlier event than the one that stands there changes nothing.
"""

from collections.abc import Mapping
from typing import Any

from impl import errors
from impl.app import App
from impl.core import threads
from impl.requester import Requester
from impl.services import ephemeral, room_reading
from impl.services.ephemeral import Key, Write
from impl.storage import account_data, events, receipts, timeline
from impl.storage.events import StoredEvent
from impl.storage.rooms import Room

READ = "m.read"
READ_PRIVATE = "m.read.private"
FULLY_READ = "m.fully_read"
TYPES = (READ, READ_PRIVATE, FULLY_READ)

NO_THREAD = ""
# Of another server's user in a room: one a thread.
OF_OTHERS_MAX = 500


def mark(app: App, requester: Requester, room_id: str, markers: Mapping[str, str | None]) -> None:
    """Move several markers at once: type -> event_id, None for one that stays."""
    wanted = {kind: event_id for kind, event_id in markers.items() if event_id is not None}
    with app.database.read() as txn:
        room = room_reading.get_joined(app, txn, room_id, requester.user_id)
        found = {kind: _event(app, txn, room, event_id) for kind, event_id in wanted.items()}
    moves = [_move(app, requester, room, kind, event, NO_THREAD) for kind, event in found.items()]
    ephemeral.submit_all(app, moves)


def send(
    app: App,
    requester: Requester,
    room_id: str,
    receipt_type: str,
    event_id: str,
    thread_id: str | None,
) -> None:
    """The user has read up to an event, in a thread or, without `thread_id`, everywhere."""
    if receipt_type not in TYPES:
        raise errors.InvalidParam(f"the receipt type must be one of {', '.join(TYPES)}")
    if thread_id is not None and not thread_id:
        raise errors.InvalidParam("thread_id must not be empty")
    if thread_id is not None and receipt_type == FULLY_READ:
        raise errors.InvalidParam("thread_id is not for m.fully_read")
    with app.database.read() as txn:
        room = room_reading.get_joined(app, txn, room_id, requester.user_id)
        event = _event(app, txn, room, event_id)
        if thread_id is not None and not _is_in_thread(app, txn, room, event, thread_id):
            raise errors.InvalidParam("the event is not in the thread of thread_id")
    move = _move(app, requester, room, receipt_type, event, thread_id or NO_THREAD)
    ephemeral.submit_all(app, [move])


def told_of(
    app: App, room: Room, user_id: str, event_id: str, thread_id: str | None, ts: int
) -> tuple[Key, Write, int]:
    """The read receipt of another server's user, for `ephemeral`. The event may not be here yet;
    a thread that nobody knows is none.
    """
    key = (room.room_nid, user_id, READ, thread_id or NO_THREAD)

    def write(txn: Any) -> None:
        known = receipts.get_for_update(txn, *key)
        if known == event_id or (known is None and not _may_begin(app, txn, room, key)):
            return
        event = _find(app, txn, room, event_id)
        if event is None or _is_forward(app, txn, room, known, event):
            receipts.put(txn, key, event_id, _position(txn, room, event), ts)

    return ("receipt", *key), write, 0


def _may_begin(app: App, txn: Any, room: Room, key: tuple[int, str, str, str]) -> bool:
    """Whether the first receipt of a thread is to be kept: all who come into the room are told of
    it.
    """
    room_nid, user_id, receipt_type, thread_id = key
    if thread_id in (NO_THREAD, threads.MAIN):
        return True
    if _find(app, txn, room, thread_id) is None:
        return False
    return receipts.count(txn, room_nid, user_id, receipt_type) < OF_OTHERS_MAX


def _event(app: App, txn: Any, room: Room, event_id: str) -> StoredEvent:
    found = _find(app, txn, room, event_id)
    if found is None:
        raise errors.NotFound("the room has no such event")
    return found


def _find(app: App, txn: Any, room: Room, event_id: str) -> StoredEvent | None:
    if "\0" in event_id:
        return None
    nid = events.get_nid(txn, room.room_nid, event_id)
    return app.events.get(txn, room.room_nid, nid) if nid is not None else None


def _is_in_thread(app: App, txn: Any, room: Room, event: StoredEvent, thread_id: str) -> bool:
    """C-S API, "Threaded read receipts": what is in a thread."""
    # A root is in the main timeline, but to have read it is to have begun its thread.
    if event.event_id == thread_id:
        return True

    def content_of(event_id: str) -> Mapping[str, Any] | None:
        parent = _find(app, txn, room, event_id)
        return parent.event.content if parent is not None else None

    return threads.thread_of(event.event.content, content_of) == thread_id


def _move(
    app: App, requester: Requester, room: Room, kind: str, event: StoredEvent, thread_id: str
) -> tuple[Key, Write, int]:
    """What moves a marker, for `ephemeral`."""
    user_id = requester.user_id
    key = (room.room_nid, user_id, kind, thread_id)

    def move_receipt(txn: Any) -> None:
        known = receipts.get_for_update(txn, *key)
        if _is_forward(app, txn, room, known, event):
            position = _position(txn, room, event)
            receipts.put(txn, key, event.event_id, position, app.now_ms())

    def move_marker(txn: Any) -> None:
        account_data.lock(txn, user_id)
        known = account_data.get(txn, user_id, room.room_id, FULLY_READ) or {}
        if _is_forward(app, txn, room, known.get("event_id"), event):
            content = {"event_id": event.event_id}
            account_data.put(txn, user_id, room.room_id, FULLY_READ, content)

    # Of two that wait for one commit, the one that is ahead is written.
    rank = event.event.depth
    if kind == FULLY_READ:
        return ("fully read", user_id, room.room_nid), move_marker, rank
    return ("receipt", *key), move_receipt, rank


def _position(txn: Any, room: Room, event: StoredEvent | None) -> int | None:
    """Where it stands in the timeline."""
    if event is None:
        return None
    row = timeline.get_of_event(txn, room.room_nid, event.event_nid, event.event.depth)
    return row.position if row is not None else None


def _is_forward(app: App, txn: Any, room: Room, known_id: str | None, event: StoredEvent) -> bool:
    if known_id is None:
        return True
    if known_id == event.event_id:
        return False
    known = _find(app, txn, room, known_id)
    return known is None or known.event.depth <= event.event.depth
