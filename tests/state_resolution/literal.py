"""Another reading of the specification, slow and sentence by sentence, to compare with.

Nothing is shared but the authorisation rules and the readers of single events. Where it is not to
the letter, it says so; the reasons are in impl/state_resolution.
"""

import functools
import hashlib
import itertools
from collections.abc import Mapping, Sequence

from impl.core.auth import rules
from impl.core.event import Event
from impl.core.power_levels import PowerLevels
from impl.core.rejection import Rejected

States = Sequence[Mapping[tuple[str, str], str]]
INFINITY = float("inf")


class Literal:
    """The definitions of one version, over the events of one room."""

    def __init__(self, version: str, events: Mapping[str, Event], rejected: set[str]) -> None:
        self.version = version
        self.events = events
        self.rejected = rejected

    # Definitions.

    def chain(self, event_id: str) -> set[str]:
        chain: set[str] = set()
        while True:
            grown = {
                auth_id for one in chain | {event_id} for auth_id in self.events[one].auth_event_ids
            }
            if grown <= chain:
                return chain
            chain |= grown

    def unconflicted(self, states: States) -> dict[tuple[str, str], str]:
        pairs = {pair for state in states for pair in state.items()}
        return dict(pair for pair in pairs if all(pair in state.items() for state in states))

    def conflicted(self, states: States) -> set[str]:
        unconflicted = self.unconflicted(states)
        return {
            value for state in states for key, value in state.items() if key not in unconflicted
        }

    def full_chain(self, state: Mapping[tuple[str, str], str]) -> set[str]:
        # Not to the letter: the state's own events are part of it. Why: v2.py.
        return set(state.values()).union(*(self.chain(event_id) for event_id in state.values()))

    def auth_difference(self, states: States) -> set[str]:
        chains = [self.full_chain(state) for state in states]
        return set.union(*chains) - set.intersection(*chains)

    def subgraph(self, conflicted: set[str]) -> set[str]:
        between: set[str] = set()
        for one, other in itertools.permutations(conflicted, 2):
            if other in self.chain(one):
                between |= {one, other}
                between |= {x for x in self.chain(one) if other in self.chain(x)}
        return between

    def is_power_event(self, event_id: str) -> bool:
        event = self.events[event_id]
        if event.type in {"m.room.power_levels", "m.room.join_rules"}:
            # Not to the letter: only those that rules ask for. Why: power_ordering.py.
            return event.state_key == ""
        if event.type != "m.room.member" or event.sender == event.state_key:
            return False
        return event.content["membership"] in {"leave", "ban"}

    def cited(self, event_id: str, event_type: str) -> str | None:
        for auth_id in self.events[event_id].auth_event_ids:
            if self.events[auth_id].type == event_type:
                return auth_id
        return None

    def create(self, event_id: str) -> Event:
        if self.version == "12":
            return self.events["$" + self.events[event_id].room_id[1:]]
        cited = self.cited(event_id, "m.room.create")
        return self.events[cited if cited else event_id]

    def power(self, event_id: str) -> int:
        levels_id = self.cited(event_id, "m.room.power_levels")
        event = self.events[event_id]
        levels = PowerLevels.of(
            self.events[levels_id] if levels_id else None,
            self.create(event_id),
            event.room_version,
        )
        return levels.user(event.sender)

    def compare_power(self, x: str, y: str) -> int:
        if self.power(x) != self.power(y):
            return -1 if self.power(x) > self.power(y) else 1
        return self.compare_age(x, y)

    def compare_age(self, x: str, y: str) -> int:
        x_ts, y_ts = self.events[x].origin_server_ts, self.events[y].origin_server_ts
        if x_ts != y_ts:
            return -1 if x_ts < y_ts else 1
        return -1 if x < y else int(x > y)

    def reverse_topological_power_ordering(self, chosen: set[str]) -> list[str]:
        ordered: list[str] = []
        left = set(chosen)
        while left:
            candidates = [one for one in left if not left & set(self.events[one].auth_event_ids)]
            smallest = min(candidates, key=functools.cmp_to_key(self.compare_power))
            ordered.append(smallest)
            left.remove(smallest)
        return ordered

    def line(self, event_id: str) -> list[str]:
        """The power levels that an event leads to, itself left out."""
        cited = self.cited(event_id, "m.room.power_levels")
        return [cited, *self.line(cited)] if cited else []

    def mainline_position(self, event_id: str, mainline: list[str]) -> float:
        return next((mainline.index(e) for e in self.line(event_id) if e in mainline), INFINITY)

    def mainline_ordering(self, chosen: set[str], levels_id: str | None) -> list[str]:
        mainline = [levels_id, *self.line(levels_id)] if levels_id else []

        def compare(x: str, y: str) -> int:
            x_at, y_at = self.mainline_position(x, mainline), self.mainline_position(y, mainline)
            if x_at != y_at:
                return -1 if x_at > y_at else 1
            return self.compare_age(x, y)

        return sorted(chosen, key=functools.cmp_to_key(compare))

    def iterative_auth_checks(
        self, start: Mapping[tuple[str, str], str], ordered: list[str]
    ) -> dict[tuple[str, str], str]:
        state = dict(start)
        for event_id in ordered:
            event = self.events[event_id]
            available = {
                self.events[one].key: self.events[one]
                for one in event.auth_event_ids
                if one not in self.rejected
            }
            available |= {key: self.events[one] for key, one in state.items()}
            if self.version == "12":
                available["m.room.create", ""] = self.create(event_id)
            if event.type == "m.room.create":
                available = {}
            if self.is_allowed(event, available):
                state[event.key] = event_id
        return state

    def is_allowed(self, event: Event, available: Mapping[tuple[str, str], Event]) -> bool:
        try:
            rules.check_state_dependent(event, available)
        except Rejected:
            return False
        return True

    def with_their_chains(self, chosen: set[str], full: set[str]) -> set[str]:
        # Not to the letter: only what is reached within the set. Why: power_ordering.py.
        cited = {auth_id for one in chosen for auth_id in self.events[one].auth_event_ids}
        grown = chosen | (cited & full)
        return chosen if grown == chosen else self.with_their_chains(grown, full)

    # The algorithms.

    def resolve(self, states: States) -> dict[tuple[str, str], str]:
        if self.version == "1":
            return self.resolve_v1(states)
        unconflicted = self.unconflicted(states)
        full = self.conflicted(states) | self.auth_difference(states)
        if self.version == "12":
            full |= self.subgraph(self.conflicted(states))

        # Step 1.
        chosen = self.with_their_chains({one for one in full if self.is_power_event(one)}, full)
        by_power = self.reverse_topological_power_ordering(chosen)
        # Step 2.
        start = {} if self.version == "12" else unconflicted
        partial = self.iterative_auth_checks(start, by_power)
        # Step 3.
        levels_id = partial.get(("m.room.power_levels", ""))
        by_mainline = self.mainline_ordering(full - chosen, levels_id)
        # Step 4.
        resolved = self.iterative_auth_checks(partial, by_mainline)
        # Step 5.
        for key, event_id in unconflicted.items():
            resolved[key] = event_id
        return resolved

    def resolve_v1(self, states: States) -> dict[tuple[str, str], str]:
        keys = {key for state in states for key in state}
        options = {key: {state[key] for state in states if key in state} for key in keys}
        resolved = {key: min(ids) for key, ids in options.items() if len(ids) == 1}

        def allowed(event_id: str, state: Mapping[tuple[str, str], str]) -> bool:
            available = {key: self.events[one] for key, one in state.items()}
            return self.is_allowed(self.events[event_id], available)

        def ordered(key: tuple[str, str]) -> list[str]:
            by_hash = sorted(
                options[key],
                key=lambda one: int(hashlib.sha1(one.encode()).hexdigest(), 16),
                reverse=True,
            )
            return sorted(by_hash, key=lambda one: self.events[one].depth)

        for event_type in ("m.room.power_levels", "m.room.join_rules", "m.room.member"):
            results = dict(resolved)
            for key in keys - resolved.keys():
                if key[0] != event_type:
                    continue
                first, *later = ordered(key)
                local = {**resolved, key: first}
                for event_id in later:
                    if not allowed(event_id, local):
                        break
                    local[key] = event_id
                results[key] = local[key]
            resolved = results
        results = dict(resolved)
        for key in keys - resolved.keys():
            passing = [one for one in ordered(key) if allowed(one, resolved)]
            results[key] = passing[-1] if passing else ordered(key)[0]
        return results
