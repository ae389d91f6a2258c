"""The rooms of a sync that the user is not in: invited, knocked on, left. C-S API, "Syncing",
"Stripped state".
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from impl.core import state_trie, stripped_state
from impl.core.stream_token import HistoryToken
from impl.services import client_events
from impl.services.aggregations import Aggregations
from impl.services.sync import joined_rooms, lazy_members, timeline, warming
from impl.services.sync.request import Sync
from impl.services.sync.room_deltas import RoomDelta
from impl.services.sync.rooms_moved import Left
from impl.services.sync.timeline import Timeline
from impl.services.visibility import NEVER_JOINED, Sights
from impl.storage import out_of_band, state_nodes
from impl.storage import rooms as rooms_table
from impl.storage.events import StoredEvent
from impl.storage.rooms import Room
from impl.storage.state_nodes import RoomNodes
from impl.storage.sync_rooms import Change


def write_invited(
    sync: Sync, txn: Any, rooms: Mapping[int, Room], invited: Mapping[int, Change]
) -> dict[str, Any]:
    """room_id -> invitation, but for those by users whom the user ignores."""
    events = _events(sync, txn, invited)
    wanted = [one for one in events.values() if one.event.sender not in sync.ignored]
    return {
        rooms[nid].room_id: {"invite_state": {"events": shown}}
        for nid, shown in _stripped(sync, txn, wanted).items()
    }


def write_knocked(
    sync: Sync, txn: Any, rooms: Mapping[int, Room], knocked: Mapping[int, Change]
) -> dict[str, Any]:
    """room_id -> the user's knock."""
    events = _events(sync, txn, knocked)
    return {
        rooms[nid].room_id: {"knock_state": {"events": shown}}
        for nid, shown in _stripped(sync, txn, list(events.values())).items()
    }


def _events(sync: Sync, txn: Any, changes: Mapping[int, Change]) -> dict[int, StoredEvent]:
    keys = [(nid, change.event_nid) for nid, change in changes.items()]
    loaded = sync.app.events.get_many(txn, keys) if keys else {}
    return {nid: loaded[event_nid] for nid, event_nid in keys if event_nid in loaded}


def _stripped(
    sync: Sync, txn: Any, members: Sequence[StoredEvent]
) -> dict[int, list[dict[str, Any]]]:
    """room_nid -> the room as it was when the user was invited or knocked, and that event itself,
    which is given.
    """
    sent = _sent_along(sync, txn, members)
    nids = _stripped_nids(sync, txn, [one for one in members if one.room_nid not in sent])
    keys = [(room_nid, nid) for room_nid, found in nids.items() for nid in found]
    loaded = sync.app.events.get_many(txn, keys) if keys else {}
    shown: dict[int, list[dict[str, Any]]] = {}
    for member in members:
        room_nid = member.room_nid
        state = (
            sent[room_nid]
            if room_nid in sent
            else [client_events.stripped(loaded[nid]) for nid in nids[room_nid]]
        )
        shown[room_nid] = [*state, client_events.stripped(member)]
    return shown


def _sent_along(
    sync: Sync, txn: Any, members: Sequence[StoredEvent]
) -> dict[int, list[dict[str, Any]]]:
    """room_nid -> what another server shows of a room that this one is not in."""
    elsewhere = {one.room_nid: one.event_nid for one in members if one.state_after is None}
    if not elsewhere:
        return {}
    rows = out_of_band.list_of_user(txn, sync.user_id, list(elsewhere))
    return {
        row.room_nid: msgspec.json.decode(row.stripped_state)
        for row in rows
        if row.event_nid == elsewhere[row.room_nid]
    }


def _stripped_nids(sync: Sync, txn: Any, members: Sequence[StoredEvent]) -> dict[int, list[int]]:
    """room_nid -> the event_nids of what is shown of the rooms that are ours to show."""
    app = sync.app
    roots = _roots(txn, members)
    # Who invites, with their name.
    people = {(lazy_members.MEMBER, one.event.sender) for one in members}
    key_nids = app.state_keys.get_nids(
        txn, people.union((kind, "") for kind in stripped_state.TYPES)
    )
    wanted = {
        one.room_nid: [
            nid
            for key, nid in key_nids.items()
            if key[0] != lazy_members.MEMBER or key[1] == one.event.sender
        ]
        for one in members
    }
    paths = [(nid, root, wanted[nid]) for nid, root in roots.items()]
    state_nodes.preload_paths(txn, app.state_nodes, paths)
    found: dict[int, list[int]] = {}
    for one in members:
        nodes = RoomNodes(txn, app.state_nodes, one.room_nid)
        nids = state_trie.get_many(nodes, roots[one.room_nid], wanted[one.room_nid])
        found[one.room_nid] = [nid for nid in nids.values() if nid != one.event_nid]
    return found


def _roots(txn: Any, members: Sequence[StoredEvent]) -> dict[int, int]:
    """room_nid -> of the state after an event; of the current one for an event that is older than
    what this server has of the room.
    """
    roots = {one.room_nid: one.state_after or state_trie.EMPTY for one in members}
    older = [one.room_nid for one in members if one.state_after is None]
    return roots | (rooms_table.get_state_roots(txn, older) if older else {})


def write_left(
    sync: Sync,
    txn: Any,
    rooms: Mapping[int, Room],
    left: Mapping[int, Left],
    deltas: Mapping[int, RoomDelta],
    room_data: Mapping[str, list[dict[str, Any]]],
) -> dict[str, Any]:
    """room_id -> what happened until the user left."""
    sights = Sights(sync.app, txn, sync.user_id)
    events = _events(sync, txn, {nid: one.last for nid, one in left.items()})
    joins = sync.app.events.get_many(
        txn, [(nid, one.join_nid) for nid, one in left.items() if one.join_nid]
    )
    warming.warm(sync, txn, [one for nid, one in deltas.items() if nid in left], sights)
    found: dict[str, tuple[Timeline, list[int], int]] = {}
    for nid, one in left.items():
        if nid not in events:
            continue
        told, state, depth = _nothing_but(events[nid], one.last), [], NEVER_JOINED
        if one.after is not None and one.join_nid in joins:
            depth = joins[one.join_nid].event.depth
            told = timeline.cut(sync, sights, deltas[nid], depth)
            from_root = state_trie.EMPTY if one.after == 0 else deltas[nid].root_since
            roots = (from_root, state_trie.EMPTY)
            state = timeline.state_nids(sync, txn, told, roots, ())
        if one.last.position > one.departure:
            _add_last(sync, told, state, events[nid], one.last)
        found[rooms[nid].room_id] = told, state, depth
    bundled = Aggregations(sync.viewer({}), txn, sights, sync.ignored, sync.form)
    bundled.prepare(
        [event for told, _, _ in found.values() if told.is_limited for event in told.events],
        is_in_room=False,
    )
    keys = [(told.delta.room_nid, nid) for told, state, _ in found.values() for nid in state]
    loaded = sync.app.events.get_many(txn, keys) if keys else {}
    return {
        room_id: {
            **_write_left(sync, bundled, told, [loaded[nid] for nid in state], depth),
            "account_data": {"events": room_data.get(room_id, [])},
        }
        for room_id, (told, state, depth) in found.items()
    }


def _nothing_but(event: StoredEvent, change: Change) -> Timeline:
    """Of a room that the user never was in, where an invitation was declined or a knock refused;
    or of one that they had left before.
    """
    delta = RoomDelta(event.room_nid, change.position - 1, change.position)
    prev_batch = str(HistoryToken(event.event.depth, change.position - 1))
    return Timeline(delta, [], {}, False, prev_batch, 0, False)


def _add_last(
    sync: Sync, told: Timeline, state: list[int], event: StoredEvent, change: Change
) -> None:
    """The user's membership itself, which came when they were out already."""
    is_shown = timeline.passes(sync.filter.timeline, event)
    if is_shown:
        told.events.append(event)
        told.memberships[event.event_nid] = change.membership
    if sync.use_state_after or not is_shown:
        state.append(event.event_nid)


def _write_left(
    sync: Sync,
    bundled: Aggregations,
    told: Timeline,
    state: Sequence[StoredEvent],
    last_join_depth: int,
) -> dict[str, Any]:
    wanted = [one for one in state if timeline.passes(sync.filter.state, one)]
    return {
        **joined_rooms.write_timeline(sync, bundled, told, last_join_depth),
        **joined_rooms.write_state(sync, bundled.txn, wanted),
    }
