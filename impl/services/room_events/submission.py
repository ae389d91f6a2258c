"""What a use case hands to the persister, and what it gets back."""

from dataclasses import dataclass

from impl.core.event import Event
from impl.core.event_builder import Draft
from impl.storage.idempotency import ClientTransaction


@dataclass(frozen=True, slots=True)
class Submission:
    """Drafts for one room, each on top of the last. All of them become events, or none.

    `create_event` is that of a room that does not exist yet (create.create_event makes it); its id is not among the
    results. `transaction` belongs to the first draft: the same transaction again gives the same event.
    """

    room_id: str
    drafts: list[Draft]
    transaction: ClientTransaction | None = None
    create_event: Event | None = None
