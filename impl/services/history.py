"""/messages, /context and single events. C-S API, "Getting events for a room", "Event Context"."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from impl import errors
from impl.app import App
from impl.core import state_trie
from impl.requester import Requester
from impl.services import cited_members, client_events, history_page, room_reading
from impl.services.aggregations import Aggregations
from impl.services.client_events import Viewer
from impl.services.history_page import Page, Reader
from impl.services.remote_history import backfill, crossing, forward
from impl.services.remote_history.gaps import Gap
from impl.services.sync import ignored_users
from impl.services.visibility import IS_IN_ROOM
from impl.storage import events, history, memberships, timeline
from impl.storage.events import StoredEvent
from impl.storage.history import Place
from impl.storage.rooms import Room
from impl.storage.state_nodes import RoomNodes
from impl.storage.timeline import Row

MEMBER = "m.room.member"

# A page is read so often: each time there may be more.
FILLED_MAX = 3

_NO_SUCH_EVENT = "there is no such event, or you may not see it"


@dataclass(frozen=True, slots=True)
class Range:
    """What /messages asks for."""

    is_back: bool
    from_token: str | None = None
    to_token: str | None = None
    limit: int | None = None
    filter: str | None = None


def messages(app: App, requester: Requester, room_id: str, asked: Range) -> dict[str, Any]:
    """A page of the room's history. What is missing where it comes by is fetched first."""
    return _filled(app, lambda: _messages(app, requester, room_id, asked))


def _filled(app: App, read: "Callable[[], _Answered]") -> dict[str, Any]:
    deadline = time.monotonic() + backfill.WAIT_S
    answered = read()
    for _ in range(FILLED_MAX):
        wait_s = deadline - time.monotonic()
        if not answered.gaps or wait_s <= 0:
            break
        if answered.is_back:
            backfill.fill(app, answered.room, answered.gaps, wait_s)
        else:
            forward.fill(app, answered.room, answered.gaps, wait_s)
        answered = read()
    return answered.answer


@dataclass(frozen=True, slots=True)
class _Answered:
    """A page, and what was missing where it came by."""

    answer: dict[str, Any]
    room: Room
    gaps: Sequence[Gap]
    is_back: bool = True


def _messages(app: App, requester: Requester, room_id: str, asked: Range) -> _Answered:
    wanted = history_page.read_filter(asked.filter)
    limit = history_page.read_limit(asked.limit, wanted)
    ignored = ignored_users.get(app, requester.user_id)
    with app.database.read() as txn:
        reader = history_page.open_room(app, txn, room_id, requester.user_id, wanted)
        reader.ignored = ignored
        start, end = _window(reader, asked)
        page, found = Page([], {}, None), []
        if wanted.passes_room(room_id):
            page, found = _walk(reader, start, end, limit, is_back=asked.is_back)
        viewer = Viewer(app, requester, page.memberships)
        told = Aggregations(viewer, txn, reader.sights, ignored)
        answer: dict[str, Any] = {
            "start": asked.from_token or history_page.write_token(start),
            "chunk": told.write(page.events, page.memberships, reader.last_join_depth),
        }
        if page.end is not None:
            answer["end"] = history_page.write_token(page.end)
        elif asked.to_token and page.events:
            answer["end"] = asked.to_token
        if wanted.lazy_load_members and page.events:
            state = _members_of_senders(reader, page.events, page.events[0].state_after or 0)
            answer["state"] = client_events.write_state(viewer, txn, state)
    return _Answered(answer, reader.room, found, asked.is_back)


def _walk(
    reader: Reader, start: Place, end: Place, limit: int, *, is_back: bool
) -> tuple[Page, list[Gap]]:
    """A page, and what is missing where it ends."""
    walk = history_page.walk_back if is_back else history_page.walk_forth
    cut = crossing.cut_back if is_back else crossing.cut_forth
    page = walk(reader, start, end, limit)
    return page, cut(reader, page, start, end) if limit else []


def _window(reader: Reader, asked: Range) -> tuple[Place, Place]:
    """From where to where."""
    start = (
        history_page.place_of(reader, asked.from_token, "from")
        if asked.from_token
        else _default_start(reader, asked.is_back)
    )
    if asked.to_token:
        return start, history_page.place_of(reader, asked.to_token, "to")
    return start, history.FIRST if asked.is_back else history.LAST


def _default_start(reader: Reader, is_back: bool) -> Place:
    """Without `from`: the first or the last event that the reader may see, or nearly."""
    return newest_place(reader) if is_back else history.FIRST


def newest_place(reader: Reader) -> Place:
    """The last event that the reader may see, or nearly."""
    txn, room_nid = reader.txn, reader.room.room_nid
    if reader.last_join_depth != IS_IN_ROOM:
        departure = memberships.get_last_departure(txn, room_nid, reader.user_id)
        if departure is not None and not _is_world_readable(reader):
            row = _row_of(reader, reader.app.events.get(txn, room_nid, departure))
            if row is not None:
                return row.topological, row.position
    return history.get_newest_place(txn, room_nid)


def _is_world_readable(reader: Reader) -> bool:
    return room_reading.is_world_readable(reader.app, reader.txn, reader.room)


def _row_of(reader: Reader, stored: StoredEvent | None) -> Row | None:
    if stored is None:
        return None
    return timeline.get_of_event(reader.txn, stored.room_nid, stored.event_nid, stored.event.depth)


def _members_of_senders(
    reader: Reader, stored: Sequence[StoredEvent], root: int
) -> list[StoredEvent]:
    """C-S API, "Lazy-loading room members"."""
    app, txn, room_nid = reader.app, reader.txn, reader.room.room_nid
    keys = {(MEMBER, one.event.sender) for one in stored}
    key_nids = app.state_keys.get_nids(txn, keys)
    nodes = RoomNodes(txn, app.state_nodes, room_nid)
    found = state_trie.get_many(nodes, root, key_nids.values())
    nids = sorted(found.values())
    loaded = app.events.get_many(txn, [(room_nid, nid) for nid in nids])
    members = [loaded[nid] for nid in nids]
    if reader.room.is_partial:
        missing = {key[1] for key in keys if key_nids.get(key) not in found}
        members += cited_members.find(app, txn, stored, missing).values()
    return members


def event(app: App, requester: Requester, room_id: str, event_id: str) -> msgspec.Raw:
    """One event; what somebody may not see is not there for them, nor is the room."""
    ignored = ignored_users.get(app, requester.user_id)
    with app.database.read() as txn:
        reader, stored, memberships_at = find_visible(
            app, txn, requester.user_id, room_id, event_id
        )
        told = Aggregations(Viewer(app, requester), txn, reader.sights, ignored)
        return told.write([stored], memberships_at, reader.last_join_depth)[0]


def find_visible(
    app: App, txn: Any, user_id: str, room_id: str, event_id: str
) -> tuple[Reader, StoredEvent, dict[int, str]]:
    """An event, who reads it, and their membership at it. Raises NotFound if they may not."""
    try:
        reader = history_page.open_room(app, txn, room_id, user_id)
    except errors.Forbidden as error:
        raise errors.NotFound(_NO_SUCH_EVENT) from error
    return reader, *_visible(reader, event_id)


def _visible(reader: Reader, event_id: str) -> tuple[StoredEvent, dict[int, str]]:
    room_nid = reader.room.room_nid
    nid = None if "\0" in event_id else events.get_nid(reader.txn, room_nid, event_id)
    stored = None if nid is None else reader.app.events.get(reader.txn, room_nid, nid)
    if stored is not None:
        seen, found = reader.sights.select([stored], reader.last_join_depth)
        if seen:
            return stored, found
    raise errors.NotFound(_NO_SUCH_EVENT)


def context(
    app: App,
    requester: Requester,
    room_id: str,
    event_id: str,
    limit: int | None,
    filter_text: str | None,
) -> dict[str, Any]:
    """An event with those around it, and the state at the last of them. What is missing before it
    is fetched first.
    """
    return _filled(app, lambda: _context(app, requester, room_id, event_id, limit, filter_text))


def _context(
    app: App,
    requester: Requester,
    room_id: str,
    event_id: str,
    limit: int | None,
    filter_text: str | None,
) -> _Answered:
    wanted = history_page.read_filter(filter_text)
    number = history_page.read_limit(limit, wanted)
    ignored = ignored_users.get(app, requester.user_id)
    with app.database.read() as txn:
        reader = history_page.open_room(app, txn, room_id, requester.user_id, wanted)
        reader.ignored = ignored
        stored, own_membership = _visible(reader, event_id)
        row = _row_of(reader, stored)
        if row is None:
            raise errors.NotFound("the event has no place in the room's history")
        place = (row.topological, row.position)
        just_before = (row.topological, row.position - 1)
        before, missing_before = _walk(
            reader, just_before, history.FIRST, number // 2, is_back=True
        )
        after, missing_after = _walk(
            reader, place, history.LAST, number - number // 2, is_back=False
        )
        shown = [*before.events, stored, *after.events]
        last = after.events[-1] if after.events else stored
        state = _state(reader, shown, last.state_after or 0)
        found = own_membership | before.memberships | after.memberships
        around = Viewer(app, requester, found)
        told = Aggregations(around, txn, reader.sights, ignored)
        written = told.write(shown, found, reader.last_join_depth)
        place_of_it = len(before.events)
        answer = {
            "start": history_page.write_token(_outer(reader, before, just_before, is_back=True)),
            "end": history_page.write_token(_outer(reader, after, place, is_back=False)),
            "event": written[place_of_it],
            "events_before": written[:place_of_it],
            "events_after": written[place_of_it + 1 :],
            "state": client_events.write_state(around, txn, state),
        }
    if missing_before:
        return _Answered(answer, reader.room, missing_before)
    return _Answered(answer, reader.room, missing_after, is_back=False)


def _outer(reader: Reader, page: Page, start: Place, *, is_back: bool) -> Place:
    """Where the client goes on from a page, even if there is nothing more now."""
    if page.end is not None:
        return page.end
    row = _row_of(reader, page.events[-1]) if page.events else None
    if row is None:
        return start
    return row.topological, row.position - 1 if is_back else row.position


def _state(reader: Reader, shown: Sequence[StoredEvent], root: int) -> list[StoredEvent]:
    app, txn, room = reader.app, reader.txn, reader.room
    state = room_reading.whole_state_at(app, txn, room, root)
    wanted = reader.filter
    if wanted.lazy_load_members:
        senders = {one.event.sender for one in shown}
        state = [one for one in state if one.event.type != MEMBER or one.event.state_key in senders]
    return [
        one
        for one in state
        if wanted.passes_all or wanted.passes(one.event.type, one.event.sender, one.event.content)
    ]
