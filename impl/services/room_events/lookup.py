"""Which of some events of a room are here, and how: for who takes in what refers to them."""

from collections.abc import Collection, Mapping
from typing import TypeGuard

from impl.services.room_events.open_room import OpenRoom
from impl.services.room_events.submission import MissingEvents
from impl.storage import out_of_band
from impl.storage.events import StoredEvent


def find(room: OpenRoom, event_ids: Collection[str]) -> dict[str, StoredEvent]:
    """Those that are here with what they cite."""
    found = find_any(room, event_ids)
    return {event_id: one for event_id, one in found.items() if is_here(one)}


def find_any(room: OpenRoom, event_ids: Collection[str]) -> dict[str, StoredEvent]:
    """Those as well that came alone (out_of_band.py)."""
    nids = room.find_nids(event_ids)
    stored = room.stored_by_nid(nids.values())
    return {event_id: stored[nid] for event_id, nid in nids.items()}


def is_here(one: StoredEvent | None) -> TypeGuard[StoredEvent]:
    """Not if it is unknown, nor if it came alone: what it cites must be asked for, then."""
    return one is not None and one.rejected_reason != out_of_band.REASON


def has_place(one: StoredEvent | None) -> bool:
    return one is not None and one.state_before is not None


def refuse_missing(event_ids: Collection[str], found: Mapping[str, object]) -> None:
    """Raises MissingEvents for those that were not found."""
    missing = [event_id for event_id in event_ids if event_id not in found]
    if missing:
        raise MissingEvents(missing)
