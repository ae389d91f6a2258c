"""What a restricted room asks of who joins it, and who of ours can vouch for them. C-S API,
"Restricted rooms"; S-S API, "Restricted rooms".
"""

from typing import Any

from impl.app import App
from impl.core import identifiers
from impl.core.event import Event
from impl.core.power_levels import PowerLevels
from impl.core.room_version import RoomVersion
from impl.storage import memberships
from impl.storage.rooms import Room

AUTHORISED_VIA = "join_authorised_via_users_server"


def is_restricted(version: RoomVersion, rules: Event) -> bool:
    """Whether who meets a condition may join, by the room's m.room.join_rules."""
    join_rule = rules.content.get("join_rule")
    return (join_rule == "restricted" and version.restricted_join) or (
        join_rule == "knock_restricted" and version.knock_restricted_join
    )


def condition_rooms(rules: Event) -> list[str]:
    """The ids of the rooms whose members may join. What cannot be read is no condition."""
    allow = rules.content.get("allow")
    return [
        condition["room_id"]
        for condition in (allow if isinstance(allow, list) else [])
        if isinstance(condition, dict)
        and condition.get("type") == "m.room_membership"
        and identifiers.is_room_id(condition.get("room_id"))
    ]


def find_voucher(app: App, txn: Any, room: Room, levels: PowerLevels) -> str | None:
    """One of our users in the room who has the power to invite."""
    if levels.named("users_default") >= levels.invite:
        some = memberships.list_joined_of_server(txn, room.room_nid, app.server_name, 100)
        if capable := [user_id for user_id in some if levels.user(user_id) >= levels.invite]:
            return min(capable)

    users = levels.content.get("users") if levels.content is not None else None
    named = {*levels.creators, *(users if isinstance(users, dict) else ())}
    candidates = [
        user_id
        for user_id in named
        if identifiers.server_name_of(user_id) == app.server_name
        and levels.user(user_id) >= levels.invite
    ]
    joined = memberships.list_joined_among(txn, room.room_nid, candidates)
    return joined[0] if joined else None
