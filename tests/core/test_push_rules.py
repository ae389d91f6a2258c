"""A user's push rules: defaults, what the user made of them, and in which order."""

import pytest

from impl.core import push_rules
from impl.core.push_rules import NoSuchRule, default_rules, find_rule, ruleset
from impl.core.rejection import Malformed

ME = "@me:example.org"
NOTIFY = {"actions": ["notify"]}


def ids(changes, kind) -> list[str]:
    return [rule["rule_id"] for rule in ruleset(ME, changes)[kind]]


def own_ids(changes, kind="override") -> list[str]:
    return [rule_id for rule_id in ids(changes, kind) if not rule_id.startswith(".")]


def with_rules(*rule_ids, kind="override"):
    changes = {}
    for rule_id in reversed(rule_ids):
        changes = push_rules.put_rule(changes, kind, rule_id, NOTIFY)
    return changes


def test_the_default_rules_are_those_of_the_specification_in_its_order():
    assert ids({}, "override") == [
        ".m.rule.master",
        ".m.rule.suppress_notices",
        ".m.rule.invite_for_me",
        ".m.rule.member_event",
        ".m.rule.is_user_mention",
        ".m.rule.is_room_mention",
        ".m.rule.tombstone",
        ".m.rule.reaction",
        ".m.rule.room.server_acl",
        ".m.rule.suppress_edits",
    ]
    assert ids({}, "underride") == [
        ".m.rule.call",
        ".m.rule.encrypted_room_one_to_one",
        ".m.rule.room_one_to_one",
        ".m.rule.message",
        ".m.rule.encrypted",
    ]
    for kind in ("content", "room", "sender"):
        assert ids({}, kind) == []


def test_all_default_rules_but_the_master_are_on():
    for rules in default_rules(ME).values():
        for rule in rules:
            assert rule["default"] is True
            assert rule["enabled"] is (rule["rule_id"] != ".m.rule.master")


def test_a_new_rule_is_the_users_first_and_only_the_master_is_above():
    changes = with_rules("b", "c")
    changes = push_rules.put_rule(changes, "override", "a", NOTIFY)
    assert ids(changes, "override")[:5] == [
        ".m.rule.master",
        "a",
        "b",
        "c",
        ".m.rule.suppress_notices",
    ]
    changes = push_rules.put_rule(changes, "underride", "u", NOTIFY)
    assert ids(changes, "underride")[:2] == ["u", ".m.rule.call"]


def test_a_new_rule_is_as_it_was_put_and_on():
    conditions = [{"kind": "event_match", "key": "content.body", "pattern": "beer"}]
    changes = push_rules.put_rule({}, "override", "a", {**NOTIFY, "conditions": conditions})
    assert find_rule(ruleset(ME, changes), "override", "a") == {
        "rule_id": "a",
        "default": False,
        "enabled": True,
        "conditions": conditions,
        "actions": ["notify"],
    }
    changes = push_rules.put_rule({}, "content", "cake", {**NOTIFY, "pattern": "cake*lie"})
    assert find_rule(ruleset(ME, changes), "content", "cake")["pattern"] == "cake*lie"
    changes = push_rules.put_rule({}, "room", "!r:example.org", {"actions": []})
    rule = find_rule(ruleset(ME, changes), "room", "!r:example.org")
    assert "conditions" not in rule
    assert "pattern" not in rule


@pytest.mark.parametrize(
    ("neighbours", "order"),
    [
        ({"before": "b"}, ["a", "new", "b", "c"]),
        ({"after": "b"}, ["a", "b", "new", "c"]),
        ({"before": "a"}, ["new", "a", "b", "c"]),
        ({"after": "c"}, ["a", "b", "c", "new"]),
        ({"before": "c", "after": "a"}, ["a", "b", "new", "c"]),
        ({}, ["new", "a", "b", "c"]),
    ],
)
def test_a_rule_is_put_next_to_its_neighbour(neighbours, order):
    changes = with_rules("a", "b", "c")
    put = push_rules.put_rule(changes, "override", "new", NOTIFY, **neighbours)
    assert own_ids(put) == order


def test_a_changed_rule_stays_where_it_is_and_as_enabled_as_it_was():
    changes = push_rules.set_enabled(with_rules("a", "b", "c"), "override", "b", False)
    changes = push_rules.put_rule(changes, "override", "b", {"actions": []})
    assert own_ids(changes) == ["a", "b", "c"]
    rule = find_rule(ruleset(ME, changes), "override", "b")
    assert (rule["enabled"], rule["actions"]) == (False, [])
    moved = push_rules.put_rule(changes, "override", "a", NOTIFY, after="c")
    assert own_ids(moved) == ["b", "c", "a"]


@pytest.mark.parametrize("neighbour", ["nope", ".m.rule.master", ".m.rule.suppress_notices", "a"])
def test_a_neighbour_is_another_rule_of_the_user(neighbour):
    changes = with_rules("a", "b")
    for where in ("before", "after"):
        with pytest.raises(Malformed, match="before/after rule not found"):
            push_rules.put_rule(changes, "override", "a", NOTIFY, **{where: neighbour})


def test_default_rules_can_be_switched_and_given_actions_but_not_deleted():
    changes = push_rules.set_enabled({}, "override", ".m.rule.master", True)
    changes = push_rules.set_actions(changes, "underride", ".m.rule.message", [])
    rules = ruleset(ME, changes)
    assert find_rule(rules, "override", ".m.rule.master")["enabled"] is True
    assert find_rule(rules, "underride", ".m.rule.message")["actions"] == []
    assert find_rule(rules, "underride", ".m.rule.message")["enabled"] is True
    with pytest.raises(NoSuchRule):
        push_rules.delete_rule(changes, "override", ".m.rule.master")


@pytest.mark.parametrize("action", ["dont_notify", "coalesce"])
def test_what_actions_were_once_is_kept_for_the_clients_that_look_for_it(action):
    # matrix-js-sdk knows a muted room by it. That it does nothing: test_push_conditions.py.
    changes = push_rules.put_rule({}, "override", "mute", {"actions": [action]})
    assert find_rule(ruleset(ME, changes), "override", "mute")["actions"] == [action]


def test_a_deleted_rule_is_gone():
    changes = push_rules.delete_rule(with_rules("a", "b"), "override", "a")
    assert own_ids(changes) == ["b"]
    with pytest.raises(NoSuchRule):
        push_rules.delete_rule(changes, "override", "a")
    with pytest.raises(NoSuchRule):
        push_rules.delete_rule(changes, "room", "b")


def test_rules_that_are_not_there_cannot_be_changed():
    for kind, rule_id in (("override", "a"), ("room", ".m.rule.master"), ("nope", "a")):
        with pytest.raises(NoSuchRule):
            push_rules.set_enabled({}, kind, rule_id, True)
        with pytest.raises(NoSuchRule):
            push_rules.set_actions({}, kind, rule_id, [])


def test_what_was_there_before_is_left_alone():
    changes = with_rules("a", "b")
    before = repr(changes)
    push_rules.put_rule(changes, "override", "c", NOTIFY, after="a")
    push_rules.set_enabled(changes, "override", "a", False)
    push_rules.set_enabled(changes, "override", ".m.rule.master", True)
    push_rules.delete_rule(changes, "override", "a")
    ruleset(ME, changes)
    assert repr(changes) == before


@pytest.mark.parametrize(
    ("kind", "rule_id", "body"),
    [
        ("override", ".a", NOTIFY),
        ("override", "", NOTIFY),
        ("override", "a/b", NOTIFY),
        ("override", "a\\b", NOTIFY),
        ("override", "a" * 256, NOTIFY),
        ("device", "a", NOTIFY),
        ("room", "#alias:example.org", NOTIFY),
        ("sender", "alice", NOTIFY),
        ("content", "a", NOTIFY),
        ("content", "a", {**NOTIFY, "pattern": 5}),
        ("content", "a", {**NOTIFY, "pattern": "a" * 2000}),
        ("override", "a", {}),
        ("override", "a", {"actions": "notify"}),
        ("override", "a", {"actions": ["shout"]}),
        ("override", "a", {"actions": [{"set_tweak": 5}]}),
        ("override", "a", {"actions": [["notify"]]}),
        ("override", "a", {**NOTIFY, "conditions": {}}),
        ("override", "a", {**NOTIFY, "conditions": ["event_match"]}),
        ("override", "a", {**NOTIFY, "conditions": [{"key": "type"}]}),
        ("override", "a", {**NOTIFY, "conditions": [{"kind": "x"}] * 101}),
    ],
)
def test_what_is_no_rule_is_refused(kind, rule_id, body):
    with pytest.raises(Malformed):
        push_rules.put_rule({}, kind, rule_id, body)


def test_a_user_or_room_may_have_a_slash_in_its_id():
    changes = push_rules.put_rule({}, "sender", "@a/b:example.org", NOTIFY)
    changes = push_rules.put_rule(changes, "room", "!a/b:example.org", NOTIFY)
    assert own_ids(changes, "sender") == ["@a/b:example.org"]
    assert own_ids(changes, "room") == ["!a/b:example.org"]


@pytest.mark.parametrize("enabled", [None, 1, "true", []])
def test_a_switch_is_true_or_false(enabled):
    with pytest.raises(Malformed):
        push_rules.set_enabled(with_rules("a"), "override", "a", enabled)


def _many(kind: str, number: int, body: dict[str, object]) -> dict[str, object]:
    rules = [{"rule_id": f"r{n}", "enabled": True, **body} for n in range(number)]
    return {"rules": {kind: rules}}


def test_rules_that_look_into_events_are_fewer_than_those_that_name_a_room() -> None:
    muted = {"conditions": [{"kind": "event_match", "key": "room_id", "pattern": "!a"}]}
    word = {"conditions": [{"kind": "event_match", "key": "content.body", "pattern": "cake"}]}
    most = push_rules.SEARCHING_RULES_MAX
    for kind, body in (("content", {"pattern": "cake"}), ("override", word)):
        full = _many(kind, most, body)
        with pytest.raises(Malformed, match="look into events"):
            push_rules.put_rule(full, kind, "one more", {**body, "actions": []})
        # What is there already may be changed.
        push_rules.put_rule(full, kind, "r1", {**body, "actions": ["notify"]})
    push_rules.put_rule(_many("override", most, word), "override", "x", {**muted, "actions": []})
    push_rules.put_rule(_many("override", most, muted), "override", "x", {**word, "actions": []})
