"""Which of some events another server may see. C-S API, "Room History Visibility".

The rule is that of users (core/history_visibility.py): a server sees what any of its users in the
room could see. The rest it may have redacted, so that the graph holds together, and nothing of
what was said is in it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from impl.core import history_visibility, state_trie
from impl.core.history_visibility import Sight
from impl.services import client_events
from impl.services.federation_serving.asker import Asker
from impl.services.visibility import VISIBILITY
from impl.storage import memberships, state_nodes
from impl.storage.events import StoredEvent
from impl.storage.state_nodes import RoomNodes

# Of a server's users in a room the first that are looked at: one who was in it is enough.
USERS_FIRST = 20
USERS_AT_ONCE = 500


@dataclass(slots=True)
class ServerSight:
    """What one server sees of one room, and what was looked up for it."""

    asker: Asker
    _members: list[int] | None = None
    _known: dict[int, Sight] = field(default_factory=dict)

    def shown(self, stored: Sequence[StoredEvent]) -> list[StoredEvent]:
        """The events as they may be seen, without those that were rejected."""
        accepted = [one for one in stored if one.rejected_reason is None]
        self._preload(accepted)
        return [one if self.may_see(one) else client_events.as_redacted(one) for one in accepted]

    def may_see(self, stored: StoredEvent) -> bool:
        before, after = stored.state_before, stored.state_after
        if before is None or after is None:
            # What others rest on: who is in the room is given it with their auth chains.
            return self.asker.is_in_room and stored.event.is_state
        sight_after = self._at(after)
        sight_before = sight_after if before == after else self._at(before)
        return history_visibility.may_see(sight_before, sight_after, self.asker.is_in_room)

    def _preload(self, stored: Iterable[StoredEvent]) -> None:
        asker = self.asker
        keys = list(asker.app.state_keys.get_nids(asker.txn, [VISIBILITY]).values())
        roots = {root for one in stored for root in (one.state_before, one.state_after) if root}
        paths = [(asker.room.room_nid, root, keys) for root in roots]
        state_nodes.preload_paths(asker.txn, asker.app.state_nodes, paths)

    def _at(self, root: int) -> Sight:
        found = self._known.get(root)
        if found is None:
            visibility = self._visibility(root)
            needs_nobody = self.asker.is_in_room and visibility in ("shared", "world_readable")
            membership = "leave" if needs_nobody else self._membership(root)
            found = self._known[root] = (visibility, membership)
        return found

    def _visibility(self, root: int) -> str:
        asker = self.asker
        key_nids = asker.app.state_keys.get_nids(asker.txn, [VISIBILITY])
        stored = self._read(root, list(key_nids.values()))
        content = stored[0].event.content if stored else {}
        return history_visibility.read(content.get("history_visibility"))

    def _membership(self, root: int) -> str:
        """The most that any of the server's users was."""
        if self.asker.room.is_partial and self.asker.is_in_room:
            # Who of them is in it, is not known yet; what is redacted for them stays so there.
            return "join"
        members = self._member_keys()
        found = "leave"
        start, step = 0, USERS_FIRST
        while start < len(members):
            for one in self._read(root, members[start : start + step]):
                if one.event.membership == "join":
                    return "join"
                if one.event.membership == "invite":
                    found = "invite"
            start, step = start + step, USERS_AT_ONCE
        return found

    def _member_keys(self) -> list[int]:
        """Where the server's users stand in a state: all who ever were something in the room."""
        if self._members is None:
            asker = self.asker
            name, room_nid = asker.server_name, asker.room.room_nid
            user_ids = memberships.list_users_of_server(asker.txn, room_nid, name)
            keys = [("m.room.member", user_id) for user_id in user_ids]
            found = asker.app.state_keys.get_nids(asker.txn, keys)
            self._members = [found[key] for key in keys if key in found]
        return self._members

    def _read(self, root: int, key_nids: Sequence[int]) -> list[StoredEvent]:
        asker = self.asker
        nodes = RoomNodes(asker.txn, asker.app.state_nodes, asker.room.room_nid)
        nids = state_trie.get_many(nodes, root, key_nids).values()
        keys = [(asker.room.room_nid, nid) for nid in nids]
        return list(asker.app.events.get_many(asker.txn, keys).values())
