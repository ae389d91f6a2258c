"""State resolution of room version 1. Rooms, "Room Version 1", "State resolution".

Conflicts are settled in passes, what decides about power first. Each pass begins with the oldest
event of a key and goes on to newer ones as long as the state so far allows them. It is known to
reset state; later versions do not use it.
"""

import hashlib
from collections import ChainMap
from collections.abc import Iterable, Mapping, MutableMapping, Sequence

from impl.core.auth import rules, selection
from impl.core.event import Event, StateKey
from impl.core.rejection import Rejected
from impl.state_resolution.conflicts import StateMap, Trace

# The types that decide what is allowed, in the order of their passes.
AUTH_TYPES = ("m.room.power_levels", "m.room.join_rules", "m.room.member")


def settle(
    unconflicted: Mapping[StateKey, str],
    conflicted: Sequence[Mapping[StateKey, str]],
    events: Mapping[str, Event],
    trace: Trace,
) -> StateMap:
    """What becomes of the keys that are not the same in all states."""
    candidates: dict[StateKey, set[str]] = {}
    for states in conflicted:
        for key, event_id in states.items():
            candidates.setdefault(key, set()).add(event_id)

    # Start with what does not conflict. Unlike later versions: a key that some state lacks is no
    # conflict.
    settled = {key: next(iter(ids)) for key, ids in candidates.items() if len(ids) == 1}
    resolved: MutableMapping[StateKey, str] = ChainMap(settled, unconflicted)  # type: ignore[arg-type]
    disputed = {
        key: oldest_first(events[event_id] for event_id in ids)
        for key, ids in candidates.items()
        if len(ids) > 1
    }

    # Power levels, then join rules, then members. In a pass the keys do not see each other's
    # results.
    for event_type in AUTH_TYPES:
        resolved.update(
            {
                key: _settle_auth_event(ordered, resolved, events, trace)
                for key, ordered in disputed.items()
                if key[0] == event_type
            }
        )

    # All others: the newest that is allowed.
    resolved.update(
        {
            key: _settle_other_event(ordered, resolved, events, trace)
            for key, ordered in disputed.items()
            if key[0] not in AUTH_TYPES
        }
    )
    return settled


def oldest_first(conflicting: Iterable[Event]) -> list[Event]:
    """By depth, and from the greatest SHA-1 of the event id to the smallest."""
    newest_first = sorted(
        conflicting,
        key=lambda event: (-event.depth, hashlib.sha1(event.event_id.encode()).digest()),
    )
    return newest_first[::-1]


def _settle_auth_event(
    ordered: list[Event],
    resolved: Mapping[StateKey, str],
    events: Mapping[str, Event],
    trace: Trace,
) -> str:
    # The first is in; each further one if it is allowed on top; the first that is not ends it.
    last = ordered[0]
    for event in ordered[1:]:
        on_top = ChainMap({last.key: last.event_id}, resolved)  # type: ignore[arg-type]
        if not _is_allowed(event, on_top, events, trace):
            break
        last = event
    return last.event_id


def _settle_other_event(
    ordered: list[Event],
    resolved: Mapping[StateKey, str],
    events: Mapping[str, Event],
    trace: Trace,
) -> str:
    for event in reversed(ordered):
        if _is_allowed(event, resolved, events, trace):
            return event.event_id
    # The specification does not say what happens when none is allowed. Synapse keeps the oldest,
    # and to differ from it would split rooms.
    return ordered[0].event_id


def _is_allowed(
    event: Event,
    resolved: Mapping[StateKey, str],
    events: Mapping[str, Event],
    trace: Trace,
) -> bool:
    # Only what the rules may ask for is read: the state of a room can be large.
    wanted = selection.auth_types(
        event.room_version, event.type, event.sender, event.state_key, event.content
    )
    state = {key: events[resolved[key]] for key in wanted if key in resolved}
    try:
        rules.check_state_dependent(event, state)
    except Rejected as reason:
        trace(event, str(reason), state)
        return False
    trace(event, None, state)
    return True
