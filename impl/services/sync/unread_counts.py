"""The unread counts of a sync's rooms. C-S API, "Receiving notifications".

services/unread.py counts. But two hundred members who wait in a room are all told of a message, and
each has a count of their own: so a worker keeps the counts that it told, and moves them on by what
the room's delta, which they share, says of its rows. What else changes a count it hears of by the
news, and counts anew then: a receipt, other rules, a coming or going of the user; and of all users
where messages of a room were deleted."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from impl.app import App
from impl.core.push_totals import NOTHING, Pair, add, of_class
from impl.core.threads import MAIN
from impl.services import unread
from impl.services.sync.request import Sync
from impl.services.sync.room_deltas import RoomDelta
from impl.services.unread import RoomCounts
from impl.storage.events import StoredEvent
from impl.storage.rooms import Room
from impl.storage.streams import NewsRow
from impl.storage.timeline import Row

ROOMS_KEPT_MAX = 200_000

_PUSH_RULES = "m.push_rules"
_REDACTION = "m.room.redaction"


@dataclass(slots=True)
class _User:
    rooms: dict[int, RoomCounts] = field(default_factory=dict)
    # How often something was dropped: what was read before that must not be kept after it.
    drops: int = 0


class Kept:
    """The counts that this worker told, of all users."""

    def __init__(self, app: App) -> None:
        self._users: OrderedDict[str, _User] = OrderedDict()
        self._size = 0
        app.news.listeners.append(self._hear)

    def of_user(self, user_id: str) -> _User:
        user = self._users.setdefault(user_id, _User())
        self._users.move_to_end(user_id)
        return user

    def keep(self, user: _User, drops: int, counts: Mapping[int, RoomCounts]) -> None:
        if user.drops != drops:
            return
        self._size -= len(user.rooms)
        user.rooms.update(counts)
        self._size += len(user.rooms)
        while self._size > ROOMS_KEPT_MAX:
            _, dropped = self._users.popitem(last=False)
            self._forget(dropped)

    def _forget(self, user: _User) -> None:
        self._size -= len(user.rooms)
        user.rooms = {}
        user.drops += 1

    def _hear(self, rows: Sequence[NewsRow] | None) -> None:
        if rows is None:
            for user in self._users.values():
                self._forget(user)
            return
        for row in rows:
            if row.user_id is not None and (row.is_membership or row.about == _PUSH_RULES):
                if (user := self._users.get(row.user_id)) is not None:
                    self._forget(user)
            elif row.room_nid is not None and row.about is not None:
                if (user := self._users.get(row.about)) is not None:
                    self._drop(user, row.room_nid)
            elif row.room_nid is not None and row.is_gone:
                for user in self._users.values():
                    self._drop(user, row.room_nid)

    def _drop(self, user: _User, room_nid: int) -> None:
        self._size -= user.rooms.pop(room_nid, None) is not None
        user.drops += 1


def of_rooms(
    sync: Sync, txn: Any, rooms: Mapping[int, Room], deltas: Mapping[int, RoomDelta]
) -> dict[int, RoomCounts]:
    """room_nid -> the counts at the end of the sync's window."""
    kept = sync.app.part(Kept, Kept)
    user = kept.of_user(sync.user_id)
    found: dict[int, RoomCounts] = {}
    missing: list[Room] = []
    for room_nid, delta in deltas.items():
        counts = user.rooms.get(room_nid)
        if counts is not None and _advance(counts, delta, sync.user_id):
            found[room_nid] = counts
        else:
            missing.append(rooms[room_nid])
    if missing:
        drops = user.drops
        counted = unread.count(sync.app, txn, sync.user_id, missing, sync.up_to)
        kept.keep(user, drops, counted)
        found |= counted
    return found


def has_counted(counts: RoomCounts, delta: RoomDelta, user_id: str) -> bool:
    """Whether something in a window was a notification, be it shown or not: by now the user may
    ignore who sent it.
    """
    return any(_pair_of(counts, delta, row, user_id) != NOTHING for row in delta.rows)


def write(counts: RoomCounts, *, by_thread: bool) -> dict[str, Any]:
    """As /sync has it. Threads in which nothing is unread are left out."""
    if not by_thread:
        return {"unread_notifications": _write(counts.total())}
    threads = {
        thread_id: _write(pair) for thread_id, pair in counts.threads.items() if thread_id != MAIN
    }
    return {
        "unread_notifications": _write(counts.threads.get(MAIN, NOTHING)),
        "unread_thread_notifications": threads,
    }


def _write(pair: Pair) -> dict[str, int]:
    return {"notification_count": max(0, pair[0]), "highlight_count": max(0, pair[1])}


def _advance(counts: RoomCounts, delta: RoomDelta, user_id: str) -> bool:
    """Move counts on to the end of a window; False where more was between than the delta has."""
    new = [row for row in delta.rows if row.position > counts.position]
    if not _follows(counts, delta) or (delta.singled is None and any(r.singles_out for r in new)):
        return False
    for row in reversed(new):
        thread_id = row.thread_id or MAIN
        if _is_said_by(delta.events[row.event_nid], user_id):
            counts.floors.threads[thread_id] = row.position
            counts.threads.pop(thread_id, None)
        elif row.position > counts.floors.of(thread_id):
            _add_row(counts, delta, row, user_id)
    counts.position = max(counts.position, delta.up_to)
    return True


def _follows(counts: RoomCounts, delta: RoomDelta) -> bool:
    """Whether the rows of a delta are all that came after the counts."""
    if counts.position >= delta.up_to:
        return True
    if delta.is_cut:
        return counts.position >= delta.rows[-1].position
    return max(delta.after, 0) <= counts.position or delta.last_before <= counts.position


def _add_row(counts: RoomCounts, delta: RoomDelta, row: Row, user_id: str) -> None:
    thread_id = row.thread_id or MAIN
    pair = _pair_of(counts, delta, row, user_id)
    if pair != NOTHING:
        counts.threads[thread_id] = add(counts.threads.get(thread_id, NOTHING), pair)


def _pair_of(counts: RoomCounts, delta: RoomDelta, row: Row, user_id: str) -> Pair:
    pair = of_class(row.unread_outcome, counts.class_nid)
    if row.singles_out and delta.singled is not None:
        pair = add(pair, delta.singled.get((row.position, user_id), NOTHING))
    return pair


def _is_said_by(stored: StoredEvent, user_id: str) -> bool:
    """Whether the user has read what is above it, by saying it (room_events/unread.py)."""
    event = stored.event
    return event.sender == user_id and not event.is_state and event.type != _REDACTION
