"""Classes of members: who stands in the same is told the same, and who may be told something else
has a trigger that matches.
"""

import random
from typing import Any

import pytest

from impl.core import push_classes, push_rules
from impl.core.power_levels import PowerLevels
from impl.core.push_classes import DEFAULT, Matches, classify, pair_of
from impl.core.push_conditions import Surroundings
from impl.core.room_version import ROOM_VERSIONS

ROOM, OTHER_ROOM = "!here:x", "!there:x"
USER = "@user:x"
LOUD: list[Any] = ["notify", {"set_tweak": "highlight"}]
SOUND: list[Any] = ["notify", {"set_tweak": "sound", "value": "default"}]


def in_room(room_id: str) -> dict[str, Any]:
    return {"kind": "event_match", "key": "room_id", "pattern": room_id}


def changed(*steps: tuple[Any, ...]) -> dict[str, Any]:
    """What is kept of a user who did some things: (function, its arguments)."""
    changes: dict[str, Any] = {}
    for function, *arguments in steps:
        changes = function(changes, *arguments)
    return changes


def put(kind: str, rule_id: str, **body: Any) -> tuple[Any, ...]:
    return push_rules.put_rule, kind, rule_id, {"actions": [], **body}


def turned(kind: str, rule_id: str, is_on: bool) -> tuple[Any, ...]:
    return push_rules.set_enabled, kind, rule_id, is_on


MUTED = put("override", ROOM, conditions=[in_room(ROOM)])


@pytest.mark.parametrize(
    "steps",
    [
        [],
        # Of other rooms.
        [put("override", "r", conditions=[in_room(OTHER_ROOM)])],
        [put("room", OTHER_ROOM)],
        # Of the same outcome as before.
        [(push_rules.set_actions, "underride", ".m.rule.message", SOUND)],
        [turned("underride", ".m.rule.call", True)],
        # Turned off.
        [MUTED, turned("override", ROOM, False)],
        # For whom the rule is, is looked at alone.
        [turned("override", ".m.rule.is_user_mention", False)],
    ],
)
def test_what_does_not_matter_here_is_the_default(steps: list[tuple[Any, ...]]) -> None:
    assert classify(changed(*steps), ROOM) == push_classes.Standing()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # However a room is muted.
        ([MUTED], [put("override", "any", conditions=[])]),
        ([MUTED], [put("override", "any", conditions=[in_room("!h?re*")])]),
        ([MUTED], [turned("override", ".m.rule.master", True)]),
        # What is below is never reached.
        ([MUTED], [put("room", ROOM, actions=LOUD), MUTED, put("content", "w", pattern="w")]),
        ([put("room", ROOM)], [put("room", ROOM), put("sender", "@a:x", actions=LOUD)]),
        (
            [put("room", ROOM)],
            [put("room", ROOM), turned("underride", ".m.rule.message", False)],
        ),
    ],
)
def test_rules_that_come_to_the_same_are_one_class(
    one: list[tuple[Any, ...]], other: list[tuple[Any, ...]]
) -> None:
    assert classify(changed(*one), ROOM) == classify(changed(*other), ROOM)
    assert classify(changed(*one), ROOM).definition != DEFAULT


def test_a_condition_that_is_open_is_a_trigger() -> None:
    with_keyword = changed(put("content", "w", pattern="cake", actions=LOUD))
    standing = classify(with_keyword, ROOM)
    assert standing.definition == DEFAULT
    (trigger,) = standing.triggers
    assert trigger.matches(message("some cake"), surroundings())
    assert not trigger.matches(message("some tea"), surroundings())
    # Two users with the same word are served by one look at the message.
    again = changed(put("content", "another id", pattern="cake"))
    assert classify(again, ROOM).triggers[0] == trigger


def test_a_rule_about_names_makes_its_user_looked_at_always() -> None:
    named = put("override", "n", conditions=[{"kind": "contains_display_name"}], actions=LOUD)
    assert classify(changed(named), ROOM).is_by_name


def message(body: str = "hello", **content: Any) -> dict[str, Any]:
    return {
        "type": "m.room.message",
        "sender": "@sender:x",
        "room_id": ROOM,
        "content": {"msgtype": "m.text", "body": body, **content},
    }


def surroundings(count: int = 3) -> Surroundings:
    users = {"@sender:x": 50 if count > 2 else 0}
    levels = PowerLevels({"users": users}, (), ROOM_VERSIONS["12"])
    return Surroundings(ROOM, count, levels, "User")


def some_event(chance: random.Random) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if chance.random() < 0.3:
        content["m.mentions"] = {"room": chance.choice([True, False])}
    if chance.random() < 0.2:
        content["m.relates_to"] = {"rel_type": "m.replace", "event_id": "$a"}
    event = message(chance.choice(["hello", "some cake", "dear User"]), **content)
    event["type"] = chance.choice(
        ["m.room.message"] * 4
        + ["m.room.encrypted", "m.reaction", "m.room.tombstone", "m.room.MESSAGE"]
    )
    if chance.random() < 0.2:
        event["content"]["msgtype"] = "m.notice"
    if event["type"] == "m.room.tombstone":
        event["state_key"] = chance.choice(["", "x"])
    return event


def some_steps(chance: random.Random) -> list[tuple[Any, ...]]:
    conditions = [
        in_room(ROOM),
        in_room(OTHER_ROOM),
        {"kind": "event_match", "key": "content.body", "pattern": "cake"},
        {"kind": "event_match", "key": "content.msgtype", "pattern": "m.notice"},
        {"kind": "room_member_count", "is": ">2"},
        {"kind": "sender_notification_permission", "key": "room"},
        {"kind": "contains_display_name"},
        {"kind": "unknown"},
    ]
    defaults = [
        (kind, rule["rule_id"])
        for kind in ("override", "underride")
        for rule in push_rules.default_rules(USER)[kind]
    ]

    def actions() -> list[Any]:
        return chance.choice([[], ["notify"], LOUD, SOUND, [{"set_tweak": "highlight"}]])

    def step() -> tuple[Any, ...]:
        kind, rule_id = chance.choice(defaults)
        own = chance.choice(["override", "override", "underride"])
        some = chance.sample(conditions, chance.choice([0, 1, 1, 2]))
        return chance.choice(
            [
                put(own, str(chance.random()), conditions=some, actions=actions()),
                put("content", "c", pattern=chance.choice(["cake", "h?llo"]), actions=actions()),
                put("room", chance.choice([ROOM, OTHER_ROOM]), actions=actions()),
                put("sender", chance.choice(["@sender:x", "@b:x"]), actions=actions()),
                turned(kind, rule_id, chance.random() < 0.4),
                (push_rules.set_actions, kind, rule_id, actions()),
            ]
        )

    return [step() for _ in range(chance.randint(0, 5))]


def test_many_rooms_are_classified_as_one_by_one() -> None:
    chance = random.Random(2)
    globs = put("override", "g", conditions=[in_room("!h*")], actions=LOUD)
    plain = put("override", "p", conditions=[in_room(ROOM.upper())], actions=["notify"])
    for _ in range(500):
        steps = some_steps(chance) + chance.sample([MUTED, globs, plain], chance.randint(0, 3))
        chance.shuffle(steps)
        changes = changed(*steps)
        classifier = push_classes.Classifier(changes)
        for room_id in ("!third:x", ROOM, OTHER_ROOM, "!fourth:x"):
            assert classifier.standing(room_id) == classify(changes, room_id), changes


def test_without_a_trigger_a_user_is_told_what_their_class_is() -> None:
    chance = random.Random(1)
    same = triggered = 0
    for _ in range(4000):
        changes = changed(*some_steps(chance))
        standing = classify(changes, ROOM)
        event, around = some_event(chance), surroundings(chance.choice([2, 3]))
        alone = pair_of(push_rules.evaluate(push_rules.ruleset(USER, changes), event, around))
        if any(trigger.matches(event, around) for trigger in standing.triggers):
            triggered += 1
            continue
        same += 1
        told = Matches.of(event, around).outcome(standing.definition)
        assert told == alone, (changes, standing, event)
    # Both happened.
    assert same > 1000
    assert triggered > 300
