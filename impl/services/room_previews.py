"""Into which rooms somebody may look from outside. C-S API, GET /rooms/{roomId}/hierarchy and
GET /room_summary/{roomIdOrAlias}; S-S API, GET /hierarchy/{roomId}.

Those that they are in or could come into, or knock on; and those that all the world may read. Of
another server it is asked whether anybody of its is in the room, or could come into it: who of its
users may look, it has to judge itself."""

from collections.abc import Mapping
from typing import Any

from impl.app import App
from impl.core import identifiers
from impl.core.room_version import ROOM_VERSIONS, RoomVersion
from impl.storage import memberships, spaces
from impl.storage.rooms import Room

# What `select` must know of each room.
TYPES = ("m.room.join_rules", "m.room.history_visibility")

Contents = Mapping[str, Mapping[str, Any]]


def select(
    app: App,
    txn: Any,
    user_id: str | None,
    rooms: Mapping[int, Room],
    contents: Mapping[int, Contents],
) -> set[int]:
    """Those of the rooms into which the user may look; without a user, anybody."""
    own = memberships.list_of_user_in(txn, user_id, list(rooms)) if user_id is not None else {}
    seen: set[int] = set()
    conditions: dict[int, list[str]] = {}
    for room_nid, room in rooms.items():
        of_room = contents.get(room_nid, {})
        version = ROOM_VERSIONS[room.room_version]
        rules = of_room.get("m.room.join_rules", {})
        if _is_world_readable(of_room) or own.get(room_nid) in ("join", "invite"):
            seen.add(room_nid)
        elif own.get(room_nid) == "ban":
            continue
        elif _is_open(version, rules):
            seen.add(room_nid)
        elif user_id is not None:
            conditions[room_nid] = allowed_room_ids(version, rules)
    wanted = {room_id for room_ids in conditions.values() for room_id in room_ids}
    if user_id is not None and wanted:
        joined = memberships.list_joined_room_ids_among(txn, user_id, sorted(wanted))
        seen |= {nid for nid, room_ids in conditions.items() if not joined.isdisjoint(room_ids)}
    return seen


def select_for_server(
    txn: Any,
    server_name: str,
    rooms: Mapping[int, Room],
    contents: Mapping[int, Contents],
) -> set[int]:
    """Those of the rooms into which somebody of another server may look."""
    seen = spaces.list_of_server(txn, server_name, list(rooms))
    conditions: dict[int, list[str]] = {}
    for room_nid, room in rooms.items():
        of_room = contents.get(room_nid, {})
        version = ROOM_VERSIONS[room.room_version]
        rules = of_room.get("m.room.join_rules", {})
        if _is_world_readable(of_room) or _is_open(version, rules):
            seen.add(room_nid)
        elif room_nid not in seen:
            conditions[room_nid] = allowed_room_ids(version, rules)
    wanted = {room_id for room_ids in conditions.values() for room_id in room_ids}
    if wanted:
        known = spaces.list_ids_of_server(txn, server_name, sorted(wanted))
        seen |= {nid for nid, room_ids in conditions.items() if not known.isdisjoint(room_ids)}
    return seen


def select_elsewhere(
    txn: Any, user_id: str | None, summaries: Mapping[str, Mapping[str, Any]]
) -> set[str]:
    """Those of rooms that are on other servers alone into which the user may look; without a user,
    anybody. `summaries`: room_id -> what another server says of it.
    """
    own = spaces.list_memberships(txn, user_id, list(summaries)) if user_id is not None else {}
    seen: set[str] = set()
    conditions: dict[str, list[str]] = {}
    for room_id, summary in summaries.items():
        # What is not said is `public`; of which version the room is need not be said.
        join_rule = summary.get("join_rule", "public")
        if summary.get("world_readable") or own.get(room_id) == "invite":
            seen.add(room_id)
        elif own.get(room_id) == "ban":
            continue
        elif join_rule in ("public", "knock", "knock_restricted"):
            seen.add(room_id)
        elif user_id is not None:
            conditions[room_id] = summary.get("allowed_room_ids", [])
    wanted = {room_id for room_ids in conditions.values() for room_id in room_ids}
    if user_id is not None and wanted:
        joined = memberships.list_joined_room_ids_among(txn, user_id, sorted(wanted))
        seen |= {one for one, room_ids in conditions.items() if not joined.isdisjoint(room_ids)}
    return seen


def _is_world_readable(contents: Contents) -> bool:
    content = contents.get("m.room.history_visibility", {})
    return content.get("history_visibility") == "world_readable"


def _is_open(version: RoomVersion, rules: Mapping[str, Any]) -> bool:
    """Whether anybody may join, or knock."""
    join_rule = rules.get("join_rule")
    return (
        join_rule == "public"
        or (join_rule == "knock" and version.knock)
        or (join_rule == "knock_restricted" and version.knock_restricted_join)
    )


def allowed_room_ids(version: RoomVersion, rules: Mapping[str, Any]) -> list[str]:
    """The rooms whose members may join a restricted room; none, if it is not one."""
    join_rule = rules.get("join_rule")
    is_restricted = (join_rule == "restricted" and version.restricted_join) or (
        join_rule == "knock_restricted" and version.knock_restricted_join
    )
    allow = rules.get("allow")
    if not is_restricted or not isinstance(allow, list):
        return []
    return [
        condition["room_id"]
        for condition in allow
        if isinstance(condition, dict)
        and condition.get("type") == "m.room_membership"
        and identifiers.is_room_id(condition.get("room_id"))
    ]
