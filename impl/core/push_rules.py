"""A user's push rules: the default rules, and what the user made of them. C-S API, "Push Rules".

What is kept of a user is only what they changed, as plain JSON:

    {"rules": {kind: [rule, ...]}, "defaults": {rule_id: {"enabled": ..., "actions": ...}}}

so a default rule that the specification adds or changes is there for everybody. The functions that
change it return a new value and leave the old one alone.
"""

from collections.abc import Mapping
from typing import Any

from impl.core import identifiers
from impl.core.push_conditions import (
    HISTORICAL,
    PATTERN_MAX,
    Surroundings,
    evaluate,
    highlights,
    notifies,
    tweaks,
)
from impl.core.push_default_rules import KINDS, MASTER, Rule, Ruleset, default_rules
from impl.core.rejection import Malformed

__all__ = [
    "KINDS",
    "RULES_MAX",
    "SEARCHING_RULES_MAX",
    "Changes",
    "NoSuchRule",
    "Rule",
    "Ruleset",
    "Surroundings",
    "default_rules",
    "delete_rule",
    "evaluate",
    "find_rule",
    "highlights",
    "notifies",
    "put_rule",
    "ruleset",
    "set_actions",
    "set_enabled",
    "tweaks",
]

Changes = Mapping[str, Any]

# Of one kind. Many users have one for each of their rooms.
RULES_MAX = 5_000
# Of those among them that look into each event of every room. Whoever sends waits for them.
SEARCHING_RULES_MAX = 500
_CONDITIONS_MAX = 100
_RULE_ID_MAX = 255


class NoSuchRule(Exception):
    """The user has no rule of this kind and id."""


def ruleset(user_id: str, changes: Changes) -> Ruleset:
    """All rules of a user, as the API shows them under `global`."""
    rules = default_rules(user_id)
    overridden = changes.get("defaults", {})
    for kind, defaults in rules.items():
        for rule in defaults:
            rule.update(overridden.get(rule["rule_id"], {}))
        own = _own_rules(changes, kind)
        # The master rule comes before the user's rules, all other default rules after them.
        masters = [rule for rule in defaults if rule["rule_id"] == MASTER]
        rules[kind] = [*masters, *own, *(rule for rule in defaults if rule not in masters)]
    return rules


def find_rule(rules: Ruleset, kind: str, rule_id: str) -> Rule:
    """One rule of a ruleset, or NoSuchRule."""
    for rule in rules.get(kind, []):
        if rule["rule_id"] == rule_id:
            return rule
    raise NoSuchRule(rule_id)


def put_rule(
    changes: Changes,
    kind: str,
    rule_id: str,
    body: Mapping[str, Any],
    before: str | None = None,
    after: str | None = None,
) -> dict[str, Any]:
    """Add a rule, or change it. Malformed if it cannot be one, or has no such neighbour."""
    _check_rule_id(kind, rule_id)
    rule: Rule = {"rule_id": rule_id, "default": False, "enabled": True}
    if kind in ("override", "underride"):
        rule["conditions"] = _conditions(body.get("conditions"))
    elif kind == "content":
        rule["pattern"] = _pattern(body.get("pattern"))
    rule["actions"] = _actions(body.get("actions"))

    own = _own_rules(changes, kind)
    place = next((n for n, one in enumerate(own) if one["rule_id"] == rule_id), None)
    if place is not None:
        rule["enabled"] = own.pop(place)["enabled"]
    elif len(own) >= RULES_MAX:
        raise Malformed(f"there are {RULES_MAX} rules of this kind already")
    if _searches(kind, rule) and sum(_searches(kind, one) for one in own) >= SEARCHING_RULES_MAX:
        raise Malformed(f"there are {SEARCHING_RULES_MAX} rules already that look into events")

    # Next to the rule that is named, `before` having the say; else where it was; else at the top.
    if before is not None:
        place = _place_of(own, before)
    elif after is not None:
        place = _place_of(own, after) + 1
    own.insert(place or 0, rule)
    return _with_own_rules(changes, kind, own)


def _searches(kind: str, rule: Rule) -> bool:
    """Whether more is looked at than the room or the sender: muting a room is a rule like any."""
    conditions = rule.get("conditions", [])
    return kind == "content" or any(condition.get("key") != "room_id" for condition in conditions)


def delete_rule(changes: Changes, kind: str, rule_id: str) -> dict[str, Any]:
    """Without one of the user's own rules. Default rules stay."""
    own = _own_rules(changes, kind)
    left = [rule for rule in own if rule["rule_id"] != rule_id]
    if len(left) == len(own):
        raise NoSuchRule(rule_id)
    return _with_own_rules(changes, kind, left)


def set_enabled(changes: Changes, kind: str, rule_id: str, enabled: object) -> dict[str, Any]:
    """Turn a rule, also a default one, on or off."""
    if not isinstance(enabled, bool):
        raise Malformed("enabled must be true or false")
    return _set(changes, kind, rule_id, {"enabled": enabled})


def set_actions(changes: Changes, kind: str, rule_id: str, actions: object) -> dict[str, Any]:
    """Give a rule, also a default one, other actions."""
    return _set(changes, kind, rule_id, {"actions": _actions(actions)})


def _set(changes: Changes, kind: str, rule_id: str, keys: dict[str, Any]) -> dict[str, Any]:
    own = _own_rules(changes, kind)
    for place, rule in enumerate(own):
        if rule["rule_id"] == rule_id:
            own[place] = {**rule, **keys}
            return _with_own_rules(changes, kind, own)
    # Whose rules these are makes no difference to which there are.
    find_rule(default_rules(""), kind, rule_id)
    defaults = dict(changes.get("defaults", {}))
    defaults[rule_id] = {**defaults.get(rule_id, {}), **keys}
    return {**changes, "defaults": defaults}


def _own_rules(changes: Changes, kind: str) -> list[Rule]:
    return list(changes.get("rules", {}).get(kind, []))


def _with_own_rules(changes: Changes, kind: str, own: list[Rule]) -> dict[str, Any]:
    return {**changes, "rules": {**changes.get("rules", {}), kind: own}}


def _place_of(own: list[Rule], rule_id: str) -> int:
    for place, rule in enumerate(own):
        if rule["rule_id"] == rule_id:
            return place
    raise Malformed(f"before/after rule not found: {rule_id}")


def _check_rule_id(kind: str, rule_id: str) -> None:
    if kind not in KINDS:
        raise Malformed(f"the kind must be one of {', '.join(KINDS)}")
    if not rule_id or len(rule_id) > _RULE_ID_MAX:
        raise Malformed(f"the rule id must have 1 to {_RULE_ID_MAX} characters")
    if rule_id.startswith("."):
        raise Malformed("a rule id that begins with a dot is a default rule's")
    # These rules say by their id what they are about, and that may have a slash in it.
    if kind not in ("room", "sender") and ("/" in rule_id or "\\" in rule_id):
        raise Malformed("a rule id has no slashes and backslashes")
    if kind == "room" and not rule_id.startswith("!"):
        raise Malformed("the id of a room rule is a room id")
    if kind == "sender" and not identifiers.is_user_id(rule_id):
        raise Malformed("the id of a sender rule is a user id")


def _conditions(conditions: object) -> list[dict[str, Any]]:
    if conditions is None:
        return []
    if not isinstance(conditions, list) or len(conditions) > _CONDITIONS_MAX:
        raise Malformed(f"conditions must be a list of at most {_CONDITIONS_MAX}")
    for index, condition in enumerate(conditions):
        if not isinstance(condition, dict) or not isinstance(condition.get("kind"), str):
            raise Malformed(f"conditions[{index}] must be an object with a kind")
        if "pattern" in condition:
            _pattern(condition["pattern"], f"conditions[{index}].pattern")
    return conditions


def _pattern(pattern: object, path: str = "pattern") -> str:
    if not isinstance(pattern, str) or len(pattern) > PATTERN_MAX:
        raise Malformed(f"{path} must be a string of at most {PATTERN_MAX} characters")
    return pattern


def _actions(actions: object) -> list[Any]:
    if not isinstance(actions, list):
        raise Malformed("actions must be a list")
    for index, action in enumerate(actions):
        is_tweak = isinstance(action, dict) and isinstance(action.get("set_tweak"), str)
        if not is_tweak and action not in ("notify", *HISTORICAL):
            raise Malformed(f"actions[{index}] must be notify or an object with set_tweak")
    return actions
