"""Who comes into a room shows their devices to the servers there that did not follow them before.
S-S API, "Device Management".

The last change in the user's sequence is enough: whoever does not know what came before asks for
all. That is one more request for each server, so it is only so where keys matter, in encrypted
rooms; elsewhere a server asks when its users want to know. (Synapse leaves it at that in all
rooms.)"""

from collections.abc import Iterator
from typing import Any

from impl.app import App
from impl.core import identifiers, state_trie
from impl.services.sending import edus
from impl.services.sending.parcels import Item
from impl.storage import outgoing, room_servers
from impl.storage.events import StoredEvent
from impl.storage.state_nodes import RoomNodes

_ENCRYPTION = ("m.room.encryption", "")


def device_items(
    app: App, txn: Any, position: int, servers: frozenset[str], stored: StoredEvent
) -> Iterator[Item]:
    """What an event that is sent to some servers has them told of devices."""
    event = stored.event
    user_id = event.state_key or ""
    is_ours = identifiers.server_name_of(user_id) == app.server_name
    if event.type != "m.room.member" or event.membership != "join" or not is_ours:
        return
    if not _came_into_an_encrypted_room(app, txn, stored):
        return
    new = servers - room_servers.list_sharing_elsewhere(txn, user_id, stored.room_nid)
    last = outgoing.get_last_device(txn, user_id) if new else None
    if last is not None:
        for _, form in edus.device_forms(app, txn, [last]):
            yield Item(position, new, form)


def _came_into_an_encrypted_room(app: App, txn: Any, stored: StoredEvent) -> bool:
    if not stored.state_before:
        return False
    keys = app.state_keys.get_nids(txn, [_ENCRYPTION, stored.event.key])
    nodes = RoomNodes(txn, app.state_nodes, stored.room_nid)
    found = state_trie.get_many(nodes, stored.state_before, list(keys.values()))
    if keys.get(_ENCRYPTION) not in found:
        return False
    before = found.get(keys.get(stored.event.key, 0))
    if before is None:
        return True
    loaded = app.events.get(txn, stored.room_nid, before)
    return loaded is None or loaded.event.membership != "join"
