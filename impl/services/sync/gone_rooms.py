"""Rooms that were purged, as a sync tells of them: the user has left, and that is all."""

from collections.abc import Collection
from typing import Any

from impl.core.stream_token import SyncToken
from impl.services.sync.request import Sync
from impl.storage import room_purge


def write(sync: Sync, txn: Any, told: Collection[str]) -> dict[str, Any]:
    """room_id -> nothing, for the rooms that went since the last sync. A room that is `told` of has
    come again.
    """
    if not sync.since or sync.app.news.user_position(sync.user_id) <= sync.since:
        return {}
    gone = room_purge.list_left(txn, sync.user_id, sync.since, sync.up_to)
    wanted = sync.filter.rooms
    state = "state_after" if sync.use_state_after else "state"
    return {
        room_id: {
            "timeline": {
                "events": [],
                "limited": False,
                "prev_batch": str(SyncToken(sync.since)),
            },
            state: {"events": []},
            "account_data": {"events": []},
        }
        for room_id in gone
        if room_id not in told and wanted.passes_room(room_id)
    }
