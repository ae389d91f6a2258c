"""A room whose members were not all known gets them: what came meanwhile is gone through again, in
its order, with the state that it really stands on. S-S API, PUT /send_join, `omit_members`.

Only memberships are different, so nearly all stays what it is: the states of the events, the room's
current one and what the timeline says of it become those with all members. Where an event turns out
to be refused, since its sender was not in the room, it is taken out of the timeline. All of it in
one transaction, under the room's lock: until then the room is as it was."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from impl import breath, errors
from impl.app import App
from impl.core import state_trie
from impl.services.room_events import (
    device_rows,
    history_rows,
    lookup,
    merging,
    room_rows,
    state_before,
)
from impl.services.room_events.judging import MEMBER, Judging
from impl.services.room_events.open_room import Appended, OpenRoom, Placed
from impl.storage import event_graph, history, partial_rooms, room_servers, rooms
from impl.storage.events import NewEvent, StoredEvent
from impl.storage.partial_rooms import PartialEvent, PartialRoom

# After so many of those that came meanwhile the worker's other requests have their turn.
BREATH_EVENTS = 50

_log = logging.getLogger(__name__)


def complete(app: App, room_nid: int, state_ids: Collection[str]) -> bool:
    """Give a room the whole state before our join, by the ids of its events, which are here. False
    where the room is gone, or whole.

    Raises MissingEvents where one of them is not here, and Forbidden for a state that does not let
    us in."""
    with app.database.transaction() as txn:
        head = rooms.lock(txn, [room_nid], skip_locked=False).get(room_nid)
        partial = partial_rooms.get(txn, room_nid)
        if head is None or partial is None or not head.is_partial:
            return False
        room = OpenRoom.open(app, txn, head, merging.merge)
        changed = _Completing(room, partial, partial_rooms.list_events(txn, room_nid)).run(
            state_ids
        )
    for nid in changed:
        app.events.forget(nid)
    return True


@dataclass
class _Completing:
    room: OpenRoom
    partial: PartialRoom
    events: Sequence[PartialEvent]
    # Of our join: of the state before it as it was, and as it is.
    old_root: int = state_trie.EMPTY
    whole_root: int = state_trie.EMPTY
    # Events that were refused, and are not any more.
    allowed: list[NewEvent] = field(default_factory=list)

    def run(self, state_ids: Collection[str]) -> list[int]:
        """Queue all that is to be written; returns the numbers of the events that are others.

        What an event is from now on stands in `room.new`: so it counts for those that follow."""
        room, txn = self.room, self.room.txn
        self._begin(state_ids)
        for one in breath.between(self.events, BREATH_EVENTS):
            if one.event_nid not in room.new:
                stored = room.stored_by_nid([one.event_nid])[one.event_nid]
                self._put(stored, self._root_before(stored, one))
        self._put_timeline()
        self._move_head()
        room.nodes.insert()
        partial_rooms.put_states(txn, room.room_nid, list(room.new.values()))
        if room.head.current_state_root != room.root_at_open:
            room_rows.write_current_state(room)
        room_servers.delete_told(txn, room.room_nid)
        device_rows.settle(room)
        rooms.put_heads(txn, [room.head])
        self._put_allowed()
        partial_rooms.end(txn, room.room_nid)
        changes: list[tuple[int | None, int | None]] = [(nid, None) for nid in room.new]
        history.tell_changes(txn, room.room_nid, changes, room.app.now_ms(), wakes=True)
        return list(room.new)

    def _begin(self, state_ids: Collection[str]) -> None:
        room = self.room
        join = lookup.find(room, [self.partial.event_id])[self.partial.event_id]
        self.old_root = join.state_before or state_trie.EMPTY
        self.whole_root = state_before.root_of(room, state_ids, self.old_root)
        self._put(join, self.whole_root)
        reason = room.new[join.event_nid].rejected_reason
        if reason is not None:
            raise errors.Forbidden(f"our join is refused {reason}")

    def _root_before(self, stored: StoredEvent, one: PartialEvent) -> int:
        room = self.room
        if one.above_nid is not None:
            return room.stored_by_nid([one.above_nid])[one.above_nid].state_before or 0
        prev_events = lookup.find(room, stored.event.prev_event_ids).values()
        roots = [prev.state_after for prev in prev_events if prev.state_after is not None]
        if one.told_root is not None:
            roots.insert(0, one.told_root)
        # Without any it is the room's beginning.
        return room.merge(room, roots) if roots else state_trie.EMPTY

    def _put(self, stored: StoredEvent, root: int) -> None:
        room, event, nid = self.room, stored.event, stored.event_nid
        cited = lookup.find(room, event.auth_event_ids)
        judging = Judging(room, event, cited, lacks_members=False)
        reason = judging.refusal_by_auth_events() or judging.refusal_by_state(root)
        after = root
        if event.is_state and reason is None:
            key_nid = room.app.state_keys.intern(room.txn, [event.key])[event.key]
            after = state_trie.set_many(room.nodes, root, {key_nid: nid})
        room.new[nid] = NewEvent(
            room.room_nid,
            nid,
            event,
            [cited[event_id].event_nid for event_id in event.auth_event_ids],
            root,
            after,
            reason,
            stored.is_soft_failed,
            stored.redacted_by_nid,
            came_ts=stored.came_ts,
        )
        if reason is None and stored.rejected_reason is not None:
            self.allowed.append(room.new[nid])

    def _put_timeline(self) -> None:
        """What the timeline says of the current state, without what is refused now."""
        room, txn = self.room, self.room.txn
        refused: list[int] = []
        roots: list[tuple[int, int]] = []
        # From one row to the next little changes, and so it does with all members.
        old, new = self.old_root, self.whole_root
        rows = partial_rooms.list_timeline(txn, room.room_nid)
        for position, event_nid, root in breath.between(rows, BREATH_EVENTS):
            event = room.new.get(event_nid)
            if event is not None and event.rejected_reason is not None:
                refused.append(position)
            if position > 0:
                diff = state_trie.diff(room.nodes, old, root)
                changes = {key: after for key, (_, after) in diff.items()}
                old, new = root, state_trie.set_many(room.nodes, new, changes)
                roots.append((position, new))
            elif event is not None:
                roots.append((position, event.state_after or state_trie.EMPTY))
        partial_rooms.put_timeline_roots(txn, room.room_nid, roots)
        partial_rooms.delete_from_timeline(txn, room.room_nid, refused)
        if refused:
            room_id = room.head.room.room_id
            _log.warning("%d events of %s are refused now", len(refused), room_id)

    def _move_head(self) -> None:
        room, head = self.room, self.room.head
        ends = self._accepted([*head.forward_extremities, *self._uncovered()])
        head.forward_extremities = [one.event_nid for one in ends]
        root = room.merge(room, [one.state_after or state_trie.EMPTY for one in ends])
        head.joined_count += self._joined_more(room.root_at_open, root)
        head.current_state_root = root

    def _accepted(self, event_nids: Sequence[int]) -> list[StoredEvent]:
        """Those that are allowed, and of the others what they stand on: a branch too many is no
        harm, and our join is at the bottom of all.
        """
        left: dict[int, StoredEvent] = {}
        seen: set[int] = set()
        waiting = list(event_nids)
        while waiting:
            nid = waiting.pop()
            if nid in seen:
                continue
            seen.add(nid)
            stored = self.room.stored_by_nid([nid])[nid]
            if _is_accepted(stored):
                left[nid] = stored
            else:
                below = lookup.find(self.room, stored.event.prev_event_ids).values()
                waiting += [one.event_nid for one in below if lookup.has_place(one)]
        return list(left.values())

    def _uncovered(self) -> list[int]:
        """Of the events that are not refused any more those that nothing stands on."""
        room = self.room
        by_id = {one.event.event_id: one.event_nid for one in self.allowed}
        rows = event_graph.list_following(room.txn, room.room_nid, list(by_id)) if by_id else []
        above = room.stored_by_nid([nid for _, nid in rows])
        covered = {event_id for event_id, nid in rows if _is_accepted(above[nid])}
        return [nid for event_id, nid in by_id.items() if event_id not in covered]

    def _put_allowed(self) -> None:
        """What was refused as long as its sender was not known is found in history."""
        for new in self.allowed:
            placed = Placed(
                new.event, [], new.state_before, event_nid=new.event_nid, is_backfilled=True
            )
            self.room.appended.append(Appended(placed, new, 0, 0))
        history_rows.write(self.room)

    def _joined_more(self, old_root: int, new_root: int) -> int:
        """By how many more are in the room."""
        room = self.room
        diff = state_trie.diff(room.nodes, old_root, new_root)
        keys = room.app.state_keys.get_keys(room.txn, diff)
        pairs = [pair for key_nid, pair in diff.items() if keys[key_nid][0] == MEMBER]
        loaded = room.events_by_nid({nid for pair in pairs for nid in pair if nid is not None})

        def is_joined(nid: int | None) -> bool:
            return nid is not None and loaded[nid].membership == "join"

        return sum(is_joined(after) - is_joined(before) for before, after in breath.between(pairs))


def _is_accepted(stored: StoredEvent) -> bool:
    return stored.rejected_reason is None and not stored.is_soft_failed
