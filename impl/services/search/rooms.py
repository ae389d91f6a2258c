"""The rooms that somebody's search goes through. C-S API, "Server Side Search".

Those that they are or were in; of rooms that the filter names also the ones that these replaced,
and the ones that all the world may read. Not those that are encrypted."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from impl.app import App
from impl.core.event_filter import EventFilter
from impl.requester import Requester
from impl.services import room_reading
from impl.services.visibility import IS_IN_ROOM, NEVER_JOINED
from impl.storage import memberships, room_state, sync_rooms
from impl.storage.rooms import Room

# A room that replaced another that replaced another, and so on.
PREDECESSORS_MAX = 20
# Rooms that the filter names and that the user never was in.
STRANGE_ROOMS_MAX = 50
_END = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Rooms:
    """`depths`: by room_nid, the depth of the event by which the user last came into the room."""

    rooms: dict[int, Room]
    depths: dict[int, int]


def searched_by(app: App, txn: Any, requester: Requester, wanted: EventFilter) -> Rooms:
    """All rooms in which something may be found for the requester."""
    depths = _depths(app, txn, requester.user_id)
    rooms = app.rooms.get_by_nids(txn, list(depths))
    # One that is purged meanwhile is no room any more.
    depths = {nid: depth for nid, depth in depths.items() if nid in rooms}
    if wanted.rooms is not None:
        by_id = {room.room_id: nid for nid, room in rooms.items()}
        for room in _strange_rooms(app, txn, [one for one in wanted.rooms if one not in by_id]):
            rooms[room.room_nid] = room
            depths[room.room_nid] = NEVER_JOINED
            by_id[room.room_id] = room.room_nid
        named = {by_id[room_id] for room_id in wanted.rooms if room_id in by_id}
        named = _with_predecessors(app, txn, named, by_id)
        depths = {nid: depth for nid, depth in depths.items() if nid in named}
    depths = {
        nid: depth for nid, depth in depths.items() if rooms[nid].room_id not in wanted.not_rooms
    }
    for room_nid, _, state_key, _ in room_state.list_of_rooms(
        txn, list(depths), ["m.room.encryption"]
    ):
        if state_key == "":
            depths.pop(room_nid, None)
    return Rooms(rooms, depths)


def _depths(app: App, txn: Any, user_id: str) -> dict[int, int]:
    members = [one for one in memberships.list_of_user(txn, user_id) if not one.is_forgotten]
    depths = {one.room_nid: IS_IN_ROOM for one in members if one.membership == "join"}
    gone = [one.room_nid for one in members if one.membership != "join"]
    stays = sync_rooms.list_last_stays(txn, user_id, gone, _END) if gone else {}
    joins = app.events.get_many(txn, [(nid, join_nid) for nid, (join_nid, _) in stays.items()])
    return depths | {one.room_nid: one.event.depth for one in joins.values()}


def _strange_rooms(app: App, txn: Any, room_ids: Collection[str]) -> list[Room]:
    found = [
        room_reading.find(app, txn, room_id) for room_id in sorted(room_ids)[:STRANGE_ROOMS_MAX]
    ]
    return [
        room
        for room in found
        if room is not None and room_reading.is_world_readable(app, txn, room)
    ]


def _with_predecessors(
    app: App, txn: Any, named: Collection[int], by_id: dict[str, int]
) -> set[int]:
    """With the rooms that these replaced, as far as the user has been in them."""
    all_named = set(named)
    newest = set(named)
    for _ in range(PREDECESSORS_MAX):
        older = {by_id[one] for one in _predecessors(app, txn, newest) if one in by_id}
        newest = older - all_named
        if not newest:
            break
        all_named |= newest
    return all_named


def _predecessors(app: App, txn: Any, room_nids: Iterable[int]) -> list[str]:
    rows = room_state.list_of_rooms(txn, list(room_nids), ["m.room.create"])
    created = app.events.get_many(txn, [(nid, event_nid) for nid, _, _, event_nid in rows])
    claimed = [one.event.content.get("predecessor") for one in created.values()]
    named = [one.get("room_id") for one in claimed if isinstance(one, dict)]
    return [one for one in named if isinstance(one, str)]
