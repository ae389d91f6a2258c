"""Which of some events a user may see. C-S API, "Room History Visibility".

The states at the events are looked up by their roots, each once; the rule itself is
core/history_visibility.py. Nobody sees a message that has expired (retention.py)."""

import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from impl.app import App
from impl.core import history_visibility, state_trie
from impl.core.history_visibility import Sight
from impl.services import retention
from impl.storage import state_nodes, sync_rooms
from impl.storage.events import StoredEvent
from impl.storage.state_nodes import RoomNodes

VISIBILITY = ("m.room.history_visibility", "")
# What servers send to join a room's branches (dummy_events.py). It is for servers alone.
DUMMY_EVENT = "org.matrix.dummy_event"

# The depth of the last join of one who is in the room: whatever happened, they came later or were
# there.
IS_IN_ROOM = sys.maxsize
NEVER_JOINED = -1


@dataclass(slots=True)
class Sights:
    """What one user sees in the rooms of one answer, and what was looked up for it."""

    app: App
    txn: Any
    user_id: str
    _key_nids: dict[tuple[str, str], int] | None = None
    _known: dict[tuple[int, int], Sight] = field(default_factory=dict)
    # room_nid -> what was sent before has expired.
    _oldest: dict[int, int | None] = field(default_factory=dict)

    def select(
        self, stored: Sequence[StoredEvent], last_join_depth: int
    ) -> tuple[list[StoredEvent], dict[int, str]]:
        """Those that the user may see, in their order, and the user's membership at each, by
        event_nid.

        `last_join_depth` is the depth of the event by which the user last came into the room.
        """
        seen: list[StoredEvent] = []
        memberships: dict[int, str] = {}
        expires = self.app.config.retention.enabled
        for one in stored:
            before, after = one.state_before, one.state_after
            if before is None or after is None or one.rejected_reason or one.is_soft_failed:
                continue
            if not one.event.is_state and (
                one.event.type == DUMMY_EVENT or (expires and self.has_expired(one))
            ):
                continue
            sight_after = self.at(one.room_nid, after)
            sight_before = sight_after if before == after else self.at(one.room_nid, before)
            joined_since = last_join_depth == IS_IN_ROOM or one.event.depth < last_join_depth
            if history_visibility.may_see(sight_before, sight_after, joined_since):
                memberships[one.event_nid] = sight_after[1]
                seen.append(one)
        return seen, memberships

    def has_expired(self, message: StoredEvent) -> bool:
        """Whether a message has been there for longer than its room's messages are kept."""
        room_nid = message.room_nid
        if room_nid not in self._oldest:
            self._oldest[room_nid] = retention.oldest_ts(self.app, self.txn, room_nid)
        oldest = self._oldest[room_nid]
        return oldest is not None and (
            message.event.origin_server_ts < oldest
            or (message.came_ts is not None and message.came_ts < oldest)
        )

    def preload(self, stored: Collection[StoredEvent]) -> None:
        """Have what `select` looks up in the states at events, of any rooms, at hand: a few
        statements for all of them.
        """
        own = list(self.key_nids().values())
        retention.preload(self.app, self.txn, {one.room_nid for one in stored})
        roots = {
            (one.room_nid, root)
            for one in stored
            for root in (one.state_before, one.state_after)
            if root
        }
        paths = [(*root, own) for root in roots]
        state_nodes.preload_paths(self.txn, self.app.state_nodes, paths)

    def at(self, room_nid: int, root: int) -> Sight:
        """What a state says of the user's sight."""
        found = self._known.get((room_nid, root))
        if found is None:
            found = self._known[room_nid, root] = self._look_up(room_nid, root)
        return found

    def key_nids(self) -> dict[tuple[str, str], int]:
        """The numbers of the two keys of a state that matter."""
        if self._key_nids is None:
            member = ("m.room.member", self.user_id)
            self._key_nids = self.app.state_keys.get_nids(self.txn, [VISIBILITY, member])
        return self._key_nids

    def _look_up(self, room_nid: int, root: int) -> Sight:
        member = ("m.room.member", self.user_id)
        key_nids = self.key_nids()
        nodes = RoomNodes(self.txn, self.app.state_nodes, room_nid)
        nids = {
            key: event_nid
            for key, key_nid in key_nids.items()
            if (event_nid := state_trie.get(nodes, root, key_nid)) is not None
        }
        loaded = self.app.events.get_many(self.txn, [(room_nid, nid) for nid in nids.values()])
        visibility = loaded.get(nids.get(VISIBILITY, 0))
        membership = loaded.get(nids.get(member, 0))
        value = membership.event.membership if membership is not None else None
        return (
            visibility.event.content.get("history_visibility") if visibility is not None else None,
            value if isinstance(value, str) else "leave",
        )


def last_join_depth(app: App, txn: Any, room_nid: int, user_id: str) -> int:
    """The depth of the event by which a user last came into a room that they are not in now."""
    found = sync_rooms.get_last_join(txn, user_id, room_nid)
    event = app.events.get(txn, room_nid, found) if found is not None else None
    return NEVER_JOINED if event is None else event.event.depth
