"""What is asked of the database before events that were made elsewhere are looked at one by one: of
a whole batch and all its rooms at once, in four statements, whether it is fifty rooms with an event
each or one with thousands.

The rooms are locked, so that it stays true; what the batch itself adds is known without asking."""

from collections.abc import Sequence
from typing import Any

from impl.core.auth.selection import CREATE
from impl.services.room_events import state_before
from impl.services.room_events.open_room import OpenRoom
from impl.services.room_events.submission import Received
from impl.storage import event_graph, events, redactions

Arrivals = Sequence[tuple[OpenRoom, Sequence[Received]]]


def look_ahead(txn: Any, arrivals: Arrivals) -> None:
    """Which of the events that these refer to are here; which redactions wait for them; what
    stands on them already. It is noted with their rooms.
    """
    _look_up(txn, arrivals)
    rooms = {room.room_nid: room for room, _ in arrivals}
    placed = [
        (room.room_nid, one.event.event_id)
        for room, received in arrivals
        for one in received
        if not one.is_outlier
    ]
    for room_nid, event_id in placed:
        rooms[room_nid].looked_up.add(event_id)
    if placed:
        for room_nid, event_id, nids in redactions.list_pending(txn, placed):
            rooms[room_nid].pending_redactions[event_id] = nids
        for room_nid, event_id in event_graph.list_below(txn, placed):
            rooms[room_nid].stood_on.add(event_id)
    for room, received in arrivals:
        history = [one.event.event_id for one in received if one.is_backfilled]
        if history:
            _look_above(room, history)


def _look_above(room: OpenRoom, event_ids: Sequence[str]) -> None:
    """What stands on events of history: accepted events first, since they were judged by more."""
    rows = event_graph.list_following(room.txn, room.room_nid, event_ids)
    stored = room.stored_by_nid([nid for _, nid in rows])
    by_trust = sorted(
        stored.values(),
        key=lambda one: (one.rejected_reason is not None or one.is_soft_failed, one.event_nid),
    )
    for one in by_trust:
        if one.state_before is not None:
            state_before.note(room, one.event, one.event_nid, one.state_before)


def _look_up(txn: Any, arrivals: Arrivals) -> None:
    missing: dict[tuple[int, str], OpenRoom] = {}
    # Of a state that is told most is known (state_before.py).
    only_told: set[tuple[int, str]] = set()
    for room, received in arrivals:
        wanted = _wanted(received)
        for event_id in wanted | _told(received):
            if event_id not in room.new_nids and event_id not in room.found_nids:
                missing[room.room_nid, event_id] = room
        only_told |= {(room.room_nid, event_id) for event_id in _told(received) - wanted}
    if not missing:
        return
    found = events.get_nids_of_rooms(txn, list(missing))
    here: dict[int, list[int]] = {}
    for (room_nid, event_id), room in missing.items():
        nid = room.found_nids[event_id] = found.get((room_nid, event_id))
        if nid is not None and (room_nid, event_id) not in only_told:
            here.setdefault(room_nid, []).append(nid)
    # Those of all rooms are read in one statement, and of the outliers each room sees that they are
    # nothing else by now.
    app = arrivals[0][0].app
    app.events.get_many(txn, [(room_nid, nid) for room_nid, nids in here.items() for nid in nids])
    rooms = {room.room_nid: room for room in missing.values()}
    for room_nid, nids in here.items():
        rooms[room_nid].stored_by_nid(nids)


def _wanted(received: Sequence[Received]) -> set[str]:
    wanted: set[str] = set()
    for one in received:
        event = one.event
        wanted.update((event.event_id, *event.auth_event_ids, *event.prev_event_ids))
        if event.room_version.room_id_is_create_hash and event.type != CREATE[0]:
            # Nobody cites the create event there, but all stand on it.
            wanted.add("$" + event.room_id[1:])
    return wanted


def _told(received: Sequence[Received]) -> set[str]:
    return {event_id for one in received for event_id in one.state_before or ()}
