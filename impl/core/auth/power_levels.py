"""m.room.power_levels: what it may hold, and who may change what. Rooms, "Authorisation rules"."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from impl.core import identifiers
from impl.core.auth.selection import POWER_LEVELS
from impl.core.auth.state import AuthState
from impl.core.event import Event
from impl.core.power_levels import creators_of, level_of
from impl.core.rejection import Rejected
from impl.core.room_version import RoomVersion

_NAMED = (
    "users_default",
    "events_default",
    "state_default",
    "ban",
    "redact",
    "kick",
    "invite",
)


def check(event: Event, state: AuthState) -> None:
    """Raise Rejected for content that is not levels, and for changes above the sender's level."""
    version = event.room_version
    content = event.content
    _check_content(content, version)

    # Since version 12: creators stand above all levels, so they have none.
    if version.creators_outrank_all:
        users = content.get("users", {})
        if any(creator in users for creator in creators_of(state.create())):
            raise Rejected("a creator has a level under users")

    # The first levels of a room may be anything.
    current = state.events.get(POWER_LEVELS)
    if current is None:
        return

    sender_level = state.power_levels().user(event.sender)
    _check_named(current.content, content, sender_level, version)
    names = ["events"]
    if version.notifications_need_power:
        names.append("notifications")
    for name in names:
        before, after = _levels(current.content, name), _levels(content, name)
        _check_entries(name, before, after, sender_level, version)
    _check_users(event.sender, current.content, content, sender_level, version)


def _check_content(content: Mapping[str, Any], version: RoomVersion) -> None:
    if version.integer_power_levels:
        for name in _NAMED:
            if name in content and type(content[name]) is not int:
                raise Rejected(f"{name} is not an integer")
        for name in ("events", "notifications"):
            if name in content:
                _check_integers(content[name], name)
    elif any(map(_is_not_finite, _all_values(content))):
        raise Rejected("a level is a number that is not finite")

    # `users` has user ids for keys, in all versions.
    users = content.get("users", {})
    if not isinstance(users, dict) or not all(map(identifiers.is_user_id, users)):
        raise Rejected("users is not an object with user ids for keys")
    for level in users.values():
        if level_of(level, version) is None:
            raise Rejected("a level under users is not an integer")


def _all_values(content: Mapping[str, Any]) -> Iterator[object]:
    yield from (content.get(name) for name in _NAMED)
    for name in ("events", "notifications", "users"):
        yield from _levels(content, name).values()


def _is_not_finite(level: object) -> bool:
    return type(level) is float and not math.isfinite(level)


def _check_integers(levels: object, name: str) -> None:
    if not isinstance(levels, dict) or any(type(level) is not int for level in levels.values()):
        raise Rejected(f"{name} is not an object with integers for values")


def _check_named(
    before: Mapping[str, Any], after: Mapping[str, Any], sender_level: int, version: RoomVersion
) -> None:
    # Neither a level above one's own may be changed, nor may one be set above one's own.
    for name in _NAMED:
        old, new = level_of(before.get(name), version), level_of(after.get(name), version)
        if old == new:
            continue
        if old is not None and old > sender_level:
            raise Rejected(f"{name} is above the sender's level")
        if new is not None and new > sender_level:
            raise Rejected(f"{name} would be above the sender's level")


def _check_entries(
    name: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    sender_level: int,
    version: RoomVersion,
) -> None:
    # The same for each entry.
    for key in before.keys() | after.keys():
        old, new = level_of(before.get(key), version), level_of(after.get(key), version)
        if old == new:
            continue
        if old is not None and old > sender_level:
            raise Rejected(f"{name}.{key} is above the sender's level")
        if new is not None and new > sender_level:
            raise Rejected(f"{name}.{key} would be above the sender's level")


def _check_users(
    sender: str,
    before_content: Mapping[str, Any],
    after_content: Mapping[str, Any],
    sender_level: int,
    version: RoomVersion,
) -> None:
    before, after = _levels(before_content, "users"), _levels(after_content, "users")
    for user_id in before.keys() | after.keys():
        old, new = level_of(before.get(user_id), version), level_of(after.get(user_id), version)
        if old == new:
            continue
        # Another of the same level is not to be touched; oneself is.
        if user_id != sender and old is not None and old >= sender_level:
            raise Rejected(f"{user_id} is not below the sender's level")
        if new is not None and new > sender_level:
            raise Rejected(f"{user_id} would be above the sender's level")


def _levels(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    levels = content.get(name)
    return levels if isinstance(levels, dict) else {}
