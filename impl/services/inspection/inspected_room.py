"""A room as the debugger reads it: one snapshot, its events by number, by id and by the beginning
of their ids.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from impl import errors
from impl.app import App
from impl.core import identifiers
from impl.core.event import Event
from impl.core.redaction import redact
from impl.services.inspection import words
from impl.services.room_events import merging
from impl.services.room_events.open_room import OpenRoom
from impl.storage import aliases, event_graph, events, room_inspection
from impl.storage.events import StoredEvent
from impl.storage.rooms import Room

CANDIDATES_NAMED_MAX = 10


@dataclass(frozen=True, slots=True)
class Brief:
    """An event in a line. `status`: accepted, rejected, soft-failed, outlier, or missing: then
    nothing but the id is known.
    """

    event_id: str
    status: str
    type: str = ""
    state_key: str | None = None
    sender: str = ""
    says: str = ""
    origin_server_ts: int = 0
    depth: int = 0
    is_extremity: bool = False
    is_redacted: bool = False


class InspectedRoom:
    """Reads only. The room is opened as for appending, since that is what the resolution of states
    wants, but without its lock, and nothing is appended.
    """

    def __init__(self, app: App, txn: Any, room: Room) -> None:
        self.app = app
        self.txn = txn
        self.room = room
        head = room_inspection.get_head(txn, room)
        self.open = OpenRoom.open(app, txn, head, merging.merge)
        self._extremities = set(head.forward_extremities)

    @classmethod
    def find(cls, app: App, txn: Any, name: str) -> "InspectedRoom":
        """The room of an id or a local alias. Raises NotFound, InvalidParam."""
        if not name or "\0" in name:
            raise errors.InvalidParam("a room is named by its id or an alias of this server")
        if name.startswith("#"):
            alias = aliases.get(txn, name)
            if alias is None:
                raise errors.NotFound(f"{name} is no alias of this server")
            name = alias.room_id
        # The shell likes to take the sigil for something of its own.
        room_id = name if name.startswith("!") else "!" + name
        room = app.rooms.get(txn, room_id)
        if room is None:
            known = room_inspection.count_rooms(txn)
            raise errors.NotFound(f"this server does not know the room {room_id}; it knows {known}")
        if not room.has_state:
            raise errors.NotFound(
                f"this server is not in {room_id}: it knows of invites and knocks alone"
            )
        return cls(app, txn, room)

    @property
    def room_nid(self) -> int:
        return self.room.room_nid

    def event(self, name: str) -> StoredEvent:
        """The event of an id, or of the beginning of one. Raises NotFound, InvalidParam."""
        if name in ("", "$") or "\0" in name:
            raise errors.InvalidParam(
                "the event id is empty: the shell replaces what begins with $, so put it into"
                " single quotes or leave the $ out"
            )
        event_id = name if name.startswith("$") else "$" + name
        exact = events.get_by_id(self.txn, self.room_nid, event_id)
        if exact is not None:
            return exact
        nids = room_inspection.list_nids_by_prefix(
            self.txn, self.room_nid, event_id, CANDIDATES_NAMED_MAX + 1
        )
        if len(nids) == 1:
            return self.stored(nids)[nids[0]]
        if nids:
            raise errors.InvalidParam(self._ambiguity(event_id, nids))
        raise errors.NotFound(self._absence(event_id))

    def stored(self, event_nids: Iterable[int]) -> dict[int, StoredEvent]:
        """In the order given."""
        wanted = list(event_nids)
        found = self.open.stored_by_nid(wanted)
        return {nid: found[nid] for nid in wanted if nid in found}

    def by_id(self, event_ids: Iterable[str]) -> dict[str, StoredEvent]:
        """Those of the events that are here, in the order given."""
        wanted = list(dict.fromkeys(event_ids))
        nids = self.open.find_nids(wanted)
        stored = self.stored(nids.values())
        return {event_id: stored[nids[event_id]] for event_id in wanted if event_id in nids}

    def brief(self, stored: StoredEvent) -> Brief:
        event = shown(stored)
        return Brief(
            event_id=stored.event_id,
            status=status_of(stored),
            type=event.type,
            state_key=event.state_key,
            sender=event.sender,
            says=words.of(event),
            origin_server_ts=event.origin_server_ts,
            depth=event.depth,
            is_extremity=stored.event_nid in self._extremities,
            is_redacted=stored.redacted_by_nid is not None,
        )

    def briefs(self, event_ids: Iterable[str]) -> list[Brief]:
        """In the order given; what is not here is missing."""
        wanted = list(event_ids)
        found = self.by_id(wanted)
        return [self.brief(found[one]) if one in found else Brief(one, "missing") for one in wanted]

    def state_root_after(self, stored: StoredEvent) -> int:
        """Raises InvalidParam for an outlier: it has no place in the graph."""
        if stored.state_after is None:
            raise errors.InvalidParam(
                f"{stored.event_id} is an outlier: it is kept for what cites it, has no place in"
                " the graph, and so no state"
            )
        return stored.state_after

    def _ambiguity(self, event_id: str, nids: list[int]) -> str:
        found = self.stored(nids)
        lines = [
            f"  {one.event_id}  {one.event.type} of {one.event.sender}"
            for one in (found[nid] for nid in nids[:CANDIDATES_NAMED_MAX])
        ]
        if len(nids) > CANDIDATES_NAMED_MAX:
            lines.append("  and more")
        return "\n".join([f"several events of the room begin with {event_id}:", *lines])

    def _absence(self, event_id: str) -> str:
        others = room_inspection.list_rooms_of_event(self.txn, event_id)
        if others:
            return f"{event_id} is not in this room but in {', '.join(others)}"
        missing = event_graph.list_backward_extremities(self.txn, self.room_nid)
        if event_id in missing:
            return f"{event_id} is not here, though events of the room refer to it: it is missing"
        return f"no event of the room {self.room.room_id} begins with {event_id}"


def status_of(stored: StoredEvent) -> str:
    if stored.rejected_reason is not None:
        return "rejected"
    if stored.is_soft_failed:
        return "soft-failed"
    return "outlier" if stored.state_before is None else "accepted"


def shown(stored: StoredEvent) -> Event:
    """The event as it may be shown: without what was redacted."""
    event = stored.event
    if stored.redacted_by_nid is None:
        return event
    return Event(redact(event.pdu, event.room_version), event.room_version, event.event_id)


def is_local(app: App, user_id: str) -> bool:
    return identifiers.server_name_of(user_id) == app.server_name
