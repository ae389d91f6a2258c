"""State resolution: which state a room has where its branches disagree.

Rooms, "State resolution" of each version.

Pure: states go in and a state comes out, the same on every server and for every order of its
inputs. `resolve` takes whole states. Of a large room nobody has those at hand, nor needs them: who
knows already what all states agree on, and which events are disputed, asks `settle`.
"""

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet

from impl.core.event import Event, StateKey
from impl.core.room_version import RoomVersion
from impl.state_resolution import conflicts, v1, v2
from impl.state_resolution.conflicts import StateMap, Trace

__all__ = ["StateMap", "Trace", "resolve", "settle"]


def _untraced(event: Event, refusal: str | None, state: Mapping[StateKey, Event]) -> None:
    """Nobody wants to know."""


def resolve(
    version: RoomVersion,
    state_sets: Sequence[Mapping[StateKey, str]],
    auth_chains: Sequence[AbstractSet[str]],
    events: Mapping[str, Event],
    rejected: Collection[str] = (),
) -> StateMap:
    """The resolution of some states.

    `auth_chains` has a set for each state: the auth chains of all its events, with or without these
    themselves; or what is left of them without what is in every set, since only the difference is
    asked for. `events` holds, or reads when it is asked, the events of both and the auth chains of
    these. `rejected` are ids of events that were rejected. In version 1 neither chains nor
    rejections play a part.
    """
    unconflicted, conflicted = conflicts.separate(state_sets)
    if not any(conflicted):
        return unconflicted
    also_disputed: set[str] = set()
    if version.state_resolution != "v1":
        also_disputed = conflicts.auth_difference(auth_chains, unconflicted, events)
    if version.state_resolution == "v2.1":
        ids = {event_id for states in conflicted for event_id in states.values()}
        also_disputed |= conflicts.conflicted_subgraph(ids, events)
    settled = settle(version, unconflicted, conflicted, also_disputed, events, rejected)
    return settled | unconflicted


def settle(
    version: RoomVersion,
    unconflicted: Mapping[StateKey, str],
    conflicted: Sequence[Mapping[StateKey, str]],
    also_disputed: AbstractSet[str],
    events: Mapping[str, Event],
    rejected: Collection[str] = (),
    trace: Trace = _untraced,
) -> StateMap:
    """What is to stand beside the unconflicted state; where it names a key of that, that prevails.

    `unconflicted` is asked for single keys only. `conflicted` has of each state what is not in
    `unconflicted`. `also_disputed` are the auth difference and, since version 12, the conflicted
    state subgraph; nothing in version 1. `trace` is told of each check.
    """
    if version.state_resolution == "v1":
        return v1.settle(unconflicted, conflicted, events, trace)
    if version.state_resolution == "v2":
        return v2.settle(unconflicted, conflicted, also_disputed, events, rejected, trace)
    return v2.settle_from_nothing(conflicted, also_disputed, events, rejected, trace)
