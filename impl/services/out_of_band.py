"""Memberships of our users in rooms that this server is not in: invited or knocking by way of
another server, and what became of it.

Theory. An invite, a knock and its answer come alone: one event, without what it cites, and what the
other server shows of its room. Nothing of it can be judged by the rules, so that it stands beside
the room's graph and not in it: the event is kept as rejected, and what users see (/sync, their
memberships, forgetting) is written as it would be for an event of the room. The room has a row,
perhaps without a state (`Room.has_state`; `room_reading.find` does not find it).

When the room itself comes, as somebody of ours joins it, its state says what everybody is in it
(room_events/out_of_band_rows.py), and the events that came alone are judged like any other
(room_events/receive.py)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from impl import errors
from impl.app import App
from impl.core import event_builder, identifiers
from impl.core.event import Event
from impl.core.event_builder import Draft, Place
from impl.core.rejection import Malformed
from impl.core.room_version import ROOM_VERSIONS
from impl.services import member_content, room_reading
from impl.services.room_events import create
from impl.storage import events, memberships, out_of_band
from impl.storage.events import NewEvent
from impl.storage.memberships import Member
from impl.storage.out_of_band import OutOfBand
from impl.storage.rooms import Room

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Told:
    """A membership event of a user of ours that came alone, or was made for want of anybody to make
    it with. `via` is the server to ask about the room; `stripped_state` as core/stripped_state.py
    reads it.
    """

    event: Event
    via: str
    stripped_state: Sequence[dict[str, Any]] = ()

    @property
    def user_id(self) -> str:
        return self.event.state_key or ""


@dataclass(frozen=True, slots=True)
class Found:
    """What somebody of ours is in a room that this server is not in."""

    room: Room
    event: Event
    via: str

    @property
    def membership(self) -> object:
        return self.event.membership


def find(app: App, txn: Any, room_id: str, user_id: str) -> Found | None:
    """None where the room itself says what the user is.

    An invite that came by the room is like one that came alone once all of ours have left: only who
    is in the room can be told what becomes of it."""
    room = room_reading.find_any(app, txn, room_id)
    member = memberships.get(txn, room.room_nid, user_id) if room is not None else None
    if room is None or member is None:
        return None
    row = out_of_band.get(txn, room.room_nid, user_id)
    if row is not None and row.event_nid == member.event_nid:
        via = row.via
    else:
        via = identifiers.server_name_of(member.sender)
        if not _is_invited_from_elsewhere(app, txn, room, member):
            return None
    stored = app.events.get(txn, room.room_nid, member.event_nid)
    return Found(room, stored.event, via) if stored is not None else None


def _is_invited_from_elsewhere(app: App, txn: Any, room: Room, member: Member) -> bool:
    return (
        member.membership == "invite"
        and identifiers.server_name_of(member.sender) != app.server_name
        and not room_reading.is_resident(txn, room)
    )


def keep(app: App, told: Told) -> bool:
    """Make it what the user is in the room. False if it was here before, or if somebody of ours is
    in the room: then it comes by the room.

    Raises InvalidParam where the room is known to be of another version."""
    event = told.event
    with app.database.transaction() as txn:
        room = _lock(app, txn, event)
        ours = memberships.list_joined_of_server(txn, room.room_nid, app.server_name, 1)
        if ours or events.get_nid(txn, room.room_nid, event.event_id) is not None:
            return False
        _put(app, txn, room, told)
    return True


def rescind(app: App, event: Event) -> bool:
    """Another's word that a user of ours is not invited any more, or will not be let in; False if
    it is not about that. Its signature was checked.

    Only who knows the invite can cite it, and who sent it can take it back."""
    user_id = event.state_key
    if event.type != "m.room.member" or event.membership not in ("leave", "ban") or not user_id:
        return False
    with app.database.transaction() as txn:
        if event.sender == user_id or find(app, txn, event.room_id, user_id) is None:
            return False
        room = _lock(app, txn, event)
        if events.get_nid(txn, room.room_nid, event.event_id) is not None:
            return True
        # As it is now that nobody else changes it.
        found = find(app, txn, event.room_id, user_id)
        if found is None or found.membership not in ("invite", "knock"):
            return False
        before = found.event
        if before.sender != event.sender and before.event_id not in event.auth_event_ids:
            return False
        _put(app, txn, room, Told(event, found.via))
    return True


def leave(app: App, room_id: str, user_id: str, reason: str | None = None) -> bool:
    """Decline an invite, or take a knock back, without anybody's help; False if there is none that
    came alone. Whoever invited hears nothing of it.
    """
    with app.database.transaction() as txn:
        found = find(app, txn, room_id, user_id)
        if found is None:
            return False
        room = _lock(app, txn, found.event)
        found = find(app, txn, room_id, user_id)
        if found is None or found.membership not in ("invite", "knock"):
            return False
        event = _leaving(app, room, found.event, reason)
        _put(app, txn, room, Told(event, found.via))
    return True


def _lock(app: App, txn: Any, event: Event) -> Room:
    version = event.room_version.version
    room = out_of_band.lock_room(txn, event.room_id, version, app.now_ms())
    if room.room_version != version:
        raise errors.InvalidParam(f"room_version: the room is of version {room.room_version}")
    return room


def _leaving(app: App, room: Room, before: Event, reason: str | None) -> Event:
    """The user's own event, that cites what it ends and nothing else."""
    user_id = before.state_key or ""
    content = member_content.make("leave", reason=reason)
    place = Place(
        room.room_id,
        ROOM_VERSIONS[room.room_version],
        [before.event_id],
        [before.event_id],
        before.depth + 1,
    )
    try:
        return event_builder.build(
            Draft("m.room.member", user_id, content, state_key=user_id),
            place,
            now_ms=app.now_ms(),
            server_name=app.server_name,
            signing_key=app.signing_key,
        )
    except Malformed as error:
        raise create.refusal(error) from error


def _put(app: App, txn: Any, room: Room, told: Told) -> None:
    event, user_id = told.event, told.user_id
    membership = str(event.membership)
    app.event_nids.reserve(txn, 1)
    event_nid = app.event_nids.take()
    new = NewEvent(room.room_nid, event_nid, event, [], None, None, out_of_band.REASON)
    events.insert(txn, [new], app.now_ms())
    forgets = app.config.forget_rooms_on_leave and membership in ("leave", "ban")
    memberships.put(
        txn,
        [
            Member(
                room_nid=room.room_nid,
                user_id=user_id,
                membership=membership,
                event_nid=event_nid,
                sender=event.sender,
                display_name=_text(event.content.get("displayname")),
                avatar_url=_text(event.content.get("avatar_url")),
                is_forgotten=forgets,
            )
        ],
    )
    shown = _encode(list(told.stripped_state)).decode()
    out_of_band.put(txn, OutOfBand(room.room_nid, user_id, event_nid, told.via, shown), membership)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
