"""A room that a transaction holds: its head as it grows, and the rows that are to be written for
it.

Nothing is written before the end, and what one submission added can be taken back, so that it fails
alone."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from pyroaring import BitMap64

from impl.app import App
from impl.core import state_trie
from impl.core.event import Event
from impl.core.room_version import ROOM_VERSIONS, RoomVersion
from impl.storage import event_graph, events, memberships, room_state, timeline
from impl.storage.events import NewEvent, StoredEvent
from impl.storage.memberships import Member
from impl.storage.rooms import Head
from impl.storage.state_nodes import RoomNodes

StateKey = tuple[str, str]

# The chains of memberships are the unions of what is stored; DESIGN 5, "Auth chains".
_CHAIN_NOT_STORED = "m.room.member"


@dataclass(frozen=True, slots=True)
class Appended:
    """An event at its place, before it is written."""

    new: NewEvent
    prev_event_ids: list[str]
    topological: int
    root_after: int
    redacts_nid: int | None


@dataclass(slots=True)
class OpenRoom:
    app: App
    txn: Any
    head: Head
    nodes: RoomNodes
    # (event_nid, event_id) of the forward extremities.
    extremities: list[tuple[int, str]]
    appended: list[Appended] = field(default_factory=list)
    _new: dict[int, NewEvent] = field(default_factory=dict)
    _chains: dict[int, BitMap64] = field(default_factory=dict)

    @classmethod
    def open(cls, app: App, txn: Any, head: Head) -> "OpenRoom":
        room_nid = head.room.room_nid
        known = app.events.get_many(txn, [(room_nid, nid) for nid in head.forward_extremities])
        extremities = [(nid, known[nid].event_id) for nid in head.forward_extremities]
        nodes = RoomNodes(txn, app.state_nodes, room_nid, app.state_node_nids)
        return cls(app, txn, head, nodes, extremities)

    @property
    def room_version(self) -> RoomVersion:
        return ROOM_VERSIONS[self.head.room.room_version]

    def state_nids(self, keys: Collection[StateKey]) -> dict[StateKey, int]:
        """The current state at some keys, as event numbers."""
        key_nids = self.app.state_keys.get_nids(self.txn, keys)
        root = self.head.current_state_root
        found = state_trie.get_many(self.nodes, root, list(key_nids.values()))
        return {key: found[nid] for key, nid in key_nids.items() if nid in found}

    def state_events(self, keys: Collection[StateKey]) -> dict[StateKey, Event]:
        """The current state at some keys."""
        nids = self.state_nids(keys)
        loaded = self.events_by_nid(nids.values())
        return {key: loaded[nid] for key, nid in nids.items()}

    def events_by_nid(self, event_nids: Iterable[int]) -> dict[int, Event]:
        """Events of this room, those of this transaction included."""
        wanted = list(event_nids)
        room_nid = self.head.room.room_nid
        found = {nid: self._new[nid].event for nid in wanted if nid in self._new}
        stored = self.app.events.get_many(
            self.txn, [(room_nid, nid) for nid in wanted if nid not in found]
        )
        return found | {nid: one.event for nid, one in stored.items()}

    def find_nid(self, event_id: str) -> int | None:
        """The number of an event of this room."""
        for nid, new in self._new.items():
            if new.event.event_id == event_id:
                return nid
        return events.get_nid(self.txn, self.head.room.room_nid, event_id)

    def append(
        self,
        event: Event,
        auth_event_nids: list[int],
        redacts_nid: int | None,
        sent_by: tuple[str, str] | None,
    ) -> None:
        """Put a checked event on top of all that is there. `sent_by`: the device and its
        transaction id.
        """
        head = self.head
        event_nid = self._take_event_nid()
        root_before = head.current_state_root
        if event.is_state:
            key_nid = self.app.state_keys.intern(self.txn, [event.key])[event.key]
            head.current_state_root = state_trie.set_many(
                self.nodes, root_before, {key_nid: event_nid}
            )
        device_id, txn_id = sent_by or (None, None)
        new = NewEvent(
            room_nid=head.room.room_nid,
            event_nid=event_nid,
            event=event,
            auth_event_nids=auth_event_nids,
            state_before=root_before,
            state_after=head.current_state_root,
            sender_device_id=device_id,
            txn_id=txn_id,
        )
        self.appended.append(
            Appended(
                new,
                [event_id for _, event_id in self.extremities],
                event.depth,
                head.current_state_root,
                redacts_nid,
            )
        )
        self._new[event_nid] = new
        head.depth_max = max(head.depth_max, event.depth)
        head.forward_extremities = [event_nid]
        self.extremities = [(event_nid, event.event_id)]

    def mark(self) -> tuple[Any, ...]:
        """Where the room stands, for `cut`."""
        head = self.head
        return (
            len(self.appended),
            self.nodes.mark(),
            list(self.extremities),
            head.depth_max,
            head.current_state_root,
        )

    def cut(self, mark: tuple[Any, ...]) -> None:
        """Take back what was appended since a mark."""
        number, nodes_mark, extremities, depth_max, root = mark
        for dropped in self.appended[number:]:
            del self._new[dropped.new.event_nid]
        del self.appended[number:]
        self.nodes.cut(nodes_mark)
        self.extremities = extremities
        self.head.forward_extremities = [nid for nid, _ in extremities]
        self.head.depth_max = depth_max
        self.head.current_state_root = root

    def _take_event_nid(self) -> int:
        self.app.event_nids.reserve(self.txn, 1)
        return self.app.event_nids.take()

    def write(self) -> None:
        """Queue all rows but the timeline's and the head's for the COMMIT."""
        txn, room_nid = self.txn, self.head.room.room_nid
        new_events = [one.new for one in self.appended]
        events.insert(txn, new_events)
        event_graph.insert_edges(
            txn,
            [
                (room_nid, prev, one.new.event_nid)
                for one in self.appended
                for prev in one.prev_event_ids
            ],
        )
        events.put_redactions(
            txn,
            [
                (room_nid, one.redacts_nid, one.new.event_nid)
                for one in self.appended
                if one.redacts_nid is not None
            ],
        )
        state = {new.event.key: new for new in new_events if new.event.is_state}
        if not state:
            return
        self.nodes.insert()
        room_state.change(txn, [(room_nid, key, new.event_nid) for key, new in state.items()])
        memberships.put(
            txn, [_member(new) for key, new in state.items() if key[0] == "m.room.member"]
        )
        event_graph.insert_auth_chains(txn, self._chain_rows(new_events))

    def timeline_rows(self) -> list[timeline.NewRow]:
        return [
            timeline.NewRow(
                one.new.room_nid,
                one.new.event_nid,
                one.topological,
                one.root_after,
                one.redacts_nid,
                self._own_member(one.new.event),
            )
            for one in self.appended
        ]

    def stored_events(self) -> list[StoredEvent]:
        """What was written, for the cache, once it is committed."""
        version = self.head.room.room_version
        redacted = {one.redacts_nid for one in self.appended}
        return [
            StoredEvent(
                (
                    new.room_nid,
                    new.event_nid,
                    new.event.event_id,
                    "",
                    version,
                    new.state_before,
                    new.state_after,
                    None,
                    False,
                    None,
                    new.sender_device_id,
                    new.txn_id,
                ),
                new.event,
            )
            for new in (one.new for one in self.appended)
            if new.event_nid not in redacted
        ]

    def _own_member(self, event: Event) -> tuple[str, str] | None:
        if event.type != "m.room.member" or event.state_key is None:
            return None
        if not event.state_key.endswith(":" + self.app.server_name):
            return None
        return event.state_key, event.content["membership"]

    def _chain_rows(self, new_events: list[NewEvent]) -> list[tuple[int, int, BitMap64]]:
        sharing = [
            new for new in new_events if new.event.is_state and new.event.type != _CHAIN_NOT_STORED
        ]
        if not sharing:
            return []
        older = {nid for new in new_events for nid in new.auth_event_nids if nid not in self._new}
        room_nid = self.head.room.room_nid
        chains = event_graph.get_auth_chains(self.txn, room_nid, older) if older else {}
        for new in new_events:
            chain = BitMap64(new.auth_event_nids)
            for nid in new.auth_event_nids:
                chain |= chains[nid]
            chains[new.event_nid] = chain
        return [(room_nid, new.event_nid, chains[new.event_nid]) for new in sharing]


def _member(new: NewEvent) -> Member:
    content = new.event.content
    return Member(
        room_nid=new.room_nid,
        user_id=new.event.state_key or "",
        membership=content["membership"],
        event_nid=new.event_nid,
        sender=new.event.sender,
        display_name=_text(content.get("displayname")),
        avatar_url=_text(content.get("avatar_url")),
        is_forgotten=False,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
