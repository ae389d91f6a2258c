"""Whom a room's access list keeps out. C-S API, "Server Access Control Lists (ACLs) for rooms"; S-S
API, the same title."""

from collections.abc import Collection
from typing import Any

from impl import errors
from impl.app import App
from impl.core import server_acl
from impl.services import room_reading
from impl.storage import room_state
from impl.storage.events import StoredEvent
from impl.storage.rooms import Room

_TYPE = "m.room.server_acl"
# A list may have thousands of patterns, and a room as many servers that come again and again.
VERDICTS_MAX = 10_000


def is_denied(app: App, txn: Any, room: Room, server_name: str) -> bool:
    """Whether a server may have nothing to do with the room, by its current state."""
    return bool(list_denying(app, txn, [room.room_nid], server_name))


def check(app: App, txn: Any, room: Room, server_name: str) -> None:
    """Raises Forbidden for a server that the room keeps out."""
    if is_denied(app, txn, room, server_name):
        raise errors.Forbidden("the room's access list keeps your server out")


def list_denying(app: App, txn: Any, room_nids: Collection[int], server_name: str) -> set[int]:
    """Those of the rooms that keep a server out: one statement, where the lists are known."""
    rows = room_state.list_of_rooms(txn, list(room_nids), [_TYPE])
    lists = [(room_nid, nid) for room_nid, _, state_key, nid in rows if state_key == ""]
    if not lists:
        return set()
    found = app.events.get_many(txn, lists).values()
    return {one.room_nid for one in found if not _allows(one, server_name)}


def _allows(stored: StoredEvent, server_name: str) -> bool:
    verdicts: dict[str, bool] = stored.forms.setdefault(_TYPE, {})
    verdict = verdicts.get(server_name)
    if verdict is None:
        verdict = server_acl.is_allowed(server_name, room_reading.content_of(stored))
        if len(verdicts) >= VERDICTS_MAX:
            verdicts.clear()
        verdicts[server_name] = verdict
    return verdict
