"""The timeline of a room within a sync, and the state that goes with it. C-S API, "Syncing".

The state is given by the roots of tries (core/state_trie.py): what changed between two points of a
room is what differs between their roots, which costs what changed and not what is there."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from impl.core import state_trie
from impl.core.event_filter import EventFilter
from impl.core.stream_token import HistoryToken, SyncToken
from impl.services import related_events
from impl.services.sync import lazy_members
from impl.services.sync.request import Sync
from impl.services.sync.room_deltas import RoomDelta
from impl.services.visibility import Sights
from impl.storage.events import StoredEvent
from impl.storage.state_nodes import RoomNodes


@dataclass(slots=True)
class Timeline:
    """What a sync shows of a window, oldest first."""

    delta: RoomDelta
    events: list[StoredEvent]
    memberships: dict[int, str]
    is_limited: bool
    prev_batch: str
    # The root of the state before the first event.
    root_start: int
    # Whether state of the window does not stand in `events`.
    lacks_state: bool


def passes(event_filter: EventFilter, stored: StoredEvent) -> bool:
    event = stored.event
    if not event_filter.passes_room(event.room_id):
        return False
    return event_filter.passes_all or event_filter.passes(event.type, event.sender, event.content)


def cut(sync: Sync, sights: Sights, delta: RoomDelta, last_join_depth: int) -> Timeline:
    """The newest events of a window that the user may see and wants."""
    wanted = sync.filter.timeline
    stored = [delta.events[row.event_nid] for row in delta.rows]
    visible, memberships = sights.select(stored, last_join_depth)
    visible_nids = related_events.select(sights.txn, wanted, visible, sync.ignored)
    shown: list[StoredEvent] = []
    end = 0  # How many rows were looked at.
    # Keys of state events that the timeline does not show, for they are not visible or not wanted.
    hidden: set[tuple[str, str]] = set()
    for one in stored:
        is_shown = (
            one.event_nid in visible_nids
            and passes(wanted, one)
            and (one.event.is_state or one.event.sender not in sync.ignored)
        )
        if len(shown) == sync.limit or (is_shown and _would_undo(sync, hidden, one)):
            break
        end += 1
        if is_shown:
            shown.append(one)
        elif one.event.is_state:
            hidden.add(one.event.key)
    shown.reverse()
    is_cut = end < len(stored) or delta.is_cut
    root_start = delta.rows[end].current_state_root if end < len(delta.rows) else delta.root_start
    return Timeline(
        delta,
        shown,
        memberships,
        # Who comes back to a room has a gap between what they knew and this.
        is_cut or (delta.after == 0 and sync.since > 0),
        _prev_batch(sync, delta, end),
        root_start,
        bool(hidden) or _has_leaps(delta, end, root_start),
    )


def _has_leaps(delta: RoomDelta, end: int, root_start: int) -> bool:
    """Whether the state of the room changed by more than its events say: where branches met, or
    where this server came into the room.
    """
    before = root_start
    for row in reversed(delta.rows[:end]):
        after = row.current_state_root
        stored = delta.events[row.event_nid]
        if before != after and (before, after) != (stored.state_before, stored.state_after):
            return True
        before = after
    return False


def _would_undo(sync: Sync, hidden: Collection[tuple[str, str]], stored: StoredEvent) -> bool:
    """Whether a client that applies `state`, then the timeline, would go back to this event from
    one that the timeline does not show. The timeline begins after it, then.
    """
    return not sync.use_state_after and stored.event.is_state and stored.event.key in hidden


def _prev_batch(sync: Sync, delta: RoomDelta, end: int) -> str:
    if not end:
        return str(SyncToken(sync.since or sync.up_to))
    first = delta.rows[end - 1]
    return str(HistoryToken(first.topological, first.position - 1))


def state_nids(
    sync: Sync, txn: Any, timeline: Timeline, roots: tuple[int, int], heroes: Collection[str]
) -> list[int]:
    """The event_nids of the state that changed from a root to where the timeline begins, or ends
    (`state_after`). `roots`: this one, and that of what the client had, which differs if it gets
    everything anew.
    """
    delta = timeline.delta
    from_root, known_root = roots
    nodes = RoomNodes(txn, sync.app.state_nodes, delta.room_nid)
    to_root = delta.root_end if sync.use_state_after else timeline.root_start
    changed = _changed(nodes, from_root, to_root)
    if sync.filter.state.lazy_load_members and from_root == state_trie.EMPTY:
        # What changed while the client was away it must be told, needed or not.
        always = _changed(nodes, known_root, to_root) if known_root != state_trie.EMPTY else ()
        changed = lazy_members.of_whole(sync, txn, changed, _needed(timeline, heroes), always)
    elif sync.filter.state.lazy_load_members:
        found = lazy_members.of_change(sync, txn, nodes, to_root, _needed(timeline, heroes))
        changed = found | changed
    if sync.filter.state.lazy_load_members and not sync.app.rooms.is_kept(delta.room_nid):
        changed = lazy_members.of_cited(sync, txn, timeline.events, nodes, to_root) | changed
    if timeline.lacks_state and not sync.use_state_after:
        # State events that the timeline does not show are state all the same.
        shown = {one.event_nid for one in timeline.events}
        later = _changed(nodes, timeline.root_start, delta.root_end)
        changed |= {key: nid for key, nid in later.items() if nid not in shown}
    return sorted(changed.values())


def _needed(timeline: Timeline, heroes: Collection[str]) -> set[str]:
    return {one.event.sender for one in timeline.events} | set(heroes)


def _changed(nodes: RoomNodes, from_root: int, to_root: int) -> dict[int, int]:
    if from_root == to_root:
        return {}
    if from_root == state_trie.EMPTY:
        return dict(state_trie.items(nodes, to_root))
    return {
        key: new
        for key, (_, new) in state_trie.diff(nodes, from_root, to_root).items()
        if new is not None
    }
