"""The rooms about which another server may tell us: we know them, somebody of ours is in them, and
their access lists do not keep the server out. S-S API, "Server Access Control Lists (ACLs)".
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from impl.app import App
from impl.core import server_acl
from impl.services import room_reading
from impl.storage import memberships, room_state
from impl.storage.rooms import Room

ACL = "m.room.server_acl"


@dataclass(frozen=True, slots=True)
class Shared:
    """room_id -> the room, or why the server may not tell of it. `known` are those of the refused
    that we know all the same.
    """

    rooms: dict[str, Room]
    refused: dict[str, str]
    known: dict[str, Room]


def look_up(app: App, txn: Any, origin: str, room_ids: Collection[str]) -> Shared:
    """All of them at once: two statements, however many rooms."""
    found = {room_id: room_reading.find(app, txn, room_id) for room_id in room_ids}
    known = {room_id: room for room_id, room in found.items() if room is not None}
    nids = [room.room_nid for room in known.values()]
    joined = memberships.list_joined_here(txn, nids) if nids else set()
    denied = _denying(app, txn, origin, joined) if joined else set()
    shared = Shared({}, {}, {})
    for room_id, room in found.items():
        if room is None:
            shared.refused[room_id] = "this server does not know the room"
            continue
        if room.room_nid not in joined:
            shared.refused[room_id] = "this server is not in the room"
        elif room.room_nid in denied:
            shared.refused[room_id] = "the room's access list keeps your server out"
        else:
            shared.rooms[room_id] = room
            continue
        shared.known[room_id] = room
    return shared


def _denying(app: App, txn: Any, origin: str, room_nids: Collection[int]) -> set[int]:
    rows = room_state.list_of_rooms(txn, list(room_nids), [ACL])
    lists = {nid: room_nid for room_nid, _, state_key, nid in rows if state_key == ""}
    loaded = app.events.get_many(txn, [(room_nid, nid) for nid, room_nid in lists.items()])
    return {
        one.room_nid
        for one in loaded.values()
        if not server_acl.is_allowed(origin, room_reading.content_of(one))
    }
