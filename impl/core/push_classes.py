"""Members of a room whose push rules come to the same there. DESIGN 6, "Unread counts".

Theory. Nearly all rules of nearly all users are the default rules, which say the same to everybody
but the one who is mentioned or invited. What people change is mostly as plain: a room that they
mute, a default rule that they turn off. Such rules look at nothing but the event itself, so whoever
has the same ones is told the same: they are one *class*, and the rules run once for all of them.

Of a user's own rules only those count that can match in the room. A condition on the room's id
holds always there or never. What has no condition left is *unconditional*, and what stands below it
is never reached. The others (a keyword, a sender, a name) are *triggers*: their user stands in the
class that the rest makes, and is looked at alone where one of them matches.

The classes' rules are run without those that are about one user, who is looked at alone as well:
.m.rule.is_user_mention and .m.rule.invite_for_me."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from impl.core import glob
from impl.core.push_conditions import PATTERN_MAX, Surroundings, highlights, matches, notifies
from impl.core.push_default_rules import KINDS, MASTER, default_rules
from impl.core.push_totals import NOTHING, Pair

# Of who has changed nothing that matters. Any other class is JSON.
DEFAULT = ""

_OF_ONE_USER = (".m.rule.is_user_mention", ".m.rule.invite_for_me")


@dataclass(frozen=True, slots=True)
class Trigger:
    """A rule that may match or not. Two of the same conditions are the same, whosever they are."""

    kind: str
    conditions: str
    rule: Mapping[str, Any] = field(compare=False)

    def matches(self, event: Mapping[str, Any], surroundings: Surroundings) -> bool:
        return matches(self.kind, self.rule, event, surroundings)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a user stands in a room. `definition` is that of their class."""

    definition: str = DEFAULT
    triggers: tuple[Trigger, ...] = ()
    # Whether they have a rule that looks for their name.
    is_by_name: bool = False


def pair_of(actions: Sequence[Any]) -> Pair:
    """What actions add to the counts."""
    return int(notifies(actions)), int(highlights(actions))


_DEFAULTS = {
    kind: {
        rule["rule_id"]: rule
        for rule in default_rules("")[kind]
        if rule["rule_id"] != MASTER and rule["rule_id"] not in _OF_ONE_USER
    }
    for kind in ("override", "underride")
}
# Those that ask for a type, which most events do not have.
_TYPES = {
    rule_id: condition["pattern"]
    for rules in _DEFAULTS.values()
    for rule_id, rule in rules.items()
    for condition in rule["conditions"]
    if condition.get("key") == "type"
}
_DEFAULT_PAIRS = {
    rule_id: pair_of(rule["actions"])
    for rules in _DEFAULTS.values()
    for rule_id, rule in rules.items()
}


def classify(changes: Mapping[str, Any], room_id: str) -> Standing:
    """The class of a user in a room, by what they changed of their rules, and their triggers."""
    if not changes:
        return Standing()
    defaults = changes.get("defaults", {})
    master = defaults.get(MASTER, {})
    if master.get("enabled") is True:
        return Standing(_define({"all": pair_of(master.get("actions", []))}))

    triggers: list[Trigger] = []
    changed = _changed(defaults, "override")
    rest: Pair | None = None
    for kind in KINDS:
        found = _of_kind(kind, changes.get("rules", {}).get(kind, []), room_id, triggers)
        if found is not None and kind == "override":
            return _standing({"all": found}, triggers)
        if found is not None:
            rest = found
            break
    if rest is None:
        changed |= _changed(defaults, "underride")
    definition: dict[str, Any] = {"defaults": changed} if changed else {}
    if rest is not None:
        definition["rest"] = rest
    return _standing(definition, triggers)


class Classifier:
    """`classify` for many rooms. Rules that name one room are looked at for that one alone: who has
    muted a hundred rooms stands in all others where they stood before.
    """

    def __init__(self, changes: Mapping[str, Any]) -> None:
        self._changes = changes
        # By kind the places of the rules that name no room, and of those that do by its id.
        self._general: dict[str, list[int]] = {}
        self._named: dict[str, dict[str, list[int]]] = {}
        for kind, rules in changes.get("rules", {}).items():
            for place, rule in enumerate(rules):
                name = _named_room(kind, rule)
                if name is None:
                    self._general.setdefault(kind, []).append(place)
                else:
                    self._named.setdefault(name, {}).setdefault(kind, []).append(place)
        self._elsewhere: Standing | None = None
        # A pattern may fit any number of rooms.
        self._is_same_elsewhere = not any(
            _asks_for_room(rules[place])
            for kind, rules in changes.get("rules", {}).items()
            for place in self._general.get(kind, ())
        )

    def standing(self, room_id: str) -> Standing:
        named = self._named.get(room_id.lower())
        if named is not None:
            return self._classify(named, room_id)
        if self._elsewhere is None or not self._is_same_elsewhere:
            self._elsewhere = self._classify({}, room_id)
        return self._elsewhere

    def _classify(self, named: Mapping[str, list[int]], room_id: str) -> Standing:
        rules = {
            kind: [
                found[place] for place in sorted(self._general.get(kind, []) + named.get(kind, []))
            ]
            for kind, found in self._changes.get("rules", {}).items()
        }
        return classify({**self._changes, "rules": rules} if rules else self._changes, room_id)


def _asks_for_room(rule: Mapping[str, Any]) -> bool:
    conditions = rule.get("conditions")
    return isinstance(conditions, list) and any(
        isinstance(one, dict) and one.get("key") == "room_id" for one in conditions
    )


def _named_room(kind: str, rule: Mapping[str, Any]) -> str | None:
    """The one room that a rule can match in, in lower case, if that is plain."""
    if kind == "room":
        return str(rule.get("rule_id")).lower()
    conditions = rule.get("conditions")
    for condition in conditions if isinstance(conditions, list) else ():
        if not isinstance(condition, dict) or condition.get("key") != "room_id":
            continue
        pattern = condition.get("pattern")
        is_plain = isinstance(pattern, str) and pattern.isascii() and not set("*?") & set(pattern)
        if condition.get("kind") == "event_match" and is_plain:
            return str(pattern).lower()
    return None


def _of_kind(
    kind: str, rules: Sequence[Mapping[str, Any]], room_id: str, triggers: list[Trigger]
) -> Pair | None:
    """The user's own rules of a kind: what the first unconditional one says. The triggers above it
    are added to `triggers`.
    """
    for rule in rules:
        if rule.get("enabled") is not True:
            continue
        if kind == "room" and rule.get("rule_id") == room_id:
            return pair_of(rule["actions"])
        if kind == "content":
            triggers.append(Trigger(kind, str(rule.get("pattern")), rule))
        elif kind == "sender":
            triggers.append(Trigger(kind, rule["rule_id"], rule))
        elif kind in ("override", "underride"):
            left = _left(rule.get("conditions", []), room_id)
            if left == []:
                return pair_of(rule["actions"])
            if left is not None:
                triggers.append(Trigger(kind, _encode(left), {**rule, "conditions": left}))
    return None


def _left(conditions: object, room_id: str) -> list[Any] | None:
    """The conditions that are open in a room; None if one of them never holds there."""
    if not isinstance(conditions, list):
        return None
    left: list[Any] = []
    for condition in conditions:
        if not isinstance(condition, dict):
            return None
        if condition.get("kind") != "event_match" or condition.get("key") != "room_id":
            left.append(condition)
            continue
        pattern = condition.get("pattern")
        if not isinstance(pattern, str) or len(pattern) > PATTERN_MAX:
            return None
        if glob.compile_glob(pattern).fullmatch(room_id) is None:
            return None
    return left


def _changed(defaults: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The default rules that say something else than for everybody; None is one turned off."""
    changed: dict[str, Any] = {}
    for rule_id, change in defaults.items():
        rule = _DEFAULTS[kind].get(rule_id)
        if rule is None:
            continue
        is_on = change.get("enabled", True)
        pair = pair_of(change.get("actions", rule["actions"])) if is_on else None
        if pair != _DEFAULT_PAIRS[rule_id]:
            changed[rule_id] = pair
    return changed


def _standing(definition: Mapping[str, Any], triggers: Sequence[Trigger]) -> Standing:
    is_by_name = any(
        condition.get("kind") == "contains_display_name"
        for trigger in triggers
        for condition in trigger.rule.get("conditions", [])
    )
    return Standing(_define(definition), tuple(dict.fromkeys(triggers)), is_by_name)


def _define(definition: Mapping[str, Any]) -> str:
    return _encode(definition) if definition else DEFAULT


def _encode(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Matches:
    """The default rules that match an event, in order: the work that all classes share."""

    override: tuple[str, ...]
    underride: tuple[str, ...]

    @classmethod
    def of(cls, event: Mapping[str, Any], surroundings: Surroundings) -> "Matches":
        event_type = str(event.get("type")).lower()
        override, underride = (
            tuple(
                rule_id
                for rule_id, rule in rules.items()
                if _TYPES.get(rule_id, event_type) == event_type
                and matches(kind, rule, event, surroundings)
            )
            for kind, rules in _DEFAULTS.items()
        )
        return cls(override, underride)

    def outcome(self, definition: str) -> Pair:
        """What the members of a class are told."""
        rules = json.loads(definition) if definition else {}
        if "all" in rules:
            return _pair(rules["all"])
        changed = rules.get("defaults", {})
        for rule_id in self.override:
            pair = changed.get(rule_id, _DEFAULT_PAIRS[rule_id])
            if pair is not None:
                return _pair(pair)
        if "rest" in rules:
            return _pair(rules["rest"])
        for rule_id in self.underride:
            pair = changed.get(rule_id, _DEFAULT_PAIRS[rule_id])
            if pair is not None:
                return _pair(pair)
        return NOTHING


def _pair(value: Sequence[int]) -> Pair:
    return value[0], value[1]
