"""What a user was notified of, the newest first. C-S API, "Listing Notifications".

Nothing is stored of it for each member: what the rows of the timeline say for unread counts
(services/unread.py) says which events were notifications, and the rules in force then say which
actions they took. The rooms that the user is in are walked back together by position, so much at a
time. Where the rules would say something else today than they did, since the room has other members
now or the event was redacted, the actions are as plain as what is known."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from impl import errors
from impl.app import App
from impl.core import push_rules, push_totals
from impl.core.push_classes import pair_of
from impl.core.push_conditions import Surroundings
from impl.core.push_totals import NOTHING, Pair
from impl.core.threads import MAIN
from impl.requester import Requester
from impl.services import client_events, unread
from impl.services.client_events import Viewer
from impl.services.sync import ignored_users
from impl.services.unread import Floors, History
from impl.services.visibility import Sights
from impl.storage import push_rules as stored_push_rules
from impl.storage import rooms as stored_rooms
from impl.storage import sync_rooms
from impl.storage import unread as stored_unread
from impl.storage.events import StoredEvent
from impl.storage.rooms import Room
from impl.storage.timeline import Row

LIMIT_DEFAULT = 20
LIMIT_MAX = 500
# A page may be short of what was asked for once so much was read for it.
STEPS_MAX = 10
ROOMS_AT_ONCE = 20
ROWS_OF_A_ROOM = 50

HIGHLIGHT = "highlight"


@dataclass(slots=True)
class Asked:
    """The query, as it came."""

    from_token: str | None = None
    limit: int | None = None
    only: str | None = None


@dataclass(slots=True)
class _Reader:
    """A user, and what is known of their rooms."""

    app: App
    txn: Any
    user_id: str
    rooms: dict[int, Room]
    history: History
    floors: dict[int, Floors]
    member_counts: dict[int, int]
    ignored: frozenset[str]
    only_highlights: bool
    sights: Sights


@dataclass(frozen=True, slots=True)
class _Notification:
    row: Row
    stored: StoredEvent
    pair: Pair


@dataclass(slots=True)
class _Page:
    found: list[_Notification] = field(default_factory=list)
    # Positions before this one are still to be walked; None: there are no more.
    before: int | None = None


@dataclass(frozen=True, slots=True)
class _AsItWas:
    """Power levels by which a sender was allowed to notify a room if that is what happened."""

    was_allowed: bool

    def user(self, user_id: str) -> int:
        return int(self.was_allowed)

    def notification(self, name: str) -> int:
        return 1


def list_page(app: App, requester: Requester, asked: Asked) -> dict[str, Any]:
    """Raises InvalidParam for a token that is none, and for a limit below zero."""
    user_id = requester.user_id
    limit = LIMIT_DEFAULT if asked.limit is None else min(asked.limit, LIMIT_MAX)
    if limit < 0:
        raise errors.InvalidParam("limit must not be negative")
    token = _read_token(asked.from_token)
    before = app.news.position + 1 if token is None else token
    room_nids = app.news.joined_rooms(user_id)
    ignored = ignored_users.get(app, user_id)
    with app.database.read() as txn:
        rooms = app.rooms.get_by_nids(txn, list(room_nids))
        versions = stored_push_rules.list_versions(txn, user_id)
        reader = _Reader(
            app,
            txn,
            user_id,
            rooms,
            History(app, txn, versions, rooms.values()),
            unread.read_floors(txn, user_id, rooms),
            stored_rooms.get_joined_counts(txn, list(rooms)),
            ignored,
            asked.only == HIGHLIGHT,
            Sights(app, txn, user_id),
        )
        page = _walk(reader, before, limit)
        events = client_events.write(
            Viewer(app, requester),
            txn,
            [one.stored for one in page.found],
            client_events.WITHOUT_ROOM_ID,
        )
    written: dict[str, Any] = {
        "notifications": [
            _write(reader, one, event) for one, event in zip(page.found, events, strict=True)
        ]
    }
    if page.before is not None:
        written["next_token"] = str(page.before)
    return written


def _read_token(token: str | None) -> int | None:
    if not token:
        return None
    if not (token.isascii() and token.isdecimal() and len(token) < 19):
        raise errors.InvalidParam("from is not a token of this endpoint")
    return int(token)


def _walk(reader: _Reader, before: int, limit: int) -> _Page:
    page = _Page(before=before)
    for _ in range(STEPS_MAX):
        if page.before is None or len(page.found) == limit:
            break
        rows, lowest = _read_rows(reader, page.before)
        page.before = lowest
        for one in _notifications(reader, rows):
            if len(page.found) == limit:
                break
            page.found.append(one)
            if len(page.found) == limit:
                page.before = one.row.position
    return page


def _read_rows(reader: _Reader, before: int) -> tuple[list[Row], int | None]:
    """The newest rows before a position, the newest first, and where to go on."""
    newest = stored_unread.list_newest_positions(reader.txn, list(reader.rooms), before)
    # What was said before the user came is not for them.
    came = {room_nid: floors.came for room_nid, floors in reader.floors.items()}
    heads = sorted((one for one in newest if one[0] > came[one[1]]), reverse=True)
    if not heads:
        return [], None
    # Of the rooms that come next, down to where another would have its turn.
    floor = heads[ROOMS_AT_ONCE][0] if len(heads) > ROOMS_AT_ONCE else 0
    windows = [
        (room_nid, max(floor, came[room_nid]), before - 1) for _, room_nid in heads[:ROOMS_AT_ONCE]
    ]
    found = sync_rooms.list_timelines(reader.txn, windows, [ROWS_OF_A_ROOM] * len(windows))
    cut = [rows[-1].position - 1 for rows in found.values() if len(rows) == ROWS_OF_A_ROOM]
    lowest = max([floor, *cut])
    rows = [row for rows in found.values() for row in rows if row.position > lowest]
    rows.sort(key=lambda row: -row.position)
    return rows, lowest + 1 if lowest else None


def _notifications(reader: _Reader, rows: Sequence[Row]) -> Iterable[_Notification]:
    singled = stored_unread.list_singled_of(
        reader.txn,
        reader.user_id,
        [(row.room_nid, row.position) for row in rows if row.singles_out],
    )
    told: list[tuple[Row, Pair]] = []
    for row in rows:
        class_nid = reader.history.class_at(row.room_nid, row.position)
        pair = push_totals.add(
            push_totals.of_class(row.unread_outcome, class_nid),
            singled.get((row.room_nid, row.position), NOTHING),
        )
        if pair[1 if reader.only_highlights else 0] > 0:
            told.append((row, pair))
    keys = [(row.room_nid, row.event_nid) for row, _ in told]
    loaded = reader.app.events.get_many(reader.txn, keys) if keys else {}
    for row, pair in told:
        stored = loaded.get(row.event_nid)
        if stored is None:
            continue  # It was deleted just now.
        sender = stored.event.sender
        is_hidden = not stored.event.is_state and (
            sender in reader.ignored or reader.sights.has_expired(stored)
        )
        if sender != reader.user_id and not is_hidden:
            yield _Notification(row, stored, pair)


def _write(reader: _Reader, one: _Notification, event: Any) -> dict[str, Any]:
    row = one.row
    floor = reader.floors[row.room_nid].of(row.thread_id or MAIN)
    return {
        "actions": _actions(reader, one),
        "event": event,
        "read": row.position <= floor,
        "room_id": reader.rooms[row.room_nid].room_id,
        "ts": one.stored.event.origin_server_ts,
    }


def _actions(reader: _Reader, one: _Notification) -> list[Any]:
    row, event = one.row, one.stored.event
    changes = reader.history.changes_at(row.position)
    around = Surroundings(
        event.room_id,
        reader.member_counts.get(row.room_nid, 0),
        _AsItWas(one.pair[1] > 0),
    )
    rules = push_rules.ruleset(reader.user_id, changes)
    actions = push_rules.evaluate(rules, {**event.pdu, "room_id": event.room_id}, around)
    if pair_of(actions) == one.pair:
        return actions
    return ["notify", {"set_tweak": "highlight"}] if one.pair[1] else ["notify"]
