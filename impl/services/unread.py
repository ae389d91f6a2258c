"""How many notifications a user has not read: the one function that counts them. DESIGN 6, "Unread
counts"; C-S API, "Receiving notifications", "Marking notifications as read".

Theory. The rows of the timeline carry, for each class of members, how often it was notified of the
thread so far (core/push_classes.py). What a user has not read of a thread begins at a *floor*: the
furthest of the receipts that they sent for all threads or for this one, public or private, of what
they said in it themselves, and of where they came into the room. So a count is the difference
between two rows; a few differences, where the user's rules were changed in between, each by the
class that they were in then; and the few rows that single them out.

A message counts as what it was when it came: neither other rules nor a redaction take it back."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from impl.app import App
from impl.core import push_totals
from impl.core.push_classes import Classifier
from impl.core.push_totals import NOTHING, Pair
from impl.core.threads import MAIN
from impl.storage import push_rules, unread
from impl.storage.push_rules import Version
from impl.storage.rooms import Room
from impl.storage.unread import Point

# A receipt without a thread stands for all of them.
EVERYWHERE = ""


@dataclass(slots=True)
class Floors:
    """Up to where a user has read a room: since they came into it, and by thread."""

    came: int = 0
    threads: dict[str, int] = field(default_factory=dict)

    def of(self, thread_id: str) -> int:
        threads = self.threads
        return max(self.came, threads.get(EVERYWHERE, 0), threads.get(thread_id, 0))


@dataclass(slots=True)
class RoomCounts:
    """What a user has not read of a room at a position of the stream: thread -> (notifications,
    highlights), without those of which there are none.
    """

    position: int
    class_nid: int
    floors: Floors
    threads: dict[str, Pair] = field(default_factory=dict)

    def total(self) -> Pair:
        """Of all threads together."""
        found = NOTHING
        for pair in self.threads.values():
            found = push_totals.add(found, pair)
        return found


def count(
    app: App, txn: Any, user_id: str, rooms: Iterable[Room], up_to: int
) -> dict[int, RoomCounts]:
    """room_nid -> what a user has not read of rooms that they are in, as of a position.

    The number of statements does not grow with the rooms."""
    by_nid = {room.room_nid: room for room in rooms}
    if not by_nid:
        return {}
    history = History(app, txn, push_rules.list_versions(txn, user_id), by_nid.values())
    floors = read_floors(txn, user_id, by_nid)
    history.prepare((nid, min(one.of(EVERYWHERE), up_to), up_to) for nid, one in floors.items())
    found = {nid: RoomCounts(up_to, history.class_at(nid, up_to), floors[nid]) for nid in by_nid}
    starts = _starts(txn, found, up_to)
    if not starts:
        return found
    _add_totals(txn, history, found, starts)
    for room_nid, thread_id, *pair in unread.sum_singled(txn, user_id, starts, up_to):
        threads = found[room_nid].threads
        threads[thread_id] = push_totals.add(threads.get(thread_id, NOTHING), (pair[0], pair[1]))
    for one in found.values():
        one.threads = {thread: pair for thread, pair in one.threads.items() if pair != NOTHING}
    return found


def read_floors(txn: Any, user_id: str, room_nids: Collection[int]) -> dict[int, Floors]:
    """room_nid -> up to where a user has read it."""
    found = {room_nid: Floors() for room_nid in room_nids}
    for room_nid, thread_id, position in unread.list_floors(txn, user_id, room_nids):
        floors = found[room_nid]
        if thread_id is None:
            floors.came = position
        else:
            floors.threads[thread_id] = max(floors.threads.get(thread_id, 0), position)
    return found


class History:
    """The classes that a user was in, in some rooms: since when, by which rules."""

    def __init__(
        self, app: App, txn: Any, versions: list[Version], rooms: Collection[Room]
    ) -> None:
        # The first is good for all that was before it.
        self._versions = [
            (0 if n == 0 else position, changes)
            for n, (position, changes) in enumerate(versions or [(0, {})])
        ]
        self._begins = [position for position, _ in self._versions]
        self._app = app
        self._txn = txn
        self._room_ids = {room.room_nid: room.room_id for room in rooms}
        self._classifiers: dict[int, Classifier] = {}
        # By room and the number of a version.
        self._classes: dict[tuple[int, int], int] = {}

    def prepare(self, windows: Iterable[tuple[int, int, int]]) -> None:
        """Find the classes within windows (room_nid, after, up_to), all at once."""
        self._find(
            (room_nid, number)
            for room_nid, after, up_to in windows
            for number in range(self._number_at(after), self._number_at(up_to) + 1)
        )

    def changes_at(self, position: int) -> Mapping[str, Any]:
        """What the user had changed of their rules."""
        return self._versions[self._number_at(position)][1]

    def class_at(self, room_nid: int, position: int) -> int:
        return self._class(room_nid, self._number_at(position))

    def stretches(self, room_nid: int, after: int, up_to: int) -> list[tuple[int, int, int]]:
        """(class_nid, after, up_to): the classes within a window."""
        found: list[tuple[int, int, int]] = []
        first, last = self._number_at(after), self._number_at(up_to)
        for number in range(first, last + 1):
            class_nid = self._class(room_nid, number)
            start = max(self._begins[number], after)
            stop = self._begins[number + 1] if number < last else up_to
            if found and found[-1][0] == class_nid:
                found[-1] = (class_nid, found[-1][1], stop)
            elif start < stop:
                found.append((class_nid, start, stop))
        return found

    def _class(self, room_nid: int, number: int) -> int:
        if (room_nid, number) not in self._classes:
            self._find([(room_nid, number)])
        return self._classes[room_nid, number]

    def _find(self, wanted: Iterable[tuple[int, int]]) -> None:
        definitions: dict[tuple[int, int], str] = {}
        for room_nid, number in wanted:
            classifier = self._classifiers.get(number)
            if classifier is None:
                classifier = Classifier(self._versions[number][1])
                self._classifiers[number] = classifier
            standing = classifier.standing(self._room_ids[room_nid])
            definitions[room_nid, number] = standing.definition
        nids = self._app.push_classes.intern(self._txn, set(definitions.values()))
        self._classes |= {place: nids[one] for place, one in definitions.items()}

    def _number_at(self, position: int) -> int:
        return max(0, bisect_right(self._begins, position) - 1)


def _starts(txn: Any, found: Mapping[int, RoomCounts], up_to: int) -> list[Point]:
    """From where the threads are to be counted in which there may be something."""
    places = [(nid, one.floors.of(EVERYWHERE)) for nid, one in found.items()]
    open_places = [(nid, floor) for nid, floor in places if floor < up_to]
    if not open_places:
        return []
    threads = [(nid, MAIN) for nid, _ in open_places]
    threads += unread.list_threads(txn, open_places)
    starts = [(nid, thread_id, found[nid].floors.of(thread_id)) for nid, thread_id in threads]
    return [start for start in starts if start[2] < up_to]


def _add_totals(
    txn: Any, history: History, found: Mapping[int, RoomCounts], starts: Iterable[Point]
) -> None:
    """Add the differences between running totals."""
    differences = [
        (nid, thread_id, *stretch)
        for nid, thread_id, floor in starts
        for stretch in history.stretches(nid, floor, found[nid].position)
    ]
    points = {
        (nid, thread_id, position)
        for nid, thread_id, _, after, up_to in differences
        for position in (after, up_to)
    }
    totals = unread.list_totals(txn, points)
    for nid, thread_id, class_nid, after, up_to in differences:
        at_end = push_totals.of_class(totals.get((nid, thread_id, up_to), b""), class_nid)
        at_start = push_totals.of_class(totals.get((nid, thread_id, after), b""), class_nid)
        threads = found[nid].threads
        more = push_totals.subtract(at_end, at_start)
        threads[thread_id] = push_totals.add(threads.get(thread_id, NOTHING), more)
