"""What relates to an event, and the threads of a room. C-S API, "Relationships API", "Querying
threads in a room".

Both are walked as history is, by (topological order, position), and their tokens are those of
/messages and /sync: a place between two events of the room."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from impl import errors
from impl.app import App
from impl.core import relations
from impl.requester import Requester
from impl.services import client_events, history, history_page
from impl.services.aggregations import Aggregations
from impl.services.client_events import Viewer
from impl.services.history_page import Reader
from impl.services.sync import ignored_users
from impl.storage import events
from impl.storage import history as stored_history
from impl.storage import relations as stored_relations
from impl.storage.events import StoredEvent
from impl.storage.history import Place
from impl.storage.relations import Child, Family

LIMIT_DEFAULT = 20
LIMIT_MAX = 1000
# Threads that are looked at for a page; after so many the client had better ask again.
THREADS_READ_MAX = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """What one of the three operations asks for. `is_recursive` is None where it is not said."""

    rel_type: str | None = None
    event_type: str | None = None
    is_back: bool = True
    from_token: str | None = None
    to_token: str | None = None
    limit: int | None = None
    is_recursive: bool | None = None


def relating_events(
    app: App, requester: Requester, room_id: str, event_id: str, asked: Asked
) -> dict[str, Any]:
    """A page of the events that relate to another."""
    limit = _limit(asked.limit)
    user_id = requester.user_id
    ignored = ignored_users.get(app, user_id)
    with app.database.read() as txn:
        reader, parent, _ = history.find_visible(app, txn, user_id, room_id, event_id)
        reader.ignored = ignored
        first, last = stored_history.FIRST, stored_history.LAST
        start, end = (last, first) if asked.is_back else (first, last)
        if asked.from_token:
            start = history_page.place_of(reader, asked.from_token, "from")
        if asked.to_token:
            end = history_page.place_of(reader, asked.to_token, "to")
        family = Family(
            parent.event_id, asked.rel_type, asked.event_type, asked.is_recursive is True
        )
        walk = history_page.walk_back if asked.is_back else history_page.walk_forth
        page = walk(reader, start, end, limit, family)
        told = Aggregations(Viewer(app, requester), txn, reader.sights, ignored)
        answer: dict[str, Any] = {
            "chunk": told.write(page.events, page.memberships, reader.last_join_depth)
        }
    if page.end is not None:
        answer["next_batch"] = history_page.write_token(page.end)
    if asked.from_token:
        # From there in the other direction is the page before.
        answer["prev_batch"] = asked.from_token
    if asked.is_recursive is not None:
        depth = stored_relations.RECURSION_DEPTH if asked.is_recursive else 0
        answer["recursion_depth"] = depth
    return answer


def _limit(limit: int | None) -> int:
    if limit is not None and limit < 1:
        raise errors.InvalidParam("limit must be greater than 0")
    return min(LIMIT_DEFAULT if limit is None else limit, LIMIT_MAX)


@dataclass(slots=True)
class _ThreadsPage:
    """Roots, in the order of their newest replies; `end` is None where there are no more."""

    roots: list[StoredEvent]
    memberships: dict[int, str]
    end: Place | None


def thread_roots(
    app: App,
    requester: Requester,
    room_id: str,
    from_token: str | None,
    limit: int | None,
    *,
    only_participated: bool,
) -> dict[str, Any]:
    """A page of the threads of a room, the one with the newest reply first."""
    number = _limit(limit)
    user_id = requester.user_id
    ignored = ignored_users.get(app, user_id)
    with app.database.read() as txn:
        reader = history_page.open_room(app, txn, room_id, user_id)
        reader.ignored = ignored
        newest = history.newest_place(reader)
        start = history_page.place_of(reader, from_token, "from") if from_token else newest
        page = _walk_threads(reader, min(start, newest), newest, number, only_participated)
        told = Aggregations(Viewer(app, requester), txn, reader.sights, ignored)
        # As one would have it who puts the thread together from what they are sent.
        roots = [
            client_events.as_redacted(one) if one.event.sender in ignored else one
            for one in page.roots
        ]
        answer: dict[str, Any] = {
            "chunk": told.write(roots, page.memberships, reader.last_join_depth)
        }
    if page.end is not None:
        answer["next_batch"] = history_page.write_token(page.end)
    return answer


def _walk_threads(
    reader: Reader, start: Place, newest: Place, limit: int, only_participated: bool
) -> _ThreadsPage:
    page = _ThreadsPage([], {}, start)
    left = THREADS_READ_MAX
    while page.end is not None and len(page.roots) < limit and left > 0:
        step = max(limit - len(page.roots), 20) if only_participated else limit - len(page.roots)
        rows = stored_relations.list_threads(
            reader.txn, reader.room.room_nid, (page.end, newest), reader.ignored, step + 1
        )
        left -= len(rows)
        last = _add_threads(reader, page, rows[:step], limit, only_participated)
        is_done = len(rows) <= step and last is (rows[-1] if rows else None)
        page.end = None if is_done or last is None else (last.topological, last.position - 1)
    return page


def _add_threads(
    reader: Reader, page: _ThreadsPage, rows: Sequence[Child], limit: int, only_participated: bool
) -> Child | None:
    """Add the roots that may be seen and are wanted; returns the last row that was looked at."""
    roots = _roots(reader, rows)
    visible, found = reader.sights.select(list(roots.values()), reader.last_join_depth)
    page.memberships |= found
    wanted = {one.event_id for one in visible if _may_have_thread(one)}
    if only_participated:
        wanted = _participated(reader, {event_id: roots[event_id] for event_id in wanted})
    last: Child | None = None
    for row in rows:
        if len(page.roots) == limit:
            break
        last = row
        if row.parent_event_id in wanted:
            page.roots.append(roots[row.parent_event_id])
    return last


def _may_have_thread(stored: StoredEvent) -> bool:
    return relations.may_start_thread(client_events.visible_pdu(stored)["content"])


def _roots(reader: Reader, rows: Sequence[Child]) -> dict[str, StoredEvent]:
    """event_id -> root, of those that are here."""
    if not rows:
        return {}
    txn, room_nid = reader.txn, reader.room.room_nid
    nids = events.get_nids(txn, room_nid, [row.parent_event_id for row in rows])
    loaded = reader.app.events.get_many(txn, [(room_nid, nid) for nid in nids.values()])
    return {event_id: loaded[nid] for event_id, nid in nids.items() if nid in loaded}


def _participated(reader: Reader, roots: Mapping[str, StoredEvent]) -> set[str]:
    """C-S API, "Server-side aggregation of m.thread relationships": by the root or a reply."""
    user_id = reader.user_id
    own = {event_id for event_id, one in roots.items() if one.event.sender == user_id}
    room_nid = reader.room.room_nid
    others = [(room_nid, event_id) for event_id in roots if event_id not in own]
    if not others:
        return own
    answered = stored_relations.list_parents(reader.txn, others, [user_id], [relations.THREAD], ())
    return own | {event_id for _, event_id in answered}
