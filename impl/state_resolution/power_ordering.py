"""Power events, and the order in which they are looked at.

Rooms, "State resolution", "Reverse topological power ordering".

Kahn's algorithm on the graph of auth events: each step takes, of the events all of whose auth
events have been taken, the smallest; who had more power when sending comes first, then the older,
then the smaller id.
"""

import heapq
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet

from impl.core.auth.selection import CREATE, POWER_LEVELS
from impl.core.event import Event
from impl.core.power_levels import PowerLevels


def is_power_event(event: Event) -> bool:
    """Might it take from somebody what they could do?"""
    if not event.is_state:
        return False
    # Levels and join rules; and who kicks or bans another.
    if event.type in ("m.room.power_levels", "m.room.join_rules"):
        return True
    return (
        event.type == "m.room.member"
        and event.membership in ("leave", "ban")
        and event.sender != event.state_key
    )


def select_power_events(full_conflicted: AbstractSet[str], events: Mapping[str, Event]) -> set[str]:
    """The power events of the full conflicted set, and what of their auth chains is in it."""
    waiting = [event_id for event_id in full_conflicted if is_power_event(events[event_id])]
    seen = set(waiting)
    while waiting:
        for auth_event_id in events[waiting.pop()].auth_event_ids:
            if auth_event_id not in seen:
                seen.add(auth_event_id)
                waiting.append(auth_event_id)
    return seen & full_conflicted


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
