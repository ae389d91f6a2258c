"""GET /events: what happens, event by event, for old clients and for who looks into a room from
outside. C-S API, "Room Previews", and the endpoint itself.

The windows of the stream are those of /sync; the events come in its order, so that a page may end
anywhere: the next begins after its last event."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from impl import errors
from impl.app import App
from impl.core import event_filter, stream_token
from impl.core.rejection import Malformed
from impl.core.stream_token import SyncToken
from impl.requester import Requester
from impl.services import client_events, history, history_page, presence
from impl.services.client_events import Viewer
from impl.services.sync import ignored_users, rooms_moved, wait
from impl.services.sync.request import Sync
from impl.services.sync.rooms_moved import RoomsMoved
from impl.services.visibility import IS_IN_ROOM, Sights
from impl.storage import event_stream
from impl.storage.sync_rooms import Change, Window

EVENTS_MAX = 100
TIMEOUT_MS_DEFAULT = 30_000


@dataclass(slots=True)
class _Windows:
    """What of the stream is read: rooms, and the user's memberships where they are not in one."""

    windows: list[Window] = field(default_factory=list)
    # room_nid -> the depth of the event by which the user last came into the room.
    depths: dict[int, int] = field(default_factory=dict)
    own: list[Change] = field(default_factory=list)


# (since, up_to) -> what is read between them; None: nothing can have happened.
Look = Callable[[int, int], _Windows | None]


def listen(
    app: App, requester: Requester, from_token: str | None, timeout_ms: int | None
) -> dict[str, object]:
    """What happens in the requester's rooms."""
    user_id = requester.user_id

    def look(since: int, up_to: int) -> _Windows | None:
        joined = app.news.joined_rooms(user_id)
        if not wait.has_moved(app, user_id, joined, since):
            return None
        sync = Sync(app, requester, event_filter.NO_FILTER, since, up_to, False, False)
        changed = app.news.changed_rooms(joined, since)
        has_user_moved = app.news.user_position(user_id) > since
        with app.database.read() as txn:
            moved = rooms_moved.since(sync, txn, changed, has_user_moved)
            keys = [(nid, one.join_nid) for nid, one in moved.left.items() if one.join_nid]
            joins = app.events.get_many(txn, keys)
        depths = {one.room_nid: one.event.depth for one in joins.values()}
        return _windows(moved, depths, since, up_to)

    with presence.polling(app, requester, presence.ONLINE):
        return _poll(app, requester, look, from_token, timeout_ms)


def peek(
    app: App, requester: Requester, room_id: str, from_token: str | None, timeout_ms: int | None
) -> dict[str, object]:
    """What happens in one room that the requester may look into."""
    with app.database.read() as txn:
        reader = history_page.open_room(app, txn, room_id, requester.user_id)
    room_nid, depth = reader.room.room_nid, reader.last_join_depth

    def look(since: int, up_to: int) -> _Windows | None:
        if not app.news.changed_rooms([room_nid], since):
            return None
        return _Windows([(room_nid, since, up_to)], {room_nid: depth})

    return _poll(app, requester, look, from_token, timeout_ms, [room_nid])


def get_event(app: App, requester: Requester, event_id: str) -> msgspec.Raw:
    """An event of whatever room, if the requester may see it."""
    with app.database.read() as txn:
        room_ids = event_stream.list_rooms_of_event(txn, event_id)
    for room_id in room_ids:
        try:
            return history.event(app, requester, room_id, event_id)
        except errors.NotFound:
            continue
    raise errors.NotFound("there is no such event, or you may not see it")


def _poll(
    app: App,
    requester: Requester,
    look: Look,
    from_token: str | None,
    timeout_ms: int | None,
    room_nids: list[int] | None = None,
) -> dict[str, object]:
    """The answer, at once or when there is something. `room_nids`: what is waited for, if it is not
    all rooms of the requester.
    """
    start = since = _read_token(app, from_token)
    asked_ms = TIMEOUT_MS_DEFAULT if timeout_ms is None else max(0, timeout_ms)
    deadline = time.monotonic() + min(asked_ms, wait.TIMEOUT_MS_MAX) / 1000
    while True:
        up_to = app.news.position
        windows = look(since, up_to)
        chunk: list[msgspec.Raw] = []
        if windows is not None:
            chunk, up_to = _read(app, requester, windows, up_to)
        since = max(since, up_to)
        left_ms = (deadline - time.monotonic()) * 1000
        waited = app.news.joined_rooms(requester.user_id) if room_nids is None else room_nids
        if chunk or not (
            since < app.news.position
            or wait.until_moved(app, requester.user_id, waited, since, left_ms)
        ):
            break
    return {"start": str(SyncToken(start)), "end": str(SyncToken(since)), "chunk": chunk}


def _read_token(app: App, token: str | None) -> int:
    if not token:
        return app.news.position
    try:
        position = stream_token.parse_sync(token).position
    except Malformed as error:
        raise errors.InvalidParam("from is not a token of this endpoint") from error
    if position > app.news.position:
        app.news.catch_up()
    # A token of the future is one of a database that was restored to the past.
    return min(position, app.news.position)


def _windows(moved: RoomsMoved, depths: dict[int, int], since: int, up_to: int) -> _Windows:
    found = _Windows()
    for nid, after in moved.joined.items():
        found.windows.append((nid, max(after, since), up_to))
        found.depths[nid] = IS_IN_ROOM
    for nid, left in moved.left.items():
        if left.after is not None and nid in depths:
            found.windows.append((nid, max(left.after, since), left.departure))
            found.depths[nid] = depths[nid]
        if left.last.position > left.departure:
            found.own.append(left.last)
    found.own += [*moved.invited.values(), *moved.knocked.values()]
    return found


def _read(
    app: App, requester: Requester, windows: _Windows, up_to: int
) -> tuple[list[msgspec.Raw], int]:
    """The events of a page, and the position at which it ends."""
    ignored = ignored_users.get(app, requester.user_id)
    with app.database.read() as txn:
        rows = event_stream.list_forth(txn, windows.windows, EVENTS_MAX) if windows.windows else []
        places = [(row.position, row.room_nid, row.event_nid) for row in rows]
        places += [(one.position, one.room_nid, one.event_nid) for one in windows.own]
        places.sort()
        end = places[EVENTS_MAX - 1][0] if len(places) >= EVENTS_MAX else up_to
        places = places[:EVENTS_MAX]
        stored = app.events.get_many(txn, [(nid, event_nid) for _, nid, event_nid in places])
        sights = Sights(app, txn, requester.user_id)
        sights.preload(stored.values())
        own = {one.event_nid: one.membership for one in windows.own}
        memberships = dict(own)
        for nid, depth in windows.depths.items():
            some = [one for one in stored.values() if one.room_nid == nid]
            memberships |= sights.select(some, depth)[1]
        shown = [
            one
            for _, _, event_nid in places
            if event_nid in memberships
            and (one := stored.get(event_nid)) is not None
            and (one.event.sender not in ignored or (one.event.is_state and event_nid not in own))
        ]
        return client_events.write(Viewer(app, requester, memberships), txn, shown), end
