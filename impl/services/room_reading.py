"""Reading a room's state for a use case, now or as somebody left it.

What is read here is read outside of the room's lock: good for answers and for refusals with a
better text than the rules give. The rules themselves are checked under the lock
(room_events/create.py)."""

from collections.abc import Collection, Mapping
from typing import Any

from impl import errors
from impl.app import App
from impl.core import identifiers, state_trie
from impl.core.event import Event
from impl.core.power_levels import PowerLevels
from impl.core.room_version import ROOM_VERSIONS
from impl.services import client_events
from impl.storage import events, memberships, room_state, rooms
from impl.storage.events import StoredEvent
from impl.storage.memberships import Member
from impl.storage.rooms import Room
from impl.storage.state_nodes import RoomNodes

StateKey = tuple[str, str]

CREATE = ("m.room.create", "")
POWER_LEVELS = ("m.room.power_levels", "")
JOIN_RULES = ("m.room.join_rules", "")
GUEST_ACCESS = ("m.room.guest_access", "")
HISTORY_VISIBILITY = ("m.room.history_visibility", "")
CANONICAL_ALIAS = ("m.room.canonical_alias", "")

# The keys that say what somebody may do.
RIGHTS = (CREATE, POWER_LEVELS)


def find(app: App, txn: Any, room_id: str) -> Room | None:
    """The room, if this server knows its state: as it is, or as it was when the last of us left."""
    room = find_any(app, txn, room_id)
    return room if room is not None and room.has_state else None


def find_any(app: App, txn: Any, room_id: str) -> Room | None:
    """The room, though all that this server knows may be that somebody is invited
    (out_of_band.py).
    """
    known = app.rooms.peek(room_id)
    if known is not None:
        return known
    return app.rooms.get(txn, room_id) if identifiers.is_room_id(room_id) else None


def find_many(app: App, txn: Any, room_ids: Collection[str]) -> dict[str, Room | None]:
    """The same of several, by one question at most."""
    found = {room_id: app.rooms.peek(room_id) for room_id in room_ids}
    missing = [one for one, room in found.items() if room is None and identifiers.is_room_id(one)]
    return found | app.rooms.get_by_ids(txn, missing)


def get(app: App, txn: Any, room_id: str) -> Room:
    """Raises NotFound for a room that this server does not know."""
    room = find(app, txn, room_id)
    if room is None:
        raise errors.NotFound("this server does not know the room")
    return room


def get_joined(app: App, txn: Any, room_id: str, user_id: str) -> Room:
    """Raises Forbidden unless the user is in the room; an unknown room is no exception, so that
    nobody learns which there are.
    """
    room = find(app, txn, room_id)
    member = memberships.get(txn, room.room_nid, user_id) if room is not None else None
    if room is None or member is None or member.membership != "join":
        raise errors.Forbidden("you are not in this room")
    return room


def is_resident(txn: Any, room: Room) -> bool:
    """Is anybody of ours in the room? If not, what is known of it here is old, or next to nothing,
    and only the servers that are in it can tell who may do what."""
    return bool(memberships.list_joined_here(txn, [room.room_nid]))


def membership(txn: Any, room: Room, user_id: str) -> str:
    """A user's membership of a room; `leave` if there never was one."""
    if "\0" in user_id:
        return "leave"
    member = memberships.get(txn, room.room_nid, user_id)
    return member.membership if member is not None else "leave"


def current(app: App, txn: Any, room: Room, keys: Collection[StateKey]) -> dict[StateKey, Event]:
    """The current state at some keys, as it was sent."""
    return {key: stored.event for key, stored in stored_state(app, txn, room, keys).items()}


def stored_state(
    app: App, txn: Any, room: Room, keys: Collection[StateKey]
) -> dict[StateKey, StoredEvent]:
    """The current state at some keys."""
    nids = room_state.get_many(txn, room.room_nid, list(keys))
    loaded = app.events.get_many(txn, [(room.room_nid, nid) for nid in nids.values()])
    return {key: loaded[nid] for key, nid in nids.items()}


def content_of(stored: StoredEvent) -> dict[str, Any]:
    """What may be shown of an event's content: all of it, unless it was redacted."""
    return client_events.visible_pdu(stored)["content"]


def find_event(app: App, txn: Any, room_id: str, event_id: str) -> Event | None:
    """An event of a room, as it was sent, if it is here."""
    room = find(app, txn, room_id)
    nid = events.get_nid(txn, room.room_nid, event_id) if room is not None else None
    if room is None or nid is None:
        return None
    stored = app.events.get(txn, room.room_nid, nid)
    return stored.event if stored is not None else None


def levels_in(room: Room, state: Mapping[StateKey, Event]) -> PowerLevels:
    """The power levels, from a state that holds RIGHTS."""
    return PowerLevels.of(state.get(POWER_LEVELS), state[CREATE], ROOM_VERSIONS[room.room_version])


def levels(app: App, txn: Any, room: Room) -> PowerLevels:
    """The power levels that hold now."""
    return levels_in(room, current(app, txn, room, RIGHTS))


def is_world_readable(app: App, txn: Any, room: Room) -> bool:
    """C-S API, "Room History Visibility"."""
    state = stored_state(app, txn, room, (HISTORY_VISIBILITY,))
    event = state.get(HISTORY_VISIBILITY)
    return event is not None and content_of(event).get("history_visibility") == "world_readable"


def visible_root(app: App, txn: Any, room_id: str, user_id: str) -> tuple[Room, int]:
    """The state that a user may see: the current one, or the one in which the user left.

    Raises Forbidden for who never was in the room, or has forgotten it, unless all the world may
    read it."""
    room = find(app, txn, room_id)
    if room is None:
        raise errors.Forbidden("you are not in this room")
    member = memberships.get(txn, room.room_nid, user_id)
    if member is not None and member.membership == "join":
        return room, rooms.get_state_root(txn, room.room_nid)
    if is_world_readable(app, txn, room):
        return room, rooms.get_state_root(txn, room.room_nid)
    root = _root_when_left(app, txn, room, member)
    if root is None:
        raise errors.Forbidden("you are not in this room")
    return room, root


def _root_when_left(app: App, txn: Any, room: Room, member: Member | None) -> int | None:
    if member is None or member.is_forgotten:
        return None
    event_nid = memberships.get_last_departure(txn, room.room_nid, member.user_id)
    if event_nid is None:
        return None
    left = app.events.get(txn, room.room_nid, event_nid)
    return left.state_after if left is not None else None


def state_at(
    app: App, txn: Any, room: Room, root: int, keys: Collection[StateKey]
) -> dict[StateKey, StoredEvent]:
    """A state, given by its root, at some keys."""
    key_nids = app.state_keys.get_nids(txn, keys)
    nodes = RoomNodes(txn, app.state_nodes, room.room_nid)
    nids = state_trie.get_many(nodes, root, list(key_nids.values()))
    loaded = app.events.get_many(txn, [(room.room_nid, nid) for nid in nids.values()])
    return {key: loaded[nids[nid]] for key, nid in key_nids.items() if nid in nids}


def whole_state_at(app: App, txn: Any, room: Room, root: int) -> list[StoredEvent]:
    """All events of a state, given by its root."""
    nodes = RoomNodes(txn, app.state_nodes, room.room_nid)
    nids = [nid for _, nid in state_trie.items(nodes, root)]
    loaded = app.events.get_many(txn, [(room.room_nid, nid) for nid in nids])
    return [loaded[nid] for nid in sorted(nids)]
