"""A room's summary: how many are in it, and after whom to name it. C-S API, "Syncing",
`m.heroes`.
"""

from typing import Any

from impl.services.sync.room_deltas import HEROES, RoomDelta


def heroes(delta: RoomDelta, user_id: str) -> list[str]:
    """The first five others; those who were there before, where nobody else is."""
    others = [(one, is_present) for one, is_present in delta.first_members if one != user_id]
    present = [one for one, is_present in others if is_present]
    return (present or [one for one, _ in others])[:HEROES]


def write(delta: RoomDelta, user_id: str) -> dict[str, Any]:
    """Empty where no membership changed."""
    if delta.counts is None:
        return {}
    return {
        "m.joined_member_count": delta.counts.get("join", 0),
        "m.invited_member_count": delta.counts.get("invite", 0),
        "m.heroes": heroes(delta, user_id),
    }
