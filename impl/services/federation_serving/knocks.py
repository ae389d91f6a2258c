"""Knocking on a room through this server. S-S API, "Knocking upon a room"."""

from collections.abc import Collection
from typing import Any

import msgspec

from impl.app import App
from impl.core import state_trie, stripped_state
from impl.services.federation_serving import asker, handshake, pdus
from impl.storage.rooms import Room
from impl.storage.state_nodes import RoomNodes


def make(
    app: App, origin: str, room_id: str, user_id: str, versions: Collection[str]
) -> dict[str, Any]:
    """The template of a knock."""
    asker.check_own_user(origin, user_id)
    with app.database.read() as txn:
        room = asker.open_whole_room(app, txn, origin, room_id).room
    handshake.check_version(room, versions)
    return handshake.template(app, room, user_id, {"membership": "knock"})


def send(
    app: App, origin: str, room_id: str, event_id: str, pdu: dict[str, Any]
) -> list[msgspec.Raw]:
    """Take a knock into the room, and show something of the room."""
    with app.database.read() as txn:
        room = asker.open_whole_room(app, txn, origin, room_id).room
    event = handshake.parse(room, origin, event_id, pdu, "knock")
    stored = handshake.append(app, room, handshake.check(app, event))
    with app.database.read() as txn:
        return _shown(app, txn, room, stored.state_before or state_trie.EMPTY)


def _shown(app: App, txn: Any, room: Room, root: int) -> list[msgspec.Raw]:
    """As whole PDUs, so that the other server can check them."""
    keys = [(one, "") for one in stripped_state.TYPES]
    key_nids = app.state_keys.get_nids(txn, keys).values()
    nids = state_trie.get_many(RoomNodes(txn, app.state_nodes, room.room_nid), root, key_nids)
    loaded = app.events.get_many(txn, [(room.room_nid, nid) for nid in nids.values()])
    return pdus.write(list(loaded.values()))
