"""What an event does to push rules: conditions, actions, and which rule it is that counts."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.core.power_levels import PowerLevels
from impl.core.push_conditions import Surroundings, evaluate, highlights, notifies, tweaks
from impl.core.push_default_rules import default_rules
from impl.core.room_version import ROOM_VERSIONS

ME, OTHER = "@me:example.org", "@other:example.org"
ROOM = "!room:example.org"
VERSION = ROOM_VERSIONS["11"]


def an_event(event_type="m.room.message", sender=OTHER, **content):
    return {"type": event_type, "sender": sender, "room_id": ROOM, "content": content}


def surroundings(members=5, levels=None, display_name="Me") -> Surroundings:
    return Surroundings(ROOM, members, PowerLevels(levels, (), VERSION), display_name)


def actions_of(condition, event, **about) -> list:
    rule = {"rule_id": "r", "enabled": True, "conditions": [condition], "actions": ["notify"]}
    return evaluate({"override": [rule]}, event, surroundings(**about))


def holds(condition, event=None, **about) -> bool:
    return actions_of(condition, event or an_event(body="x"), **about) == ["notify"]


def match(key, pattern):
    return {"kind": "event_match", "key": key, "pattern": pattern}


def test_event_match_is_for_the_whole_value_in_any_case():
    topic = an_event("m.room.topic", topic="Lunch plans")
    assert holds(match("content.topic", "lunc?*"), topic)
    assert holds(match("content.topic", "lunc?*"), an_event(topic="LUNCH"))
    for other in (" lunch", "lunc", None, 5, ["lunch"]):
        assert not holds(match("content.topic", "lunc?*"), an_event(topic=other))
    assert holds(match("type", "m.room.topic"), topic)
    assert not holds(match("content.absent", "*"), topic)


def test_event_match_of_a_body_is_for_words_in_it():
    assert holds(match("content.body", "ex*ple"), an_event(body="An example event."))
    assert not holds(match("content.body", "amp"), an_event(body="An example event."))


def test_state_keys_count_only_if_they_are_asked_for():
    assert not holds(match("state_key", ""), an_event())
    assert holds(match("state_key", ""), {**an_event(), "state_key": ""})


def test_a_property_is_a_value_of_the_same_type():
    def is_value(value, found) -> bool:
        condition = {"kind": "event_property_is", "key": r"content.m\.federate", "value": value}
        return holds(condition, an_event(**{"m.federate": found}))

    for value in (True, False, None, 1, 0, "true", -(2**53) + 1):
        assert is_value(value, value)
    for value, found in ((True, 1), (1, True), (True, "true"), (None, False), (0, False)):
        assert not is_value(value, found)
    for value in (1.5, [], {}, 2**53):
        assert not is_value(value, value)


def test_a_property_contains_a_value_of_the_same_type():
    def contains(value, found) -> bool:
        condition = {"kind": "event_property_contains", "key": "content.list", "value": value}
        return holds(condition, an_event(list=found))

    assert contains("#a:b", ["#c:d", "#a:b"])
    assert contains(None, [None])
    assert not contains("a", ["ab"])
    assert not contains("a", "a")
    assert not contains(1, [True, 1.0, [1], {"a": 1}])


@pytest.mark.parametrize(
    ("condition", "counts"),
    [
        *[("2", {2}), ("==2", {2}), ("<2", {0, 1}), ("<=2", {0, 1, 2}), (">2", {3, 4})],
        *[(">=2", {2, 3, 4}), ("", set()), ("=2", set()), ("-2", set()), ("2.0", set())],
        *[(" 2", set()), ("two", set()), (2, set()), (None, set()), ("9" * 5000, set())],
    ],
)
def test_the_number_of_members_is_compared(condition, counts):
    about = {"kind": "room_member_count", "is": condition}
    assert {count for count in range(5) if holds(about, members=count)} == counts


def test_to_notify_a_room_takes_power():
    condition = {"kind": "sender_notification_permission", "key": "room"}
    assert not holds(condition, levels={"users": {OTHER: 49}})
    assert holds(condition, levels={"users": {OTHER: 50}})
    assert holds(condition, levels={"users": {OTHER: 10}, "notifications": {"room": 10}})
    assert not holds(condition, levels=None)


def test_a_display_name_is_looked_for_as_it_is():
    condition = {"kind": "contains_display_name"}
    assert holds(condition, an_event(body="hello ME!"))
    assert not holds(condition, an_event(body="home"))
    assert not holds(condition, an_event(body="hello alice"), display_name="*")
    assert not holds(condition, an_event(body="hello"), display_name="")
    assert not holds(condition, an_event(body="hello"), display_name=None)


@pytest.mark.parametrize(
    "condition",
    [
        {"kind": "org.example.unknown"},
        {},
        {"kind": "event_match"},
        {"kind": ["event_match"]},
        {"kind": "event_property_is", "key": "type"},
        "event_match",
        None,
        match("type", 5),
    ],
)
def test_what_is_not_understood_matches_nothing(condition):
    assert actions_of(condition, an_event()) == []


def test_a_rule_without_conditions_matches_and_a_disabled_one_does_not():
    rule = {"rule_id": "r", "enabled": True, "actions": ["notify"]}
    assert evaluate({"underride": [rule]}, an_event(), surroundings()) == ["notify"]
    off = {**rule, "enabled": False}
    assert evaluate({"underride": [off]}, an_event(), surroundings()) == []


def test_the_most_important_rule_counts():
    def rule(name, **keys):
        return {"rule_id": name, "enabled": True, "actions": [{"set_tweak": name}], **keys}

    ruleset = {
        "underride": [rule("u")],
        "sender": [rule(OTHER)],
        "room": [rule("!elsewhere:x"), rule(ROOM)],
        "content": [rule("c", pattern="tea"), rule("d", pattern="time")],
        "override": [rule("o", conditions=[match("content.msgtype", "m.notice")])],
    }

    def winner(event):
        return evaluate(ruleset, event, surroundings())[0]["set_tweak"]

    assert winner(an_event(body="time for tea", msgtype="m.notice")) == "o"
    assert winner(an_event(body="time for tea")) == "c"
    assert winner(an_event(body="about time")) == "d"
    assert winner(an_event(body="hello")) == ROOM
    ruleset["room"] = []
    assert winner(an_event(body="hello")) == OTHER
    assert winner(an_event(sender=ME)) == "u"


def test_actions_of_former_times_are_ignored():
    rule = {"rule_id": "r", "enabled": True, "actions": ["dont_notify", "notify", "coalesce"]}
    assert evaluate({"override": [rule]}, an_event(), surroundings()) == ["notify"]


def test_a_highlight_without_a_value_is_one():
    assert tweaks([{"set_tweak": "highlight"}]) == {"highlight": True}
    assert highlights(["notify", {"set_tweak": "highlight"}])
    assert not highlights(["notify", {"set_tweak": "highlight", "value": False}])
    assert not highlights([{"set_tweak": "highlight"}])
    assert notifies(["notify"])
    assert not notifies([])


@pytest.mark.parametrize(
    ("event", "members", "outcome"),
    [
        (an_event(body="hello", msgtype="m.text"), 5, (True, False, None)),
        (an_event(body="hello", msgtype="m.text"), 2, (True, False, "default")),
        (an_event("m.room.encrypted"), 5, (True, False, None)),
        (an_event("m.room.encrypted"), 2, (True, False, "default")),
        (an_event(body="hello", msgtype="m.notice"), 5, (False, False, None)),
        (an_event("m.call.invite"), 5, (True, False, "ring")),
        (an_event("m.reaction"), 5, (False, False, None)),
        (an_event("org.example.unknown"), 5, (False, False, None)),
        (an_event(**{"m.mentions": {"user_ids": [ME]}}), 5, (True, True, "default")),
        (an_event(**{"m.mentions": {"user_ids": [OTHER]}}), 5, (True, False, None)),
        (an_event(**{"m.mentions": {"room": True}}), 5, (True, False, None)),
        (an_event(sender=ME, **{"m.mentions": {"room": True}}), 5, (True, True, None)),
        (an_event(**{"m.relates_to": {"rel_type": "m.replace"}}), 5, (False, False, None)),
        ({**an_event("m.room.tombstone"), "state_key": ""}, 5, (True, True, None)),
        ({**an_event("m.room.server_acl"), "state_key": ""}, 5, (False, False, None)),
        (
            {**an_event("m.room.member", membership="join"), "state_key": ME},
            5,
            (False, False, None),
        ),
        (
            {**an_event("m.room.member", membership="invite"), "state_key": ME},
            5,
            (True, False, "default"),
        ),
    ],
)
def test_what_the_default_rules_do(event, members, outcome):
    about = surroundings(members=members, levels={"users": {ME: 50}})
    actions = evaluate(default_rules(ME), event, about)
    assert (notifies(actions), highlights(actions), tweaks(actions).get("sound")) == outcome


def test_no_rule_makes_an_event_expensive():
    patterns = ["*a" * 500 + "b", "a" * 1000 + "*b", "?" * 1000 + "b", "a*" * 512]
    rules = [{"rule_id": p, "enabled": True, "pattern": p + "c", "actions": []} for p in patterns]
    started = time.process_time()
    evaluate({"content": rules}, an_event(body="a" * 60_000), surroundings())
    assert time.process_time() - started < 5


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
json = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["kind", "key", "pattern", "is", "value", "conditions", "actions"]),
            inner | st.sampled_from(["event_match", "content.body", "room_member_count"]),
            max_size=5,
        )
    ),
)


@given(st.lists(st.dictionaries(st.sampled_from(["conditions", "actions", "pattern"]), json)), json)
def test_no_rule_and_no_event_raise(rules, content):
    enabled = [{**rule, "rule_id": "r", "enabled": True} for rule in rules]
    ruleset = {"override": enabled, "content": enabled}
    evaluate(ruleset, {**an_event(), "content": content}, surroundings())
