"""Power events, and the order in which they are looked at.

Rooms, "State resolution", "Reverse topological power ordering".

Kahn's algorithm on the graph of auth events: each step takes, of the events all of whose auth
events have been taken, the smallest; who had more power when sending comes first, then the older,
then the smaller id.

Two things are not to the letter, and for the same reason: servers that order differently come to
different states, and a room falls apart. Synapse and Ruma, of which most other servers are made,
do both.

*The state key.* The letter makes any `m.room.power_levels` and `m.room.join_rules` a power event.
The rules ask for those with the empty state key only, so no other can take anything from anybody,
which is what the definition is for.

*The chains.* The letter adds to the power events all of the full conflicted set that is in their
auth chains. Here a chain ends where it leaves the set. What is beyond is mostly in no dispute: what
all states rest on rests on what they all rest on. But a state may hold, for a key, an old event
that the levels of all states rest on, where another state holds a newer one. Since version 12 what
lies between two events of the conflicted state is in the set, and the two readings hardly differ.
"""

import heapq
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet

from impl.core.auth.selection import CREATE, JOIN_RULES, POWER_LEVELS
from impl.core.event import Event
from impl.core.power_levels import PowerLevels


def is_power_event(event: Event) -> bool:
    """Might it take from somebody what they could do?"""
    if not event.is_state:
        return False
    # Levels and join rules; and who kicks or bans another.
    # COMPAT(Synapse 1.163, Ruma): those under the empty state key; see above.
    if event.key in (POWER_LEVELS, JOIN_RULES):
        return True
    return (
        event.type == "m.room.member"
        and event.membership in ("leave", "ban")
        and event.sender != event.state_key
    )


def select_power_events(full_conflicted: AbstractSet[str], events: Mapping[str, Event]) -> set[str]:
    """The power events of the full conflicted set, and what of it they lead to within it."""
    waiting = [event_id for event_id in full_conflicted if is_power_event(events[event_id])]
    chosen = set(waiting)
    while waiting:
        for auth_event_id in events[waiting.pop()].auth_event_ids:
            # COMPAT(Synapse 1.163, Ruma): what is not in the set is not followed; see above.
            if auth_event_id in full_conflicted and auth_event_id not in chosen:
                chosen.add(auth_event_id)
                waiting.append(auth_event_id)
    return chosen


def reverse_topological_power_ordering(
    event_ids: Collection[str], events: Mapping[str, Event]
) -> list[str]:
    """Events from the earliest to the latest. What cites in a circle is left out."""
    chosen = set(event_ids)
    cited_by: dict[str, list[str]] = {event_id: [] for event_id in chosen}
    waits_for: dict[str, int] = {}
    for event_id in chosen:
        cited = chosen.intersection(events[event_id].auth_event_ids)
        waits_for[event_id] = len(cited)
        for auth_event_id in cited:
            cited_by[auth_event_id].append(event_id)

    candidates = [_order(event_id, events) for event_id in chosen if not waits_for[event_id]]
    heapq.heapify(candidates)
    ordered = []
    while candidates:
        event_id = heapq.heappop(candidates)[-1]
        ordered.append(event_id)
        for later in cited_by[event_id]:
            waits_for[later] -= 1
            if not waits_for[later]:
                heapq.heappush(candidates, _order(later, events))
    return ordered


def _order(event_id: str, events: Mapping[str, Event]) -> tuple[int, int, str]:
    event = events[event_id]
    return -sender_level(event, events), event.origin_server_ts, event_id


def sender_level(event: Event, events: Mapping[str, Event]) -> int:
    """The level of the sender, as the event's own auth events have it."""
    cited = {
        auth_event.key: auth_event
        for auth_event in (events[event_id] for event_id in event.auth_event_ids)
        if auth_event.is_state
    }
    create = create_of(event, events) or cited.get(CREATE)
    return PowerLevels.of(cited.get(POWER_LEVELS), create, event.room_version).user(event.sender)


def create_of(event: Event, events: Mapping[str, Event]) -> Event | None:
    """Since version 12: the create event that the room id names."""
    if not event.room_version.room_id_is_create_hash:
        return None
    return event if event.type == CREATE[0] else events["$" + event.room_id[1:]]
