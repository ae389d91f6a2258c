"""The state where branches of a room's graph meet. Rooms, "State resolution".

What it costs is what differs: the states are tries, and where they share a node nothing is looked
at. The rules are those of `impl/state_resolution`; here is what they are given: the keys that
differ, the events in dispute by chains of event numbers, and of what all agree on the few keys that
the rules ask for."""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pyroaring import BitMap64

from impl import breath, state_resolution
from impl.app import App
from impl.core import state_trie
from impl.core.auth import selection
from impl.core.auth.selection import CREATE
from impl.core.event import Event, StateKey
from impl.services.room_events.open_room import OpenRoom
from impl.state_resolution import StateMap, Trace, conflicts
from impl.storage.events import StoredEvent

MERGES_KEPT_MAX = 10_000
# After so many looks at events the worker's other requests have their turn.
BREATH_LOOKS = 2_000


def merge(room: OpenRoom, roots: Iterable[int]) -> int:
    """The root of the resolution of some states."""
    distinct = list(dict.fromkeys(roots))
    if len(distinct) == 1:
        return distinct[0]
    key = frozenset(distinct)
    root = room.merged.get(key) or room.app.part(Merges, Merges).get(key)
    if root is None:
        dispute = Dispute.between(room, distinct)
        root = room.merged[key] = dispute.apply(dispute.settle())
    return root


def keep(room: OpenRoom) -> None:
    """After the commit: what was worked out is good for ever, since states never change."""
    room.app.part(Merges, Merges).keep(room.merged)


class Merges:
    """This worker's resolutions: the roots of some states -> the root of what they come to.

    While two branches grow side by side each message on one of them asks for the same again."""

    def __init__(self, app: App) -> None:
        self._roots: OrderedDict[frozenset[int], int] = OrderedDict()

    def get(self, key: frozenset[int]) -> int | None:
        return self._roots.get(key)

    def clear(self) -> None:
        self._roots.clear()

    def keep(self, merged: Mapping[frozenset[int], int]) -> None:
        self._roots.update(merged)
        while len(self._roots) > MERGES_KEPT_MAX:
            self._roots.popitem(last=False)


@dataclass(slots=True)
class Dispute:
    """Some states that differ, and what their resolution needs."""

    room: OpenRoom
    roots: Sequence[int]
    # Of each state what is not the same in all: state key number -> event number.
    conflicted: list[dict[int, int]]
    # The numbers of all keys that differ somewhere.
    key_nids: set[int]
    # The events of the auth difference, and since version 12 of the conflicted subgraph.
    auth_difference: set[str]
    conflicted_subgraph: set[str]
    events: "_Events"
    keys: dict[int, StateKey]

    @classmethod
    def between(cls, room: OpenRoom, roots: Sequence[int]) -> "Dispute":
        conflicted, key_nids = _differences(room, roots)
        nids = {nid for states in conflicted for nid in states.values()}
        keys = room.app.state_keys.get_keys(room.txn, key_nids)
        dispute = cls(room, roots, conflicted, key_nids, set(), set(), _Events(room), keys)
        if room.room_version.state_resolution == "v1":
            dispute.events.load(nids)
        else:
            dispute._find_disputed(nids)
        return dispute

    def settle(self, trace: Trace | None = None) -> StateMap:
        """What the rules make of it: for keys that differ, and for some that no state has."""
        room, ids = self.room, self.events.ids
        state_sets = [
            {self.keys[key_nid]: ids[nid] for key_nid, nid in states.items()}
            for states in self.conflicted
        ]
        disputed = {event_id for states in state_sets for event_id in states.values()}
        disputed |= self.also_disputed
        unconflicted = self._unconflicted(disputed)
        traced = {} if trace is None else {"trace": trace}
        settled = state_resolution.settle(
            room.room_version,
            unconflicted,
            state_sets,
            self.also_disputed,
            self.events,
            self.events.rejected,
            **traced,
        )
        return {key: event_id for key, event_id in settled.items() if key not in unconflicted}

    def apply(self, settled: StateMap) -> int:
        """The root of the state with what was settled."""
        room = self.room
        interned = room.app.state_keys.intern(room.txn, list(settled))
        changes: dict[int, int | None] = dict.fromkeys(self.key_nids)
        for key, event_id in settled.items():
            changes[interned[key]] = self.events.nids[event_id]
        # From each of the states it is the same; from the newest it is the fewest nodes.
        return state_trie.set_many(room.nodes, self.roots[-1], changes)

    def _find_disputed(self, nids: Collection[int]) -> None:
        room = self.room
        chains = room.chains.get_many(nids)
        of_states = [
            BitMap64().union(*(chains[nid] for nid in set(states.values())))
            for states in self.conflicted
        ]
        difference = BitMap64().union(*of_states) - of_states[0].intersection(*of_states[1:])
        if difference:
            # What the undisputed part of the states rests on is in all chains.
            difference -= room.chains.union_of_state(room.nodes, self.roots[0], self.key_nids)
        below = BitMap64().union(*chains.values(), room.chains.union(difference))
        # Since version 12 nobody cites the create event.
        create = room.state_nids([CREATE], self.roots[0]).values()
        self.events.load([*nids, *difference, *below, *create])
        ids = self.events.ids
        self.auth_difference = self._without_agreed({ids[nid] for nid in difference})
        if room.room_version.state_resolution == "v2.1":
            conflicted_ids = {ids[nid] for nid in nids}
            self.conflicted_subgraph = conflicts.conflicted_subgraph(conflicted_ids, self.events)

    def _without_agreed(self, event_ids: Collection[str]) -> set[str]:
        """What all states have is in the full auth chains of all: v2.py, "A state's own events"."""
        events = [self.events[event_id] for event_id in event_ids]
        keys = {event.key for event in events if event.is_state} - set(self.keys.values())
        agreed = self.room.state_nids(keys, self.roots[0])
        # Of what the state has instead nothing need be read.
        ids = {key: self.events.ids[nid] for key, nid in agreed.items() if nid in self.events.ids}
        return conflicts.without_agreed(event_ids, ids, self.events)

    @property
    def also_disputed(self) -> set[str]:
        """The events that no state need hold, and that are disputed all the same."""
        return self.auth_difference | self.conflicted_subgraph

    def _unconflicted(self, disputed: Iterable[str]) -> StateMap:
        """Of what all states agree on, the keys that may be asked for."""
        room = self.room
        wanted: set[StateKey] = {CREATE}
        for event_id in disputed:
            event = self.events[event_id]
            if event.is_state:
                wanted.add(event.key)
            wanted.update(
                selection.auth_types(
                    event.room_version, event.type, event.sender, event.state_key, event.content
                )
            )
        found = room.state_nids(wanted - set(self.keys.values()), self.roots[0])
        self.events.load(found.values())
        return {key: self.events.ids[nid] for key, nid in found.items()}


class _Events(Mapping[str, Event]):
    """A room's events by id, read in bulk beforehand, and one by one where that was not enough."""

    def __init__(self, room: OpenRoom) -> None:
        self._room = room
        self._events: dict[str, Event] = {}
        self.ids: dict[int, str] = {}
        self.nids: dict[str, int] = {}
        self.rejected: set[str] = set()
        self._looks = 0

    def load(self, event_nids: Iterable[int]) -> None:
        missing = [nid for nid in dict.fromkeys(event_nids) if nid not in self.ids]
        for nid, one in self._room.stored_by_nid(missing).items():
            self._keep(nid, one)

    def __getitem__(self, event_id: str) -> Event:
        # The rules know nothing of others who wait; but what they look at they get here.
        self._looks += 1
        if self._looks % BREATH_LOOKS == 0:
            breath.take()
        event = self._events.get(event_id)
        if event is None:
            nid = self._room.find_nid(event_id)
            if nid is None:
                raise KeyError(event_id)
            self.load([nid])
            event = self._events[event_id]
        return event

    def __iter__(self) -> Iterator[str]:
        return iter(self._events)

    def __len__(self) -> int:
        return len(self._events)

    def _keep(self, nid: int, one: StoredEvent) -> None:
        self.ids[nid] = one.event_id
        self.nids[one.event_id] = nid
        self._events[one.event_id] = one.event
        if one.rejected_reason is not None:
            self.rejected.add(one.event_id)


def _differences(room: OpenRoom, roots: Sequence[int]) -> tuple[list[dict[int, int]], set[int]]:
    first, *others = roots
    diffs = [state_trie.diff(room.nodes, first, other) for other in others]
    in_first = {key: before for diff in diffs for key, (before, _) in diff.items()}
    states: list[dict[int, int | None]] = [in_first]
    for diff in diffs:
        states.append(in_first | {key: after for key, (_, after) in diff.items()})
    conflicted = [{key: nid for key, nid in one.items() if nid is not None} for one in states]
    return conflicted, set(in_first)
