"""The rooms about which another server may tell us: we know them, somebody of ours is in them, and
their access lists do not keep the server out. S-S API, "Server Access Control Lists (ACLs)".

Of a room that it is not in itself a server may tell us as well: it may be in it by now, and we have
not heard of that yet, or bring what others said. But who has no business there is not to fill our
tables."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from impl.app import App
from impl.services import room_reading, server_acl
from impl.storage import memberships, room_servers
from impl.storage.rooms import Room

NOT_IN_IT = "this server is not in the room"


@dataclass(frozen=True, slots=True)
class Shared:
    """room_id -> the room, or why the server may not tell of it. `strange` are the ids of the rooms
    that it is not in, as far as we know, `waiting` of those in which PDUs wait for something;
    `known` are those of the refused that we know all the same.
    """

    rooms: dict[str, Room] = field(default_factory=dict)
    strange: set[str] = field(default_factory=set)
    waiting: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    known: dict[str, Room] = field(default_factory=dict)


def look_up(app: App, txn: Any, origin: str, room_ids: Collection[str]) -> Shared:
    """All of them at once: four statements, however many rooms."""
    found = room_reading.find_many(app, txn, room_ids)
    known = {room_id: room for room_id, room in found.items() if room is not None}
    nids = [room.room_nid for room in known.values()]
    joined = memberships.list_joined_here(txn, nids) if nids else set()
    denied = server_acl.list_denying(app, txn, joined, origin) if joined else set()
    present = room_servers.list_among(txn, joined, origin) if joined else {}
    shared = Shared()
    for room_id, room in found.items():
        if room is None:
            shared.refused[room_id] = "this server does not know the room"
            continue
        if room.room_nid not in joined:
            shared.refused[room_id] = NOT_IN_IT
        elif room.room_nid in denied:
            shared.refused[room_id] = "the room's access list keeps your server out"
        else:
            shared.rooms[room_id] = room
            if room.room_nid not in present:
                shared.strange.add(room_id)
            elif present[room.room_nid]:
                shared.waiting.add(room_id)
            continue
        shared.known[room_id] = room
    return shared
