"""Build a state from events, with those that are allowed in what it has become.

Rooms, "State resolution", "Iterative auth checks".
"""

from collections.abc import Collection, Iterable, Mapping

from impl.core.auth import rules, selection
from impl.core.auth.selection import CREATE
from impl.core.event import Event, StateKey
from impl.core.rejection import Rejected
from impl.state_resolution.conflicts import StateMap, Trace
from impl.state_resolution.power_ordering import create_of


def iterative_auth_checks(
    start: Mapping[StateKey, str],
    settled: StateMap,
    ordered: Iterable[str],
    events: Mapping[str, Event],
    rejected: Collection[str],
    trace: Trace,
) -> None:
    """Add to `settled` those of the events, in their order, that are allowed by then.

    The state that they are checked against is `settled` on top of `start`, of which a room may have
    very much: it is only asked for single keys.
    """
    for event_id in ordered:
        event = events[event_id]
        if not event.is_state:
            continue
        auth_state = _auth_state(event, start, settled, events, rejected)
        try:
            _check(event, auth_state)
        except Rejected as reason:
            trace(event, str(reason), auth_state)
            continue
        trace(event, None, auth_state)
        settled[event.key] = event_id


def _check(event: Event, auth_state: Mapping[StateKey, Event]) -> None:
    if event.type == CREATE[0]:
        rules.check_state_independent(event, {})
    else:
        rules.check_state_dependent(event, auth_state)


def _auth_state(
    event: Event,
    start: Mapping[StateKey, str],
    settled: StateMap,
    events: Mapping[str, Event],
    rejected: Collection[str],
) -> dict[StateKey, Event]:
    auth_state: dict[StateKey, Event] = {}
    # The rules for a create event look at no state.
    if event.type == CREATE[0]:
        return auth_state

    cited: dict[StateKey, Event] | None = None
    wanted = selection.auth_types(
        event.room_version, event.type, event.sender, event.state_key, event.content
    )
    for key in wanted:
        event_id = settled.get(key) or start.get(key)
        if event_id is not None:
            auth_state[key] = events[event_id]
            continue
        # What the state lacks and the rules ask for is what the event cites, unless that was
        # rejected.
        if cited is None:
            cited = _cited(event, events, rejected)
        if key in cited:
            auth_state[key] = cited[key]

    # Since version 12 nobody cites the create event, and the room id stands for it.
    create = create_of(event, events)
    if create is not None:
        auth_state[CREATE] = create
    return auth_state


def _cited(
    event: Event, events: Mapping[str, Event], rejected: Collection[str]
) -> dict[StateKey, Event]:
    auth_events = (events[one] for one in event.auth_event_ids if one not in rejected)
    return {auth_event.key: auth_event for auth_event in auth_events if auth_event.is_state}
