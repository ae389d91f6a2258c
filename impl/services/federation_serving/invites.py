"""Invites of our users to rooms that other servers are in. S-S API, "Inviting to a room".

Where nobody of ours is in the room nothing but the event itself is known, and it is kept beside the
graph (services/out_of_band.py). Where somebody is, the event comes by the room as well: to sign it
is all that is to be done."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from impl import errors
from impl.app import App
from impl.core import identifiers, signing
from impl.core.event import Event
from impl.core.room_version import ROOM_VERSIONS
from impl.services import member_content, out_of_band, rate_limiting, room_reading, server_acl
from impl.services.federation_serving import handshake, shown_state
from impl.services.incoming import receive_pdu
from impl.services.incoming.receive_pdu import Dropped
from impl.services.out_of_band import Told
from impl.storage import accounts
from impl.storage.accounts import Account

# Who uses the older form of the endpoint means one of the first two: they do not differ in it.
OLDEST_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Offer:
    """An invite as it was sent. `room_state` is what is shown of the room."""

    room_version: str
    pdu: dict[str, Any]
    room_state: object = None


def accept(app: App, origin: str, room_id: str, event_id: str, offer: Offer) -> dict[str, Any]:
    """Tell the user of the invite, and return its PDU with our signature."""
    version = ROOM_VERSIONS.get(offer.room_version)
    if version is None:
        raise errors.IncompatibleRoomVersion(offer.room_version)
    (event,) = receive_pdu.parse([offer.pdu], version, room_id)
    if isinstance(event, Dropped):
        raise errors.InvalidParam(f"the event cannot be one of the room: {event.reason}")
    _check_invite(app, origin, event_id, event)
    is_resident = _check_invited(app, origin, event)
    handshake.check(app, event)
    # How many a room may send is for the server that sends them to say. Before what is shown is
    # looked at: the keys of whoever signed it may have to be waited for.
    rate_limiting.spend(app, "rc_invites_per_user", event.state_key or "")
    shown: Sequence[dict[str, Any]] = ()
    if not is_resident:
        shown = shown_state.read(app, event, offer.room_state)
    pdu = signing.countersign_event(event.pdu, version, app.server_name, app.signing_key)
    if not is_resident:
        out_of_band.keep(app, Told(Event(pdu, version, event.event_id), origin, shown))
    return pdu


def _check_invite(app: App, origin: str, event_id: str, event: Event) -> None:
    """That it is nothing but an invite, so that we sign nothing else."""
    if event.type != handshake.MEMBER or event.membership != "invite":
        raise errors.InvalidParam("the event is not an m.room.member with invite")
    if identifiers.server_name_of(event.sender) != origin:
        raise errors.InvalidParam("sender is not a user of your server")
    invited = event.state_key
    if not identifiers.is_user_id(invited) or _server_of(invited) != app.server_name:
        raise errors.InvalidParam("state_key is not a user of this server")
    if event.event_id != event_id:
        raise errors.InvalidParam("eventId is not the id of the event")


def _server_of(user_id: str | None) -> str:
    return identifiers.server_name_of(user_id or "")


def _check_invited(app: App, origin: str, event: Event) -> bool:
    """Whether the user is there and wants to hear of it. Returns whether somebody of ours is in the
    room.
    """
    user_id = event.state_key or ""
    with app.database.read() as txn:
        if not _can_be_invited(app, accounts.get(txn, user_id), user_id):
            raise errors.Forbidden("state_key is not a user who can be invited")
        room = room_reading.find(app, txn, event.room_id)
        is_resident = room is not None and room_reading.is_resident(txn, room)
        if room is not None and is_resident:
            if room.room_version != event.room_version.version:
                raise errors.InvalidParam(f"room_version: it is {room.room_version}")
            server_acl.check(app, txn, room, origin)
        member_content.check_invites_allowed(app, txn, None, [user_id])
    return is_resident


def _can_be_invited(app: App, account: Account | None, user_id: str) -> bool:
    if account is not None:
        return not account.is_deactivated
    # Application services make their users when somebody wants them.
    return any(service.owns("users", user_id) for service in app.config.application_services)
