"""What happened in rooms between two positions of the stream: the part of /sync that is the same
for all members.

Two hundred clients that wait in one room ask for the same window when a message arrives, so what
the database says of a window is kept for a while, and asked for once: a second asker waits for the
first one's answer. That is for windows that end where the news has got to: nobody asks for such a
one any more when an event in it was redacted, since the redaction is news."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gevent.event import Event as Signal

from impl.app import App
from impl.core import state_trie
from impl.core.push_totals import Pair
from impl.storage import memberships, sync_rooms, unread
from impl.storage.events import StoredEvent
from impl.storage.state_nodes import RoomNodes
from impl.storage.sync_rooms import Receipt, Typing, Window
from impl.storage.timeline import Row

# All of them together: a window of few rows counts as this many.
ROWS_KEPT_MAX = 40_000
ROWS_COUNTED_MIN = 20

# More than the five that are asked for: the one who asks is not among them.
HEROES = 5
_MEMBER = "m.room.member"
# State that names a room, and the field of its content that does.
NAMING = {("m.room.name", ""): "name", ("m.room.canonical_alias", ""): "alias"}


@dataclass(slots=True)
class RoomDelta:
    """A room's window (after, up_to]. `rows` are the newest of its timeline, newest first."""

    room_nid: int
    after: int
    up_to: int
    # Whether older rows of the window were left out.
    is_cut: bool = False
    rows: list[Row] = field(default_factory=list)
    events: dict[int, StoredEvent] = field(default_factory=dict)
    # Roots of the room's current state at `after`, before the oldest of `rows`, and at `up_to`.
    root_since: int = 0
    root_start: int = 0
    root_end: int = 0
    # The position of the room's last row at or before `after`.
    last_before: int = 0
    # (position, user_id) -> by how much it was something else to the user than to their class.
    # None: it was not read.
    singled: dict[tuple[int, str], Pair] | None = None
    receipts: list[Receipt] = field(default_factory=list)
    # All of the room, if somebody's typing changed.
    typing: list[Typing] | None = None
    # How many are in which membership, and the first members, if some membership changed.
    counts: dict[str, int] | None = None
    first_members: list[tuple[str, bool]] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not self.rows and not self.receipts and self.typing is None


class _Kept:
    """The deltas of this worker, and those that are being read."""

    def __init__(self, app: App) -> None:
        self.deltas: OrderedDict[tuple[Window, int], RoomDelta] = OrderedDict()
        self.reading: dict[tuple[Window, int], Signal] = {}
        self.size = 0

    def keep(self, key: tuple[Window, int], delta: RoomDelta) -> None:
        # It may be there: two readers of one window, the first of whom was killed.
        self._count(self.deltas.pop(key, None), -1)
        self.deltas[key] = delta
        self._count(delta, 1)
        while self.size > ROWS_KEPT_MAX:
            self._count(self.deltas.popitem(last=False)[1], -1)

    def _count(self, delta: RoomDelta | None, sign: int) -> None:
        if delta is not None:
            self.size += sign * max(len(delta.rows), ROWS_COUNTED_MIN)


def load(
    app: App, windows: Sequence[Window], own: Sequence[Window], limit: int
) -> dict[int, RoomDelta]:
    """room_nid -> its delta, with at most `limit` rows. One window a room; nobody else will ask for
    the `own` ones.
    """
    kept = app.part(_Kept, _Kept)
    found: dict[int, RoomDelta] = {}
    mine = list(own)
    others: list[tuple[Window, Signal]] = []
    for window in windows:
        key = (window, limit)
        if (delta := kept.deltas.get(key)) is not None:
            found[window[0]] = delta
        elif (reading := kept.reading.get(key)) is not None:
            others.append((window, reading))
        else:
            mine.append(window)
    if mine:
        # A window from the beginning is an initial sync: nobody else will ask for it.
        shared = [window for window in mine[len(own) :] if window[1] > 0]
        found |= _read_for_all(app, kept, mine, shared, limit)
    missed: list[Window] = []
    for window, reading in others:
        reading.wait()
        delta = kept.deltas.get((window, limit))
        if delta is None:
            missed.append(window)  # The other one failed, or it was dropped already.
        else:
            found[window[0]] = delta
    return found | _read(app, missed, limit) if missed else found


def _read_for_all(
    app: App, kept: _Kept, windows: Sequence[Window], shared: Sequence[Window], limit: int
) -> dict[int, RoomDelta]:
    signal = Signal()
    for window in shared:
        kept.reading[window, limit] = signal
    try:
        deltas = _read(app, windows, limit)
        for window in shared:
            kept.keep((window, limit), deltas[window[0]])
        return deltas
    finally:
        for window in shared:
            del kept.reading[window, limit]
        signal.set()


def _read(app: App, windows: Sequence[Window], limit: int) -> dict[int, RoomDelta]:
    deltas = {window[0]: RoomDelta(*window) for window in windows}
    with app.database.read() as txn:
        # One more than asked for: the state before the oldest row stands in the row before it.
        timelines = sync_rooms.list_timelines(txn, windows, [limit + 1] * len(windows))
        for window, rows in timelines.items():
            _put_rows(deltas[window[0]], rows, limit)
        _read_roots(txn, deltas.values())
        _read_singled(txn, deltas.values())
        for receipt in sync_rooms.list_receipts(txn, windows):
            deltas[receipt.room_nid].receipts.append(receipt)
        for room_nid, typing in sync_rooms.list_typing(txn, windows).items():
            deltas[room_nid].typing = typing
        _read_events(app, txn, deltas.values())
        changed = [one for one in deltas.values() if _has_summary_change(app, txn, one)]
        add_members(txn, changed)
    return deltas


def _put_rows(delta: RoomDelta, rows: list[Row], limit: int) -> None:
    delta.is_cut = len(rows) > limit
    delta.rows = rows[:limit]
    if rows:
        delta.root_end = rows[0].current_state_root
    if delta.is_cut:
        delta.root_start = rows[limit].current_state_root


def _read_roots(txn: Any, deltas: Any) -> None:
    # The window of an initial sync begins before the room's first event.
    wanted = [one for one in deltas if one.after > 0]
    if not wanted:
        return
    last = sync_rooms.list_last_rows(txn, [(one.room_nid, one.after) for one in wanted])
    for one in wanted:
        position, root = last.get((one.room_nid, one.after), (0, 0))
        one.last_before = position
        if one.rows:
            one.root_since = root
            if not one.is_cut:
                one.root_start = root


def _read_singled(txn: Any, deltas: Any) -> None:
    """Those whom the rows single out. Who begins at the beginning has them counted."""
    wanted = [one for one in deltas if one.after > 0]
    rows = {one.room_nid: [row for row in one.rows if row.singles_out] for one in wanted}
    windows = [
        (nid, found[-1].position - 1, found[0].position) for nid, found in rows.items() if found
    ]
    for one in wanted:
        one.singled = {}
    by_nid = {one.room_nid: one for one in wanted}
    for found in unread.list_singled(txn, windows) if windows else ():
        pair = (found.notify, found.highlight)
        by_nid[found.room_nid].singled[found.position, found.user_id] = pair


def _read_events(app: App, txn: Any, deltas: Any) -> None:
    keys = [(one.room_nid, row.event_nid) for one in deltas for row in one.rows]
    events = app.events.get_many(txn, keys) if keys else {}
    for one in deltas:
        # What is missing is of a room that is being purged.
        one.rows = [row for row in one.rows if row.event_nid in events]
        one.events = {row.event_nid: events[row.event_nid] for row in one.rows}


def _has_summary_change(app: App, txn: Any, delta: RoomDelta) -> bool:
    """Whether others are in the room, or something else names it."""
    if delta.after == 0 and delta.rows:
        return True
    for row in delta.rows:
        stored = delta.events[row.event_nid]
        if stored.event.is_state and _is_of_summary(stored.event.key):
            return True
        # Where branches met, more may have changed than the event says.
        if stored.state_after != row.current_state_root:
            return True
    if delta.root_since == delta.root_start:
        return False
    nodes = RoomNodes(txn, app.state_nodes, delta.room_nid)
    changed = state_trie.diff(nodes, delta.root_since, delta.root_start)
    return any(map(_is_of_summary, app.state_keys.get_keys(txn, changed).values()))


def _is_of_summary(key: tuple[str, str]) -> bool:
    return key[0] == _MEMBER or key in NAMING


def add_members(txn: Any, deltas: Sequence[RoomDelta]) -> None:
    """Read what a room's summary is made of."""
    if not deltas:
        return
    room_nids = [one.room_nid for one in deltas]
    counts = memberships.count(txn, room_nids)
    first = sync_rooms.list_first_members(txn, room_nids, HEROES + 1)
    for one in deltas:
        one.counts = counts[one.room_nid]
        one.first_members = first[one.room_nid]
