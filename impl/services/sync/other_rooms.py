"""The rooms of a sync that the user is not in: invited, knocked on, left. C-S API, "Syncing",
"Stripped state".
"""

from collections.abc import Mapping
from typing import Any

from impl.core import state_trie
from impl.core.stream_token import HistoryToken
from impl.services import client_events
from impl.services.sync import joined_rooms, lazy_members, timeline
from impl.services.sync.request import Sync
from impl.services.sync.room_deltas import RoomDelta
from impl.services.sync.rooms_moved import Left
from impl.services.sync.timeline import Timeline
from impl.services.visibility import Sights
from impl.storage.events import StoredEvent
from impl.storage.rooms import Room
from impl.storage.state_nodes import RoomNodes
from impl.storage.sync_rooms import Change

# What helps to know a room before one is in it.
STRIPPED_TYPES = (
    "m.room.create",
    "m.room.name",
    "m.room.avatar",
    "m.room.topic",
    "m.room.join_rules",
    "m.room.canonical_alias",
    "m.room.encryption",
)

STRIPPED_FIELDS = {"type", "state_key", "content", "sender"}


def write_invited(
    sync: Sync, txn: Any, rooms: Mapping[int, Room], invited: Mapping[int, Change]
) -> dict[str, Any]:
    """room_id -> invitation, but for those by users whom the user ignores."""
    events = _events(sync, txn, invited)
    return {
        rooms[nid].room_id: {"invite_state": {"events": _stripped(sync, txn, event)}}
        for nid, event in events.items()
        if event.event.sender not in sync.ignored
    }


def write_knocked(
    sync: Sync, txn: Any, rooms: Mapping[int, Room], knocked: Mapping[int, Change]
) -> dict[str, Any]:
    """room_id -> the user's knock."""
    return {
        rooms[nid].room_id: {"knock_state": {"events": _stripped(sync, txn, event)}}
        for nid, event in _events(sync, txn, knocked).items()
    }


def _events(sync: Sync, txn: Any, changes: Mapping[int, Change]) -> dict[int, StoredEvent]:
    keys = [(nid, change.event_nid) for nid, change in changes.items()]
    loaded = sync.app.events.get_many(txn, keys) if keys else {}
    return {nid: loaded[event_nid] for nid, event_nid in keys if event_nid in loaded}


def _stripped(sync: Sync, txn: Any, member: StoredEvent) -> list[dict[str, Any]]:
    """The room as it was when the user was invited or knocked, and that event itself."""
    own = client_events.stripped(member)
    if member.state_after is None:
        # From another server, which sent what it wanted to be shown.
        unsigned = member.event.pdu.get("unsigned", {})
        shown = unsigned.get("invite_room_state") or unsigned.get("knock_room_state") or []
        return [*map(_pruned, filter(_is_stripped, shown)), own]
    keys = [(event_type, "") for event_type in STRIPPED_TYPES]
    # Who invites, with their name.
    keys.append((lazy_members.MEMBER, member.event.sender))
    key_nids = sync.app.state_keys.get_nids(txn, keys)
    nodes = RoomNodes(txn, sync.app.state_nodes, member.room_nid)
    nids = state_trie.get_many(nodes, member.state_after, list(key_nids.values()))
    nids = {key: nid for key, nid in nids.items() if nid != member.event_nid}
    loaded = sync.app.events.get_many(txn, [(member.room_nid, nid) for nid in nids.values()])
    return [*(client_events.stripped(loaded[nid]) for nid in nids.values()), own]


def _is_stripped(one: object) -> bool:
    return isinstance(one, dict) and one.keys() >= STRIPPED_FIELDS


def _pruned(one: dict[str, Any]) -> dict[str, Any]:
    # More than these may not be shown, whatever the other server sent.
    return {key: one[key] for key in STRIPPED_FIELDS}


def write_left(
    sync: Sync,
    txn: Any,
    rooms: Mapping[int, Room],
    left: Mapping[int, Left],
    deltas: Mapping[int, RoomDelta],
    room_data: Mapping[str, list[dict[str, Any]]],
) -> dict[str, Any]:
    """room_id -> what happened until the user left."""
    section: dict[str, Any] = {}
    sights = Sights(sync.app, txn, sync.user_id)
    events = _events(sync, txn, {nid: one.last for nid, one in left.items()})
    joins = sync.app.events.get_many(
        txn, [(nid, one.join_nid) for nid, one in left.items() if one.join_nid]
    )
    for nid, one in left.items():
        if nid not in events:
            continue
        room_id = rooms[nid].room_id
        told, state = _nothing_but(events[nid], one.last), []
        if one.after is not None and one.join_nid in joins:
            depth = joins[one.join_nid].event.depth
            told = timeline.cut(sync, sights, deltas[nid], depth)
            from_root = state_trie.EMPTY if one.after == 0 else deltas[nid].root_since
            roots = (from_root, state_trie.EMPTY)
            state = timeline.state_nids(sync, txn, told, roots, ())
        if one.last.position > one.departure:
            _add_last(sync, told, state, events[nid], one.last)
        section[room_id] = {
            **_write_left(sync, txn, told, state),
            "account_data": {"events": room_data.get(room_id, [])},
        }
    return section


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


def _write_left(sync: Sync, txn: Any, told: Timeline, state: list[int]) -> dict[str, Any]:
    loaded = sync.app.events.get_many(txn, [(told.delta.room_nid, nid) for nid in state])
    wanted = [loaded[nid] for nid in state if timeline.passes(sync.filter.state, loaded[nid])]
    return {
        **joined_rooms.write_timeline(sync, txn, told),
        **joined_rooms.write_state(sync, txn, wanted),
    }
