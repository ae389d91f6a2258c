"""For how long messages are to be seen: the policies of rooms. MSC1763, and the documentation of
Synapse's `retention`, which is where it is configured.

A room's policy is its m.room.retention; without one, or where that says nothing, the configured
one; without either, messages are kept for ever. What the configuration allows bounds both. (Synapse
bounds only what it deletes. Here a message is shown as long as it is kept, and no longer.) State is
not a matter of it. What is over is hidden at once (visibility.py), and deleted later
(expired_messages.py). Other servers have policies of their own: they are served what there is.

Every answer to a client asks for the policy of its rooms. So a worker keeps those that it has read,
and hears in the news when one is another. Where `retention` is not enabled nobody looks at all."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from impl.app import App
from impl.core import retention
from impl.storage import retention as stored_retention
from impl.storage.streams import NewsRow

ROOMS_KEPT_MAX = 200_000


class _Kept:
    """The lifetimes of this worker's rooms, in milliseconds; None: for ever."""

    def __init__(self, app: App) -> None:
        self.lifetimes: dict[int, int | None] = {}
        # Counts what was dropped: what was read before a change must not be kept after it.
        self.drops = 0
        # The events that policies stand in: such a one may be redacted.
        self._rooms: dict[int, int] = {}
        app.news.listeners.append(self._hear)

    def keep(self, found: Mapping[int, int | None], event_nids: Mapping[int, int]) -> None:
        if len(self.lifetimes) + len(found) > ROOMS_KEPT_MAX:
            self.lifetimes.clear()
            self._rooms.clear()
        self.lifetimes.update(found)
        self._rooms.update((event_nid, room_nid) for room_nid, event_nid in event_nids.items())

    def _hear(self, rows: Sequence[NewsRow] | None) -> None:
        if rows is None:
            self.drops += 1
            self.lifetimes.clear()
            self._rooms.clear()
            return
        for row in rows:
            if row.changes_nid is None:
                continue
            # Another policy is such news as well (room_rows.py).
            self.drops += 1
            self.lifetimes.pop(self._rooms.pop(row.changes_nid, 0), None)
            if row.room_nid is not None:
                self.lifetimes.pop(row.room_nid, None)


def lifetime_of(app: App, own: int | None) -> int | None:
    """For how long a room's messages are kept, in milliseconds, if that is what its policy says."""
    configured = app.config.retention
    wanted = configured.max_lifetime if own is None else own
    return None if wanted is None else configured.within_limits(wanted)


def preload(app: App, txn: Any, room_nids: Collection[int]) -> None:
    """Have the policies of rooms at hand, by one look for all of them."""
    if app.config.retention.enabled:
        kept = app.part(_Kept, _Kept)
        missing = [room_nid for room_nid in room_nids if room_nid not in kept.lifetimes]
        if missing:
            _read(app, txn, kept, missing)


def oldest_ts(app: App, txn: Any, room_nid: int) -> int | None:
    """What was sent to a room before this time has expired; None: nothing ever does."""
    if not app.config.retention.enabled:
        return None
    kept = app.part(_Kept, _Kept)
    if room_nid in kept.lifetimes:
        lifetime = kept.lifetimes[room_nid]
    else:
        lifetime = _read(app, txn, kept, [room_nid])[room_nid]
    return None if lifetime is None else app.now_ms() - lifetime


def _read(app: App, txn: Any, kept: _Kept, room_nids: Collection[int]) -> Mapping[int, int | None]:
    drops = kept.drops
    event_nids = stored_retention.list_policies(txn, room_nids)
    loaded = app.events.get_many(txn, list(event_nids.items()))
    found: dict[int, int | None] = {}
    for room_nid in room_nids:
        stored = loaded.get(event_nids.get(room_nid, 0))
        own = retention.read(stored.event.content) if stored is not None else None
        found[room_nid] = lifetime_of(app, own)
    if drops == kept.drops:
        kept.keep(found, event_nids)
    return found
