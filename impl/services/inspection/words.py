"""What events say, in a few words. The bodies of messages are nobody's business here."""

import json
from collections.abc import Mapping
from typing import Any

from impl.core.auth.selection import CREATE, JOIN_RULES, POWER_LEVELS
from impl.core.event import Event
from impl.core.power_levels import CREATOR_LEVEL, creators_of

WORDS_MAX = 100
_USERS_NAMED = 6

# Types whose content is one value.
_SINGLE = {
    "m.room.name": "name",
    "m.room.topic": "topic",
    "m.room.join_rules": "join_rule",
    "m.room.history_visibility": "history_visibility",
    "m.room.guest_access": "guest_access",
    "m.room.canonical_alias": "alias",
    "m.room.encryption": "algorithm",
    "m.room.avatar": "url",
    "m.room.tombstone": "replacement_room",
}


def of(event: Event) -> str:
    """What the event says."""
    if not event.is_state:
        return _of_message(event)
    if event.type == "m.room.member":
        return _of_member(event)
    if event.key == POWER_LEVELS:
        return of_levels(event.content)
    if event.key == CREATE:
        return _of_create(event)
    value = event.content.get(_SINGLE.get(event.type, ""))
    if isinstance(value, str):
        return _cut(value if event.key == JOIN_RULES else json.dumps(value, ensure_ascii=False))
    return _cut(json.dumps(event.content, ensure_ascii=False, sort_keys=True))


def key(event_type: str, state_key: str | None) -> str:
    """A type with its state key, where that is not empty."""
    return f"{event_type} {state_key}" if state_key else event_type


def level(number: int) -> str:
    return "more than any level (creator)" if number == CREATOR_LEVEL else str(number)


def of_levels(content: Mapping[str, Any]) -> str:
    """The levels that are given, the highest users first."""
    parts = []
    users = content.get("users")
    if isinstance(users, dict) and users:
        ordered = sorted(users.items(), key=lambda one: (-_number(one[1]), one[0]))
        named = [f"{user_id} {value}" for user_id, value in ordered[:_USERS_NAMED]]
        if len(ordered) > _USERS_NAMED:
            named.append(f"and {len(ordered) - _USERS_NAMED} more")
        parts.append(", ".join(named))
    parts += [
        f"{name} {value}"
        for name, value in content.items()
        if name not in ("users", "events", "notifications")
    ]
    events = content.get("events")
    if isinstance(events, dict):
        parts += [f"{name} {value}" for name, value in sorted(events.items())]
    return _cut("; ".join(map(str, parts)) or "the defaults", 3 * WORDS_MAX)


def _of_message(event: Event) -> str:
    if event.type == "m.room.redaction":
        return f"redacts {event.redacts}" if event.redacts else "redacts nothing"
    kind = event.content.get("msgtype")
    return _cut(kind) if isinstance(kind, str) else ""


def _of_member(event: Event) -> str:
    words = str(event.membership)
    name, reason = event.content.get("displayname"), event.content.get("reason")
    if isinstance(name, str):
        words += f" as {json.dumps(name, ensure_ascii=False)}"
    if isinstance(reason, str):
        words += f", since {json.dumps(reason, ensure_ascii=False)}"
    return _cut(words)


def _of_create(event: Event) -> str:
    names = ", ".join(sorted(creators_of(event))) or "nobody"
    words = f"version {event.content.get('room_version', '1')} by {names}"
    return words + (", not federated" if event.content.get("m.federate") is False else "")


def _number(value: object) -> float:
    return value if isinstance(value, int | float) else 0


def _cut(text: str, length: int = WORDS_MAX) -> str:
    return text if len(text) <= length else text[: length - 3] + "..."
