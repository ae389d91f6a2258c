"""What is written of events that fill history: their places below zero, and no more. DESIGN 6,
"History has an order of its own".

Nobody is told of them and nothing is counted. The workers hear of what is another event now: an
outlier that has its place, what was redacted, what has a child."""

from impl.core import state_trie
from impl.services.room_events import relating
from impl.services.room_events.open_room import Appended, OpenRoom
from impl.storage import history
from impl.storage.timeline import NewRelation, NewRow


def write(room: OpenRoom) -> None:
    """Queue them for the COMMIT, after all else but what the stream lock is taken for."""
    filled = [one for one in room.appended if one.placed.is_backfilled]
    if not filled:
        return
    shown = [one for one in filled if one.placed.is_accepted and not one.placed.is_hidden]
    # The newest is the first below what is there already.
    shown.sort(key=lambda one: one.new.event.depth, reverse=True)
    kin = relating.kin_of(room, shown)
    rows: list[NewRow] = []
    for one in shown:
        nid = one.new.event_nid
        rows.append(_row(room, one, kin.relations.get(nid)))
        if one.placed.shows_nid is not None:
            rows.append(_redaction_row(room, one, one.placed.shows_nid))
    history.insert(room.txn, rows)
    changes: list[tuple[int | None, int | None]] = [
        (nid, None)
        for one in filled
        for nid in (one.placed.redacts_nid, one.placed.event_nid)
        if nid is not None
    ]
    # What comes only now is in nobody's caches.
    changes += [(None, nid) for nid in kin.parent_nids.values() if nid not in room.new]
    if changes:
        history.tell_changes(room.txn, room.room_nid, changes, room.app.now_ms())


def _row(room: OpenRoom, one: Appended, relation: NewRelation | None) -> NewRow:
    root = one.new.state_after or state_trie.EMPTY
    event, nid = one.new.event, one.new.event_nid
    redacts_nid = one.placed.redacts_nid
    return NewRow(room.room_nid, nid, event.depth, root, redacts_nid, [], relation=relation)


def _redaction_row(room: OpenRoom, one: Appended, redaction_nid: int) -> NewRow:
    """Of the redaction that waited for an event: it has redacted something now, and is shown."""
    redaction = room.stored_by_nid([redaction_nid])[redaction_nid]
    root = redaction.state_after or state_trie.EMPTY
    return NewRow(room.room_nid, redaction_nid, redaction.event.depth, root, None, [])
