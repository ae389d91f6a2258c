"""Receipts and typing of a sync. C-S API, "Receipts", "Typing Notifications".

Of whom the user ignores neither is told: C-S API, "Ignoring Users".
"""

from collections.abc import Sequence
from typing import Any

from impl.services.sync.request import Sync
from impl.services.sync.room_deltas import RoomDelta
from impl.storage.sync_rooms import Typing

PRIVATE = "m.read.private"


def write(sync: Sync, room_id: str, delta: RoomDelta) -> list[dict[str, Any]]:
    """The ephemeral events of a room."""
    wanted = sync.filter.ephemeral
    if not wanted.passes_room(room_id):
        return []
    events: list[dict[str, Any]] = []
    if delta.receipts and wanted.passes("m.receipt", None, {}):
        events += _receipts(sync, delta)
    if delta.typing is not None and wanted.passes("m.typing", None, {}):
        events += _typing(sync, delta, delta.typing)
    return events


def _typing(sync: Sync, delta: RoomDelta, typing: Sequence[Typing]) -> list[dict[str, Any]]:
    now_ms = sync.app.now_ms()
    told = [one for one in typing if one.user_id not in sync.ignored]
    # Whose time is over has stopped, whether or not they said so.
    user_ids = [one.user_id for one in told if one.until_ts > now_ms]
    # A client that knows nothing needs not be told that nobody types.
    is_news = any(one.has_moved for one in told) if delta.after > 0 else bool(user_ids)
    return [{"type": "m.typing", "content": {"user_ids": user_ids}}] if is_news else []


def _receipts(sync: Sync, delta: RoomDelta) -> list[dict[str, Any]]:
    """One event for each thread: within one, a user has one receipt of a type."""
    by_thread: dict[str, dict[str, Any]] = {}
    for one in delta.receipts:
        if one.receipt_type == PRIVATE and one.user_id != sync.user_id:
            continue
        if one.user_id in sync.ignored:
            continue
        receipt: dict[str, Any] = {"ts": one.received_ts}
        if one.thread_id:
            receipt["thread_id"] = one.thread_id
        content = by_thread.setdefault(one.thread_id, {})
        of_type = content.setdefault(one.event_id, {}).setdefault(one.receipt_type, {})
        of_type[one.user_id] = receipt
    return [{"type": "m.receipt", "content": content} for content in by_thread.values()]
