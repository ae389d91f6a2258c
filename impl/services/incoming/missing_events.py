"""The events between what we have of a room and an event that was sent to us. S-S API, "Backfilling
and retrieving missing events".

They are asked for going back from the new event, some at a time, until what they stand on is here.
Where that takes too long, what was found is the newest part of the gap; what its oldest events
stand on stays missing, and is asked for when somebody scrolls there."""

import heapq
import logging
from collections.abc import Iterable, Mapping, Sequence

from impl.core.event import Event
from impl.outbound.failures import FederationFailure, Unreachable
from impl.services.incoming.asking import Source
from impl.storage import event_graph, rooms, timeline

# Servers give no more than twenty, whatever is asked for.
AT_ONCE = 20
# What is looked at of an answer.
ANSWER_MAX = 50
ROUNDS_MAX = 10
GAP_MAX = 200
ENDS_MAX = 20

_log = logging.getLogger(__name__)


def fill(source: Source, event: Event) -> list[Event]:
    """Ancestors of the event that have no place here, each after what it stands on. Not all of
    them, and perhaps none: nothing is raised where nobody has any.

    Raises Unreachable where somebody may have them later."""
    found: dict[str, Event] = {}
    ends = _ends(source, [event], found)
    for _ in range(ROUNDS_MAX):
        if not ends or len(found) >= GAP_MAX:
            break
        known = len(found)
        for one in _ask(source, ends):
            found.setdefault(one.event_id, one)
        found = _ancestors(event, found)
        if len(found) == known:
            break
        ends = _ends(source, [event, *found.values()], found)
    return in_order(found.values())[-GAP_MAX:]


def in_order(events: Iterable[Event]) -> list[Event]:
    """Each after what it stands on, otherwise by depth. What stands on itself, as in versions 1 and
    2 it may, is left out.
    """
    waiting = {one.event_id: one for one in events}
    followers: dict[str, list[str]] = {}
    open_ends: dict[str, int] = {}
    for one in waiting.values():
        prevs = {prev for prev in one.prev_event_ids if prev in waiting}
        open_ends[one.event_id] = len(prevs)
        for prev in prevs:
            followers.setdefault(prev, []).append(one.event_id)
    ready = [_place(waiting[event_id]) for event_id, number in open_ends.items() if number == 0]
    heapq.heapify(ready)
    ordered: list[Event] = []
    while ready:
        event_id = heapq.heappop(ready)[-1]
        ordered.append(waiting[event_id])
        for follower in followers.get(event_id, ()):
            open_ends[follower] -= 1
            if open_ends[follower] == 0:
                heapq.heappush(ready, _place(waiting[follower]))
    return ordered


def _place(event: Event) -> tuple[int, int, str]:
    return event.depth, event.origin_server_ts, event.event_id


def _ask(source: Source, ends: Sequence[Event]) -> list[Event]:
    with source.app.database.read() as txn:
        room_nid = source.room.room_nid
        nids = rooms.list_forward_extremities(txn, room_nid)[:ENDS_MAX]
        known = source.app.events.get_many(txn, [(room_nid, nid) for nid in nids])
        # What is older than all that we have is history, and not missing.
        depth_min = timeline.get_depth_min(txn, room_nid)
    body = {
        "earliest_events": sorted(one.event_id for one in known.values()),
        "latest_events": [one.event_id for one in ends[:ENDS_MAX]],
        "limit": AT_ONCE,
        "min_depth": max(0, depth_min),
    }
    try:
        return source.missing_events(body, ANSWER_MAX)
    except Unreachable:
        raise
    except FederationFailure as failure:
        _log.info("what is missing in %s is not to be had: %s", source.room.room_id, failure)
        return []


def _ancestors(event: Event, found: Mapping[str, Event]) -> dict[str, Event]:
    """Those of what was found that the event stands on, over others of them."""
    kept: dict[str, Event] = {}
    waiting = [event]
    while waiting:
        for prev in waiting.pop().prev_event_ids:
            if prev in found and prev not in kept and prev != event.event_id:
                kept[prev] = found[prev]
                waiting.append(found[prev])
    return kept


def _ends(source: Source, events: Sequence[Event], found: Mapping[str, Event]) -> list[Event]:
    """Those that stand on something that has no place here and was not found, the deepest last."""
    prevs = {prev for one in events for prev in one.prev_event_ids} - found.keys()
    with source.app.database.read() as txn:
        here = event_graph.list_here(txn, source.room.room_nid, prevs)
    missing = {prev for prev in prevs if not here.get(prev)}
    ends = [one for one in events if not missing.isdisjoint(one.prev_event_ids)]
    return sorted(ends, key=_place)
