"""One page of a room's history: what of it somebody may see and wants. C-S API, "Pagination".

Theory. History is walked by (topological order, position); a token names a place between two
events. A page is read in steps until it is full, the end is reached, or so much was read that the
client had better ask again."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from impl import errors
from impl.app import App
from impl.core import event_filter, stream_token
from impl.core.event_filter import EventFilter
from impl.core.rejection import Malformed
from impl.core.stream_token import HistoryToken, SyncToken
from impl.services import related_events, room_reading
from impl.services.visibility import IS_IN_ROOM, NEVER_JOINED, Sights, last_join_depth
from impl.storage import history, memberships
from impl.storage.events import StoredEvent
from impl.storage.history import Place
from impl.storage.rooms import Room

LIMIT_DEFAULT = 10
LIMIT_MAX = 1000
# A page may be short of what was asked for once so much was read for it.
ROWS_READ_MAX = 2000


class Row(Protocol):
    """An event at its place in history."""

    @property
    def room_nid(self) -> int: ...
    @property
    def event_nid(self) -> int: ...
    @property
    def topological(self) -> int: ...
    @property
    def position(self) -> int: ...


class Rows(Protocol):
    """What is walked: all of a room, as storage/history.py has it, or some of it."""

    def list_back(
        self, txn: Any, room_nid: int, start: Place, end: Place, limit: int
    ) -> Sequence[Row]: ...
    def list_forth(
        self, txn: Any, room_nid: int, start: Place, end: Place, limit: int
    ) -> Sequence[Row]: ...


@dataclass(slots=True)
class Reader:
    """Somebody who reads the history of a room, and what they may see of it."""

    app: App
    txn: Any
    room: Room
    user_id: str
    last_join_depth: int
    filter: EventFilter = event_filter.EVERYTHING
    sights: Sights = field(init=False)
    ignored: Collection[str] = ()

    def __post_init__(self) -> None:
        self.sights = Sights(self.app, self.txn, self.user_id)


@dataclass(slots=True)
class Page:
    """Events in the order in which they were walked; `end` is None where there are no more."""

    events: list[StoredEvent]
    memberships: dict[int, str]
    end: Place | None


def open_room(
    app: App, txn: Any, room_id: str, user_id: str, wanted: EventFilter = event_filter.EVERYTHING
) -> Reader:
    """Raises Forbidden for who never was in the room, or has forgotten it, unless all the world may
    read it.
    """
    room = room_reading.find(app, txn, room_id)
    if room is None:
        raise errors.Forbidden("you are not in this room")
    member = memberships.get(txn, room.room_nid, user_id)
    if member is not None and member.membership == "join":
        depth = IS_IN_ROOM
    else:
        is_forgotten = member is not None and member.is_forgotten
        depth = NEVER_JOINED if is_forgotten else last_join_depth(app, txn, room.room_nid, user_id)
        if depth == NEVER_JOINED and not room_reading.is_world_readable(app, txn, room):
            raise errors.Forbidden("you are not in this room")
    return Reader(app, txn, room, user_id, depth, wanted)


def read_filter(text: str | None) -> EventFilter:
    """A RoomEventFilter as it stands in a query."""
    if not text:
        return event_filter.EVERYTHING
    try:
        return event_filter.read_part(msgspec.json.decode(text), "filter")
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise errors.InvalidParam("filter is not JSON") from error
    except Malformed as error:
        raise errors.InvalidParam(f"filter: {error}") from error


def read_limit(limit: int | None, wanted: EventFilter) -> int:
    if limit is not None and limit < 0:
        raise errors.InvalidParam("limit must not be negative")
    asked = LIMIT_DEFAULT if limit is None else limit
    if wanted.limit is not None:
        asked = min(asked, wanted.limit) if limit is not None else wanted.limit
    return min(asked, LIMIT_MAX)


def place_of(reader: Reader, token: str, name: str) -> Place:
    """The place that a token of either kind names."""
    try:
        parsed = stream_token.parse(token)
    except Malformed as error:
        raise errors.InvalidParam(f"{name} is not a token of this server") from error
    if isinstance(parsed, SyncToken):
        return history.get_place(reader.txn, reader.room.room_nid, parsed.position)
    return parsed.topological, parsed.position


def write_token(place: Place) -> str:
    return str(HistoryToken(*place))


def walk_back(reader: Reader, start: Place, end: Place, limit: int, source: Rows = history) -> Page:
    """The page that goes back from a place."""
    page = Page([], {}, start)
    rows_left = ROWS_READ_MAX
    while rows_left > 0 and page.end is not None and len(page.events) < limit:
        step = _step(limit - len(page.events), reader, is_first=rows_left == ROWS_READ_MAX)
        rows = source.list_back(reader.txn, reader.room.room_nid, page.end, end, step + 1)
        rows_left -= len(rows)
        last = _add(reader, page, rows[:step], limit)
        is_done = len(rows) <= step and last is (rows[-1] if rows else None)
        page.end = None if is_done or last is None else (last.topological, last.position - 1)
    return page


def walk_forth(
    reader: Reader, start: Place, end: Place, limit: int, source: Rows = history
) -> Page:
    """The page that goes on from a place."""
    page = Page([], {}, start)
    rows_left = ROWS_READ_MAX
    while rows_left > 0 and page.end is not None and len(page.events) < limit:
        step = _step(limit - len(page.events), reader, is_first=rows_left == ROWS_READ_MAX)
        rows = source.list_forth(reader.txn, reader.room.room_nid, page.end, end, step + 1)
        rows_left -= len(rows)
        last = _add(reader, page, rows[:step], limit)
        is_done = len(rows) <= step and last is (rows[-1] if rows else None)
        page.end = None if is_done or last is None else (last.topological, last.position)
    return page


def _step(missing: int, reader: Reader, *, is_first: bool) -> int:
    # Where much is dropped, more is read at a time.
    drops = not reader.filter.passes_all or reader.last_join_depth != IS_IN_ROOM or reader.ignored
    return missing if is_first and not drops else max(missing, 100)


def _add(reader: Reader, page: Page, rows: Sequence[Row], limit: int) -> Row | None:
    """Add what may be seen and is wanted, up to the limit; returns the last row that was looked
    at.
    """
    stored = load(reader, rows)
    visible, found = reader.sights.select(stored, reader.last_join_depth)
    page.memberships |= found
    visible_nids = related_events.select(reader.txn, reader.filter, visible, reader.ignored)
    by_nid = {one.event_nid: one for one in stored}
    last: Row | None = None
    for row in rows:
        if len(page.events) == limit:
            break
        last = row
        if row.event_nid in visible_nids and _is_wanted(reader, by_nid[row.event_nid]):
            page.events.append(by_nid[row.event_nid])
    return last


def load(reader: Reader, rows: Sequence[Row]) -> list[StoredEvent]:
    """The events of some rows, with the states at them at hand."""
    app, txn = reader.app, reader.txn
    loaded = app.events.get_many(txn, [(row.room_nid, row.event_nid) for row in rows])
    # What is missing is of a room that is being purged.
    stored = [loaded[row.event_nid] for row in rows if row.event_nid in loaded]
    reader.sights.preload(stored)
    return stored


def _is_wanted(reader: Reader, stored: StoredEvent) -> bool:
    event = stored.event
    if not event.is_state and event.sender in reader.ignored:
        return False
    wanted = reader.filter
    return wanted.passes_all or wanted.passes(event.type, event.sender, event.content)
