"""GET /initialSync and /rooms/{roomId}/initialSync: everything at once, for old clients and for who
looks into a room from outside. C-S API, "Room Previews", and the endpoints themselves.

Both are other ways to write what /sync and /messages say; their `end` is where /events goes on."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from impl import errors
from impl.app import App
from impl.core.stream_token import SyncToken
from impl.requester import Requester
from impl.services import client_events, history, room_reading, room_state
from impl.services.client_events import Viewer
from impl.services.history import Range
from impl.services.sync import sync
from impl.services.sync.request import Question
from impl.storage import account_data, aliases, memberships
from impl.storage.memberships import Member
from impl.storage.rooms import Room

LIMIT_DEFAULT = 10
# What has a name in the response.
_MEMBERSHIPS = ("join", "invite", "leave", "ban")

_encode = msgspec.json.Encoder().encode


def of_user(
    app: App, requester: Requester, limit: int | None, has_archived: bool
) -> dict[str, Any]:
    """All rooms of the requester, as they are."""
    if limit is not None and limit < 0:
        raise errors.InvalidParam("limit must not be negative")
    number = LIMIT_DEFAULT if limit is None else limit
    wanted = {"timeline": {"limit": max(1, number)}, "include_leave": has_archived}
    question = Question(filter=msgspec.json.encode({"room": wanted}).decode(), use_state_after=True)
    found = sync.answer(app, requester, question)
    with app.database.read() as txn:
        members = {one.room_nid: one for one in memberships.list_of_user(txn, requester.user_id)}
        rooms = {room.room_id: room for room in app.rooms.get_by_nids(txn, list(members)).values()}
        published = set(aliases.list_published(txn))
        told = _rooms(found, number)
        told.update(_invitations(app, txn, requester, found["rooms"]["invite"], rooms, members))
    return {
        "end": found["next_batch"],
        "presence": found["presence"]["events"],
        "account_data": found["account_data"]["events"],
        "rooms": [
            {
                "room_id": room_id,
                "membership": _membership(members.get(rooms[room_id].room_nid), "leave"),
                "visibility": _visibility(rooms[room_id].room_nid in published),
                **one,
            }
            for room_id, one in told.items()
            if room_id in rooms
        ],
    }


def _rooms(found: Mapping[str, Any], limit: int) -> dict[str, dict[str, Any]]:
    """room_id -> what is said of a room that the user is, or was, in."""
    told: dict[str, dict[str, Any]] = {}
    for room_id, room in (*found["rooms"]["join"].items(), *found["rooms"]["leave"].items()):
        timeline = room["timeline"]
        chunk = list(_with_room_id(timeline["events"], room_id)) if limit else []
        start = timeline["prev_batch"] if limit else found["next_batch"]
        told[room_id] = {
            "messages": {"start": start, "end": found["next_batch"], "chunk": chunk},
            "state": list(_with_room_id(room["state_after"]["events"], room_id)),
            "account_data": room["account_data"]["events"],
        }
    return told


def _with_room_id(events: Iterable[msgspec.Raw], room_id: str) -> Iterable[msgspec.Raw]:
    # /sync leaves it out, since it stands above.
    head = b'{"room_id":' + _encode(room_id) + b","
    for one in events:
        yield msgspec.Raw(head + bytes(one)[1:])


def _invitations(
    app: App,
    txn: Any,
    requester: Requester,
    invited: Iterable[str],
    rooms: Mapping[str, Room],
    members: Mapping[int, Member],
) -> dict[str, dict[str, Any]]:
    nids = {room_id: rooms[room_id].room_nid for room_id in invited if room_id in rooms}
    keys = [(nid, members[nid].event_nid) for nid in nids.values()]
    loaded = {one.room_nid: one for one in app.events.get_many(txn, keys).values()}
    told: dict[str, dict[str, Any]] = {}
    for room_id, nid in nids.items():
        if nid in loaded:
            written = client_events.write_state(Viewer(app, requester), txn, [loaded[nid]])
            told[room_id] = {"invite": written[0]}
    return told


def of_room(app: App, requester: Requester, room_id: str) -> dict[str, Any]:
    """One room, also for who only looks into it."""
    end = str(SyncToken(app.news.position))
    asked = Range(is_back=True, from_token=end, limit=LIMIT_DEFAULT)
    page = history.messages(app, requester, room_id, asked)
    state = room_state.get_all(app, requester, room_id)
    messages: dict[str, Any] = {"end": end, "chunk": page["chunk"][::-1]}
    if "end" in page:
        messages["start"] = page["end"]
    with app.database.read() as txn:
        room = room_reading.get(app, txn, room_id)
        member = memberships.get(txn, room.room_nid, requester.user_id)
        is_published = aliases.is_published(txn, room.room_nid)
        data = account_data.list_changed(txn, requester.user_id, 0, app.news.position)
    told: dict[str, Any] = {
        "room_id": room_id,
        "messages": messages,
        "state": state,
        "visibility": _visibility(is_published),
        "account_data": [
            {"type": data_type, "content": msgspec.Raw(content.encode())}
            for of_room, data_type, content in data
            if of_room == room_id
        ],
    }
    membership = _membership(member, None)
    if membership is not None:
        told["membership"] = membership
    return told


def _membership(member: Member | None, otherwise: str | None) -> str | None:
    if member is None or member.membership not in _MEMBERSHIPS:
        return otherwise
    return member.membership


def _visibility(is_published: bool) -> str:
    return "public" if is_published else "private"
