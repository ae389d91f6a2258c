"""Spaces whose rooms are on several servers. S-S API, "Spaces"; C-S API, "Discovering rooms within
spaces", GET /room_summary."""

from typing import Any

import pytest

from tests.api.api_client import Answer, User
from tests.api.test_room_summary import ask as summary_of
from tests.api.test_space_hierarchy import SPACE, a_room, a_space, ask, put_child, with_rule
from tests.federation.conftest import Server, Servers
from tests.federation.fake_wire import Network
from tests.federation.made_up_server import Clock
from tests.federation.rooms import act, path
from tests.federation.stranger import Stranger, refused
from tests.federation.test_joining import join

Json = dict[str, Any]

A = {"via": ["a.test"]}
B = {"via": ["b.test"]}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def a(new_server: Servers, clock: Clock) -> Server:
    return new_server("a.test", clock)


@pytest.fixture
def b(new_server: Servers, clock: Clock) -> Server:
    return new_server("b.test", clock)


@pytest.fixture
def other(network: Network, clock: Clock) -> Stranger:
    return Stranger(network, "other.test", clock)


def listed(answer: Answer) -> list[str]:
    assert answer.status == 200, answer
    return [one["room_id"] for one in answer.json["rooms"]]


def requests(network: Network) -> int:
    return len([one for one in network.sent if "/hierarchy/" in one.target])


def test_what_is_below_a_space_of_another_server_is_found(
    alice: User, bob: User, network: Network
) -> None:
    leaf = a_room(alice, name="Leaf", topic="Far away")
    inner = alice.create_room(**SPACE, preset="public_chat")
    put_child(alice, inner, leaf, **A)
    far = alice.create_room(**SPACE, preset="public_chat", name="Far")
    put_child(alice, far, inner, **A, order="a")
    put_child(alice, far, a_room(alice), **A, order="b")
    near = a_space(bob)
    put_child(bob, near, far, **A, suggested=True)
    answer = ask(bob, near)
    assert listed(answer)[:4] == [near, far, inner, leaf]
    assert len(listed(answer)) == 5
    # As the other server tells its own.
    assert answer.json["rooms"][1:] == ask(alice, far).json["rooms"]
    # One question a space.
    assert requests(network) == 2
    assert ask(bob, near).json == answer.json
    assert requests(network) == 2


def test_a_room_of_ours_is_found_below_anothers(alice: User, bob: User) -> None:
    own = a_room(bob, preset="private_chat", name="Bob's own")
    inner = a_space(bob, own)
    far = a_space(alice)
    put_child(alice, far, inner, **B)
    near = a_space(bob)
    put_child(bob, near, far, **A)
    answer = ask(bob, near)
    assert listed(answer) == [near, far, inner, own]
    assert answer.json["rooms"][3]["name"] == "Bob's own"


def test_loops_between_servers_end(alice: User, bob: User) -> None:
    far, near = a_space(alice), a_space(bob)
    put_child(alice, far, near, **B)
    put_child(bob, near, far, **A)
    assert listed(ask(bob, near)) == [near, far]
    assert listed(ask(alice, far)) == [far, near]


def test_depth_and_suggestions_hold_elsewhere_too(alice: User, bob: User, network: Network) -> None:
    leaf, other = a_room(alice), a_room(alice)
    inner = a_space(alice)
    put_child(alice, inner, leaf, **A, suggested=True)
    far = a_space(alice)
    put_child(alice, far, inner, **A, suggested=True)
    put_child(alice, far, other, **A)
    near = a_space(bob)
    put_child(bob, near, far, **A, suggested=True)
    assert listed(ask(bob, near, max_depth=0)) == [near]
    assert listed(ask(bob, near, max_depth=1)) == [near, far]
    assert listed(ask(bob, near, max_depth=2)) == [near, far, inner, other]
    assert requests(network) == 1
    assert listed(ask(bob, near, max_depth=2, suggested_only="true")) == [near, far, inner]
    assert listed(ask(bob, near, suggested_only="true")) == [near, far, inner, leaf]


def test_pages_make_the_whole_elsewhere_too(alice: User, bob: User, network: Network) -> None:
    spaces = [a_space(alice) for _ in range(3)]
    near = a_space(bob)
    for number, space in enumerate(spaces):
        for order in range(3):
            put_child(alice, space, a_room(alice), **A, order=f"{order}")
        put_child(bob, near, space, **A, order=f"{number}")
    whole = listed(ask(bob, near))
    assert len(whole) == 13
    for limit in (1, 2, 5, 12):
        found: list[str] = []
        query: Json = {"limit": limit}
        while True:
            answer = ask(bob, near, **query)
            found += listed(answer)
            if "next_batch" not in answer.json:
                break
            query["from"] = answer.json["next_batch"]
        assert found == whole


def test_who_may_look_into_rooms_elsewhere(a: Server, b: Server, alice: User, bob: User) -> None:
    carol = b.register("carol")
    club = a_room(alice)
    shown = [a_room(alice), a_room(alice, **with_rule("knock"))]
    restricted = a_room(alice, **with_rule("restricted", club))
    invited = alice.create_room(preset="private_chat")
    private = alice.create_room(preset="private_chat")
    far = a_space(alice)
    for number, child in enumerate([*shown, restricted, invited, private]):
        put_child(alice, far, child, **A, order=f"{number}")
    near = a_space(bob)
    put_child(bob, near, far, **A)
    assert listed(ask(bob, near)) == [near, far, *shown]
    # Carol of the same server is in the club: that tells the server, but not Bob.
    assert join(carol, club, "a.test").status == 200
    assert act(alice, invited, "invite", bob.user_id).status == 200
    b.app.now_ms.ms += 600_000
    assert listed(ask(bob, near)) == [near, far, *shown, invited]
    assert listed(ask(carol, near)) == [near, far, *shown, restricted]


def test_a_space_is_looked_into_before_one_is_there(alice: User, bob: User) -> None:
    leaf = a_room(alice)
    far = a_space(alice, room_version="11")
    put_child(alice, far, leaf, **A)
    # Its id says which server made it.
    assert listed(ask(bob, far)) == [far, leaf]
    private = a_space(alice, preset="private_chat")
    assert ask(bob, private).status == 403
    assert act(alice, private, "invite", bob.user_id).status == 200
    assert listed(ask(bob, private)) == [private]


def test_a_server_that_is_away_takes_no_other_rooms_with_it(
    alice: User, bob: User, network: Network, clock: Clock
) -> None:
    own = a_room(bob)
    far = a_space(alice)
    near = a_space(bob)
    put_child(bob, near, far, via=["dead.test", "a.test"], order="a")
    put_child(bob, near, own, **B, order="b")
    assert listed(ask(bob, near)) == [near, far, own]
    clock.ms += 600_000
    network.cut("a.test", "b.test")
    assert listed(ask(bob, near)) == [near, own]
    # It is not asked again at once, and is when it may be there again.
    network.mend("a.test", "b.test")
    assert listed(ask(bob, near)) == [near, own]
    clock.ms += 60_000
    assert listed(ask(bob, near)) == [near, far, own]


def test_only_so_many_servers_are_asked_for_a_room(bob: User, network: Network) -> None:
    near = a_space(bob)
    put_child(bob, near, "!x:no.test", via=[f"dead{number}.test" for number in range(50)])
    assert listed(ask(bob, near)) == [near]
    assert requests(network) == 3


def test_only_so_many_rooms_are_asked_for_in_one_request(
    bob: User, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("impl.services.space_tree.ASKED_MAX", 5)
    near = a_space(bob)
    for number in range(12):
        put_child(bob, near, f"!x{number}:no.test", via=["dead.test"])
    assert listed(ask(bob, near)) == [near]
    assert len({one.target for one in network.sent if "/hierarchy/" in one.target}) == 5


def test_nobody_waits_for_ever(
    alice: User, bob: User, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("impl.services.spaces.WAIT_S", 0.05)
    far = a_space(alice)
    own = a_room(bob)
    near = a_space(bob)
    put_child(bob, near, far, **A, order="a")
    put_child(bob, near, own, **B, order="b")
    gate = network.hold("b.test", "a.test", "/hierarchy/")
    assert listed(ask(bob, near)) == [near, own]
    gate.open()
    monkeypatch.setattr("impl.services.spaces.WAIT_S", 10.0)
    assert listed(ask(bob, near)) == [near, far, own]
    assert requests(network) == 1


# What others are told.


def test_another_server_is_told_of_children_that_it_may_see(alice: User, other: Stranger) -> None:
    public = a_room(alice, name="Public")
    private = alice.create_room(preset="private_chat")
    space = a_space(alice)
    put_child(alice, space, public, **A, order="a")
    put_child(alice, space, private, **A, order="b")
    put_child(alice, space, "!unknown:third.test", via=["third.test"], order="c")
    found = other.client.get_space_hierarchy("a.test", space, False)
    told = [one["state_key"] for one in found["room"]["children_state"]]
    assert (found["room"]["room_id"], told) == (space, [public, private, "!unknown:third.test"])
    assert [one["room_id"] for one in found["children"]] == [public]
    assert found["children"][0]["name"] == "Public"
    assert found["inaccessible_children"] == [private]
    put_child(alice, space, private, **A, suggested=True)
    found = other.client.get_space_hierarchy("a.test", space, True)
    assert [one["state_key"] for one in found["room"]["children_state"]] == [private]
    assert (found["children"], found["inaccessible_children"]) == ([], [private])


def test_a_server_sees_what_one_of_its_users_may_see(alice: User, other: Stranger) -> None:
    club = a_room(alice)
    restricted = a_room(alice, **with_rule("restricted", club))
    invited, private = (alice.create_room(preset="private_chat") for _ in range(2))
    for room_id in (restricted, invited, private):
        with refused(404, "M_NOT_FOUND"):
            other.client.get_space_hierarchy("a.test", room_id, False)
    assert act(alice, invited, "invite", other.user_id).status == 200
    other.join("a.test", club)
    for room_id in (club, restricted, invited):
        found = other.client.get_space_hierarchy("a.test", room_id, False)
        assert found["room"]["room_id"] == room_id
    with refused(404, "M_NOT_FOUND"):
        other.client.get_space_hierarchy("a.test", private, False)


@pytest.mark.parametrize("room_id", ["!x:a.test", "nonsense"])
def test_rooms_that_are_not_here_are_not_told_of(a: Server, other: Stranger, room_id: str) -> None:
    with refused(404, "M_NOT_FOUND"):
        other.client.get_space_hierarchy("a.test", room_id, False)


def test_rooms_that_all_of_us_have_left_are_not_told_of(alice: User, other: Stranger) -> None:
    room_id = a_room(alice)
    assert alice.post(path(room_id, "leave"), {}).status == 200
    with refused(404, "M_NOT_FOUND"):
        other.client.get_space_hierarchy("a.test", room_id, False)


def test_a_server_that_a_room_keeps_out_is_not_told_of_it(alice: User, other: Stranger) -> None:
    child = a_room(alice)
    space = a_space(alice)
    put_child(alice, space, child, **A)
    acl = {"allow": ["*"], "deny": ["other.test"]}
    place = path(child, "state/m.room.server_acl")
    assert alice.put(place, acl).status == 200
    found = other.client.get_space_hierarchy("a.test", space, False)
    assert (found["children"], found["inaccessible_children"]) == ([], [child])
    with refused(403, "M_FORBIDDEN"):
        other.client.get_space_hierarchy("a.test", child, False)


# Summaries.


def test_the_summary_of_a_room_elsewhere_is_told(alice: User, bob: User) -> None:
    room_id = a_room(alice, name="Far", room_alias_name="far")
    for asked, via in ((room_id, {"via": "a.test"}), ("#far:a.test", {})):
        answer = summary_of(bob, asked, **via)
        assert answer.status == 200, answer
        assert (answer.json["name"], answer.json["membership"]) == ("Far", "leave")
    assert summary_of(bob, room_id + "x", via="a.test").status in (400, 404)


def test_the_summary_is_for_who_may_look_into_the_room(b: Server, alice: User, bob: User) -> None:
    private = alice.create_room(preset="private_chat", room_version="11")
    answer = summary_of(bob, private, via="a.test")
    assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")
    assert act(alice, private, "invite", bob.user_id).status == 200
    b.app.now_ms.ms += 600_000
    answer = summary_of(bob, private)
    assert (answer.status, answer.json["membership"]) == (200, "invite")
    carol = b.register("carol")
    assert summary_of(carol, private, via="a.test").status == 404


def test_who_comes_into_a_space_is_shown_at_once_what_its_members_may_see(
    alice: User, bob: User, network: Network
) -> None:
    space = alice.create_room(**SPACE, preset="public_chat")
    inner = a_room(alice, preset="private_chat")
    allowed = [{"type": "m.room_membership", "room_id": space}]
    rules = {"join_rule": "restricted", "allow": allowed}
    assert alice.put(path(inner, "state/m.room.join_rules/"), rules).status == 200
    put_child(alice, space, inner, **A)
    near = a_space(bob)
    put_child(bob, near, inner, **A)
    assert listed(ask(bob, near)) == [near]
    asked = requests(network)
    assert listed(ask(bob, near)) == [near]
    assert requests(network) == asked
    assert join(bob, space, "a.test").status == 200
    assert listed(ask(bob, space)) == [space, inner]
    assert listed(ask(bob, near)) == [near, inner]
