"""m.room.power_levels, read leniently. C-S API, "m.room.power_levels".

A level is read when a rule asks for it, and what cannot be read counts as absent: the rules that
say which content is refused stand in core/auth/power_levels.py. Until room version 9 a level may be
a string that int() reads, or a float.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from impl.core.event import Event
from impl.core.room_version import RoomVersion

# Above every level that JSON can hold: creators since room version 12.
CREATOR_LEVEL = 2**63
_DEFAULTS = {
    "ban": 50,
    "kick": 50,
    "redact": 50,
    "invite": 0,
    "state_default": 50,
    "events_default": 0,
    "users_default": 0,
}
_NOTIFICATION_DEFAULT = 50
# What Python reads as an integer at once; no event needs more digits.
_DIGITS_MAX = 4_000


def level_of(value: object, room_version: RoomVersion) -> int | None:
    """A level as the room version reads it; None if it is none."""
    if type(value) is int:
        return value
    if room_version.integer_power_levels:
        return None
    # Rooms, "Values in m.room.power_levels events must be integers": before, strings and floats
    # count.
    if type(value) is float:
        return int(value) if math.isfinite(value) else None
    if type(value) is str:
        return _level_of_text(value.strip())
    return None


def _level_of_text(text: str) -> int | None:
    # Rooms, "accept values as strings": decimal digits and perhaps a sign before them. Without a
    # regular expression, which would take quadratic time for zeros that end in something else.
    sign = text[:1] if text[:1] in ("+", "-") else ""
    digits = text[len(sign) :]
    if not (digits.isascii() and digits.isdigit()):
        return None
    digits = digits.lstrip("0") or "0"
    return int(sign + digits) if len(digits) <= _DIGITS_MAX else None


def creators_of(create: Event) -> frozenset[str]:
    """Who made the room: the sender, or `creator` before version 11, and additional creators since
    12.
    """
    version = create.room_version
    if not version.creator_is_sender:
        creator = create.content.get("creator")
        return frozenset({creator}) if isinstance(creator, str) else frozenset()
    if not version.creators_outrank_all:
        return frozenset({create.sender})
    additional = create.content.get("additional_creators")
    names = additional if isinstance(additional, list) else []
    return frozenset({create.sender, *(name for name in names if isinstance(name, str))})


@dataclass(frozen=True, slots=True)
class PowerLevels:
    """The levels that hold in a room. `content` is None while there is no m.room.power_levels
    event.
    """

    content: dict[str, Any] | None
    creators: Collection[str]
    room_version: RoomVersion

    @classmethod
    def of(
        cls, power_levels: Event | None, create: Event | None, room_version: RoomVersion
    ) -> "PowerLevels":
        content = power_levels.content if power_levels is not None else None
        creators = creators_of(create) if create is not None else frozenset()
        return cls(content, creators, room_version)

    def user(self, user_id: str) -> int:
        """The level of a user."""
        if user_id in self.creators:
            if self.room_version.creators_outrank_all:
                return CREATOR_LEVEL
            if self.content is None:
                return 100
        if self.content is None:
            return 0
        users = self.content.get("users")
        if isinstance(users, dict):
            level = level_of(users.get(user_id), self.room_version)
            if level is not None:
                return level
        return self.named("users_default")

    def event(self, event_type: str, *, is_state: bool) -> int:
        """The level that sending such an event takes."""
        events = self.content.get("events") if self.content is not None else None
        if isinstance(events, dict):
            level = level_of(events.get(event_type), self.room_version)
            if level is not None:
                return level
        return self.named("state_default" if is_state else "events_default")

    def named(self, name: str) -> int:
        """One of ban, kick, redact, invite, state_default, events_default, users_default."""
        if self.content is None:
            # The defaults are the same where there is no event, state_default among them.
            return _DEFAULTS[name]
        level = level_of(self.content.get(name), self.room_version)
        return _DEFAULTS[name] if level is None else level

    def notification(self, name: str) -> int:
        """The level that a notification such as `room` takes."""
        levels = self.content.get("notifications") if self.content is not None else None
        level = level_of(levels.get(name), self.room_version) if isinstance(levels, dict) else None
        return _NOTIFICATION_DEFAULT if level is None else level

    @property
    def ban(self) -> int:
        return self.named("ban")

    @property
    def kick(self) -> int:
        return self.named("kick")

    @property
    def redact(self) -> int:
        return self.named("redact")

    @property
    def invite(self) -> int:
        return self.named("invite")
