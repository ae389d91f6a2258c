"""The event that is nearest to a time may be one that other servers have: it is fetched, with what
was before it, so that who jumps there can read on. S-S API, GET /timestamp_to_event.
"""

import logging
from collections import OrderedDict

from impl.app import App
from impl.outbound.failures import FederationFailure
from impl.services.incoming.asking import Source
from impl.services.remote_history import backfill, by_time, gaps, servers, taking_in
from impl.storage import event_times, history
from impl.storage.events import StoredEvent
from impl.storage.rooms import Room

SERVERS_MAX = 4
# So long the same is not asked again.
ASKED_MS = 60_000
ASKED_KEPT_MAX = 10_000

_log = logging.getLogger(__name__)


def fetch(app: App, room: Room, ts: int, *, is_forward: bool) -> bool:
    """Have the event at hand that is nearest to a time in a direction, where history has a gap
    there; whether something came.
    """
    older, newer = _neighbors(app, room, ts)
    depths = (
        older.event.depth + 1 if older is not None else 0,
        newer.event.depth if newer is not None else history.LAST[0],
    )
    with app.database.read() as txn:
        missing = gaps.between(app, txn, room, depths)
    key = (room.room_nid, ts, is_forward)
    asked = app.part(_Asked, _Asked)
    if not missing or not asked.is_new(key):
        return False
    nearest = newer if is_forward else older

    def work() -> bool:
        return _fetch(app, room, ts, nearest, is_forward)

    return app.part(backfill.Fillers, backfill.Fillers).run(room, work, lambda: asked.note(key))


class _Asked:
    """What was asked a moment ago, in vain."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._until: OrderedDict[tuple[int, int, bool], int] = OrderedDict()

    def is_new(self, key: tuple[int, int, bool]) -> bool:
        return self._until.get(key, 0) <= self._app.now_ms()

    def note(self, key: tuple[int, int, bool]) -> None:
        self._until[key] = self._app.now_ms() + ASKED_MS
        self._until.move_to_end(key)
        if len(self._until) > ASKED_KEPT_MAX:
            self._until.popitem(last=False)


def _neighbors(app: App, room: Room, ts: int) -> tuple[StoredEvent | None, StoredEvent | None]:
    """What is here next to a time, before it and after it."""
    with app.database.read() as txn:
        before = event_times.list_until(txn, room.room_nid, (ts, event_times.NID_MAX), 1)
        after = event_times.list_from(txn, room.room_nid, (ts, 0), 1)
        nids = [nid for _, nid in (*before, *after)]
        loaded = app.events.get_many(txn, [(room.room_nid, nid) for nid in nids])
    older, newer = (loaded.get(one[0][1]) if one else None for one in (before, after))
    return older, newer


def _fetch(app: App, room: Room, ts: int, nearest: StoredEvent | None, is_forward: bool) -> bool:
    to_ask = servers.list_to_ask(app, room)
    for server in to_ask[:SERVERS_MAX]:
        source = Source(app, room, [server, *(one for one in to_ask if one != server)])
        try:
            event_id, event_ts = by_time.ask(app, room, server, ts, is_forward=is_forward)
            if nearest is not None:
                if abs(event_ts - ts) >= abs(nearest.event.origin_server_ts - ts):
                    continue
            found = backfill.fetch(app, room, server, [event_id])
            if found and taking_in.take_in(source, found):
                return True
        except FederationFailure as failure:
            _log.info(
                "%s does not tell what was at %d in %s: %s", server, ts, room.room_id, failure
            )
    return False
