"""`soma room graph`: the part of a room's graph around an event.

Before it are its ancestors, those with the greatest depth first; after it those that stand on it;
and beside it the branches that these join. An edge to an event that is not in the part is kept as a
number of what is not shown, so that nothing looks like an end that is none."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass

from impl.services.inspection.inspected_room import Brief, InspectedRoom
from impl.storage import event_graph
from impl.storage.events import StoredEvent


@dataclass(frozen=True, slots=True)
class Vertex:
    """An event and its edges. `prev_events` are all of them; `not_shown` are those that the part
    does not have, and `followed_by` says how many events stand on it that it does not have.
    """

    event: Brief
    prev_events: list[str]
    not_shown: list[str]
    followed_by: int
    is_backward_extremity: bool


@dataclass(frozen=True, slots=True)
class Graph:
    """The newest first: an event stands before all that it refers to."""

    room_id: str
    event_id: str
    vertices: list[Vertex]


def graph(room: InspectedRoom, name: str, before: int, after: int) -> Graph:
    """The part around an event, with so many events before and after it."""
    middle = room.event(name)
    part = _Part(room)
    part.add([middle])
    part.walk_back([middle], before)
    following = part.walk_forth(middle, after)
    part.walk_back(following, after, part.lowest())
    return Graph(room.room.room_id, middle.event_id, part.vertices())


class _Part:
    """What was collected, by event id."""

    def __init__(self, room: InspectedRoom) -> None:
        self._room = room
        self._events: dict[str, StoredEvent] = {}
        self._missing: set[str] = set()

    def add(self, stored: Iterable[StoredEvent]) -> None:
        self._events |= {one.event_id: one for one in stored}

    def lowest(self) -> int:
        """The smallest depth of what was collected."""
        return min(one.event.depth for one in self._events.values())

    def walk_back(self, start: Iterable[StoredEvent], limit: int, lowest: int = -1) -> None:
        """Add ancestors, the deepest first, down to a depth."""
        heap: list[tuple[int, str]] = []
        known: dict[str, StoredEvent] = {}
        seen: set[str] = set()

        def look(stored: Iterable[StoredEvent]) -> None:
            wanted = {prev for one in stored for prev in one.event.prev_event_ids} - seen
            seen.update(wanted)
            found = self._room.by_id(wanted)
            known.update(found)
            self._missing |= wanted - found.keys()
            for event_id, one in found.items():
                heapq.heappush(heap, (-one.event.depth, event_id))

        look(start)
        while heap and limit > 0:
            _, event_id = heapq.heappop(heap)
            one = known[event_id]
            if event_id not in self._events:
                if one.event.depth < lowest:
                    continue
                limit -= 1
                self.add([one])
                look([one])

    def walk_forth(self, start: StoredEvent, limit: int) -> list[StoredEvent]:
        """Add what stands on an event, the shallowest first, and return it."""
        heap: list[tuple[int, str]] = []
        known: dict[str, StoredEvent] = {}
        added: list[StoredEvent] = []

        def look(event_id: str) -> None:
            rows = event_graph.list_following(self._room.txn, self._room.room_nid, [event_id])
            for one in self._room.stored(nid for _, nid in rows).values():
                if one.event_id not in known:
                    known[one.event_id] = one
                    heapq.heappush(heap, (one.event.depth, one.event_id))

        look(start.event_id)
        while heap and limit > 0:
            _, event_id = heapq.heappop(heap)
            if event_id in self._events:
                continue
            limit -= 1
            self.add([known[event_id]])
            added.append(known[event_id])
            look(event_id)
        return added

    def vertices(self) -> list[Vertex]:
        room = self._room
        referred = {prev for one in self._events.values() for prev in one.event.prev_event_ids}
        missing = sorted(self._missing & referred)
        backward = set(event_graph.list_backward_extremities(room.txn, room.room_nid))
        shown = {*self._events, *missing}
        followers: dict[str, int] = dict.fromkeys(shown, 0)
        rows = event_graph.list_following(room.txn, room.room_nid, shown)
        stored = room.stored({nid for _, nid in rows})
        for prev, nid in rows:
            if stored[nid].event_id not in shown:
                followers[prev] += 1
        found = []
        for event_id in self._ordered(shown):
            one = self._events.get(event_id)
            prevs = list(dict.fromkeys(one.event.prev_event_ids)) if one is not None else []
            found.append(
                Vertex(
                    room.brief(one) if one is not None else Brief(event_id, "missing"),
                    prevs,
                    [prev for prev in prevs if prev not in shown],
                    followers[event_id],
                    event_id in backward,
                )
            )
        return found

    def _ordered(self, shown: set[str]) -> list[str]:
        """Kahn's algorithm from the newest: depths come from others, and may be wrong."""
        waits_for = dict.fromkeys(shown, 0)
        for one in self._events.values():
            for prev in set(one.event.prev_event_ids) & shown:
                waits_for[prev] += 1
        heap = [self._newness(event_id) for event_id, number in waits_for.items() if not number]
        heapq.heapify(heap)
        ordered = []
        while heap:
            event_id = heapq.heappop(heap)[-1]
            ordered.append(event_id)
            one = self._events.get(event_id)
            for prev in set(one.event.prev_event_ids) & shown if one is not None else ():
                waits_for[prev] -= 1
                if not waits_for[prev]:
                    heapq.heappush(heap, self._newness(prev))
        # What refers to itself in a circle, possible while ids were not hashes.
        return ordered + sorted(shown.difference(ordered), key=self._newness)

    def _newness(self, event_id: str) -> tuple[int, int, str]:
        one = self._events.get(event_id)
        if one is None:
            return 1, 0, event_id
        return -one.event.depth, -one.event.origin_server_ts, event_id
