"""A room that a transaction holds: its head as it grows, and the events that are to be written.

Nothing is written before the end (room_rows.py), and what one submission added can be taken back,
so that it fails alone."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from impl.app import App
from impl.core import retention, state_trie
from impl.core.event import Event
from impl.core.room_version import ROOM_VERSIONS, RoomVersion
from impl.services.room_events.audience import Audience
from impl.services.room_events.auth_chains import AuthChains
from impl.storage import events
from impl.storage.events import NewEvent, StoredEvent
from impl.storage.rooms import Head
from impl.storage.state_nodes import RoomNodes

StateKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Placed:
    """A checked event, and what is known of its place in the graph.

    `state_before` is None for an outlier. `covers` are the extremities that it takes the place of,
    among others. `event_nid` is the number that it had as an outlier."""

    event: Event
    auth_event_nids: list[int]
    state_before: int | None
    covers: Collection[str] = ()
    rejected_reason: str | None = None
    is_soft_failed: bool = False
    # Accepted, but nothing that clients are shown.
    is_hidden: bool = False
    redacts_nid: int | None = None
    # The id of an event that is not here, or may not be redacted by this.
    redacts_later: str | None = None
    # The redaction that came before it.
    redacted_by_nid: int | None = None
    # The device that sent it, and its transaction id.
    sent_by: tuple[str, str] | None = None
    event_nid: int | None = None
    is_received: bool = False
    # Prev events that are not here, or have no place themselves.
    missing: Collection[str] = ()
    # An event that clients are shown stands on it already, which came before it.
    is_below: bool = False
    # The redaction that waited for it, and is shown from now on.
    shows_nid: int | None = None
    # The other servers in the room are to be told of it by us.
    is_outgoing: bool = False
    # Whether it was here before, and what it cites was not (out_of_band.py).
    came_alone: bool = False
    # It fills history: nobody is told of it.
    is_backfilled: bool = False
    # The event that its state was taken from, which stands on it; or what another server told of
    # it, all or part of it.
    above_nid: int | None = None
    told_root: int | None = None

    @property
    def is_accepted(self) -> bool:
        return (
            self.state_before is not None
            and self.rejected_reason is None
            and not self.is_soft_failed
        )

    @property
    def moves_the_head(self) -> bool:
        return self.is_accepted and not self.is_backfilled


@dataclass(frozen=True, slots=True)
class Appended:
    """An event at its place, before it is written, and the current state before and after it."""

    placed: Placed
    new: NewEvent
    current_before: int
    current_after: int


@dataclass(slots=True)
class OpenRoom:
    app: App
    txn: Any
    head: Head
    nodes: RoomNodes
    # (event_nid, event_id) of the forward extremities.
    extremities: list[tuple[int, str]]
    # Of the current state when the room was opened.
    root_at_open: int
    # Works out the state where branches meet: merging.merge, which knows this class.
    merge: "Callable[[OpenRoom, Iterable[int]], int]"
    appended: list[Appended] = field(default_factory=list)
    new: dict[int, NewEvent] = field(default_factory=dict)
    # Of these the ones that are in the database already, as outliers.
    former_outliers: set[int] = field(default_factory=set)
    # And of those the ones of which nothing but themselves was known (out_of_band.py).
    came_alone: set[int] = field(default_factory=set)
    # Whose memberships the room says from now on (out_of_band_rows.py).
    settled: list[str] = field(default_factory=list)
    new_nids: dict[str, int] = field(default_factory=dict)
    # event_id -> number, of those that were looked for in the database; None: it is not there.
    found_nids: dict[str, int | None] = field(default_factory=dict)
    # Of events from elsewhere (looking_ahead.py): which were looked up, the numbers of redactions
    # that wait for them, and those that an accepted event stands on already.
    looked_up: set[str] = field(default_factory=set)
    pending_redactions: dict[str, list[int]] = field(default_factory=dict)
    stood_on: set[str] = field(default_factory=set)
    # The states after events of history, as what stands on them alone has them: (root, event_nid)
    # of that (state_before.py).
    states_below: dict[str, tuple[int, int]] = field(default_factory=dict)
    # Outliers of which this transaction has seen that they are nothing else by now.
    known_outliers: set[int] = field(default_factory=set)
    # Events that have another child or have lost one (relating.py).
    changed_parents: set[int] = field(default_factory=set)
    # What merging.py worked out here: the roots of some states -> that of their resolution.
    merged: dict[frozenset[int], int] = field(default_factory=dict)
    # Once the rows are made (unread.py).
    audience: Audience | None = None
    # Whether memberships of other servers' users are written here.
    has_moved_servers: bool = False
    chains: AuthChains = field(init=False)

    @classmethod
    def open(
        cls,
        app: App,
        txn: Any,
        head: Head,
        merge: "Callable[[OpenRoom, Iterable[int]], int]",
    ) -> "OpenRoom":
        room_nid = head.room.room_nid
        known = app.events.get_many(txn, [(room_nid, nid) for nid in head.forward_extremities])
        extremities = [(nid, known[nid].event_id) for nid in head.forward_extremities]
        nodes = RoomNodes(txn, app.state_nodes, room_nid, app.state_node_nids)
        return cls(app, txn, head, nodes, extremities, head.current_state_root, merge)

    def __post_init__(self) -> None:
        self.found_nids |= {event_id: nid for nid, event_id in self.extremities}
        self.chains = AuthChains(self.app, self.txn, self.room_nid, self.new)

    @property
    def room_nid(self) -> int:
        return self.head.room.room_nid

    @property
    def room_version(self) -> RoomVersion:
        return ROOM_VERSIONS[self.head.room.room_version]

    def state_nids(
        self, keys: Collection[StateKey], root: int | None = None
    ) -> dict[StateKey, int]:
        """A state at some keys, as event numbers; the current one if no root is given."""
        if root is None:
            root = self.head.current_state_root
        key_nids = self.app.state_keys.get_nids(self.txn, keys)
        found = state_trie.get_many(self.nodes, root, list(key_nids.values()))
        return {key: found[nid] for key, nid in key_nids.items() if nid in found}

    def state_events(
        self, keys: Collection[StateKey], root: int | None = None
    ) -> dict[StateKey, Event]:
        """A state at some keys."""
        nids = self.state_nids(keys, root)
        loaded = self.events_by_nid(nids.values())
        return {key: loaded[nid] for key, nid in nids.items()}

    def stored_by_nid(self, event_nids: Iterable[int]) -> dict[int, StoredEvent]:
        """Events of this room, those of this transaction included."""
        wanted = list(event_nids)
        found = {nid: _as_stored(self, self.new[nid]) for nid in wanted if nid in self.new}
        keys = [(self.room_nid, nid) for nid in wanted if nid not in found]
        stored = self.app.events.get_many(self.txn, keys)
        # Another worker may have given an outlier its place: where that was refused, or nobody is
        # shown it, no news tells of it.
        doubtful = {nid for nid, one in stored.items() if one.state_before is None}
        doubtful -= self.known_outliers
        if doubtful:
            self.known_outliers |= doubtful
            for nid in doubtful:
                self.app.events.forget(nid)
            stored |= self.app.events.get_many(self.txn, [(self.room_nid, nid) for nid in doubtful])
        return found | stored

    def events_by_nid(self, event_nids: Iterable[int]) -> dict[int, Event]:
        """The same, as core knows events."""
        wanted = list(event_nids)
        found = {nid: self.new[nid].event for nid in wanted if nid in self.new}
        stored = self.app.events.get_many(
            self.txn, [(self.room_nid, nid) for nid in wanted if nid not in found]
        )
        return found | {nid: one.event for nid, one in stored.items()}

    def find_nids(self, event_ids: Collection[str]) -> dict[str, int]:
        """event_id -> number, of those events of this room that are here."""
        new, known = self.new_nids, self.found_nids
        missing = [one for one in event_ids if one not in new and one not in known]
        if missing:
            # Nobody else adds to the room: what is not there now will not be.
            read = events.get_nids(self.txn, self.room_nid, missing)
            known |= {event_id: read.get(event_id) for event_id in missing}
        found = {one: new.get(one) or known.get(one) for one in event_ids}
        return {event_id: nid for event_id, nid in found.items() if nid is not None}

    def find_nid(self, event_id: str) -> int | None:
        """The number of an event of this room."""
        return self.find_nids([event_id]).get(event_id)

    def append(self, placed: Placed) -> None:
        """Add a checked event, at its place or as an outlier."""
        event = placed.event
        event_nid = placed.event_nid or self._take_event_nid()
        if placed.event_nid is not None and event_nid not in self.new:
            self.former_outliers.add(event_nid)
        if placed.came_alone:
            self.came_alone.add(event_nid)
        state_after = placed.state_before
        if event.is_state and placed.state_before is not None and placed.rejected_reason is None:
            key_nid = self.app.state_keys.intern(self.txn, [event.key])[event.key]
            state_after = state_trie.set_many(self.nodes, placed.state_before, {key_nid: event_nid})
        device_id, txn_id = placed.sent_by or (None, None)
        new = NewEvent(
            room_nid=self.room_nid,
            event_nid=event_nid,
            event=event,
            auth_event_nids=placed.auth_event_nids,
            state_before=placed.state_before,
            state_after=state_after,
            rejected_reason=placed.rejected_reason,
            is_soft_failed=placed.is_soft_failed,
            redacted_by_nid=placed.redacted_by_nid,
            sender_device_id=device_id,
            txn_id=txn_id,
            came_ts=retention.came_ts(event, self.app.now_ms()),
        )
        self.new[event_nid] = new
        self.new_nids[event.event_id] = event_nid
        current_before = self.head.current_state_root
        if placed.moves_the_head and state_after is not None:
            self._move_head(placed, event_nid, state_after)
        elif placed.is_backfilled and placed.is_accepted:
            self._drop_ends(placed.covers)
        self.appended.append(Appended(placed, new, current_before, self.head.current_state_root))

    def _move_head(self, placed: Placed, event_nid: int, state_after: int) -> None:
        head = self.head
        left = [one for one in self.extremities if one[1] not in placed.covers]
        head.depth_max = max(head.depth_max, placed.event.depth)
        # Room versions 1 and 2 have graphs with circles: something must be left to stand on.
        is_extremity = not placed.is_below or not left
        if not is_extremity and len(left) == len(self.extremities):
            return
        self.extremities = [*left, (event_nid, placed.event.event_id)] if is_extremity else left
        head.forward_extremities = [nid for nid, _ in self.extremities]
        stored = self.stored_by_nid(nid for nid, _ in left)
        roots = [stored[nid].state_after or state_trie.EMPTY for nid, _ in left]
        if is_extremity:
            roots.append(state_after)
        head.current_state_root = self.merge(self, roots)

    def _drop_ends(self, covers: Collection[str]) -> None:
        """What history stands on is no end of the room any more, after a gap that it fills. Not so
        where the state would be another one without it: what is told above a gap is not to be
        believed more than what was known below it. An event of ours joins these.
        """
        head = self.head
        left = [one for one in self.extremities if one[1] not in covers]
        if not left or len(left) == len(self.extremities):
            return
        stored = self.stored_by_nid(nid for nid, _ in left)
        roots = [stored[nid].state_after or state_trie.EMPTY for nid, _ in left]
        if self.merge(self, roots) == head.current_state_root:
            self.extremities = left
            head.forward_extremities = [nid for nid, _ in left]

    def mark(self) -> tuple[Any, ...]:
        """Where the room stands, for `cut`."""
        head = self.head
        return (
            len(self.appended),
            dict(self.new),
            self.nodes.mark(),
            list(self.extremities),
            head.depth_max,
            head.current_state_root,
            dict(self.states_below),
        )

    def cut(self, mark: tuple[Any, ...]) -> None:
        """Take back what was appended since a mark."""
        number, new, nodes_mark, extremities, depth_max, root, states_below = mark
        for dropped in self.appended[number:]:
            self.chains.forget(dropped.new.event_nid)
        del self.appended[number:]
        self.new.clear()
        self.new.update(new)
        self.new_nids = {one.event.event_id: nid for nid, one in new.items()}
        self.nodes.cut(nodes_mark)
        self.merged.clear()
        self.states_below = states_below
        self.extremities = extremities
        self.head.forward_extremities = [nid for nid, _ in extremities]
        self.head.depth_max = depth_max
        self.head.current_state_root = root

    def stored_events(self) -> list[StoredEvent]:
        """What was written, for the cache, once it is committed."""
        redacted = {one.placed.redacts_nid for one in self.appended}
        stored = {
            nid: _as_stored(self, new) for nid, new in self.new.items() if nid not in redacted
        }
        # To what came from elsewhere something may relate that came before it: nobody has looked.
        received = {one.new.event_nid for one in self.appended if one.placed.is_received}
        for nid in stored.keys() & (received | self.changed_parents):
            stored[nid].has_children = True
        return list(stored.values())

    def _take_event_nid(self) -> int:
        self.app.event_nids.reserve(self.txn, 1)
        return self.app.event_nids.take()


def _as_stored(room: OpenRoom, new: NewEvent) -> StoredEvent:
    return StoredEvent(
        (
            new.room_nid,
            new.event_nid,
            new.event.event_id,
            "",
            room.head.room.room_version,
            new.state_before,
            new.state_after,
            new.rejected_reason,
            new.is_soft_failed,
            new.redacted_by_nid,
            new.sender_device_id,
            new.txn_id,
            new.came_ts,
            False,
        ),
        new.event,
    )
