"""What is in a space. C-S API, "Spaces", "Discovering rooms within spaces".

Theory. The tree below a space is walked anew for each page, deep before wide: what is read for it
is read for all rooms at once, and events are in the worker's cache after the first page. So nothing
is kept between pages. A token names the last room that was listed and how many were, so that one
goes on in the right place though the tree may have changed. A room is listed once, where it comes
first; a loop ends by that."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from impl import errors
from impl.app import App
from impl.requester import Requester
from impl.services import client_events, room_previews, room_reading, room_summaries
from impl.storage import room_state, spaces
from impl.storage.events import StoredEvent
from impl.storage.rooms import Room

LIMIT_MAX = 50
DEPTH_MAX = 50
# Of a larger tree the rooms that are nearest to its root.
ROOMS_MAX = 10_000

CHILD = "m.space.child"
SPACE = "m.space"
# C-S API, m.space.child: what `order` may be.
_ORDER_LENGTH_MAX = 50


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of a space."""

    is_suggested_only: bool = False
    limit: int | None = None
    max_depth: int | None = None
    from_token: str | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page ended, and which walk it belongs to."""

    room_id: str
    is_suggested_only: bool
    max_depth: int | None
    count: int
    last_room_id: str


@dataclass(frozen=True, slots=True)
class _Tree:
    """What lies below a space: the rooms that the requester may look into, and their children."""

    rooms: Mapping[int, Room]
    seen: set[int]
    # room_nid of a space -> its children in their order.
    children: Mapping[int, Sequence[StoredEvent]]


def hierarchy(app: App, requester: Requester, room_id: str, query: Query) -> dict[str, Any]:
    """A page of the rooms in a space, beginning with itself."""
    place = _read_place(room_id, query)
    limit = _read_limit(query.limit)
    if query.max_depth is not None and query.max_depth < 0:
        raise errors.InvalidParam("max_depth must not be negative")
    depth = DEPTH_MAX if query.max_depth is None else min(query.max_depth, DEPTH_MAX)
    with app.database.read() as txn:
        root = room_reading.find(app, txn, room_id)
        tree = _read_tree(app, txn, requester, root, query) if root is not None else None
        if root is None or tree is None or root.room_nid not in tree.seen:
            raise errors.Forbidden("there is no such room, or you may not look into it")
        listed = _walk(tree, root.room_nid, depth)
        start = _start(tree, listed, place) if place is not None else 0
        page = listed[start : start + limit]
        outlines = room_summaries.read(app, txn, page)
    answer: dict[str, Any] = {
        "rooms": [
            {
                **room_summaries.in_summary(outlines[nid]),
                "children_state": [_stripped(one) for one in tree.children.get(nid, ())],
            }
            for nid in page
            if nid in outlines
        ]
    }
    if page and start + limit < len(listed):
        last = tree.rooms[page[-1]].room_id
        count = start + len(page)
        ended = _Place(room_id, query.is_suggested_only, query.max_depth, count, last)
        answer["next_batch"] = _write_place(ended)
    return answer


def _read_limit(limit: int | None) -> int:
    if limit is not None and limit < 1:
        raise errors.InvalidParam("limit must be greater than 0")
    return LIMIT_MAX if limit is None else min(limit, LIMIT_MAX)


def _read_tree(app: App, txn: Any, requester: Requester, root: Room, query: Query) -> _Tree:
    nids = spaces.list_reachable(txn, root.room_nid, ROOMS_MAX)
    rooms = app.rooms.get_by_nids(txn, nids)
    rows = room_state.list_of_rooms(txn, nids, ("m.room.create", CHILD, *room_previews.TYPES))
    loaded = app.events.get_many(txn, [(row[0], row[3]) for row in rows])
    contents: dict[int, dict[str, dict[str, Any]]] = {nid: {} for nid in nids}
    children: dict[int, list[StoredEvent]] = {}
    for room_nid, event_type, state_key, event_nid in rows:
        stored = loaded.get(event_nid)
        if stored is None:
            continue
        content = room_reading.content_of(stored)
        if event_type != CHILD:
            if state_key == "":
                contents[room_nid][event_type] = content
        elif _is_child(content) and not (query.is_suggested_only and not _is_suggested(content)):
            children.setdefault(room_nid, []).append(stored)
    seen = room_previews.select(app, txn, requester.user_id, rooms, contents)
    ordered = {
        nid: sorted(some, key=_order)
        for nid, some in children.items()
        if contents[nid].get("m.room.create", {}).get("type") == SPACE
    }
    return _Tree(rooms, seen, ordered)


def _is_child(content: Mapping[str, Any]) -> bool:
    # Without servers to join by, a room has been taken out of the space.
    via = content.get("via")
    return isinstance(via, list) and any(isinstance(one, str) for one in via)


def _is_suggested(content: Mapping[str, Any]) -> bool:
    return content.get("suggested") is True


def _order(child: StoredEvent) -> tuple[bool, str, int, str]:
    """C-S API, "Ordering of children within a space"."""
    order = room_reading.content_of(child).get("order")
    is_valid = (
        isinstance(order, str)
        and len(order) <= _ORDER_LENGTH_MAX
        and all("\x20" <= one <= "\x7e" for one in order)
    )
    event = child.event
    return (
        not is_valid,
        str(order) if is_valid else "",
        event.origin_server_ts,
        event.state_key or "",
    )


def _walk(tree: _Tree, root_nid: int, max_depth: int) -> list[int]:
    """The rooms below a space, each once, deep before wide."""
    nids = {room.room_id: nid for nid, room in tree.rooms.items()}
    listed: dict[int, None] = {}
    # At which depth a space was gone into: it may come again nearer to the root, where more of what
    # is below it counts.
    entered: dict[int, int] = {}
    waiting = [(root_nid, 0)]
    while waiting:
        nid, depth = waiting.pop()
        if nid not in tree.seen:
            continue
        listed[nid] = None
        if depth >= max_depth or entered.get(nid, max_depth) <= depth:
            continue
        entered[nid] = depth
        named = [nids.get(str(one.event.state_key)) for one in tree.children.get(nid, ())]
        waiting += [(one, depth + 1) for one in reversed(named) if one is not None]
    return list(listed)


def _start(tree: _Tree, listed: Sequence[int], place: _Place) -> int:
    for at, nid in enumerate(listed):
        if tree.rooms[nid].room_id == place.last_room_id:
            return at + 1
    return place.count  # It is gone, or not to be seen any more.


def _stripped(child: StoredEvent) -> dict[str, Any]:
    return {
        **client_events.stripped(child),
        "origin_server_ts": child.event.origin_server_ts,
    }


def _write_place(place: _Place) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def _read_place(room_id: str, query: Query) -> _Place | None:
    if not query.from_token:
        return None
    try:
        padded = query.from_token + "=" * (-len(query.from_token) % 4)
        written = base64.b64decode(padded, altchars=b"-_", validate=True)
        place = msgspec.json.decode(written, type=_Place)
    except (binascii.Error, ValueError, msgspec.DecodeError, RecursionError) as error:
        raise errors.InvalidParam("from is not a token of this endpoint") from error
    if place.room_id != room_id or place.count < 0:
        raise errors.InvalidParam("from is not a token of this space")
    if (place.is_suggested_only, place.max_depth) != (query.is_suggested_only, query.max_depth):
        raise errors.InvalidParam("suggested_only and max_depth must be those of the first page")
    return place
