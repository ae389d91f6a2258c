"""The device_lists section of a sync: services/device_lists.py for its window. C-S API, "Extensions
to /sync".
"""

from collections.abc import Collection, Mapping
from typing import Any

from impl.services import device_lists
from impl.services.device_lists import Window
from impl.services.sync.request import Sync
from impl.services.sync.room_deltas import RoomDelta
from impl.storage import sync_rooms


def has_moved(sync: Sync, joined: Collection[int]) -> bool:
    """Whether the keys of somebody whom this concerns may have changed after `since`."""
    return device_lists.news(sync.app).has_moved(sync.user_id, joined, sync.since)


def write(
    sync: Sync,
    joined: Collection[int],
    deltas: Mapping[int, RoomDelta],
    *,
    has_other_rooms: bool,
) -> dict[str, Any]:
    """`joined` are the rooms at the end of the window; `has_other_rooms`: at its beginning they may
    have been others.
    """
    if sync.since == 0:
        return {"changed": [], "left": []}
    after = before = frozenset(joined)
    if has_other_rooms:
        with sync.app.database.read() as txn:
            before = frozenset(sync_rooms.list_joined_at(txn, sync.user_id, sync.since))
    roots = {
        nid: (delta.root_since, delta.root_end)
        for nid, delta in deltas.items()
        if delta.after == sync.since and delta.up_to == sync.up_to
    }
    window = Window(sync.user_id, sync.since, sync.up_to, before, after)
    found = device_lists.find(sync.app, window, roots)
    return {"changed": found.changed, "left": found.left}
