"""What is in a space. C-S API, "Spaces", "Discovering rooms within spaces".

Theory. The tree below a space is walked anew for each page, deep before wide: what is here is read
for all rooms at once, events are in the worker's cache after the first page, and what other servers
said is kept for a while (space_tree.py, remote_spaces.py). So nothing is kept between pages. A
token names the last room that was listed and how many were, so that one goes on in the right place
though the tree may have changed. A room is listed once, where it comes first; a loop ends by that.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from impl import errors
from impl.app import App
from impl.core.told_rooms import Child
from impl.requester import Requester
from impl.services import room_summaries
from impl.services.space_tree import Node, Tree, Wish
from impl.services.time_limit import TimeLimit

LIMIT_MAX = 50
DEPTH_MAX = 50
# So long other servers are waited for; what they say later is there for the next page.
WAIT_S = 10.0
# Rooms that are elsewhere and come next in the walk are asked for at once.
OPENED_AT_ONCE = 10


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


def hierarchy(app: App, requester: Requester, room_id: str, query: Query) -> dict[str, Any]:
    """A page of the rooms in a space, beginning with itself."""
    place = _read_place(room_id, query)
    limit = _read_limit(query.limit)
    if query.max_depth is not None and query.max_depth < 0:
        raise errors.InvalidParam("max_depth must not be negative")
    depth = DEPTH_MAX if query.max_depth is None else min(query.max_depth, DEPTH_MAX)
    tree = Tree(app, requester.user_id, query.is_suggested_only, TimeLimit(WAIT_S))
    tree.open([Wish(room_id, (), needs_children=depth > 0)])
    if room_id not in tree.nodes:
        raise errors.Forbidden("there is no such room, or you may not look into it")
    listed = _Walk(tree, depth, limit, place).go(room_id)
    start = _start(listed, place) if place is not None else 0
    page = listed[start : start + limit]
    answer: dict[str, Any] = {"rooms": _shown(app, [tree.nodes[one] for one in page])}
    if page and start + limit < len(listed):
        count = start + len(page)
        ended = _Place(room_id, query.is_suggested_only, query.max_depth, count, page[-1])
        answer["next_batch"] = _write_place(ended)
    return answer


def _shown(app: App, nodes: Sequence[Node]) -> list[dict[str, Any]]:
    here = [one.room_nid for one in nodes if one.room_nid is not None]
    with app.database.read() as txn:
        outlines = room_summaries.read(app, txn, here) if here else {}
    shown = []
    for one in nodes:
        if one.room_nid is None:
            summary = one.summary or {}
        elif one.room_nid in outlines:
            summary = room_summaries.in_summary(outlines[one.room_nid])
        else:
            continue  # It was purged.
        shown.append({**summary, "children_state": [child.stripped for child in one.children]})
    return shown


def _read_limit(limit: int | None) -> int:
    if limit is not None and limit < 1:
        raise errors.InvalidParam("limit must be greater than 0")
    return LIMIT_MAX if limit is None else min(limit, LIMIT_MAX)


@dataclass(slots=True)
class _Walk:
    """Through the rooms below a space, each once, deep before wide, as far as a page needs it."""

    tree: Tree
    depth_max: int
    limit: int
    place: _Place | None

    def go(self, root: str) -> list[str]:
        listed: dict[str, None] = {}
        # At which depth a space was gone into: it may come again nearer to the root, where more of
        # what is below it counts.
        entered: dict[str, int] = {}
        waiting: list[tuple[Child, int]] = [(Child(root, (), {}), 0)]
        while waiting and not self._is_enough(listed):
            if not self.tree.is_open(waiting[-1][0].room_id):
                self._open_next(waiting)
            child, depth = waiting.pop()
            node = self.tree.nodes.get(child.room_id)
            if node is None:
                continue
            listed[node.room_id] = None
            if depth >= self.depth_max or entered.get(node.room_id, self.depth_max) <= depth:
                continue
            entered[node.room_id] = depth
            waiting += [(one, depth + 1) for one in reversed(node.children)]
        return list(listed)

    def _is_enough(self, listed: dict[str, None]) -> bool:
        """Whether there is a page, and a room more."""
        count = len(listed)
        if self.place is None:
            return count > self.limit
        # The page begins after a room that is somewhere among those, or gone.
        return self.place.last_room_id in listed and count > self.place.count + self.limit

    def _open_next(self, waiting: Sequence[tuple[Child, int]]) -> None:
        wishes: dict[str, Wish] = {}
        for child, depth in reversed(waiting):
            if not self.tree.is_open(child.room_id):
                needs_children = depth < self.depth_max
                wish = Wish(child.room_id, child.via, needs_children)
                wishes.setdefault(child.room_id, wish)
            if len(wishes) == OPENED_AT_ONCE:
                break
        self.tree.open(list(wishes.values()))


def _start(listed: Sequence[str], place: _Place) -> int:
    if place.last_room_id in listed:
        return listed.index(place.last_room_id) + 1
    return place.count  # It is gone, or not to be seen any more.


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
