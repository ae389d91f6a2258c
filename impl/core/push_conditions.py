"""What an event does to somebody's push rules. C-S API, "Push Rules", "Conditions" and "Actions".

Rules come from users: a condition that is not known, or that lacks what it needs, matches nothing,
and nothing that stands in a rule raises.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from impl.core import glob, property_path
from impl.core.push_default_rules import KINDS

_MEMBER_COUNT = re.compile(r"(==|<=|>=|<|>)?([0-9]{1,15})", re.ASCII)
_INTEGER_MAX = 2**53 - 1
# What older versions of the specification had: it may stand in a rule, and does nothing.
HISTORICAL = ("dont_notify", "coalesce")

# A longer pattern says nothing that a shorter one does not, and takes longer to read than any
# event.
PATTERN_MAX = 1024


class Levels(Protocol):
    """What is asked for of power levels."""

    def user(self, user_id: str) -> int: ...

    def notification(self, name: str) -> int: ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What conditions ask for that is not in the event."""

    room_id: str
    # Joined members.
    member_count: int
    power_levels: Levels
    # In this room, of whom the rules belong to.
    display_name: str | None = None


def evaluate(
    ruleset: Mapping[str, Sequence[Mapping[str, Any]]],
    event: Mapping[str, Any],
    surroundings: Surroundings,
) -> list[Any]:
    """The actions of the most important rule that matches; none if none does.

    The sender is not told of what they sent: the caller does not ask for them.
    """
    for kind in KINDS:
        for rule in ruleset.get(kind, ()):
            if rule.get("enabled") is True and matches(kind, rule, event, surroundings):
                actions = rule.get("actions")
                return _without_historical(actions) if isinstance(actions, list) else []
    return []


def notifies(actions: Sequence[Any]) -> bool:
    """Is the user to be told?"""
    return "notify" in actions


def tweaks(actions: Sequence[Any]) -> dict[str, Any]:
    """How the user is to be told. A highlight without a value is a highlight."""
    found: dict[str, Any] = {}
    for action in actions:
        if isinstance(action, dict) and isinstance(action.get("set_tweak"), str):
            name = action["set_tweak"]
            found[name] = action.get("value", True if name == "highlight" else None)
    return found


def highlights(actions: Sequence[Any]) -> bool:
    """Is the user told, and the event to stand out?"""
    return notifies(actions) and bool(tweaks(actions).get("highlight", False))


def _without_historical(actions: list[Any]) -> list[Any]:
    return [action for action in actions if action not in HISTORICAL]


def matches(
    kind: str, rule: Mapping[str, Any], event: Mapping[str, Any], surroundings: Surroundings
) -> bool:
    """Whether the conditions of a rule hold, be it turned on or not."""
    if kind == "content":
        return _is_glob_match(event, "content.body", rule.get("pattern"))
    if kind == "room":
        return rule.get("rule_id") == surroundings.room_id
    if kind == "sender":
        return rule.get("rule_id") == event.get("sender")
    conditions = rule.get("conditions", [])
    return isinstance(conditions, list) and all(
        isinstance(condition, dict) and _holds(condition, event, surroundings)
        for condition in conditions
    )


def _holds(
    condition: Mapping[str, Any], event: Mapping[str, Any], surroundings: Surroundings
) -> bool:
    kind = condition.get("kind")
    if kind == "contains_display_name":
        return _contains(event, surroundings.display_name)
    if kind == "room_member_count":
        return _is_count(condition.get("is"), surroundings.member_count)

    key = condition.get("key")
    if not isinstance(key, str):
        return False
    if kind == "event_match":
        return _is_glob_match(event, key, condition.get("pattern"))
    if kind == "event_property_is":
        found = property_path.find(event, key)
        return "value" in condition and _is_same(found, condition["value"])
    if kind == "event_property_contains":
        found = property_path.find(event, key)
        return (
            "value" in condition
            and isinstance(found, list)
            and any(_is_same(one, condition["value"]) for one in found)
        )
    if kind == "sender_notification_permission":
        levels = surroundings.power_levels
        sender = event.get("sender")
        return isinstance(sender, str) and levels.user(sender) >= levels.notification(key)
    return False


def _is_glob_match(event: Mapping[str, Any], key: str, pattern: object) -> bool:
    value = property_path.find(event, key)
    if not isinstance(value, str) or not isinstance(pattern, str) or len(pattern) > PATTERN_MAX:
        return False
    # In a body a part will do, from word boundary to word boundary.
    if key == "content.body":
        return glob.compile_word_glob(pattern).match(value) is not None
    return glob.compile_glob(pattern).fullmatch(value) is not None


def _contains(event: Mapping[str, Any], display_name: str | None) -> bool:
    body = property_path.find(event, "content.body")
    if not isinstance(body, str) or not display_name:
        return False
    return glob.compile_words(display_name).search(body) is not None


def _is_same(found: object, value: object) -> bool:
    # Scalars of canonical JSON, of the same type: 1 is not true.
    if type(found) is not type(value):
        return False
    if isinstance(value, int) and not isinstance(value, bool):
        return -_INTEGER_MAX <= value <= _INTEGER_MAX and found == value
    return (value is None or isinstance(value, str | bool)) and found == value


def _is_count(condition: object, count: int) -> bool:
    match = _MEMBER_COUNT.fullmatch(condition) if isinstance(condition, str) else None
    if match is None:
        return False
    number = int(match[2])
    match match[1]:
        case "<":
            return count < number
        case ">":
            return count > number
        case "<=":
            return count <= number
        case ">=":
            return count >= number
        case _:
            return count == number
