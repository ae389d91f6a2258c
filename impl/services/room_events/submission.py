"""What a use case hands to the persister, and what it gets back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from impl import errors
from impl.core.event import Event
from impl.core.event_builder import Draft
from impl.storage.idempotency import ClientTransaction
from impl.storage.rooms import Room


class RoomIdTaken(errors.MatrixError):
    """The id of a new room is that of another."""

    status = 500


@dataclass(frozen=True, slots=True)
class Submission:
    """Drafts for one room, each on top of the last. All of them become events, or none.

    `create_event` is that of a room that does not exist yet (create.create_event makes it); its id
    is not among the results. `transaction` belongs to the first draft: the same transaction again
    gives the same event. `alongside` writes, last and in the same transaction, what is no event; it
    raises before it has written anything."""

    room_id: str
    drafts: list[Draft]
    transaction: ClientTransaction | None = None
    create_event: Event | None = None
    alongside: Callable[[Any, Room], None] | None = None
