"""Third-party invites that a user of another server claims. S-S API, "Third-party invites".

What proves the claim stands in the room: the keys in the m.room.third_party_invite, by which the
identity server has signed who it is that was meant. The rules of the room version check it; nobody
here need trust an identity server."""

from collections.abc import Mapping
from typing import Any

from impl import errors
from impl.app import App
from impl.core import identifiers
from impl.core.event_builder import Draft
from impl.services import room_reading
from impl.services.federation_serving import asker
from impl.services.remote_membership import invite

_SIGNED = ("mxid", "token", "signatures")


def exchange(app: App, origin: str, room_id: str, pdu: Mapping[str, Any]) -> None:
    """Invite who shows the identity server's signature, in the name of who invited them."""
    sender, invited, claim = _read(room_id, pdu)
    if identifiers.server_name_of(invited) != origin:
        raise errors.Forbidden("state_key is not a user of your server")
    with app.database.read() as txn:
        room = asker.open_whole_room(app, txn, origin, room_id).room
        key = ("m.room.third_party_invite", claim["signed"]["token"])
        pending = room_reading.current(app, txn, room, [key]).get(key)
    if pending is None or pending.sender != sender:
        raise errors.Forbidden("there is no such invite by the sender")
    if identifiers.server_name_of(sender) != app.server_name:
        raise errors.Forbidden("sender is not a user of this server")
    content = {"membership": "invite", "third_party_invite": claim}
    draft = Draft("m.room.member", sender, content, state_key=invited)
    invite.invite(app, room, draft)


def _read(room_id: str, pdu: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """Who invites, who is invited, and the `third_party_invite`."""
    content = pdu.get("content")
    if pdu.get("type") != "m.room.member" or not isinstance(content, dict):
        raise errors.InvalidParam("the event is not an m.room.member")
    if content.get("membership") != "invite":
        raise errors.InvalidParam("content.membership is not invite")
    if pdu.get("room_id") != room_id:
        raise errors.InvalidParam("room_id is not the room of the path")
    sender, invited = pdu.get("sender"), pdu.get("state_key")
    if not identifiers.is_user_id(sender) or not identifiers.is_user_id(invited):
        raise errors.InvalidParam("sender and state_key are not user ids")
    claim = content.get("third_party_invite")
    signed = claim.get("signed") if isinstance(claim, dict) else None
    if not isinstance(claim, dict) or not isinstance(signed, dict):
        raise errors.InvalidParam("content.third_party_invite.signed is not an object")
    if not isinstance(signed.get("token"), str) or "\0" in signed["token"]:
        raise errors.InvalidParam("content.third_party_invite.signed.token is not a token")
    if signed.get("mxid") != invited:
        raise errors.InvalidParam("content.third_party_invite.signed.mxid is not state_key")
    name = claim.get("display_name")
    return (
        str(sender),
        str(invited),
        {
            "display_name": name if isinstance(name, str) else "",
            "signed": {field: signed[field] for field in _SIGNED if field in signed},
        },
    )
