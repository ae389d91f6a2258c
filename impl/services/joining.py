"""Joining a room. C-S API, "Joining rooms", "Restricted rooms", "Guest Access".

The rules of the room version decide, under the room's lock. What they cannot know is done here:
whether a user meets a condition of a restricted room and who vouches for it, and that guests are
let in only where guests are wanted."""

from collections.abc import Collection, Mapping
from typing import Any

from impl import errors
from impl.app import App
from impl.core import identifiers
from impl.core.event_builder import Draft
from impl.core.room_version import ROOM_VERSIONS
from impl.requester import Requester
from impl.services import (
    joining_elsewhere,
    member_content,
    posting,
    rate_limiting,
    restricted_joins,
    room_reading,
    room_succession,
)
from impl.services.remote_history import waiting
from impl.services.restricted_joins import AUTHORISED_VIA
from impl.services.room_events.submission import Submission
from impl.storage import memberships
from impl.storage.rooms import Room

Signed = Mapping[str, Any]


class CannotVouch(errors.Forbidden):
    """Nobody of ours in the room has the power that another server's user there may have."""


def join(
    app: App,
    requester: Requester,
    room_id: str,
    reason: str | None = None,
    third_party_signed: Signed | None = None,
    via: Collection[str] = (),
) -> None:
    """Bring the requester into a room, through one of the servers `via`, or others that may know
    it, where this server is not in it. Who is in it already stays in it: nothing happens."""
    user_id = requester.user_id
    with app.database.read() as txn:
        room = room_reading.find(app, txn, room_id)
        if room is not None and room_reading.membership(txn, room, user_id) == "join":
            return
        is_resident = room is not None and room_reading.is_resident(txn, room)
    rate_limiting.spend(app, rate_limiting.MESSAGES, user_id, requester)
    if not is_resident:
        if joining_elsewhere.join(app, requester, room_id, reason, via):
            return
    try:
        try:
            _join_here(app, requester, room_id, reason, third_party_signed)
        except errors.Forbidden:
            # Who is invited, or may vouch, may be among the members that are not known yet.
            if not waiting.until_whole(app, room_id):
                raise
            _join_here(app, requester, room_id, reason, third_party_signed)
    except CannotVouch:
        if not joining_elsewhere.join_beside(app, requester, room_id, reason, via):
            raise


def _join_here(
    app: App,
    requester: Requester,
    room_id: str,
    reason: str | None,
    third_party_signed: Signed | None,
) -> None:
    user_id = requester.user_id
    with app.database.read() as txn:
        room = room_reading.get(app, txn, room_id)
        membership = room_reading.membership(txn, room, user_id)
        if membership == "join":
            return
        content = member_content.make("join", member_content.profile_of(app, txn, user_id), reason)
        drafts = []
        if third_party_signed is not None and membership not in ("invite", "ban"):
            drafts.append(_third_party_invite(app, txn, room, user_id, third_party_signed))
            membership = "invite"
        content |= admit(app, txn, requester, room, membership)
        old = room_succession.predecessor_of(app, txn, room, user_id)
    drafts.append(Draft("m.room.member", user_id, content, state_key=user_id))
    try:
        posting.submit(app, Submission(room_id, drafts))
    except errors.Forbidden:
        again = _vouched_again(app, requester, room, content)
        if again is None:
            raise
        draft = Draft("m.room.member", user_id, again, state_key=user_id)
        posting.submit(app, Submission(room_id, [draft]))
    if old is not None:
        room_succession.inherit(app, requester, old, room)


def _vouched_again(
    app: App, requester: Requester, room: Room, content: dict[str, Any]
) -> dict[str, Any] | None:
    """The content with another who vouches, or nobody if that is enough now, where the one that it
    names has left in the meantime; None if that was not what was wrong."""
    if AUTHORISED_VIA not in content:
        return None
    with app.database.read() as txn:
        membership = room_reading.membership(txn, room, requester.user_id)
        vouched = _authorisation(app, txn, requester, room, membership)
    again = {key: value for key, value in content.items() if key != AUTHORISED_VIA} | vouched
    return again if again != content else None


def admit(app: App, txn: Any, requester: Requester, room: Room, membership: str) -> dict[str, Any]:
    """Count a join, and return what it must say of who vouches for it, if somebody must.

    What the room allows is left for those whom it lets in: others cannot use it up."""
    rate_limiting.spend(app, "rc_joins_local", requester.user_id, requester)
    content = _authorisation(app, txn, requester, room, membership)
    rate_limiting.spend(app, "rc_joins_per_room", room.room_id, requester)
    return content


def _authorisation(
    app: App, txn: Any, requester: Requester, room: Room, membership: str
) -> dict[str, Any]:
    """Raises also what the rules of the room version cannot: that a guest, or somebody who meets no
    condition, may not join."""
    keys = (*room_reading.RIGHTS, room_reading.JOIN_RULES)
    state = room_reading.current(app, txn, room, keys)
    if requester.is_guest:
        _check_guests_may_join(app, txn, room)

    version = ROOM_VERSIONS[room.room_version]
    rules = state.get(room_reading.JOIN_RULES)
    join_rule = rules.content.get("join_rule") if rules is not None else None
    if membership == "ban":
        raise errors.Forbidden("you are banned from this room")
    if membership == "invite" or join_rule == "public":
        return {}
    if rules is None or not restricted_joins.is_restricted(version, rules):
        raise errors.Forbidden("you are not invited to this room")

    room_ids = restricted_joins.condition_rooms(rules)
    if not memberships.is_joined_to_any(txn, requester.user_id, room_ids):
        # Of its rooms another server may know some that we do not.
        raise CannotVouch("you are not invited, nor in a room whose members may join")
    levels = room_reading.levels_in(room, state)
    voucher = restricted_joins.find_voucher(app, txn, room, levels)
    if voucher is None:
        raise CannotVouch("nobody of this server in the room may invite")
    return {AUTHORISED_VIA: voucher}


def _check_guests_may_join(app: App, txn: Any, room: Room) -> None:
    # The event must be there, and say so; its absence is a no.
    state = room_reading.stored_state(app, txn, room, (room_reading.GUEST_ACCESS,))
    event = state.get(room_reading.GUEST_ACCESS)
    if event is None or room_reading.content_of(event).get("guest_access") != "can_join":
        raise errors.GuestAccessForbidden("guests may not join this room")


def _third_party_invite(app: App, txn: Any, room: Room, user_id: str, signed: Signed) -> Draft:
    """The invite that a third-party invite becomes when who was meant shows the identity server's
    signature.

    Signature and user are checked by the rules: Rooms, "Authorisation rules", m.room.member with
    membership `invite`."""
    token = signed.get("token")
    if not isinstance(token, str) or "\0" in token:
        raise errors.InvalidParam("third_party_signed.token is not a token")
    key = ("m.room.third_party_invite", token)
    pending = room_reading.current(app, txn, room, (key,)).get(key)
    if pending is None or identifiers.server_name_of(pending.sender) != app.server_name:
        raise errors.Forbidden("third_party_signed does not belong to a pending invite")
    content = member_content.make("invite", member_content.profile_of(app, txn, user_id))
    content["third_party_invite"] = {
        "display_name": pending.content.get("display_name", ""),
        "signed": {
            name: signed[name] for name in ("mxid", "token", "signatures") if name in signed
        },
    }
    return Draft("m.room.member", pending.sender, content, state_key=user_id)
