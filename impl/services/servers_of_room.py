"""Which other servers are in a room, now or when its state was another.

What is stored is true of the current state (storage/room_servers.py). Another state is told from it
by what differs between the two tries, which is little where little happened in between, and what
was found is the next thing to start from: whoever follows the stream pays for what changed."""

from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from impl.app import App
from impl.core import identifiers, state_trie
from impl.storage import room_servers
from impl.storage.rooms import Room
from impl.storage.state_nodes import RoomNodes

_MEMBER = "m.room.member"
# All rooms together, so that a few with thousands of servers do not fill the memory.
SERVERS_KEPT_MAX = 200_000
# Of the events of a large difference so many are looked at at once.
EVENTS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class _Found:
    """The servers in a room where its state has this root."""

    root: int
    joined_counts: Mapping[str, int]
    told: frozenset[str]
    names: frozenset[str]


class _Kept:
    """The last that was found of each room."""

    def __init__(self, app: App) -> None:
        self._rooms: OrderedDict[int, _Found] = OrderedDict()
        self._size = 0

    def get(self, room_nid: int) -> _Found | None:
        return self._rooms.get(room_nid)

    def keep(self, room_nid: int, found: _Found) -> None:
        before = self._rooms.pop(room_nid, None)
        self._size += 1 + len(found.names) - (1 + len(before.names) if before else 0)
        self._rooms[room_nid] = found
        while self._size > SERVERS_KEPT_MAX and len(self._rooms) > 1:
            _, dropped = self._rooms.popitem(last=False)
            self._size -= 1 + len(dropped.names)


def at(app: App, txn: Any, room: Room, root: int) -> frozenset[str]:
    """The names of the other servers in a room where its state has a root. Of a room whose members
    we do not all know, those that we were told of are in it as well.
    """
    kept = app.part(_Kept, _Kept)
    known = kept.get(room.room_nid)
    if known is not None and known.root == root and not known.told:
        return known.names
    if known is None or known.told:
        now = room_servers.get(txn, room.room_nid)
        if now is None:
            return frozenset()
        known = _found(now.root, now.joined_counts, now.told)
    if known.root != root:
        moved = _moved(app, txn, room.room_nid, known.root, root)
        counts = Counter(known.joined_counts)
        counts.update(moved)
        known = _found(root, {name: n for name, n in counts.items() if n > 0}, known.told)
    kept.keep(room.room_nid, known)
    return known.names


def now(app: App, txn: Any, room: Room) -> frozenset[str]:
    """The same of its current state."""
    return frozenset(room_servers.list_of_room(txn, room.room_nid))


def _found(root: int, joined_counts: Mapping[str, int], told: frozenset[str]) -> _Found:
    return _Found(root, joined_counts, told, frozenset(joined_counts) | told)


def _moved(app: App, txn: Any, room_nid: int, old_root: int, new_root: int) -> dict[str, int]:
    """server_name -> by how many of its users there are more or fewer in the room."""
    nodes = RoomNodes(txn, app.state_nodes, room_nid)
    diff = state_trie.diff(nodes, old_root, new_root)
    keys = app.state_keys.get_keys(txn, diff)
    sides: list[tuple[str, int, int]] = []
    for key_nid, pair in diff.items():
        event_type, state_key = keys[key_nid]
        server_name = identifiers.server_name_of(state_key)
        is_other = server_name != app.server_name and identifiers.is_server_name(server_name)
        if event_type != _MEMBER or not is_other:
            continue
        sides += [
            (server_name, event_nid, sign)
            for event_nid, sign in zip(pair, (-1, 1), strict=True)
            if event_nid is not None
        ]
    moved: Counter[str] = Counter()
    for start in range(0, len(sides), EVENTS_AT_ONCE):
        some = sides[start : start + EVENTS_AT_ONCE]
        loaded = app.events.get_many(txn, [(room_nid, event_nid) for _, event_nid, _ in some])
        for server_name, event_nid, sign in some:
            one = loaded.get(event_nid)
            if one is not None and one.event.membership == "join":
                moved[server_name] += sign
    return dict(moved)
