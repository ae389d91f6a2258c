"""What the index finds, and what of it may be seen. C-S API, "Server Side Search", "Security
considerations".
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from impl.app import App
from impl.core.event_filter import EventFilter
from impl.requester import Requester
from impl.services import related_events
from impl.services.search.rooms import Rooms
from impl.services.visibility import Sights
from impl.storage import search
from impl.storage.events import StoredEvent
from impl.storage.search import Match, Place, Wanted

# So many candidates are looked at together, and what may be seen of them is what is counted.
CANDIDATES_MAX = 1000
# Where hardly anything may be seen, a page may be short of what was asked for after so many.
ROUNDS_MAX = 5


@dataclass(slots=True)
class Found:
    """What may be seen, in its order; the first `limit` are the page."""

    sights: Sights
    limit: int
    # Of whom no messages are shown.
    ignored: frozenset[str]
    seen: list[tuple[Place, StoredEvent]] = field(default_factory=list)
    # The user's membership at each, by event_nid.
    memberships: dict[int, str] = field(default_factory=dict)
    # The last candidate that was looked at, and whether there may be more.
    last: Place | None = None
    is_cut: bool = False

    @property
    def page(self) -> list[tuple[Place, StoredEvent]]:
        return self.seen[: self.limit]

    @property
    def has_more(self) -> bool:
        return self.is_cut or len(self.seen) > self.limit

    @property
    def end(self) -> Place | None:
        """The place at which the page ends."""
        return self.seen[self.limit - 1][0] if len(self.seen) > self.limit else self.last


@dataclass(frozen=True, slots=True)
class Cut:
    """Which part of what is found: after a place, so many, and what the index does not know of
    the filter.
    """

    after: Place | None
    limit: int
    passing: EventFilter


def find(
    app: App,
    txn: Any,
    requester: Requester,
    wanted: Wanted,
    rooms: Rooms,
    cut: Cut,
) -> Found:
    """A page and what follows it."""
    ignored = frozenset(wanted.ignored)
    found = Found(Sights(app, txn, requester.user_id), cut.limit, ignored, last=cut.after)
    for _ in range(ROUNDS_MAX):
        matches = search.find(txn, wanted, found.last, CANDIDATES_MAX)
        found.is_cut = len(matches) == CANDIDATES_MAX
        _add(app, txn, found, matches, rooms, cut.passing)
        if not found.is_cut or len(found.seen) >= cut.limit:
            break
    return found


def _add(
    app: App,
    txn: Any,
    found: Found,
    matches: Sequence[Match],
    rooms: Rooms,
    passing: EventFilter,
) -> None:
    if not matches:
        return
    found.last = matches[-1].place
    stored = app.events.get_many(txn, [(one.room_nid, one.place.event_nid) for one in matches])
    by_room: dict[int, list[StoredEvent]] = {}
    for match in matches:
        one = stored.get(match.place.event_nid)
        # What was redacted a moment ago may stand in the index still.
        if one is not None and one.redacted_by_nid is None:
            by_room.setdefault(match.room_nid, []).append(one)
    found.sights.preload([one for some in by_room.values() for one in some])
    seen: set[int] = set()
    for room_nid, some in by_room.items():
        visible, memberships = found.sights.select(some, rooms.depths[room_nid])
        seen |= related_events.select(txn, passing, visible, found.ignored)
        found.memberships |= memberships
    found.seen += [
        (match.place, stored[match.place.event_nid])
        for match in matches
        if match.place.event_nid in seen
    ]
