"""Where states disagree. Rooms, "State resolution", "Definitions"."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from impl.core.event import Event

# state_map[(event_type, state_key)] == event_id
StateMap = dict[tuple[str, str], str]

# Is told of each event that is checked, in order; why it is not allowed (None: it is); and what of
# the state it was checked against.
Trace = Callable[[Event, str | None, Mapping[tuple[str, str], Event]], None]


def separate(
    state_sets: Sequence[Mapping[tuple[str, str], str]],
) -> tuple[StateMap, list[StateMap]]:
    """The unconflicted state map, and of each state what is not in it."""
    if not state_sets:
        return {}, []
    # Unconflicted: the key has the same event in every state. A key that some state lacks is
    # conflicted.
    first, *others = state_sets
    keys: set[tuple[str, str]] = set()
    for other in others:
        keys.update(key for key, event_id in first.items() if other.get(key) != event_id)
        keys.update(other.keys() - first.keys())
    unconflicted = dict(first)
    for key in keys:
        unconflicted.pop(key, None)
    return unconflicted, [{key: one[key] for key in keys if key in one} for one in state_sets]


def auth_difference(
    auth_chains: Sequence[AbstractSet[str]],
    unconflicted: Mapping[tuple[str, str], str],
    events: Mapping[str, Event],
) -> set[str]:
    """The events that are in some of the states' full auth chains, and not in all.

    `auth_chains` need not have the states' own events, which count (v2.py, "A state's own events").
    """
    if not auth_chains:
        return set()
    first, *others = auth_chains
    difference = set(first).union(*others) - set(first).intersection(*others)
    return without_agreed(difference, unconflicted, events)


def without_agreed(
    event_ids: Iterable[str],
    unconflicted: Mapping[tuple[str, str], str],
    events: Mapping[str, Event],
) -> set[str]:
    """Those that not all states have. `unconflicted` is asked for their keys only."""
    return {
        event_id
        for event_id in event_ids
        if not (event := events[event_id]).is_state or unconflicted.get(event.key) != event_id
    }


def conflicted_subgraph(conflicted: AbstractSet[str], events: Mapping[str, Event]) -> set[str]:
    """Since version 12: what lies, along auth events, between one conflicted event and another."""
    # An event is on such a path if a conflicted event leads to it, which holds for all that the
    # walk meets, and if it is conflicted itself or one of its auth events is on a path. So auth
    # events are judged first.
    on_a_path: set[str] = set()
    judged: set[str] = set()
    entered: set[str] = set()
    for start in conflicted:
        stack = [start]
        while stack:
            event_id = stack[-1]
            auth_event_ids = events[event_id].auth_event_ids
            if event_id not in entered:
                entered.add(event_id)
                stack.extend(one for one in auth_event_ids if one not in entered)
                continue
            stack.pop()
            if event_id in judged:
                continue
            judged.add(event_id)
            if event_id in conflicted or not on_a_path.isdisjoint(auth_event_ids):
                on_a_path.add(event_id)
    return on_a_path
