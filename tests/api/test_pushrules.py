"""api-specs/client-server/pushrules.yaml"""

from urllib.parse import quote

import pytest

from impl.app import App
from impl.storage import account_data
from tests.api.api_client import User

RULES = "/_matrix/client/v3/pushrules/"
GLOBAL = RULES + "global/"


def ids(user: User, kind: str) -> list[str]:
    return [rule["rule_id"] for rule in user.get(GLOBAL).json[kind]]


def put(user: User, kind: str, rule_id: str, query: object = None, **body: object) -> int:
    return user.put(
        f"{GLOBAL}{kind}/{quote(rule_id, safe='')}", {"actions": ["notify"], **body}, query
    ).status


def test_everybody_has_the_default_rules(alice: User) -> None:
    rules = alice.get(RULES).json["global"]
    assert rules["override"][0]["rule_id"] == ".m.rule.master"
    assert rules["override"][0]["enabled"] is False
    assert [rule["rule_id"] for rule in rules["underride"]][-1] == ".m.rule.encrypted"
    assert rules == alice.get(GLOBAL).json


def test_a_new_rule_is_the_most_important_of_the_user_s(alice: User) -> None:
    assert put(alice, "content", "cake", pattern="cake") == 200
    assert put(alice, "content", "lie", pattern="cake*lie") == 200
    assert ids(alice, "content") == ["lie", "cake"]
    assert alice.get(GLOBAL + "content/cake").json == {
        "rule_id": "cake",
        "default": False,
        "enabled": True,
        "pattern": "cake",
        "actions": ["notify"],
    }


def test_the_master_rule_stays_above_the_user_s(alice: User) -> None:
    assert put(alice, "override", "mine", conditions=[]) == 200
    assert ids(alice, "override")[:2] == [".m.rule.master", "mine"]


def test_before_and_after_give_the_place(alice: User) -> None:
    for name in ("a", "b"):
        put(alice, "content", name, pattern=name)
    assert put(alice, "content", "c", {"before": "a"}, pattern="c") == 200
    assert put(alice, "content", "d", {"after": "a"}, pattern="d") == 200
    assert ids(alice, "content") == ["b", "c", "a", "d"]
    answer = alice.put(GLOBAL + "content/e", {"actions": [], "pattern": "e"}, {"before": "nothing"})
    assert (answer.status, answer.errcode) == (400, "M_UNKNOWN")


@pytest.mark.parametrize(
    ("kind", "rule_id", "body"),
    [
        ("content", ".mine", {"pattern": "x"}),
        ("content", "a/b", {"pattern": "x"}),
        ("content", "a\\b", {"pattern": "x"}),
        ("content", "nopattern", {}),
        ("override", "x", {"actions": ["shout"]}),
        ("room", "noroom", {}),
        ("nokind", "x", {}),
    ],
)
def test_what_is_no_rule_is_refused(
    alice: User, kind: str, rule_id: str, body: dict[str, object]
) -> None:
    before = alice.get(RULES).json
    assert put(alice, kind, rule_id, **body) == 400
    assert alice.get(RULES).json == before


def test_a_rule_is_turned_off_and_given_other_actions(alice: User) -> None:
    for rule in ("underride/.m.rule.message", "sender/@bob:soma.test"):
        if rule.startswith("sender"):
            put(alice, *rule.split("/"))
        assert alice.put(f"{GLOBAL}{rule}/enabled", {"enabled": False}).status == 200
        assert alice.get(f"{GLOBAL}{rule}/enabled").json == {"enabled": False}
        assert alice.put(f"{GLOBAL}{rule}/actions", {"actions": []}).status == 200
        assert alice.get(f"{GLOBAL}{rule}/actions").json == {"actions": []}


def test_an_own_rule_is_deleted_and_a_default_one_is_not(alice: User) -> None:
    put(alice, "content", "cake", pattern="cake")
    assert alice.delete(GLOBAL + "content/cake").status == 200
    for rule in ("content/cake", "underride/.m.rule.message"):
        answer = alice.delete(GLOBAL + rule)
        assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")
    assert ".m.rule.message" in ids(alice, "underride")


@pytest.mark.parametrize("rest", ["", "/enabled", "/actions"])
def test_a_rule_that_is_not_there_is_not_found(alice: User, rest: str) -> None:
    answer = alice.get(f"{GLOBAL}content/nothing{rest}")
    assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")
    if rest:
        body = {"enabled": True} if rest == "/enabled" else {"actions": []}
        assert alice.put(f"{GLOBAL}content/nothing{rest}", body).status == 404


def test_rules_of_others_are_not_touched(alice: User, bob: User) -> None:
    put(alice, "content", "cake", pattern="cake")
    assert ids(bob, "content") == []


def test_each_change_is_told_as_account_data(app: App, alice: User) -> None:
    path = f"/_matrix/client/v3/user/{alice.user_id}/account_data/m.push_rules"
    assert alice.get(path).json == alice.get(RULES).json
    with app.database.read() as txn:
        before = len(account_data.list_changed(txn, alice.user_id, app.news.position, 1 << 62))
    since = app.news.position
    put(alice, "content", "cake", pattern="cake")
    app.news.catch_up_if_behind()
    with app.database.read() as txn:
        changed = account_data.list_changed(txn, alice.user_id, since, app.news.position)
    assert before == 0
    assert [row[1] for row in changed] == ["m.push_rules"]
    assert alice.get(path).json == alice.get(RULES).json


def test_rules_together_are_held_to_a_size(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impl.services.push_rules.CHANGES_BYTES_MAX", 2_000)
    path = "/_matrix/client/v3/pushrules/global/override/"
    condition = {"kind": "event_match", "key": "x" * 1_000, "pattern": "x"}
    rule = {"actions": [], "conditions": [condition]}
    assert alice.put(path + "one", rule).status == 200
    answer = alice.put(path + "two", rule)
    assert (answer.status, answer.errcode) == (413, "M_TOO_LARGE")
    assert alice.delete(path + "one").status == 200
