"""Events and history for other servers: one event, what came before some, what is between two
places, what is nearest to a time. S-S API, "Backfilling and retrieving missing events", "Retrieving
events".

The graph is walked by the events' own references. Most of what a walk comes to lies right before
its beginning in the room's history: that much is read beforehand, in one piece."""

import heapq
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from impl import errors
from impl.app import App
from impl.services.federation_serving import asker, pdus
from impl.services.federation_serving.asker import Asker
from impl.services.federation_serving.sight import ServerSight
from impl.services.visibility import DUMMY_EVENT
from impl.storage import event_times, events, history, out_of_band
from impl.storage.event_times import Moment
from impl.storage.events import StoredEvent

BACKFILL_MAX = 100
MISSING_DEFAULT = 10
MISSING_MAX = 50
# Where a walk may begin.
BEGINNINGS_MAX = 100
# Of an event's id so many rooms are looked at.
ROOMS_OF_ID_MAX = 10
# How many events a search by time looks at, step by step.
TIME_STEPS = (10, 100, 1000)


def event(app: App, origin: str, event_id: str) -> dict[str, Any]:
    """One event. Raises NotFound where it is not here, and Forbidden for a server that is not in
    its room and may not see it.
    """
    with app.database.read() as txn:
        loaded = app.events.get_many(txn, events.list_of_id(txn, event_id, ROOMS_OF_ID_MAX))
        accepted = {one.room_nid: one for one in loaded.values() if one.rejected_reason is None}
        rooms = app.rooms.get_by_nids(txn, list(accepted))
        refusal: errors.MatrixError = errors.NotFound("there is no such event")
        for room_nid, room in rooms.items():
            stored = accepted[room_nid]
            try:
                sight = ServerSight(asker.open_room(app, txn, origin, room.room_id))
            except errors.MatrixError as error:
                refusal = error
                continue
            if sight.asker.is_in_room or sight.may_see(stored):
                return pdus.transaction(app, pdus.write(sight.shown([stored])))
            refusal = errors.Forbidden("your server is not in the room")
        raise refusal


def backfill(
    app: App, origin: str, room_id: str, event_ids: Sequence[str], limit: int
) -> dict[str, Any]:
    """Some events and those before them, the deepest first."""
    _check_beginnings(event_ids, "v")
    if limit < 1:
        raise errors.InvalidParam("limit must be greater than 0")
    number = min(limit, BACKFILL_MAX)
    with app.database.read() as txn:
        asking = asker.open_room(app, txn, origin, room_id)
        walk = _Walk(asking)
        begin = walk.load(event_ids)
        walk.read_before(begin, number)
        found = walk.by_depth(begin, number)
        return pdus.transaction(app, pdus.write(_shown(asking, found)))


@dataclass(frozen=True, slots=True)
class Gap:
    """What a server is missing: what is before some events, back to others that it has."""

    latest: Sequence[str]
    earliest: Sequence[str]
    limit: int | None = None
    min_depth: int | None = None


def missing(app: App, origin: str, room_id: str, gap: Gap) -> dict[str, Any]:
    """The events in a gap, the first of them first; those nearest to its end, if there are many."""
    _check_beginnings(gap.latest, "latest_events")
    if gap.limit is not None and gap.limit < 0:
        raise errors.InvalidParam("limit must not be negative")
    number = min(MISSING_DEFAULT if gap.limit is None else gap.limit, MISSING_MAX)
    with app.database.read() as txn:
        asking = asker.open_room(app, txn, origin, room_id)
        walk = _Walk(asking)
        begin = walk.load(gap.latest)
        walk.read_before(begin, number + len(begin))
        found = walk.by_distance(begin, set(gap.earliest), gap.min_depth or 0, number)
        found.sort(key=lambda one: (one.event.depth, one.event_nid))
        return {"events": pdus.write(_shown(asking, found))}


def nearest(app: App, origin: str, room_id: str, ts: int, *, is_forward: bool) -> dict[str, Any]:
    """Of the events that the server may see the first at that time or after it, or the last at it
    or before.
    """
    with app.database.read() as txn:
        asking = asker.open_own_room(app, txn, origin, room_id)
        sight = ServerSight(asking)
        place: Moment = (ts, 0 if is_forward else event_times.NID_MAX)
        list_some = event_times.list_from if is_forward else event_times.list_until
        for step in TIME_STEPS:
            moments = list_some(txn, asking.room.room_nid, place, step)
            found = _first_visible(sight, [nid for _, nid in moments])
            if found is not None:
                ts = found.event.origin_server_ts
                return {"event_id": found.event_id, "origin_server_ts": ts}
            if len(moments) < step:
                break
            last_ts, last_nid = moments[-1]
            place = (last_ts, last_nid + 1 if is_forward else last_nid - 1)
    direction = "forward" if is_forward else "backward"
    raise errors.NotFound(f"there is no event {direction} from {ts}")


def _first_visible(sight: ServerSight, event_nids: Sequence[int]) -> StoredEvent | None:
    asking = sight.asker
    keys = [(asking.room.room_nid, nid) for nid in event_nids]
    loaded = asking.app.events.get_many(asking.txn, keys)
    for nid in event_nids:
        one = loaded.get(nid)
        if one is None or one.rejected_reason is not None or one.is_soft_failed:
            continue
        if one.event.type != DUMMY_EVENT and sight.may_see(one):
            return one
    return None


def _check_beginnings(event_ids: Sequence[str], name: str) -> None:
    if len(event_ids) > BEGINNINGS_MAX:
        raise errors.InvalidParam(f"{name} has more than {BEGINNINGS_MAX} entries")


def _shown(asking: Asker, found: Sequence[StoredEvent]) -> list[StoredEvent]:
    """Who is not in the room is shown what they may see of it, and refused if that is nothing."""
    sight = ServerSight(asking)
    if asking.is_in_room:
        return sight.shown(found)
    seen = [one for one in found if one.rejected_reason is None and sight.may_see(one)]
    if not seen:
        raise errors.Forbidden("your server is not in the room")
    return seen


@dataclass(slots=True)
class _Walk:
    """Events of a room that a walk came to, and those that were read because it may."""

    asking: Asker
    _read: dict[str, StoredEvent] = field(default_factory=dict)

    def load(self, event_ids: Iterable[str]) -> list[StoredEvent]:
        """Those of some events that have a place in the graph."""
        app, txn, room_nid = self.asking.app, self.asking.txn, self.asking.room.room_nid
        wanted = list(dict.fromkeys(event_ids))
        unread = [one for one in wanted if one not in self._read]
        if unread:
            nids = events.get_nids(txn, room_nid, unread)
            self._keep(app.events.get_many(txn, [(room_nid, nid) for nid in nids.values()]))
        return [self._read[one] for one in wanted if one in self._read]

    def read_before(self, begin: Sequence[StoredEvent], number: int) -> None:
        """What history has right before the beginning."""
        if not begin:
            return
        app, txn, room_nid = self.asking.app, self.asking.txn, self.asking.room.room_nid
        start = (max(one.event.depth for one in begin), history.LAST[1])
        rows = history.list_back(txn, room_nid, start, history.FIRST, number)
        self._keep(app.events.get_many(txn, [(room_nid, row.event_nid) for row in rows]))

    def by_depth(self, begin: Collection[StoredEvent], number: int) -> list[StoredEvent]:
        """The beginning and what is before it, the deepest first."""
        waiting = [(-one.event.depth, one.event_nid, one) for one in begin]
        heapq.heapify(waiting)
        seen = {one.event_id for one in begin}
        found: list[StoredEvent] = []
        while waiting and len(found) < number:
            one = heapq.heappop(waiting)[2]
            found.append(one)
            before = [prev for prev in one.event.prev_event_ids if prev not in seen]
            seen.update(before)
            for prev in self.load(before):
                heapq.heappush(waiting, (-prev.event.depth, prev.event_nid, prev))
        return found

    def by_distance(
        self,
        begin: Collection[StoredEvent],
        known: Collection[str],
        min_depth: int,
        number: int,
    ) -> list[StoredEvent]:
        """What is before the beginning, step by step, but for what is known already."""
        seen = {one.event_id for one in begin} | set(known)
        level = [one for one in begin if one.event_id not in known]
        found: list[StoredEvent] = []
        while level and len(found) < number:
            before = dict.fromkeys(prev for one in level for prev in one.event.prev_event_ids)
            level = [
                one
                for one in self.load(prev for prev in before if prev not in seen)
                if one.event.depth >= min_depth
            ]
            seen.update(before)
            found += level[: number - len(found)]
        return found

    def _keep(self, loaded: Mapping[int, StoredEvent]) -> None:
        for one in loaded.values():
            if one.state_before is not None and one.rejected_reason != out_of_band.REASON:
                self._read[one.event_id] = one
