"""GET /rooms/{roomId}/relations/{eventId} and, below it, of one type and of one type of event."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.api.api_client import Answer, User
from tests.api.related import edit, ignore, react, redact, refer, relate, reply, room_path


def ask(user: User, room_id: str, event_id: str, *below: str, **query: Any) -> Answer:
    if "from_" in query:
        query["from"] = query.pop("from_")
    pieces = [quote(piece, safe="") for piece in (event_id, *below)]
    return user.get(f"{room_path(room_id, 'v1')}/relations/{'/'.join(pieces)}", query)


def ids(answer: Answer) -> list[str]:
    assert answer.status == 200, answer
    return [one["event_id"] for one in answer.json["chunk"]]


def walk(user: User, room_id: str, event_id: str, **query: Any) -> list[str]:
    found: list[str] = []
    for _ in range(50):
        answer = ask(user, room_id, event_id, **query)
        found += ids(answer)
        if "next_batch" not in answer.json:
            return found
        query["from_"] = answer.json["next_batch"]
    raise AssertionError("the relations have no end")


@pytest.fixture
def room_id(alice: User, bob: User) -> str:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    return room_id


@pytest.fixture
def parent(alice: User, room_id: str) -> str:
    return alice.send(room_id, "parent")


def test_an_event_to_which_nothing_relates_has_no_children(
    alice: User, room_id: str, parent: str
) -> None:
    alice.send(room_id, "something else")
    answer = ask(alice, room_id, parent)
    assert answer.json == {"chunk": []}


def test_children_come_newest_first(alice: User, bob: User, room_id: str, parent: str) -> None:
    sent = [reply(alice, room_id, parent), react(bob, room_id, parent), refer(bob, room_id, parent)]
    answer = ask(alice, room_id, parent)
    assert ids(answer) == sent[::-1]
    assert "next_batch" not in answer.json
    assert "prev_batch" not in answer.json
    assert "recursion_depth" not in answer.json
    assert answer.json["chunk"][0]["room_id"] == room_id


def test_children_come_oldest_first_if_asked_so(alice: User, room_id: str, parent: str) -> None:
    sent = [reply(alice, room_id, parent) for _ in range(3)]
    assert ids(ask(alice, room_id, parent, dir="f")) == sent
    assert ids(ask(alice, room_id, parent, dir="b")) == sent[::-1]


def test_children_of_one_type_of_relation_and_event(alice: User, room_id: str, parent: str) -> None:
    one = reply(alice, room_id, parent)
    other = relate(alice, room_id, "m.thread", parent, "test.other")
    reaction = react(alice, room_id, parent)
    assert ids(ask(alice, room_id, parent, "m.thread")) == [other, one]
    assert ids(ask(alice, room_id, parent, "m.thread", "test.other")) == [other]
    assert ids(ask(alice, room_id, parent, "m.annotation", "m.reaction")) == [reaction]
    assert ids(ask(alice, room_id, parent, "m.annotation", "m.room.message")) == []


@pytest.mark.parametrize("direction", ["b", "f"])
@pytest.mark.parametrize("limit", [1, 2, 3, 100])
@pytest.mark.parametrize("recurse", [False, True])
def test_pages_make_the_whole(
    alice: User, room_id: str, parent: str, direction: str, limit: int, recurse: bool
) -> None:
    sent = [reply(alice, room_id, parent) for _ in range(5)]
    whole = sent if direction == "f" else sent[::-1]
    query = {"dir": direction, "limit": limit, "recurse": str(recurse).lower()}
    assert walk(alice, room_id, parent, **query) == whole


def test_a_page_leads_back_to_the_one_before(alice: User, room_id: str, parent: str) -> None:
    sent = [reply(alice, room_id, parent) for _ in range(4)]
    first = ask(alice, room_id, parent, limit=2)
    second = ask(alice, room_id, parent, limit=2, from_=first.json["next_batch"])
    assert ids(second) == [sent[1], sent[0]]
    again = ask(alice, room_id, parent, dir="f", limit=2, from_=second.json["prev_batch"])
    assert ids(again) == [sent[2], sent[3]]
    # Between two pages is what the first of them held; the other way round there is nothing.
    tokens = {"from_": first.json["next_batch"], "to": second.json.get("next_batch", "")}
    assert ids(ask(alice, room_id, parent, **tokens)) == ids(second)
    assert ids(ask(alice, room_id, parent, to=first.json["next_batch"])) == ids(first)
    backwards = {"from_": "t1_1", "to": first.json["next_batch"]}
    assert ids(ask(alice, room_id, parent, **backwards)) == []


def test_tokens_hold_across_endpoints(alice: User, room_id: str, parent: str) -> None:
    sent = [reply(alice, room_id, parent) for _ in range(2)]
    synced = alice.get("/_matrix/client/v3/sync").json["next_batch"]
    page = alice.get(f"{room_path(room_id)}/messages", {"dir": "b", "limit": 1}).json
    later = reply(alice, room_id, parent)
    assert ids(ask(alice, room_id, parent, from_=synced)) == sent[::-1]
    assert ids(ask(alice, room_id, parent, dir="f", from_=synced)) == [later]
    assert ids(ask(alice, room_id, parent, from_=page["end"])) == [sent[0]]
    found = ask(alice, room_id, parent, limit=1).json["next_batch"]
    query = {"dir": "b", "limit": 1, "from": found}
    before = alice.get(f"{room_path(room_id)}/messages", query).json["chunk"]
    assert [one["event_id"] for one in before] == [sent[1]]


def test_relations_of_relations_are_found_if_asked_for(
    alice: User, room_id: str, parent: str
) -> None:
    child = reply(alice, room_id, parent)
    second = react(alice, room_id, child)
    third = refer(alice, room_id, second)
    fourth = refer(alice, room_id, third)
    refer(alice, room_id, alice.send(room_id, "another"))
    answer = ask(alice, room_id, parent, recurse="true")
    assert ids(answer)[-3:] == [third, second, child]
    depth = answer.json["recursion_depth"]
    assert depth >= 3
    assert (fourth in ids(answer)) is (depth > 3)
    direct = ask(alice, room_id, parent, recurse="false")
    assert ids(direct) == [child]
    assert direct.json["recursion_depth"] == 0


def test_a_filter_holds_for_what_lies_between(alice: User, room_id: str, parent: str) -> None:
    child = reply(alice, room_id, parent)
    edit(alice, room_id, child, "edited")
    one = refer(alice, room_id, parent)
    two = refer(alice, room_id, one)
    recursive = {"recurse": "true"}
    assert ids(ask(alice, room_id, parent, "m.reference", **recursive)) == [two, one]
    assert ids(ask(alice, room_id, parent, "m.replace", **recursive)) == []
    found = ask(alice, room_id, parent, "m.thread", "m.room.message", **recursive)
    assert ids(found) == [child]


def test_what_was_redacted_relates_to_nothing(alice: User, room_id: str, parent: str) -> None:
    kept, gone = reply(alice, room_id, parent), reply(alice, room_id, parent)
    redact(alice, room_id, gone)
    assert ids(ask(alice, room_id, parent)) == [kept]
    assert ids(ask(alice, room_id, parent, recurse="true")) == [kept]


def test_the_children_of_what_was_redacted_remain(alice: User, room_id: str, parent: str) -> None:
    child = reply(alice, room_id, parent)
    redact(alice, room_id, parent)
    assert ids(ask(alice, room_id, parent)) == [child]


def test_who_is_ignored_is_left_out(alice: User, bob: User, room_id: str, parent: str) -> None:
    reply(bob, room_id, parent)
    own = reply(alice, room_id, parent)
    ignore(alice, bob)
    assert ids(ask(alice, room_id, parent)) == [own]


def test_children_bring_what_relates_to_them(alice: User, room_id: str, parent: str) -> None:
    child = reply(alice, room_id, parent)
    newer = edit(alice, room_id, child, "edited")
    (found,) = ask(alice, room_id, parent).json["chunk"]
    assert found["unsigned"]["m.relations"]["m.replace"]["event_id"] == newer


def test_an_event_of_another_room_is_no_child(alice: User, room_id: str, parent: str) -> None:
    other = alice.create_room()
    reply(alice, other, parent)
    assert ids(ask(alice, room_id, parent)) == []
    assert ask(alice, other, parent).status == 404


def test_who_left_sees_what_was_there(alice: User, bob: User, room_id: str, parent: str) -> None:
    seen = reply(alice, room_id, parent)
    bob.post(f"{room_path(room_id)}/leave", {})
    reply(alice, room_id, parent)
    assert ids(ask(bob, room_id, parent)) == [seen]


@pytest.mark.parametrize("event_id", ["$unknown", "$" + "x" * 300])
def test_an_unknown_parent_is_not_found(alice: User, room_id: str, event_id: str) -> None:
    answer = ask(alice, room_id, event_id)
    assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")


def test_a_parent_that_one_may_not_see_is_not_there(
    alice: User, charlie: User, room_id: str, parent: str
) -> None:
    reply(alice, room_id, parent)
    for place in (room_id, "!unknown:soma.test"):
        answer = ask(charlie, place, parent)
        assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")


@pytest.mark.parametrize(
    "query",
    [
        {"from_": "nonsense"},
        {"to": "t1"},
        {"limit": 0},
        {"limit": -1},
        {"limit": "x"},
        {"dir": "x"},
        {"recurse": "perhaps"},
    ],
)
def test_a_query_that_cannot_be_read_is_refused(
    alice: User, room_id: str, parent: str, query: dict[str, Any]
) -> None:
    answer = ask(alice, room_id, parent, **query)
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")


def test_a_limit_may_be_huge(alice: User, room_id: str, parent: str) -> None:
    child = reply(alice, room_id, parent)
    assert ids(ask(alice, room_id, parent, limit=2**52)) == [child]
