"""State resolution of room versions 2 to 11 (v2) and since 12 (v2.1). Rooms, "State resolution".

Where branches of a room disagree, no branch can simply win: a moderator may have banned on one
side whoever went on talking on the other, and who made the side is not to be trusted. So every
event that is in dispute is asked again whether it is allowed, one after another, in an order in
which what takes power away comes first.

In dispute is the full conflicted set: the events that the states disagree about, and the events
that allowed some of these and that not all states rest on. The second matter because a state may
have lost sight of a ban that another rests on.

The order has two parts. First the power events, those that can take from somebody the ability to
do something, with what they rest on: an event comes after the events that allowed it, and
otherwise who had more power comes first, so that a demoted moderator cannot undo the demotion by
answering it on a branch. Then all others, along the mainline, the line of power levels that the
first part has settled: an event that rests on old levels comes before one that rests on new ones,
and the last that is allowed stays. Neither depth nor the number of branches has a say, since any
server can make those up; a time stamp decides only between events that are equal in all else.

A state's own events. What a state rests on is told by its "full auth chain", the union of the auth
chains of its events, and an event is in no auth chain of its own. To the letter, then, an event
that all states have would be in dispute as soon as it allowed something in some of them only: a
moderator's join, because of a kick on one branch. Nobody disputes it, and it would harm: the kick
would have to come after the join, which was sent without any power, and so after what weaker
moderators did. We read a state's full auth chain as what the state stands on as a whole, its own
events among it: then what all states have is in all chains. What only some have is in dispute
anyway, so this is all that the reading changes. Synapse reads it so, and a room must not depend
on which servers are in it.

v2.1 differs twice. In v2 the checks start from what all states agree on. An old event in dispute
was then checked against a later state than its own, failed, and the state fell back to still older
events: a state reset. In v2.1 they start from nothing, and the events in dispute allow each other.
For this to work, the events between two conflicted events have to be among them, even if all
states rest on them or have them: the conflicted state subgraph.
"""

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet

from impl.core.auth.selection import POWER_LEVELS
from impl.core.event import Event, StateKey
from impl.state_resolution.conflicts import StateMap, Trace
from impl.state_resolution.iterative_auth import iterative_auth_checks
from impl.state_resolution.mainline_ordering import mainline_ordering
from impl.state_resolution.power_ordering import (
    reverse_topological_power_ordering,
    select_power_events,
)


def settle(
    unconflicted: Mapping[StateKey, str],
    conflicted: Sequence[Mapping[StateKey, str]],
    also_disputed: AbstractSet[str],
    events: Mapping[str, Event],
    rejected: Collection[str],
    trace: Trace,
) -> StateMap:
    """v2."""
    full_conflicted = {*also_disputed, *_ids(conflicted)}
    return _settle(unconflicted, full_conflicted, events, rejected, trace)


def settle_from_nothing(
    conflicted: Sequence[Mapping[StateKey, str]],
    also_disputed: AbstractSet[str],
    events: Mapping[str, Event],
    rejected: Collection[str],
    trace: Trace,
) -> StateMap:
    """v2.1."""
    full_conflicted = {*also_disputed, *_ids(conflicted)}
    return _settle({}, full_conflicted, events, rejected, trace)


def _ids(conflicted: Sequence[Mapping[StateKey, str]]) -> set[str]:
    return {event_id for states in conflicted for event_id in states.values()}


def _settle(
    start: Mapping[StateKey, str],
    full_conflicted: AbstractSet[str],
    events: Mapping[str, Event],
    rejected: Collection[str],
    trace: Trace,
) -> StateMap:
    # 1. The power events in dispute, with what they rest on, by power.
    power_events = select_power_events(full_conflicted, events)
    by_power = reverse_topological_power_ordering(power_events, events)

    # 2. Check them: from the unconflicted state, or since version 12 from none.
    settled: StateMap = {}
    iterative_auth_checks(start, settled, by_power, events, rejected, trace)

    # 3. All others, along the mainline of the levels that came out.
    others = full_conflicted - power_events
    levels = settled.get(POWER_LEVELS) or start.get(POWER_LEVELS)
    by_mainline = mainline_ordering(others, levels, events)

    # 4. Check these on top.
    iterative_auth_checks(start, settled, by_mainline, events, rejected, trace)
    return settled
