"""`soma room show`: what a room is, who is in it, how its graph ends, and how large it is."""

from collections.abc import Mapping
from dataclasses import dataclass

from impl.core import state_trie
from impl.core.auth.selection import CREATE, POWER_LEVELS
from impl.core.event import Event, StateKey
from impl.core.power_levels import CREATOR_LEVEL, PowerLevels, creators_of
from impl.core.state_trie import Inner
from impl.services.inspection.inspected_room import Brief, InspectedRoom
from impl.storage import aliases, event_graph, memberships, room_inspection, room_state
from impl.storage.room_inspection import EventCounts
from impl.storage.state_nodes import RoomNodes

# More branches than this and every event of ours has work to join them.
EXTREMITIES_USUAL_MAX = 10
# Who can be asked to do something about the room.
POWERFUL_LEVEL = 50

_VALUES = {
    "name": ("m.room.name", "name"),
    "topic": ("m.room.topic", "topic"),
    "canonical_alias": ("m.room.canonical_alias", "alias"),
    "join_rule": ("m.room.join_rules", "join_rule"),
    "history_visibility": ("m.room.history_visibility", "history_visibility"),
    "guest_access": ("m.room.guest_access", "guest_access"),
    "encryption": ("m.room.encryption", "algorithm"),
    "replaced_by": ("m.room.tombstone", "replacement_room"),
}


@dataclass(frozen=True, slots=True)
class Size:
    """Of the current state; the last two of all states of the room together."""

    entries: int
    nodes: int
    nodes_of_all_states: int
    bytes_of_all_states: int


@dataclass(frozen=True, slots=True)
class Overview:
    room_id: str
    version: str
    state_resolution: str
    creators: list[str]
    created_ts: int | None
    known_since_ts: int
    type: str | None
    # name, topic, join_rule and the like, of those that there are.
    values: dict[str, str]
    aliases: list[str]
    is_published: bool
    # membership -> number
    members: dict[str, int]
    local_members: dict[str, int]
    servers: dict[str, int]
    # None: a creator since version 12, who is above all levels.
    powerful: dict[str, int | None]
    events: EventCounts
    depth_max: int
    forward_extremities: list[Brief]
    backward_extremities: list[str]
    size: Size
    # What somebody should know.
    remarks: list[str]
    now_ms: int


def overview(room: InspectedRoom) -> Overview:
    txn, room_nid, head = room.txn, room.room_nid, room.open.head
    wanted = [CREATE, POWER_LEVELS, *((event_type, "") for event_type, _ in _VALUES.values())]
    state = room.open.state_events(wanted)
    create = state.get(CREATE)
    stored = room.stored(head.forward_extremities)
    all_nodes, all_bytes = room_inspection.count_state_nodes(txn, room_nid)
    entries, nodes = _measure(room.open.nodes, head.current_state_root)
    servers = dict(room_inspection.list_servers(txn, room_nid))
    local = room_inspection.count_members_of_server(txn, room_nid, room.app.server_name)
    backward = event_graph.list_backward_extremities(txn, room_nid)
    room_type = create.content.get("type") if create is not None else None
    return Overview(
        room_id=room.room.room_id,
        version=room.room.room_version,
        state_resolution=room.open.room_version.state_resolution,
        creators=sorted(creators_of(create)) if create is not None else [],
        created_ts=create.origin_server_ts if create is not None else None,
        known_since_ts=room_inspection.get_created_ts(txn, room_nid),
        type=room_type if isinstance(room_type, str) else None,
        values=_values(state),
        aliases=aliases.list_of_room(txn, room_nid),
        is_published=aliases.is_published(txn, room_nid),
        members=memberships.count(txn, [room_nid])[room_nid],
        local_members=local,
        servers=servers,
        powerful=_powerful(room, state),
        events=room_inspection.count_events(txn, room_nid),
        depth_max=head.depth_max,
        forward_extremities=[room.brief(stored[nid]) for nid in head.forward_extremities],
        backward_extremities=backward,
        size=Size(entries, nodes, all_nodes, all_bytes),
        remarks=_remarks(room, state, local, backward),
        now_ms=room.app.now_ms(),
    )


def _values(state: Mapping[StateKey, Event]) -> dict[str, str]:
    values = {}
    for name, (event_type, field) in _VALUES.items():
        event = state.get((event_type, ""))
        value = event.content.get(field) if event is not None else None
        if isinstance(value, str):
            values[name] = value
    return values


def _powerful(room: InspectedRoom, state: Mapping[StateKey, Event]) -> dict[str, int | None]:
    """Who has more than the usual power, the most powerful first."""
    levels = PowerLevels.of(state.get(POWER_LEVELS), state.get(CREATE), room.open.room_version)
    users = levels.content.get("users") if levels.content is not None else None
    named = {*(users if isinstance(users, dict) else ()), *levels.creators}
    found = {user_id: levels.user(user_id) for user_id in named}
    ordered = sorted(found.items(), key=lambda one: (-one[1], one[0]))
    return {
        user_id: None if level == CREATOR_LEVEL else level
        for user_id, level in ordered
        if level >= POWERFUL_LEVEL
    }


def _measure(nodes: RoomNodes, root: int) -> tuple[int, int]:
    """The entries of a state, and its nodes."""
    entries = count = 0
    level = [root] if root != state_trie.EMPTY else []
    while level:
        count += len(level)
        deeper: list[int] = []
        for node in nodes.load(level).values():
            if isinstance(node, Inner):
                deeper += [child for child in node.children if child != state_trie.EMPTY]
            else:
                entries += len(node.keys)
        level = deeper
    return entries, count


def _remarks(
    room: InspectedRoom,
    state: Mapping[StateKey, Event],
    local: Mapping[str, int],
    backward: list[str],
) -> list[str]:
    remarks = []
    extremities = room.open.head.forward_extremities
    if CREATE not in state:
        remarks.append("the current state has no m.room.create event: nothing is allowed in it")
    if len(extremities) > EXTREMITIES_USUAL_MAX:
        remarks.append(
            f"{len(extremities)} forward extremities: each new event has many branches to join"
        )
    if not local.get("join"):
        remarks.append("nobody of this server is in the room")
    if backward:
        remarks.append(f"{len(backward)} events are referred to and missing: history has gaps")
    if not _tables_agree(room):
        remarks.append(
            "the table current_state is not what the current state's nodes hold: this is damage,"
            " or a bug of Soma's"
        )
    return remarks


def _tables_agree(room: InspectedRoom) -> bool:
    root = room.open.head.current_state_root
    entries = dict(state_trie.items(room.open.nodes, root))
    keys = room.app.state_keys.get_keys(room.txn, entries)
    rows = room_state.list_all(room.txn, room.room_nid)
    return rows == {keys[nid]: event_nid for nid, event_nid in entries.items()}
