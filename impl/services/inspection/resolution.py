"""`soma room resolve`: a state resolution replayed step by step. Rooms, "State resolution".

The resolution itself is that of impl/state_resolution, on what the server would give it; it tells
of each check. What is worked out here beside it is only shown: the levels, the mainline, and a
reason for each key in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from impl import errors
from impl.core import state_trie
from impl.core.auth.selection import POWER_LEVELS
from impl.core.event import Event, StateKey
from impl.core.power_levels import CREATOR_LEVEL
from impl.services.inspection.checks import Consulted, consulted
from impl.services.inspection.inspected_room import Brief, InspectedRoom
from impl.services.inspection.outcomes import Outcome, outcomes
from impl.services.room_events.merging import Dispute
from impl.state_resolution import StateMap, v1
from impl.state_resolution.mainline_ordering import cited_power_levels, mainline
from impl.state_resolution.power_ordering import select_power_events, sender_level
from impl.storage.events import StoredEvent


@dataclass(frozen=True, slots=True)
class Branch:
    """An event, and which of the distinct states (counted from 1) is that after it."""

    event: Brief
    state: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """An event, and the states that have it."""

    event: Brief
    states: list[int]


@dataclass(frozen=True, slots=True)
class Conflict:
    type: str
    state_key: str
    candidates: list[Candidate]
    # The states that have nothing at the key.
    absent_in: list[int]


@dataclass(frozen=True, slots=True)
class Check:
    """An event when its turn came. `rule` says why it was refused; None: it was allowed. A creator
    has no level since version 12, being above all.
    """

    event: Brief
    rule: str | None
    sender_level: int | None
    # Where it leads to on the mainline, 0 being the newest; None: nowhere, or nobody asked.
    mainline_position: int | None
    consulted: list[Consulted]


@dataclass(frozen=True, slots=True)
class Pass:
    name: str
    # Events that began, unchecked: in version 1 the oldest of each key.
    unchecked: list[Brief]
    checks: list[Check]


@dataclass(frozen=True, slots=True)
class Resolution:
    room_id: str
    version: str
    algorithm: str
    branches: list[Branch]
    # Prev events that are not here, whose states are therefore not among them.
    missing: list[str]
    # None of the following, where all have the same state.
    conflicts: list[Conflict] = field(default_factory=list)
    auth_difference: list[Brief] = field(default_factory=list)
    conflicted_subgraph: list[Brief] = field(default_factory=list)
    passes: list[Pass] = field(default_factory=list)
    mainline: list[Brief] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    # What the result was compared with, and the keys where that has another event.
    compared_with: str | None = None
    deviations: list[str] = field(default_factory=list)


def of_extremities(room: InspectedRoom) -> Resolution:
    """What makes the current state."""
    head = room.open.head
    stored = room.stored(head.forward_extremities)
    branches = [stored[nid] for nid in head.forward_extremities]
    compared = ("the current state", head.current_state_root)
    return replay(room, branches, compared=compared)


def of_merge(room: InspectedRoom, name: str) -> Resolution:
    """What made the state before an event."""
    merge = room.event(name)
    if merge.state_before is None:
        raise errors.InvalidParam(f"{merge.event_id} is an outlier: nobody knows its state")
    prev_event_ids = merge.event.prev_event_ids
    found = room.by_id(prev_event_ids)
    branches = [one for one in found.values() if one.state_after is not None]
    missing = [one for one in prev_event_ids if one not in found]
    compared = (f"the state before {merge.event_id}", merge.state_before)
    return replay(room, branches, missing=missing, compared=compared)


def of_events(room: InspectedRoom, names: Sequence[str]) -> Resolution:
    """What the states after some events would come to."""
    branches = [room.event(name) for name in names]
    for one in branches:
        room.state_root_after(one)
    return replay(room, branches)


def replay(
    room: InspectedRoom,
    branches: Sequence[StoredEvent],
    missing: Sequence[str] = (),
    compared: tuple[str, int] | None = None,
) -> Resolution:
    """Resolve the states after some events."""
    roots = list(dict.fromkeys(room.state_root_after(one) for one in branches))
    resolution = Resolution(
        room_id=room.room.room_id,
        version=room.room.room_version,
        algorithm=room.open.room_version.state_resolution,
        branches=[
            Branch(room.brief(one), 1 + roots.index(room.state_root_after(one))) for one in branches
        ],
        missing=list(missing),
    )
    if not roots:
        return resolution
    if len(roots) == 1:
        return _compared(room, resolution, roots[0], compared)
    replayed = _Replay(room, roots)
    return replace(
        resolution,
        conflicts=replayed.conflicts(),
        auth_difference=replayed.briefs(replayed.dispute.auth_difference),
        conflicted_subgraph=replayed.briefs(replayed.dispute.conflicted_subgraph),
        passes=replayed.passes(),
        mainline=replayed.mainline(),
        outcomes=replayed.outcomes(),
        compared_with=compared[0] if compared else None,
        deviations=replayed.deviations(compared[1]) if compared else [],
    )


def _compared(
    room: InspectedRoom, resolution: Resolution, root: int, compared: tuple[str, int] | None
) -> Resolution:
    """With what the one state is compared with."""
    if compared is None:
        return resolution
    differing = state_trie.diff(room.open.nodes, root, compared[1])
    keys = room.app.state_keys.get_keys(room.txn, differing)
    names = [f"{event_type} {state_key}".strip() for event_type, state_key in keys.values()]
    return replace(resolution, compared_with=compared[0], deviations=sorted(names))


@dataclass(frozen=True, slots=True)
class _Told:
    """One call of the trace."""

    event: Event
    rule: str | None
    state: Mapping[StateKey, Event]


class _Replay:
    """A resolution that took place, and what it told."""

    def __init__(self, room: InspectedRoom, roots: Sequence[int]) -> None:
        self.room = room
        self.dispute = Dispute.between(room.open, roots)
        self.told: list[_Told] = []
        self.settled: StateMap = self.dispute.settle(self._trace)
        self._is_v1 = room.open.room_version.state_resolution == "v1"
        ids = self.dispute.events.ids
        # Of each state the event ids at the keys where they differ.
        self.states: list[StateMap] = [
            {self.dispute.keys[key]: ids[nid] for key, nid in one.items()}
            for one in self.dispute.conflicted
        ]
        self._power_events: set[str] = set()
        self._line: dict[str, int] = {}
        if not self._is_v1:
            disputed = {one for state in self.states for one in state.values()}
            disputed |= self.dispute.also_disputed
            self._power_events = select_power_events(disputed, self.dispute.events)
            self._line = mainline(self._levels_id(), self.dispute.events)

    def briefs(self, event_ids: set[str]) -> list[Brief]:
        """The oldest first."""
        briefs = self.room.briefs(event_ids)
        return sorted(briefs, key=lambda one: (one.depth, one.origin_server_ts, one.event_id))

    def mainline(self) -> list[Brief]:
        return self.room.briefs(self._line)

    def conflicts(self) -> list[Conflict]:
        found = []
        for key in sorted(self.dispute.keys.values()):
            by_event: dict[str, list[int]] = {}
            absent = []
            for number, state in enumerate(self.states, 1):
                if key in state:
                    by_event.setdefault(state[key], []).append(number)
                else:
                    absent.append(number)
            briefs = self.briefs(set(by_event))
            candidates = [Candidate(one, by_event[one.event_id]) for one in briefs]
            found.append(Conflict(*key, candidates, absent))
        return found

    def passes(self) -> list[Pass]:
        if self._is_v1:
            return self._passes_of_v1()
        power = [one for one in self.told if one.event.event_id in self._power_events]
        others = [one for one in self.told if one.event.event_id not in self._power_events]
        return [
            Pass(
                "power events, in reverse topological power order",
                [],
                [self._check(one, along_mainline=False) for one in power],
            ),
            Pass(
                "all others, in mainline order",
                [],
                [self._check(one, along_mainline=True) for one in others],
            ),
        ]

    def outcomes(self) -> list[Outcome]:
        told = [(one.event, one.rule) for one in self.told]
        return outcomes(self.room, self.states, self.settled, told)

    def deviations(self, root: int) -> list[str]:
        """The keys where a state is not what came out."""
        keys = {*self.dispute.keys.values(), *self.settled}
        nids = self.room.open.state_nids(keys, root)
        stored = self.room.stored(nids.values())
        stands = {key: stored[nid].event_id for key, nid in nids.items()}
        return [
            f"{event_type} {state_key}".strip()
            for event_type, state_key in sorted(keys)
            if stands.get((event_type, state_key)) != self.settled.get((event_type, state_key))
        ]

    def _trace(self, event: Event, rule: str | None, state: Mapping[StateKey, Event]) -> None:
        self.told.append(_Told(event, rule, dict(state)))

    def _levels_id(self) -> str | None:
        """The power levels that hold after the power events."""
        levels_id = None
        if POWER_LEVELS not in self.dispute.keys.values():
            if self.room.open.room_version.state_resolution == "v2":
                found = self.room.open.state_nids([POWER_LEVELS], self.dispute.roots[0])
                for one in self.room.stored(found.values()).values():
                    levels_id = one.event_id
        for told in self.told:
            is_levels = told.event.key == POWER_LEVELS and told.rule is None
            if is_levels and told.event.event_id in self._power_events:
                levels_id = told.event.event_id
        return levels_id

    def _check(self, told: _Told, *, along_mainline: bool) -> Check:
        event = told.event
        level = sender_level(event, self.dispute.events)
        return Check(
            event=self.room.briefs([event.event_id])[0],
            rule=told.rule,
            sender_level=None if level == CREATOR_LEVEL else level,
            mainline_position=self._position(event) if along_mainline else None,
            consulted=consulted(event, told.state),
        )

    def _position(self, event: Event) -> int | None:
        seen: set[str] = set()
        current = cited_power_levels(event, self.dispute.events)
        while current is not None and current not in self._line and current not in seen:
            seen.add(current)
            current = cited_power_levels(self.dispute.events[current], self.dispute.events)
        return self._line.get(current) if current is not None else None

    def _passes_of_v1(self) -> list[Pass]:
        """One after another: levels, join rules, members, and all else."""
        passes = []
        candidates: dict[StateKey, set[str]] = {}
        for state in self.states:
            for key, event_id in state.items():
                candidates.setdefault(key, set()).add(event_id)
        disputed = {key: ids for key, ids in candidates.items() if len(ids) > 1}
        for event_type in (*v1.AUTH_TYPES, None):
            keys = [
                key
                for key in disputed
                if key[0] == event_type or (event_type is None and key[0] not in v1.AUTH_TYPES)
            ]
            told = [one for one in self.told if one.event.key in keys]
            checked = {one.event.event_id for one in told}
            unchecked = {one for key in keys for one in disputed[key]} - checked
            if event_type is None:
                name = "all others: of each key the newest that is allowed"
            else:
                name = f"{event_type}: of each key from the oldest on, as long as it is allowed"
            checks = [self._check(one, along_mainline=False) for one in told]
            passes.append(Pass(name, self.briefs(unchecked), checks))
        return passes
