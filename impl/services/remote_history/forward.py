"""Reading on over a gap: what comes right after the last event before it.

History can only be asked for backwards (GET /backfill). So an event that lies a little later is
found by its time, and what leads back from it to what is here: a page, if it is not too far. How
far that is depends on the room; it is tried, and remembered for the next page."""

import logging
from collections import OrderedDict
from collections.abc import Sequence

from impl.app import App
from impl.core.event import Event
from impl.outbound.failures import FederationFailure
from impl.services.incoming.asking import Source
from impl.services.remote_history import backfill, by_time, servers, taking_in
from impl.services.remote_history.gaps import Gap, Pauses
from impl.storage import event_graph, history
from impl.storage.events import StoredEvent
from impl.storage.rooms import Room

SERVERS_MAX = 3
STEPS_MAX = 5
SPAN_MS = 3_600_000
SPAN_MS_MAX = 366 * 24 * 3_600_000
SPANS_KEPT_MAX = 10_000

_log = logging.getLogger(__name__)


def fill(app: App, room: Room, gaps: Sequence[Gap], wait_s: float) -> bool:
    """Fetch what follows the last event before the first of the gaps; whether something came."""

    def work() -> bool:
        return _fill(app, room, gaps)

    def give_up() -> None:
        app.part(Pauses, Pauses).begin(room.room_nid, [gap.event_id for gap in gaps])

    return app.part(backfill.Fillers, backfill.Fillers).run(room, work, give_up, wait_s)


class _Spans:
    """How far ahead of an event it was good to ask, by room."""

    def __init__(self, app: App) -> None:
        self._spans: OrderedDict[int, int] = OrderedDict()

    def get(self, room_nid: int) -> int:
        return self._spans.get(room_nid, SPAN_MS)

    def put(self, room_nid: int, span_ms: int) -> None:
        self._spans[room_nid] = span_ms
        self._spans.move_to_end(room_nid)
        if len(self._spans) > SPANS_KEPT_MAX:
            self._spans.popitem(last=False)


def _fill(app: App, room: Room, gaps: Sequence[Gap]) -> bool:
    gap = gaps[0]
    with app.database.read() as txn:
        place = (gap.depth - 1, history.LAST[1])
        rows = history.list_back(txn, room.room_nid, place, history.FIRST, 1)
        last = app.events.get(txn, room.room_nid, rows[0].event_nid) if rows else None
    if last is not None:
        for server in servers.list_to_ask(app, room, gaps)[:SERVERS_MAX]:
            try:
                if _fill_from(app, room, server, last):
                    return True
            except FederationFailure as failure:
                _log.info("%s does not tell what follows in %s: %s", server, room.room_id, failure)
    # All that is missing may be little.
    return backfill.ask_for(app, room, [gap.event_id], [gap])


def _fill_from(app: App, room: Room, server: str, last: StoredEvent) -> bool:
    """Whether a server has a page that follows on an event."""
    spans = app.part(_Spans, _Spans)
    span_ms = spans.get(room.room_nid)
    start_ts = last.event.origin_server_ts
    for _ in range(STEPS_MAX):
        event_id, event_ts = by_time.ask(app, room, server, start_ts + span_ms, is_forward=False)
        if _is_here(app, room, event_id):
            if span_ms >= SPAN_MS_MAX:
                return False
            span_ms = min(span_ms * 8, SPAN_MS_MAX)  # Nothing was said for so long.
            continue
        found = backfill.fetch(app, room, server, [event_id])
        if found and _leads_to_what_is_here(app, room, found):
            # A fuller page the next time, or at least as full a one.
            spans.put(room.room_nid, span_ms if len(found) > 50 else span_ms * 2)
            source = Source(app, room, [server])
            return taking_in.take_in(source, found) > 0
        # As much was said in a page: so long it takes from the start as well, more or less.
        first_ts = min((one.origin_server_ts for one in found), default=start_ts)
        span_ms = max(1, min(span_ms // 2, (event_ts - first_ts) * 3 // 4))
    return False


def _is_here(app: App, room: Room, event_id: str) -> bool:
    with app.database.read() as txn:
        return bool(event_graph.list_here(txn, room.room_nid, [event_id]).get(event_id))


def _leads_to_what_is_here(app: App, room: Room, found: Sequence[Event]) -> bool:
    """Whether the oldest of some events stand on what has a place."""
    own = {one.event_id for one in found}
    oldest = min(found, key=lambda one: (one.depth, one.event_id))
    prevs = [one for one in oldest.prev_event_ids if one not in own]
    with app.database.read() as txn:
        here = event_graph.list_here(txn, room.room_nid, prevs)
    return bool(prevs) and all(here.get(one) for one in prevs)
