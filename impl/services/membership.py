"""Inviting, knocking, leaving, kicking, banning, forgetting. C-S API, "Room membership".

Each is an m.room.member event, and the rules of the room version say who may; what is refused here
is what the rules would let pass and the specification of the endpoint does not."""

from collections.abc import Collection
from typing import Any

from impl import errors
from impl.app import App
from impl.core.event_builder import Draft
from impl.requester import Requester
from impl.services import (
    aliases,
    joining,
    joining_elsewhere,
    member_content,
    posting,
    rate_limiting,
    room_reading,
    room_succession,
    typing,
)
from impl.services.remote_history import waiting
from impl.services.remote_membership import invite as remote_invite
from impl.services.remote_membership import leave as remote_leave
from impl.services.restricted_joins import AUTHORISED_VIA
from impl.services.room_events.submission import Submission
from impl.storage import memberships
from impl.storage.rooms import Room

# From these a user can be kicked, or leave.
PRESENT = ("join", "invite", "knock")
# So long whoever wants no guests any more waits for them to leave.
GUESTS_TIMEOUT_S = 2.0


def joined_rooms(app: App, requester: Requester) -> list[str]:
    """The ids of the rooms that the requester is in."""
    room_nids = app.news.joined_rooms(requester.user_id)
    with app.database.read() as txn:
        known = app.rooms.get_by_nids(txn, sorted(room_nids))
    return [room.room_id for room in known.values()]


def join(
    app: App,
    requester: Requester,
    room_id_or_alias: str,
    reason: str | None = None,
    third_party_signed: joining.Signed | None = None,
    via: Collection[str] = (),
) -> str:
    """Bring the requester into a room, and return its id. `via` are servers that may know it."""
    room_id, servers = aliases.resolve_either(app, room_id_or_alias)
    joining.join(app, requester, room_id, reason, third_party_signed, [*via, *servers])
    return room_id


def knock(
    app: App,
    requester: Requester,
    room_id_or_alias: str,
    reason: str | None = None,
    via: Collection[str] = (),
) -> str:
    """Ask to be let in, and return the room's id. `via` are servers that may know it."""
    user_id = requester.user_id
    room_id, servers = aliases.resolve_either(app, room_id_or_alias)
    with app.database.read() as txn:
        profile = member_content.profile_of(app, txn, user_id)
    content = member_content.make("knock", profile, reason)
    if not joining_elsewhere.knock(app, requester, room_id, content, [*via, *servers]):
        _put(app, user_id, room_id, user_id, content)
    return room_id


def invite(
    app: App, requester: Requester, room_id: str, user_id: str, reason: str | None = None
) -> None:
    member_content.check_user_id(user_id)
    waiting.until_whole(app, room_id)
    with app.database.read() as txn:
        room = room_reading.get_joined(app, txn, room_id, requester.user_id)
        _check_may_invite(app, txn, requester, room, user_id)
        message = (rate_limiting.MESSAGES, requester.user_id, 1)
        _count_invite(app, requester, room, user_id, message)
        member_content.check_invites_allowed(app, txn, requester, [user_id])
        profile = member_content.profile_of(app, txn, user_id)
    content = member_content.make("invite", profile, reason)
    _put(app, requester.user_id, room_id, user_id, content)


def refuse_third_party_invite() -> None:
    """C-S API, "Third-party invites": they need an identity server that we trust, and we trust
    none.
    """
    raise errors.ServerNotTrusted("this server trusts no identity server")


def leave(app: App, requester: Requester, room_id: str, reason: str | None = None) -> None:
    """Leave a room, reject its invite or retract a knock. Who has left already has nothing to
    do, and no more has who was sent away in the meantime.
    """
    user_id = requester.user_id
    if remote_leave.leave(app, user_id, room_id, reason):
        return
    with app.database.read() as txn:
        room = room_reading.find_any(app, txn, room_id)
        member = memberships.get(txn, room.room_nid, user_id) if room is not None else None
        if room is None:
            raise errors.NotFound("this server does not know the room")
        if member is not None and member.membership == "leave":
            return
        if member is None or member.membership not in PRESENT:
            raise errors.Forbidden("you are not in this room")
        profile = member_content.profile_of(app, txn, user_id)
    try:
        _put(app, user_id, room_id, user_id, member_content.make("leave", profile, reason), PRESENT)
    except errors.Forbidden:
        with app.database.read() as txn:
            if room_reading.membership(txn, room, user_id) != "leave":
                raise


def forget(app: App, requester: Requester, room_id: str) -> None:
    """Let go of the history of a room that the requester has left."""
    with app.database.transaction() as txn:
        # Also one that they were invited to, and that this server is not in.
        room = room_reading.find_any(app, txn, room_id)
        member = memberships.get(txn, room.room_nid, requester.user_id) if room else None
        if room is None or member is None:
            raise errors.NotFound("this server does not know the room")
        if not memberships.forget(txn, room.room_nid, requester.user_id):
            raise errors.Unknown("you have not left this room")


def kick(
    app: App, requester: Requester, room_id: str, user_id: str, reason: str | None = None
) -> None:
    # A ban is lifted by /unban alone, and who is not there cannot be kicked.
    if _target_membership(app, requester, room_id, user_id) not in PRESENT:
        raise errors.Forbidden("the user to kick is not in this room")
    content = member_content.make("leave", reason=reason)
    _put(app, requester.user_id, room_id, user_id, content, PRESENT)


def ban(
    app: App, requester: Requester, room_id: str, user_id: str, reason: str | None = None
) -> None:
    _target_membership(app, requester, room_id, user_id)
    _put(app, requester.user_id, room_id, user_id, member_content.make("ban", reason=reason))


def unban(
    app: App, requester: Requester, room_id: str, user_id: str, reason: str | None = None
) -> None:
    if _target_membership(app, requester, room_id, user_id) != "ban":
        raise errors.BadState("the user is not banned from this room")
    content = member_content.make("leave", reason=reason)
    _put(app, requester.user_id, room_id, user_id, content, ("ban",))


def put_content(
    app: App, requester: Requester, room_id: str, user_id: str, content: dict[str, Any]
) -> str:
    """Set a membership to what a client says, as PUT /state does; returns the event id."""
    member_content.check_user_id(user_id)
    if user_id != requester.user_id:
        waiting.until_whole(app, room_id)
    # Who vouches for a join is for the server to say.
    content = {name: value for name, value in content.items() if name != AUTHORISED_VIA}
    membership = content.get("membership")
    old = None
    expected: Collection[str] = ()
    with app.database.read() as txn:
        room = room_reading.find(app, txn, room_id)
        if room is None:
            raise errors.Forbidden("you are not in this room")
        if membership == "invite":
            # Strangers do not hear who blocks invites.
            room_reading.get_joined(app, txn, room_id, requester.user_id)
            if "third_party_invite" not in content:
                _check_may_invite(app, txn, requester, room, user_id)
            _count_invite(app, requester, room, user_id)
            member_content.check_invites_allowed(app, txn, requester, [user_id])
        if membership in ("join", "invite", "knock"):
            profile = member_content.profile_of(app, txn, user_id)
            content = member_content.profile_part(profile) | content
        if membership == "join" and user_id == requester.user_id:
            before = room_reading.membership(txn, room, user_id)
            if before == "join":
                # A new name for who is there; not for who has just been sent away.
                expected = ("join",)
            else:
                content |= joining.admit(app, txn, requester, room, before)
                old = room_succession.predecessor_of(app, txn, room, user_id)
    event_id = _put(app, requester.user_id, room_id, user_id, content, expected)
    if old is not None:
        room_succession.inherit(app, requester, old, room)
    return event_id


def repeat_profile(app: App, user_id: str) -> None:
    """Tell the rooms that a user is in of a changed profile. C-S API, "Events on Change of Profile
    Information".
    """
    with app.database.read() as txn:
        profile = member_content.profile_of(app, txn, user_id)
        room_nids = memberships.list_joined_room_nids(txn, user_id)
        known = app.rooms.get_by_nids(txn, room_nids)
    content = member_content.make("join", profile)
    for room in known.values():
        try:
            _put(app, user_id, room.room_id, user_id, content, ("join",))
        except errors.Forbidden:
            continue  # They have left it in the meantime.


def remove_guests(app: App, room_id: str) -> None:
    """Let the guests of this server leave a room that wants none any more. C-S API, "Guest
    Access". Who has many of them is answered before the last has left.
    """
    app.spawn(_remove_guests, app, room_id).join(timeout=GUESTS_TIMEOUT_S)


def _remove_guests(app: App, room_id: str) -> None:
    with app.database.read() as txn:
        room = room_reading.get(app, txn, room_id)
        state = room_reading.stored_state(app, txn, room, (room_reading.GUEST_ACCESS,))
        event = state.get(room_reading.GUEST_ACCESS)
        if event and room_reading.content_of(event).get("guest_access") == "can_join":
            return
        guests = memberships.list_joined_guests(txn, room.room_nid)
    for user_id in guests:
        try:
            _put(app, user_id, room_id, user_id, member_content.make("leave"), ("join",))
        except errors.Forbidden:
            continue  # They have left by themselves.


def _check_may_invite(app: App, txn: Any, requester: Requester, room: Room, user_id: str) -> None:
    """Refuse what the rules would, before it costs the room or the invited anything."""
    levels = room_reading.levels(app, txn, room)
    if levels.user(requester.user_id) < levels.invite:
        raise errors.Forbidden("you do not have enough power to invite")
    if room_reading.membership(txn, room, user_id) in ("join", "ban"):
        raise errors.Forbidden("the user to invite is in this room, or banned from it")


def _count_invite(
    app: App, requester: Requester, room: Room, user_id: str, *others: rate_limiting.Spending
) -> None:
    """Spend what an invite costs the room, the inviter and the invited, and `others`."""
    invite = [
        ("rc_invites_per_room", room.room_id, 1),
        ("rc_invites_per_issuer", requester.user_id, 1),
        ("rc_invites_per_user", user_id, 1),
    ]
    rate_limiting.spend_all(app, [*others, *invite], requester)


def _target_membership(app: App, requester: Requester, room_id: str, user_id: str) -> str:
    member_content.check_user_id(user_id)
    waiting.until_whole(app, room_id)
    with app.database.read() as txn:
        room = room_reading.get_joined(app, txn, room_id, requester.user_id)
        return room_reading.membership(txn, room, user_id)


def _put(
    app: App,
    sender: str,
    room_id: str,
    user_id: str,
    content: dict[str, Any],
    expected: Collection[str] = (),
) -> str:
    """`expected`: what the membership must be when the room is locked, whatever it was when the
    use case looked."""
    draft = Draft("m.room.member", sender, content, state_key=user_id)
    expectations = {user_id: expected} if expected else {}
    if remote_invite.is_elsewhere(app, draft):
        with app.database.read() as txn:
            invited_to = room_reading.get(app, txn, room_id)
        return remote_invite.invite(app, invited_to, draft)
    event_id = posting.submit(app, Submission(room_id, [draft], expected=expectations))[0]
    room = app.rooms.peek(room_id)
    if room is not None and content.get("membership") in ("leave", "ban"):
        typing.forget(app, room.room_nid, user_id)
    return event_id
