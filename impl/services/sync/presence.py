"""The presence section of a sync. C-S API, "Presence", "Syncing".

A client that begins is told of all who are not offline and share a room with its user; then of what
changes. Who comes to share a room, because one of the two joins it, is told of with the room."""

from collections.abc import Collection, Iterable
from typing import Any

from impl.app import App
from impl.core.event_filter import Filter
from impl.services import presence, presence_news
from impl.services.sync.request import Sync
from impl.services.sync.room_deltas import RoomDelta
from impl.storage import presence as stored

_TYPE = "m.presence"
_MEMBER = "m.room.member"


def is_wanted(app: App, wanted: Filter) -> bool:
    """Whether there can be anything to tell."""
    return app.config.presence.enabled and wanted.presence.passes(_TYPE, None, {})


def has_moved(sync: Sync, joined: Collection[int]) -> bool:
    """Whether there may be something after `since`."""
    if not is_wanted(sync.app, sync.filter):
        return False
    return presence_news.of(sync.app).has_moved(sync.user_id, joined, sync.since)


def write(
    sync: Sync, joined: Collection[int], new: Collection[int], deltas: Iterable[RoomDelta]
) -> list[dict[str, Any]]:
    """The events. `new` are rooms that the client does not know yet, all of them in an initial
    sync; `joined` those that the user was in at the end of the window.
    """
    if not is_wanted(sync.app, sync.filter):
        return []
    news = presence_news.of(sync.app)
    user_ids: dict[str, None] = {}
    if new:
        with_offline = sync.app.config.presence.include_offline_users_on_sync
        with sync.app.database.read() as txn:
            present = stored.list_present_in(
                txn, list(new), sync.up_to, with_offline=with_offline and sync.since == 0
            )
        user_ids = dict.fromkeys(present)
    if sync.since > 0:
        user_ids |= dict.fromkeys(_newcomers(deltas))
        moved = news.list_moved(sync.user_id, joined, sync.since, sync.up_to)
        user_ids |= dict.fromkeys(moved)
    rows = news.get_many(user_ids)
    wanted, ignored = sync.filter.presence, sync.ignored
    events = [presence.event(sync.app, rows[one]) for one in user_ids if one in rows]
    passed = [
        one
        for one in events
        if one["sender"] not in ignored and wanted.passes(_TYPE, one["sender"], one["content"])
    ]
    return passed[-wanted.limit :] if wanted.limit else passed


def _newcomers(deltas: Iterable[RoomDelta]) -> list[str]:
    """Who came into one of the rooms."""
    return [
        stored_event.event.state_key
        for delta in deltas
        for stored_event in delta.events.values()
        if stored_event.event.type == _MEMBER
        and stored_event.event.state_key
        and stored_event.event.membership == "join"
    ]
