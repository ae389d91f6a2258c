"""What an event would be at the head of a room, that is not to be appended yet: another server
signs it first, or makes it its own.

Nothing is locked and nothing written: the room goes on, and the event is judged anew when it comes
back."""

from typing import Any

from impl import errors
from impl.app import App
from impl.core.event import Event
from impl.core.event_builder import Draft
from impl.services.room_events import create, merging
from impl.services.room_events.open_room import OpenRoom
from impl.storage import room_inspection
from impl.storage.rooms import Room


def make(app: App, room: Room, draft: Draft) -> Event | str:
    """The event that a draft would be, built and signed, or the id of the one that says the same.
    Raises what create.make does.
    """
    with app.database.transaction() as txn:
        made = create.make(_opened(app, txn, room), draft)
    return made if isinstance(made, str) else made.event


def prepare(app: App, room: Room, draft: Draft) -> Event:
    """The event that a draft would be, built and signed. Raises Forbidden for what the room's rules
    refuse, BadJson and TooLarge for what cannot be an event.
    """
    with app.database.transaction() as txn:
        return create.prepare(_opened(app, txn, room), draft)


def _opened(app: App, txn: Any, room: Room) -> OpenRoom:
    head = room_inspection.get_head(txn, room)
    if not head.forward_extremities:
        raise errors.NotFound("unknown room")
    return OpenRoom.open(app, txn, head, merging.merge)
