"""The rooms of a sync that the user is not in: invited, knocked on, left. C-S API, "Syncing",
"Stripped state".
"""

from collections.abc import Mapping
from typing import Any

from impl.core import state_trie
from impl.core.stream_token import HistoryToken
from impl.services import client_events
from impl.services.sync import joined_rooms, timeline
from impl.services.sync.request import Sync
from impl.services.sync.room_deltas import RoomDelta
from impl.services.visibility import Sights, last_join_depth
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
    own = client_events.stripped(member.event)
    if member.state_after is None:
        # From another server, which sent what it wanted to be shown.
        unsigned = member.event.pdu.get("unsigned", {})
        shown = unsigned.get("invite_room_state") or unsigned.get("knock_room_state") or []
        return [*shown, own]
    keys = [(event_type, "") for event_type in STRIPPED_TYPES]
    # Who invites, with their name.
    keys.append((timeline.MEMBER, member.event.sender))
    key_nids = sync.app.state_keys.get_nids(txn, keys)
    nodes = RoomNodes(txn, sync.app.state_nodes, member.room_nid)
    nids = state_trie.get_many(nodes, member.state_after, list(key_nids.values()))
    nids = {key: nid for key, nid in nids.items() if nid != member.event_nid}
    loaded = sync.app.events.get_many(txn, [(member.room_nid, nid) for nid in nids.values()])
    return [*(client_events.stripped(loaded[nid].event) for nid in nids.values()), own]


def write_left(
    sync: Sync,
    txn: Any,
    rooms: Mapping[int, Room],
    left: Mapping[int, tuple[Change, int | None]],
    deltas: Mapping[int, RoomDelta],
) -> dict[str, Any]:
    """room_id -> what happened until the user left."""
    section: dict[str, Any] = {}
    sights = Sights(sync.app, txn, sync.user_id)
    events = _events(sync, txn, {nid: change for nid, (change, _) in left.items()})
    for nid, (change, after) in left.items():
        if nid not in events:
            continue
        written = (
            _departure(sync, txn, events[nid], change)
            if after is None
            else _until_left(sync, txn, sights, deltas[nid])
        )
        section[rooms[nid].room_id] = {**written, "account_data": {"events": []}}
    return section


def _until_left(sync: Sync, txn: Any, sights: Sights, delta: RoomDelta) -> dict[str, Any]:
    depth = last_join_depth(sync.app, txn, delta.room_nid, sync.user_id)
    one = timeline.cut(sync, sights, delta, depth)
    from_root = state_trie.EMPTY if delta.after == 0 else delta.root_since
    nids = timeline.state_nids(sync, txn, one, from_root, ())
    loaded = sync.app.events.get_many(txn, [(delta.room_nid, nid) for nid in nids])
    state = [loaded[nid] for nid in nids if timeline.passes(sync.filter.state, loaded[nid])]
    return {
        **joined_rooms.write_timeline(sync, txn, one),
        **joined_rooms.write_state(sync, txn, state),
    }


def _departure(sync: Sync, txn: Any, event: StoredEvent, change: Change) -> dict[str, Any]:
    """Of a room that the user never was in: an invitation that was declined, a knock that was
    refused.
    """
    viewer = sync.viewer({event.event_nid: change.membership})
    return {
        "timeline": {
            "events": client_events.write(viewer, txn, [event], sync.form),
            "limited": False,
            "prev_batch": str(HistoryToken(event.event.depth, change.position - 1)),
        },
        **joined_rooms.write_state(sync, txn, []),
    }
