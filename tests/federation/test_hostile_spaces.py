"""What a server says of a space that is broken or bad: clients are shown what they expect, or
nothing."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from impl.outbound.wire import WireResponse
from tests.api.api_client import User
from tests.api.test_space_hierarchy import a_room, a_space, ask, put_child
from tests.federation.conftest import Servers
from tests.federation.fake_wire import Network
from tests.federation.made_up_server import Clock
from tests.federation.stranger import Stranger
from tests.federation.test_spaces import listed, requests

Json = dict[str, Any]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def alice(new_server: Servers, clock: Clock) -> User:
    return new_server("a.test", clock).register("alice")


@pytest.fixture
def bob(new_server: Servers, clock: Clock) -> User:
    return new_server("b.test", clock).register("bob")


@pytest.fixture
def other(network: Network, clock: Clock) -> Stranger:
    return Stranger(network, "other.test", clock)


SPACE_ID, CHILD_ID = "!space:other.test", "!child:other.test"


def a_summary(room_id: str = CHILD_ID, **changes: object) -> Json:
    return {
        "room_id": room_id,
        "num_joined_members": 3,
        "world_readable": False,
        "guest_can_join": False,
        "join_rule": "public",
        **changes,
    }


def a_child(room_id: str = CHILD_ID, **changes: object) -> Json:
    return {
        "type": "m.space.child",
        "state_key": room_id,
        "content": {"via": ["other.test"]},
        "sender": "@user:other.test",
        "origin_server_ts": 1,
        **changes,
    }


def an_answer(**changes: object) -> Json:
    room = a_summary(SPACE_ID, room_type="m.space", children_state=[a_child()])
    return {"room": room, "children": [a_summary()], "inaccessible_children": [], **changes}


@pytest.fixture
def tells(bob: User, other: Stranger, network: Network) -> Callable[[object], list[dict[str, Any]]]:
    """What Bob is shown below a space of his own, when the other server says this of its space."""
    near = a_space(bob)
    put_child(bob, near, SPACE_ID, via=["other.test"])

    def tell(answer: object) -> list[dict[str, Any]]:
        def handle(*request: Any) -> WireResponse | None:
            if "/hierarchy/" in request[3]:
                body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                return WireResponse(200, {}, body)
            return other._answer(*request)

        network.handlers["other.test"] = handle
        found = ask(bob, near)
        assert found.status == 200, found
        assert found.json["rooms"][0]["room_id"] == near
        return found.json["rooms"][1:]

    return tell


def test_a_good_answer_is_shown(tells: Callable[[object], list[Json]]) -> None:
    space, child = tells(an_answer())
    assert space == an_answer()["room"]
    assert child == {**a_summary(), "children_state": []}


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"room": []},
        an_answer(room=a_summary("!another:other.test", room_type="m.space")),
        an_answer(room=a_summary(SPACE_ID, num_joined_members="many")),
        an_answer(room=a_summary(SPACE_ID, num_joined_members=-1)),
        an_answer(room=a_summary(SPACE_ID, world_readable=1)),
        an_answer(room=a_summary(SPACE_ID, topic="x" * 100_000)),
        b"[]",
        b"[" * 100_000,
    ],
)
def test_a_space_that_is_told_of_badly_is_none(
    tells: Callable[[object], list[Json]], answer: object
) -> None:
    assert tells(answer) == []


@pytest.mark.parametrize(
    "child",
    [
        None,
        a_child(type="m.room.member"),
        a_child("nonsense"),
        a_child(content=[]),
        a_child(content={"via": []}),
        a_child(content={"via": "other.test"}),
        a_child(content={"via": ["other.test"], "x": "x" * 100_000}),
        a_child(sender="nobody"),
        a_child(origin_server_ts="now"),
    ],
)
def test_a_child_that_is_told_of_badly_takes_no_other_with_it(
    tells: Callable[[object], list[Json]], child: object
) -> None:
    room = a_summary(SPACE_ID, room_type="m.space", children_state=[child, a_child("!good:x.test")])
    answer = an_answer(room=room, children=[a_summary(), a_summary("!good:x.test")])
    assert [one["room_id"] for one in tells(answer)] == [SPACE_ID, "!good:x.test"]


def test_fields_that_are_no_good_are_left_out(tells: Callable[[object], list[Json]]) -> None:
    child = a_summary(
        name=5,
        topic=["x"],
        avatar_url=None,
        canonical_alias="",
        allowed_room_ids=["!x:y.test", 5, "z"],
        unknown="x",
    )
    shown = tells(an_answer(children=[child]))[1]
    assert shown == {**a_summary(), "allowed_room_ids": ["!x:y.test"], "children_state": []}


def test_what_is_hidden_from_us_is_not_asked_for(
    tells: Callable[[object], list[Json]], network: Network
) -> None:
    answer = an_answer(children=[], inaccessible_children=[CHILD_ID])
    assert [one["room_id"] for one in tells(answer)] == [SPACE_ID]
    assert requests(network) == 1


def test_a_room_that_is_here_is_not_what_others_say(
    bob: User, alice: User, tells: Callable[[object], list[Json]]
) -> None:
    private = a_room(bob, preset="private_chat", name="Mine")
    hidden = alice.create_room(preset="private_chat")
    room = a_summary(
        SPACE_ID, room_type="m.space", children_state=[a_child(private), a_child(hidden)]
    )
    lies = [a_summary(private, name="Theirs"), a_summary(hidden, join_rule="invite")]
    _, mine = tells(an_answer(room=room, children=lies))
    assert mine["name"] == "Mine"


def test_a_tree_without_end_ends(
    bob: User, other: Stranger, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("impl.services.space_tree.ASKED_MAX", 20)
    near = a_space(bob)
    put_child(bob, near, "!x0:other.test", via=["other.test"])

    def deeper(*request: Any) -> WireResponse | None:
        target = request[3]
        if "/hierarchy/" not in target:
            return other._answer(*request)
        number = int(target.split("!x")[-1].split("%21x")[-1].split("%3A")[0])
        below = f"!x{number + 1}:other.test"
        room = a_summary(
            f"!x{number}:other.test", room_type="m.space", children_state=[a_child(below)]
        )
        body = {"room": room, "children": [], "inaccessible_children": []}
        return WireResponse(200, {}, json.dumps(body).encode())

    network.handlers["other.test"] = deeper
    assert len(listed(ask(bob, near))) == 21
    assert requests(network) == 20
