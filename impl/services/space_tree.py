"""The rooms below a space, as far as somebody may look into them: those that are here, and what
other servers say of those that are not. C-S API, "Discovering rooms within spaces".

What is here is read at once, and what is known here comes before what others say. Of the rooms that
are elsewhere a parent's server may have said enough already; other servers are asked only for
spaces whose children count, and for rooms of which nothing is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from impl.app import App
from impl.core import told_rooms
from impl.core.told_rooms import CHILD, Child
from impl.services import client_events, remote_spaces, room_previews, room_reading
from impl.services.time_limit import TimeLimit
from impl.storage import memberships, room_state, spaces
from impl.storage.events import StoredEvent
from impl.storage.rooms import Room

SPACE = "m.space"
# Of a larger tree the rooms that are nearest to its root.
ROOMS_MAX = 10_000
# Rooms for which one request has other servers asked.
ASKED_MAX = 100

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Here:
    """Rooms that are here, and what they name. `contents` are of room_previews.TYPES."""

    rooms: Mapping[int, Room]
    contents: Mapping[int, Mapping[str, Json]]
    # Of spaces, in their order.
    children: Mapping[int, Sequence[Child]]


@dataclass(frozen=True, slots=True)
class Node:
    """A room into which the viewer may look: one that is here, or as others tell of it."""

    room_id: str
    children: Sequence[Child] = ()
    room_nid: int | None = None
    summary: Json | None = None
    # Whether it was others who named the children, who may be here then.
    is_told: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    """A room to be looked into, the servers to be asked for it, and whether its children count."""

    room_id: str
    via: Sequence[str]
    needs_children: bool


def read_here(app: App, txn: Any, room_nids: Sequence[int], *, is_suggested_only: bool) -> Here:
    """Those of the rooms that somebody of ours is in: others may have become anything."""
    resident = memberships.list_joined_here(txn, room_nids) if room_nids else set()
    rooms = app.rooms.get_by_nids(txn, [nid for nid in room_nids if nid in resident])
    nids = list(rooms)
    rows = room_state.list_of_rooms(txn, nids, ("m.room.create", CHILD, *room_previews.TYPES))
    loaded = app.events.get_many(txn, [(row[0], row[3]) for row in rows])
    contents: dict[int, dict[str, Json]] = {nid: {} for nid in nids}
    children: dict[int, list[Child]] = {}
    for room_nid, event_type, state_key, event_nid in rows:
        stored = loaded.get(event_nid)
        if stored is None:
            continue
        if event_type != CHILD:
            if state_key == "":
                contents[room_nid][event_type] = room_reading.content_of(stored)
        elif child := _child(stored, is_suggested_only=is_suggested_only):
            children.setdefault(room_nid, []).append(child)
    ordered = {
        nid: sorted(some, key=lambda one: told_rooms.order(one.stripped))
        for nid, some in children.items()
        if contents[nid].get("m.room.create", {}).get("type") == SPACE
    }
    return Here(rooms, contents, ordered)


def _child(stored: StoredEvent, *, is_suggested_only: bool) -> Child | None:
    event = stored.event
    stripped = {
        **client_events.stripped(stored),
        "origin_server_ts": event.origin_server_ts,
    }
    via = told_rooms.via_of(stripped["content"])
    if not via or (is_suggested_only and not told_rooms.is_suggested(stripped)):
        return None
    return Child(event.state_key or "", via, stripped)


@dataclass(slots=True)
class Tree:
    """What one viewer sees; it grows by `open`."""

    app: App
    user_id: str
    is_suggested_only: bool
    limit: TimeLimit
    nodes: dict[str, Node] = field(default_factory=dict)
    # Into which the viewer may not look, or of which nobody tells.
    hidden: set[str] = field(default_factory=set)
    # What servers said of the children of rooms that they told of.
    _summaries: dict[str, Json] = field(default_factory=dict)
    _inaccessible: set[str] = field(default_factory=set)
    _is_elsewhere: set[str] = field(default_factory=set)
    _asked: int = 0

    def is_open(self, room_id: str) -> bool:
        return room_id in self.nodes or room_id in self.hidden

    def open(self, wishes: Sequence[Wish]) -> None:
        """Look into rooms: each is a node or hidden then."""
        missing = [one.room_id for one in wishes if one.room_id not in self._is_elsewhere]
        if missing:
            self._open_here(missing)
        left = {one.room_id: one for one in wishes if not self.is_open(one.room_id)}
        if left:
            self._open_elsewhere(left)

    def _open_here(self, room_ids: Sequence[str]) -> None:
        app = self.app
        with app.database.read() as txn:
            nids = spaces.list_reachable(txn, room_ids, ROOMS_MAX)
            here = read_here(app, txn, nids, is_suggested_only=self.is_suggested_only)
            seen = room_previews.select(app, txn, self.user_id, here.rooms, here.contents)
        self._is_elsewhere.update(room_ids)
        for nid, room in here.rooms.items():
            self._is_elsewhere.discard(room.room_id)
            children = here.children.get(nid, ())
            # All that these name and that is here was read with them.
            self._is_elsewhere.update(one.room_id for one in children)
            if nid in seen:
                self.nodes.setdefault(room.room_id, Node(room.room_id, children, nid))
            else:
                self.hidden.add(room.room_id)
        self._is_elsewhere.difference_update(room.room_id for room in here.rooms.values())

    def _open_elsewhere(self, wishes: Mapping[str, Wish]) -> None:
        found: dict[str, Node] = {}
        to_ask: dict[str, Wish] = {}
        for room_id, wish in wishes.items():
            summary = self._summaries.get(room_id)
            is_enough = summary is not None and not (
                wish.needs_children and summary.get("room_type") == SPACE
            )
            if summary is not None and (is_enough or self._asked >= ASKED_MAX):
                found[room_id] = Node(room_id, summary=summary)
            elif room_id not in self._inaccessible and self._asked < ASKED_MAX:
                self._asked += 1
                to_ask[room_id] = wish
        if to_ask:
            found |= self._ask(to_ask)
        with self.app.database.read() as txn:
            summaries = {room_id: node.summary or {} for room_id, node in found.items()}
            seen = room_previews.select_elsewhere(txn, self.user_id, summaries)
        self.nodes |= {room_id: node for room_id, node in found.items() if room_id in seen}
        self.hidden |= wishes.keys() - seen

    def _ask(self, wishes: Mapping[str, Wish]) -> dict[str, Node]:
        app = self.app
        with app.database.read() as txn:
            servers = {
                room_id: remote_spaces.servers_for(app, txn, room_id, self.user_id, wish.via)
                for room_id, wish in wishes.items()
            }
        told = remote_spaces.ask(
            app,
            servers,
            user_id=self.user_id,
            is_suggested_only=self.is_suggested_only,
            left_s=lambda: self.limit.left_s,
        )
        found = {}
        for room_id, one in told.items():
            is_space = one.summary.get("room_type") == SPACE
            children = one.children if is_space else ()
            found[room_id] = Node(room_id, children, summary=one.summary, is_told=True)
            self._summaries |= one.summaries
            self._inaccessible |= one.inaccessible
        return found
