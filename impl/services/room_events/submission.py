"""What a use case hands to the persister, and what it gets back."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from impl import errors
from impl.core.event import Event
from impl.core.event_builder import Draft
from impl.storage.idempotency import ClientTransaction
from impl.storage.rooms import Room


class RoomIdTaken(errors.MatrixError):
    """The id of a new room is that of another."""

    status = 500


class MissingEvents(errors.MatrixError):
    """A received event refers to events that are not here, and cannot be judged without them."""

    status = 500

    def __init__(self, event_ids: Sequence[str]) -> None:
        super().__init__("the event refers to events that are not here")
        self.event_ids = tuple(event_ids)


class NeedsVoucher(errors.MatrixError):
    """The room has a policy server, which is to see the draft first."""

    status = 500


@dataclass(frozen=True, slots=True)
class Received:
    """An event that was made elsewhere. Its format, hash and signatures were checked.

    Without more its place follows from its prev_events, which must be here. `state_before` are the
    ids of the state's events where that had to be asked for. `is_outlier`: it is wanted for what
    cites it, and gets no place. What it cites must be here in any case.

    `starts_anew`: with it this server comes into the room. What it knows of the room from before is
    old and decides nothing, as long as nobody of ours is there.

    `is_outgoing`: its server leaves it to us to send it to the others in the room.

    `must_be_allowed`: what the rules refuse is not kept, and the submission is Forbidden.

    `is_discouraged`: the room's policy server does not vouch for it, so that it is soft-failed.

    `is_backfilled`: it fills history. It gets its place, and nobody is told of it. Of several the
    newest come first; each is below something that is here, or comes with it. `state_before` is
    then what is to be believed only where nothing that is here says it.

    `lacks_members`: many of the memberships are missing in `state_before`."""

    event: Event
    state_before: Sequence[str] | None = None
    is_outlier: bool = False
    starts_anew: bool = False
    is_outgoing: bool = False
    must_be_allowed: bool = False
    is_discouraged: bool = False
    is_backfilled: bool = False
    lacks_members: bool = False


@dataclass(frozen=True, slots=True)
class Submission:
    """Drafts for one room, each on top of the last. All of them become events, or none.

    `create_event` is that of a room that does not exist yet (create.create_event makes it); its id
    is not among the results. `received` come before the drafts, and whatever the rules say of them
    they are kept, unless they ask for something else. `transaction` belongs to the first draft, or,
    where there is none, to the event that is received: the same transaction again gives the same
    event. `alongside` writes, last and in the same transaction, what is no event; it raises before
    it has written anything.

    `expected` are memberships that the drafts count on, user_id -> any of these (`leave` if there
    never was one): what was read before the room was locked may not be so any more. If it is not,
    the submission is Forbidden.

    `minds_policy`: in a room with a policy server no draft becomes an event: NeedsVoucher."""

    room_id: str
    drafts: list[Draft]
    transaction: ClientTransaction | None = None
    create_event: Event | None = None
    alongside: Callable[[Any, Room], None] | None = None
    received: Sequence[Received] = field(default=())
    expected: Mapping[str, Collection[str]] = field(default_factory=dict)
    minds_policy: bool = False
