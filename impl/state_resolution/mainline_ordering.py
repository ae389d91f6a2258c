"""Events by how recent the power levels are that they rest on.

Rooms, "State resolution", "Mainline ordering".

The mainline is a power levels event, the one that it cites, the one that that cites, and so on.
Any event leads to the mainline at some place, or nowhere; the older the place, the earlier the
event.
"""

from collections.abc import Collection, Mapping

from impl.core.auth.selection import POWER_LEVELS
from impl.core.event import Event


def mainline_ordering(
    event_ids: Collection[str], power_levels_id: str | None, events: Mapping[str, Event]
) -> list[str]:
    """Events in the order based on a power levels event, or on none."""
    # Where an event that is not on the mainline leads to. Nowhere is beyond the mainline's end.
    positions = mainline(power_levels_id, events)
    nowhere = len(positions)

    def order(event_id: str) -> tuple[int, int, str]:
        event = events[event_id]
        # First what leads to an older place; then the older event; then the smaller id.
        return -_position(event, positions, nowhere, events), event.origin_server_ts, event_id

    return sorted(event_ids, key=order)


def mainline(power_levels_id: str | None, events: Mapping[str, Event]) -> dict[str, int]:
    """The line of a power levels event, from it to the oldest: event id -> position."""
    line: dict[str, int] = {}
    while power_levels_id is not None and power_levels_id not in line:
        line[power_levels_id] = len(line)
        power_levels_id = cited_power_levels(events[power_levels_id], events)
    return line


def _position(
    event: Event, positions: dict[str, int], nowhere: int, events: Mapping[str, Event]
) -> int:
    """The mainline position. The event itself does not count, only what it cites."""
    passed: list[str] = []
    current = cited_power_levels(event, events)
    while current is not None and current not in positions:
        passed.append(current)
        # A circle of citations, possible while ids were not hashes, leads nowhere.
        positions[current] = nowhere
        current = cited_power_levels(events[current], events)
    position = nowhere if current is None else positions[current]
    for event_id in passed:
        positions[event_id] = position
    return position


def cited_power_levels(event: Event, events: Mapping[str, Event]) -> str | None:
    """The power levels event that an event cites."""
    for event_id in event.auth_event_ids:
        cited = events[event_id]
        if cited.is_state and cited.key == POWER_LEVELS:
            return event_id
    return None
