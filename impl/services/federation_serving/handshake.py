"""What joining, leaving and knocking through this server have in common: a template first, then the
event that the other server made of it. S-S API, "Joining Rooms", "Knocking upon a room", "Leaving
Rooms (Rejecting Invites)".

The template is what an event at the head of the room would be. The room goes on meanwhile: what
comes back is judged like any event, where it stands and by the current state, and is refused
without a trace where the rules refuse it."""

from collections.abc import Collection, Mapping
from typing import Any

from impl import errors
from impl.app import App
from impl.core import identifiers
from impl.core.event import Event
from impl.core.event_builder import Draft
from impl.core.room_version import ROOM_VERSIONS
from impl.services import policy_server
from impl.services.incoming import receive_pdu
from impl.services.incoming.receive_pdu import Dropped
from impl.services.room_events import batching, drafting
from impl.services.room_events.submission import MissingEvents, Received, Submission
from impl.storage import events
from impl.storage.events import StoredEvent
from impl.storage.rooms import Room

MEMBER = "m.room.member"
# What the other server adds itself.
_NOT_IN_TEMPLATE = ("hashes", "signatures", "event_id")


def check_version(room: Room, versions: Collection[str]) -> None:
    """Raises IncompatibleRoomVersion for a server that does not know the room's."""
    if room.room_version not in versions:
        raise errors.IncompatibleRoomVersion(room.room_version)


def template(app: App, room: Room, user_id: str, content: dict[str, Any]) -> dict[str, Any]:
    """Raises Forbidden where the rules would refuse the event."""
    draft = Draft(MEMBER, user_id, content, state_key=user_id, names_origin=True)
    pdu = drafting.prepare(app, room, draft).pdu
    event = {name: value for name, value in pdu.items() if name not in _NOT_IN_TEMPLATE}
    return {"room_version": room.room_version, "event": event}


def parse(room: Room, origin: str, event_id: str, pdu: Mapping[str, Any], membership: str) -> Event:
    """The event, if it is what it should be: nobody has looked at its signatures. Raises
    InvalidParam.
    """
    (event,) = receive_pdu.parse([pdu], ROOM_VERSIONS[room.room_version], room.room_id)
    if isinstance(event, Dropped):
        raise errors.InvalidParam(f"the event cannot be one of the room: {event.reason}")
    if event.type != MEMBER or event.membership != membership:
        raise errors.InvalidParam(f"the event is not an m.room.member with {membership}")
    if identifiers.server_name_of(event.sender) != origin:
        raise errors.InvalidParam("sender is not a user of your server")
    if event.state_key != event.sender:
        raise errors.InvalidParam("state_key is not the sender")
    if event.event_id != event_id:
        raise errors.InvalidParam("eventId is not the id of the event")
    return event


def check(app: App, event: Event) -> Event:
    """Check its signatures and its hash. Raises InvalidParam."""
    (checked,) = receive_pdu.check(app, [event], event.room_version)
    if isinstance(checked, Dropped):
        raise errors.InvalidParam(f"the event is not signed as it should be: {checked.reason}")
    if checked is not event:
        # It would be another than the one that their users see.
        raise errors.InvalidParam("hashes.sha256 is not the hash of the event")
    return event


def append(app: App, room: Room, event: Event) -> StoredEvent:
    """Put the event into the room, for all servers in it. Raises Forbidden where the rules refuse
    it, and InvalidParam where it stands on what is not here.
    """
    received = [Received(event, is_outgoing=True, must_be_allowed=True)]
    if event.membership != "leave":
        # The room's policy server may not want them; but whoever leaves needs nobody's leave.
        (received,) = policy_server.judge(app, [(room, received)])
    try:
        batching.submit(app, Submission(room.room_id, [], received=received))
    except MissingEvents as error:
        raise errors.InvalidParam("the event cites events that are not known here") from error
    with app.database.read() as txn:
        stored = events.get_by_id(txn, room.room_nid, event.event_id)
    if stored is None:
        raise errors.NotFound("this server is not in the room")  # It was purged just now.
    return stored
