"""GET /rooms/{roomId}/hierarchy."""

from typing import Any
from urllib.parse import quote

import gevent
import pytest

from impl.app import App
from impl.storage.database import Transaction
from tests.api.api_client import Answer, User
from tests.api.room_actions import CLIENT, UNKNOWN, act

SPACE = {"creation_content": {"type": "m.space"}}
VIA = {"via": ["soma.test"]}


def ask(user: User, room_id: str, **query: Any) -> Answer:
    return user.get(f"/_matrix/client/v1/rooms/{quote(room_id, safe='')}/hierarchy", query)


def rooms(user: User, room_id: str, **query: Any) -> list[str]:
    answer = ask(user, room_id, **query)
    assert answer.status == 200, answer
    return [one["room_id"] for one in answer.json["rooms"]]


def put_child(user: User, space: str, child: str, **content: Any) -> None:
    place = f"{CLIENT}/rooms/{quote(space, safe='')}/state/m.space.child/{quote(child, safe='')}"
    assert user.put(place, content or VIA).status == 200


def a_space(user: User, *children: str, **options: Any) -> str:
    space = user.create_room(**{"preset": "public_chat", **SPACE, **options})
    for number, child in enumerate(children):
        put_child(user, space, child, **VIA, order=f"{number:03}")
    return space


def a_room(user: User, **options: Any) -> str:
    return user.create_room(**{"preset": "public_chat", **options})


def with_rule(join_rule: str, *allowed: str) -> dict[str, Any]:
    allow = [{"type": "m.room_membership", "room_id": one} for one in allowed]
    content: dict[str, Any] = {"join_rule": join_rule}
    if allow:
        content["allow"] = allow
    return {"initial_state": [{"type": "m.room.join_rules", "content": content}]}


def readable(visibility: str) -> dict[str, Any]:
    content = {"history_visibility": visibility}
    return {
        "preset": "private_chat",
        "initial_state": [{"type": "m.room.history_visibility", "content": content}],
    }


def test_a_space_comes_before_its_children_and_each_before_its_own(alice: User) -> None:
    one, two, three = (a_room(alice) for _ in range(3))
    inner = a_space(alice, two)
    space = a_space(alice, one, inner, three)
    assert rooms(alice, space) == [space, one, inner, two, three]


def test_rooms_are_described(alice: User, bob: User) -> None:
    child = a_room(alice, name="Child", topic="Small", room_alias_name="child")
    bob.join(child)
    space = a_space(alice, child, name="Parent")
    parent, found = ask(alice, space).json["rooms"]
    assert parent["room_type"] == "m.space"
    assert parent["name"] == "Parent"
    (stripped,) = parent["children_state"]
    assert stripped["type"] == "m.space.child"
    assert stripped["state_key"] == child
    assert stripped["content"]["via"] == ["soma.test"]
    assert stripped["sender"] == alice.user_id
    assert set(stripped) == {"type", "state_key", "content", "sender", "origin_server_ts"}
    assert (found["name"], found["topic"], found["num_joined_members"]) == ("Child", "Small", 2)
    assert found["canonical_alias"] == "#child:soma.test"
    assert (found["join_rule"], found["world_readable"], found["guest_can_join"]) == (
        "public",
        False,
        False,
    )
    assert found["children_state"] == []
    assert found["room_version"]
    assert "room_type" not in found


def test_a_room_that_is_no_space_has_no_children(alice: User) -> None:
    child = a_room(alice)
    room_id = a_room(alice)
    put_child(alice, room_id, child)
    answer = ask(alice, room_id).json
    assert [one["children_state"] for one in answer["rooms"]] == [[]]


def test_children_are_ordered(alice: User) -> None:
    children = [a_room(alice) for _ in range(7)]
    space = a_space(alice)
    # Without a valid `order` the oldest event comes first.
    orders: list[Any] = [None, "b", "x" * 51, " ", "\u00e4", "a", 7]
    for child, order in zip(children, orders, strict=True):
        put_child(alice, space, child, **VIA, **({} if order is None else {"order": order}))
    by_order = [children[number] for number in (3, 5, 1)]
    by_time = [children[number] for number in (0, 2, 4, 6)]
    assert rooms(alice, space)[1:] == by_order + by_time
    named = [one["state_key"] for one in ask(alice, space).json["rooms"][0]["children_state"]]
    assert named == by_order + by_time


def test_a_child_that_was_taken_out_is_none(alice: User) -> None:
    children = [a_room(alice) for _ in range(5)]
    space = a_space(alice, *children)
    contents: list[Any] = [{"via": []}, {"via": "soma.test"}, {"via": [1]}, {"order": "x"}]
    for child, content in zip(children, contents, strict=False):
        put_child(alice, space, child, **content)
    answer = ask(alice, space).json["rooms"]
    assert [one["room_id"] for one in answer] == [space, children[4]]
    assert [one["state_key"] for one in answer[0]["children_state"]] == [children[4]]


def test_loops_end_and_rooms_are_listed_once(alice: User) -> None:
    shared = a_room(alice)
    inner = a_space(alice, shared)
    space = a_space(alice, inner, shared)
    put_child(alice, inner, space)
    put_child(alice, space, space)
    assert rooms(alice, space) == [space, inner, shared]


def test_a_depth_ends_the_tree(alice: User) -> None:
    leaf = a_room(alice)
    inner = a_space(alice, leaf)
    middle = a_space(alice, inner)
    space = a_space(alice, middle)
    assert rooms(alice, space, max_depth=0) == [space]
    assert rooms(alice, space, max_depth=1) == [space, middle]
    assert rooms(alice, space, max_depth=2) == [space, middle, inner]
    assert rooms(alice, space, max_depth=10**6) == [space, middle, inner, leaf]


def test_a_space_that_comes_again_nearer_is_gone_into_from_there(alice: User) -> None:
    leaf = a_room(alice)
    inner = a_space(alice, leaf)
    middle = a_space(alice, inner)
    space = a_space(alice, middle, inner)
    assert rooms(alice, space, max_depth=2) == [space, middle, inner, leaf]


def test_only_suggested_rooms_if_that_is_wanted(alice: User) -> None:
    one, two, three = (a_room(alice) for _ in range(3))
    space = a_space(alice)
    put_child(alice, space, one, **VIA, suggested=True)
    put_child(alice, space, two, **VIA, suggested=False)
    put_child(alice, space, three, **VIA, suggested="yes")
    answer = ask(alice, space, suggested_only="true").json["rooms"]
    assert [one["room_id"] for one in answer] == [space, one]
    assert len(answer[0]["children_state"]) == 1


# Who may look where


def test_rooms_into_which_one_may_not_look_are_left_out_with_what_is_below(
    alice: User, bob: User
) -> None:
    below = a_room(alice)
    shown = {
        "public": a_room(alice),
        "knock": a_room(alice, **with_rule("knock")),
        "readable": a_room(alice, **readable("world_readable")),
        "invited": a_room(alice, preset="private_chat"),
        "joined": a_room(alice, preset="private_chat"),
    }
    act(alice, shown["invited"], "invite", bob)
    act(alice, shown["joined"], "invite", bob)
    bob.join(shown["joined"])
    hidden = [a_space(alice, below, preset="private_chat"), a_room(alice, preset="private_chat")]
    left = a_room(alice, preset="private_chat")
    act(alice, left, "invite", bob)
    bob.join(left)
    act(bob, left, "leave")
    banned = a_room(alice)
    act(alice, banned, "ban", bob)
    space = a_space(alice, *shown.values(), *hidden, left, banned)
    assert rooms(bob, space) == [space, *shown.values()]
    # That there are more is known by the space's own state.
    assert len(ask(bob, space).json["rooms"][0]["children_state"]) == 9


def test_restricted_rooms_are_for_members_of_the_allowed(alice: User, bob: User) -> None:
    club = a_room(alice)
    restricted = a_room(alice, **with_rule("restricted", club))
    knocking = a_room(alice, **with_rule("knock_restricted", club))
    broken = a_room(alice, **with_rule("restricted"))
    space = a_space(alice, restricted, knocking, broken)
    assert rooms(bob, space) == [space, knocking]
    bob.join(club)
    assert rooms(bob, space) == [space, restricted, knocking]
    answer = ask(bob, space).json["rooms"]
    assert [one.get("allowed_room_ids") for one in answer] == [None, [club], [club]]


def test_join_rules_that_a_version_does_not_know_let_nobody_look(alice: User, bob: User) -> None:
    club = a_room(alice)
    bob.join(club)
    old = [
        a_room(alice, room_version="6", **with_rule("knock")),
        a_room(alice, room_version="7", **with_rule("restricted", club)),
        a_room(alice, room_version="9", **with_rule("knock_restricted", club)),
    ]
    space = a_space(alice, *old)
    assert rooms(bob, space) == [space]


@pytest.mark.parametrize("room_id", [UNKNOWN, "!x:soma.test", "x"])
def test_an_unknown_room_is_refused_like_one_that_is_hidden(bob: User, room_id: str) -> None:
    answer = ask(bob, room_id)
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")


def test_a_stranger_and_who_is_banned_are_refused(alice: User, bob: User) -> None:
    private = a_space(alice, preset="private_chat")
    public = a_space(alice)
    act(alice, public, "ban", bob)
    for room_id in (private, public):
        answer = ask(bob, room_id)
        assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")


# Pages


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
def test_pages_make_the_whole(alice: User, limit: int) -> None:
    inner = a_space(alice, *(a_room(alice) for _ in range(3)))
    space = a_space(alice, a_room(alice), inner, a_room(alice))
    whole = rooms(alice, space)
    assert len(whole) == 7
    found: list[str] = []
    query: dict[str, Any] = {"limit": limit}
    for _ in range(10):
        answer = ask(alice, space, **query).json
        assert len(answer["rooms"]) <= limit
        found += [one["room_id"] for one in answer["rooms"]]
        if "next_batch" not in answer:
            break
        query["from"] = answer["next_batch"]
    assert found == whole


def test_a_page_goes_on_though_the_tree_has_changed(alice: User) -> None:
    children = [a_room(alice) for _ in range(4)]
    space = a_space(alice, *children)
    token = ask(alice, space, limit=3).json["next_batch"]
    put_child(alice, space, children[0], via=[])
    assert rooms(alice, space, **{"from": token}) == children[2:]


def test_a_page_costs_as_many_statements_in_a_large_space_as_in_a_small_one(
    alice: User, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements: list[str] = []
    execute, test = Transaction.execute, gevent.getcurrent()

    def counting(txn: Transaction, sql: str, parameters: Any = ()) -> None:
        if gevent.getcurrent() is test:
            statements.append(sql)
        execute(txn, sql, parameters)

    def cost(space: str) -> int:
        statements.clear()
        app.events.clear()
        assert ask(alice, space).status == 200
        return len(statements)

    small = a_space(alice, a_space(alice, a_room(alice)))
    large = a_space(alice, *(a_space(alice, a_room(alice), a_room(alice)) for _ in range(6)))
    ask(alice, small)
    ask(alice, large)
    monkeypatch.setattr(Transaction, "execute", counting)
    assert cost(large) == cost(small) < 12


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": -1},
        {"limit": "x"},
        {"max_depth": -1},
        {"max_depth": "x"},
        {"suggested_only": "x"},
        {"from": "nonsense"},
        {"from": "s1"},
        {"from": "e30"},
    ],
)
def test_a_query_that_cannot_be_read_is_refused(alice: User, query: dict[str, Any]) -> None:
    answer = ask(alice, a_space(alice), **query)
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")


def test_a_token_is_good_for_its_own_question_only(alice: User) -> None:
    space = a_space(alice, a_room(alice), a_room(alice))
    other = a_space(alice, a_room(alice), a_room(alice))
    token = ask(alice, space, limit=1).json["next_batch"]
    for room_id, changed in (
        (space, {"max_depth": 1}),
        (space, {"suggested_only": "true"}),
        (other, {}),
    ):
        answer = ask(alice, room_id, **{"from": token}, **changed)
        assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")
