"""Messages that have expired (retention.py) are deleted, for good and with all that hangs on them.

Theory. A room's events are looked at in the order of their times, some at a time, up to what has
expired; the state among them stays. What is deleted leaves no gap in the room's history: that would
be fetched again from other servers. The ends of the room stay, which the next event stands on, and
so does the last of its timeline, so that the stream does not go back; both are hidden all the same,
and go when others have come after them.

What others stand on that have not expired stays as well until they have, without what it says: a
server to which they are new asks for the state there (S-S API, GET /state_ids).

What went counts as read, and with it what is above it in its thread. So a message that was dated
back, and that people were told of, waits, hidden, for those before it: no longer than one that was
sent when it came.

The room is locked for each batch: nobody makes an event on top of one that goes."""

import logging
from collections.abc import Iterator, Sequence

import msgspec

from impl.app import App
from impl.config.retention import PurgeJob
from impl.core import redaction, relations, retention
from impl.core.event import Event
from impl.core.room_version import ROOM_VERSIONS, RoomVersion
from impl.services import retention as policies
from impl.storage import history, rooms
from impl.storage import retention as stored_retention
from impl.storage.database import DatabaseUnavailable
from impl.storage.retention import Message, Old

# So many events are looked at, and deleted, at a time.
BATCH_EVENTS = 200
# Of rooms in which there is nothing to do so many are one batch.
BATCH_ROOMS = 50

REDACTION = "m.room.redaction"

_log = logging.getLogger(__name__)

_decode = msgspec.json.Decoder(dict).decode
_encode = msgspec.json.Encoder().encode


def purge(app: App, job: PurgeJob) -> Iterator[int]:
    """Delete what has expired in the rooms that a job is for: how many events, after each batch. A
    room that fails does not keep the others from it.
    """
    idle = 0
    for room_nid, lifetime in _rooms(app, job):
        is_idle = True
        try:
            for deleted in purge_room(app, room_nid, app.now_ms() - lifetime):
                is_idle = False
                yield deleted
        except DatabaseUnavailable:
            raise
        except Exception:
            _log.exception("what has expired in the room with number %d was not deleted", room_nid)
        idle += is_idle
        if idle == BATCH_ROOMS:
            idle = 0
            yield 0


def purge_room(app: App, room_nid: int, before_ts: int) -> Iterator[int]:
    """Delete a room's messages that were sent before a time: how many, after each batch but an
    empty one.
    """
    place = stored_retention.FIRST
    while True:
        with app.database.read() as txn:
            old = stored_retention.list_old(txn, room_nid, before_ts, place, BATCH_EVENTS)
            room = app.rooms.get_by_nids(txn, [room_nid]).get(room_nid)
        if room is None or not old:
            return
        version = ROOM_VERSIONS[room.room_version]
        messages = [message for one in old if (message := _read(one, version)) is not None]
        yield _delete(app, room_nid, messages, before_ts) if messages else 0
        if len(old) < BATCH_EVENTS:
            return
        place = (old[-1].sent_ts, old[-1].event_nid)


def _rooms(app: App, job: PurgeJob) -> Iterator[tuple[int, int]]:
    """(room_nid, lifetime)."""
    default = app.config.retention.max_lifetime
    has_default = default is not None and job.is_for(default)
    after = 0
    while True:
        with app.database.read() as txn:
            found = stored_retention.list_rooms(
                txn, after, BATCH_EVENTS, only_with_policy=not has_default
            )
            loaded = app.events.get_many(txn, [(nid, one) for nid, one in found if one is not None])
        for room_nid, event_nid in found:
            stored = loaded.get(event_nid or 0)
            own = retention.read(stored.event.content) if stored is not None else None
            lifetime = policies.lifetime_of(app, own)
            wanted = default if own is None else own
            if lifetime is not None and wanted is not None and job.is_for(wanted):
                yield room_nid, lifetime
        if len(found) < BATCH_EVENTS:
            return
        after = found[-1][0]


def _read(old: Old, version: RoomVersion) -> Message | None:
    """What hangs on it, if it is a message."""
    if old.pdu is None:
        return None
    event = Event.from_pdu(_decode(old.pdu), version, old.event_id)
    if event.is_state:
        return None
    relation = None if event.type == REDACTION else relations.read(event.content)
    stripped = redaction.redact(event.pdu, version)
    return Message(
        old.event_nid,
        old.event_id,
        event.depth,
        event.prev_event_ids,
        relation.parent_event_id if relation is not None else None,
        event.redacts if event.type == REDACTION else None,
        _encode(stripped).decode() if stripped != event.pdu else None,
    )


def _delete(app: App, room_nid: int, messages: Sequence[Message], before_ts: int) -> int:
    with app.database.transaction() as txn:
        head = rooms.lock(txn, [room_nid], skip_locked=False).get(room_nid)
        if head is None or head.is_partial:
            return 0
        kept = {*head.forward_extremities, stored_retention.get_last_nid(txn, room_nid)}
        kept |= stored_retention.list_told_early(txn, room_nid, messages, before_ts)
        over = [one for one in messages if one.event_nid not in kept]
        cited = stored_retention.list_cited(txn, room_nid, over, before_ts)
        gone = [one for one in over if one.event_nid not in cited]
        stripped = [one for one in over if one.event_nid in cited and one.stripped is not None]
        counted = False
        if stripped:
            counted = stored_retention.strip(txn, room_nid, stripped)
            nids = [one.event_nid for one in stripped]
            history.tell_changes(txn, room_nid, [(nid, None) for nid in nids], app.now_ms())
        if gone:
            counted |= stored_retention.delete(txn, room_nid, gone)
        if counted:
            history.tell_gone(txn, room_nid, over[-1].event_nid, app.now_ms())
    for one in (*gone, *stripped):
        app.events.forget(one.event_nid)
    return len(gone) + len(stripped)
