"""Joining a room by way of another server: because this one is not in it, or because it cannot
vouch for the join. C-S API, "Joining rooms", "Restricted rooms".

What is decided here is what other servers do not ask: what a guest may, how many joins are enough,
whom to try. All else the servers in the room say."""

from collections.abc import Collection, Sequence
from typing import Any

from impl import errors
from impl.app import App
from impl.core import identifiers
from impl.core.event_builder import Draft
from impl.requester import Requester
from impl.services import (
    member_content,
    out_of_band,
    posting,
    rate_limiting,
    room_complexity,
    room_reading,
    room_succession,
)
from impl.services.remote_history import waiting
from impl.services.remote_membership import asking
from impl.services.remote_membership import join as remote_join
from impl.services.remote_membership import knock as remote_knock
from impl.services.room_events.submission import Submission
from impl.storage import room_servers


def join(
    app: App, requester: Requester, room_id: str, reason: str | None, via: Collection[str]
) -> bool:
    """Bring the requester into a room that this server is not in. False: it is by now, or nobody
    else is either."""
    with app.part(remote_join.Joins, remote_join.Joins).turn(room_id):
        with app.database.read() as txn:
            room = room_reading.find(app, txn, room_id)
            servers = asking.in_order(app, via, _known(app, txn, room_id, requester.user_id))
            if room is not None and (not servers or room_reading.is_resident(txn, room)):
                return False
        if requester.is_guest:
            # Nobody can say whether the room wants guests before somebody is there.
            raise errors.GuestAccessForbidden("guests may not join a room of other servers")
        rate_limiting.spend(app, "rc_joins_remote", requester.user_id, requester)
        is_limited = room_complexity.is_limited(app, requester)
        if is_limited:
            room_complexity.check_told(app, room_id, servers)
        if not _join_alone(app, requester, room_id, reason, servers):
            return False
        if is_limited:
            _leave_if_too_large(app, requester, room_id)
    waiting.for_a_moment(app, room_id)
    return True


def _leave_if_too_large(app: App, requester: Requester, room_id: str) -> None:
    with app.database.read() as txn:
        room = room_reading.get(app, txn, room_id)
    try:
        room_complexity.check_here(app, room.room_nid)
    except errors.ResourceLimitExceeded:
        user_id = requester.user_id
        draft = Draft("m.room.member", user_id, member_content.make("leave"), state_key=user_id)
        posting.submit(app, Submission(room_id, [draft]))
        raise


def join_beside(
    app: App, requester: Requester, room_id: str, reason: str | None, via: Collection[str]
) -> bool:
    """Let another server vouch for a join to a room that this one is in. False: there is none."""
    with app.database.read() as txn:
        room = room_reading.get(app, txn, room_id)
        there = room_servers.list_of_room(txn, room.room_nid)
    if not there:
        return False
    _join(app, requester, room_id, reason, asking.in_order(app, via, there))
    return True


def knock(
    app: App, requester: Requester, room_id: str, content: dict[str, Any], via: Collection[str]
) -> bool:
    """Knock on a room that this server is not in. False: it is, or nobody else is."""
    with app.database.read() as txn:
        room = room_reading.find(app, txn, room_id)
        servers = asking.in_order(app, via, _known(app, txn, room_id, requester.user_id))
        if room is not None and (not servers or room_reading.is_resident(txn, room)):
            return False
    remote_knock.knock(app, requester.user_id, room_id, content, servers)
    return True


def _join_alone(
    app: App, requester: Requester, room_id: str, reason: str | None, servers: Sequence[str]
) -> bool:
    """False: another worker has brought somebody of ours into the room, or who was given up on."""
    content = _content(app, requester, reason)

    def work() -> bool:
        with app.part(remote_join.Joins, remote_join.Joins).alone(room_id):
            with app.database.read() as txn:
                room = room_reading.find(app, txn, room_id)
                if room is not None and room_reading.is_resident(txn, room):
                    return False
            remote_join.join(app, requester.user_id, room_id, content, servers)
            return True

    if not asking.to_its_end(app, work):
        return False
    _inherit(app, requester, room_id)
    return True


def _join(
    app: App, requester: Requester, room_id: str, reason: str | None, servers: Sequence[str]
) -> None:
    user_id, content = requester.user_id, _content(app, requester, reason)
    asking.to_its_end(app, lambda: remote_join.join(app, user_id, room_id, content, servers))
    _inherit(app, requester, room_id)


def _content(app: App, requester: Requester, reason: str | None) -> dict[str, Any]:
    with app.database.read() as txn:
        profile = member_content.profile_of(app, txn, requester.user_id)
    return member_content.make("join", profile, reason)


def _inherit(app: App, requester: Requester, room_id: str) -> None:
    """What the user said of the room that this one comes after."""
    user_id = requester.user_id
    with app.database.read() as txn:
        room = room_reading.get(app, txn, room_id)
        old = room_succession.predecessor_of(app, txn, room, user_id)
    if old is not None:
        room_succession.inherit(app, requester, old, room)


def _known(app: App, txn: Any, room_id: str, user_id: str) -> list[str]:
    """Servers that may be in the room: who invited, who is or was there, who made it.

    Raises NotFound for what cannot be a room's id."""
    if not identifiers.is_room_id(room_id):
        raise errors.NotFound("this server does not know the room")
    servers: list[str] = []
    room = room_reading.find_any(app, txn, room_id)
    if room is not None:
        found = out_of_band.find(app, txn, room_id, user_id)
        if found is not None:
            servers += [found.via, identifiers.server_name_of(found.event.sender)]
        servers += room_servers.list_of_room(txn, room.room_nid)
    # Since version 12 a room id names no server.
    if ":" in room_id:
        servers.append(identifiers.server_name_of(room_id))
    return servers
