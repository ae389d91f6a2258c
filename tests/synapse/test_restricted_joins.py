"""Rooms for the members of another room. C-S API and S-S API, "Restricted rooms"."""

from collections.abc import Callable

import pytest

from tests.synapse.comparing import agree
from tests.synapse.homeservers import Homeserver
from tests.synapse.people import Person, Refused

Pair = tuple[Homeserver, Homeserver]
New = Callable[[Homeserver, str], Person]


def a_space(alice: Person) -> str:
    return alice.create_room(preset="public_chat", creation_content={"type": "m.space"})


def for_members_of(
    space_id: str, alice: Person, version: str = "11", rule: str = "restricted"
) -> str:
    content = {
        "join_rule": rule,
        "allow": [{"type": "m.room_membership", "room_id": space_id}],
    }
    rules = {"type": "m.room.join_rules", "state_key": "", "content": content}
    return alice.create_room(room_version=version, initial_state=[rules])


@pytest.mark.parametrize("version", ["8", "9", "10", "11", "12"])
def test_who_is_in_the_space_joins(pair: Pair, alice: Person, bob: Person, version: str) -> None:
    space_id = a_space(alice)
    room_id = for_members_of(space_id, alice, version)
    with pytest.raises(Refused) as refusal:
        bob.join(room_id, pair[0].name)
    assert refusal.value.errcode == "M_FORBIDDEN"
    bob.join(space_id, pair[0].name)
    alice.wait_for_membership(space_id, bob, "join")
    bob.join(room_id, pair[0].name)
    alice.wait_for_membership(room_id, bob, "join")
    member = alice.state(room_id)["m.room.member", bob.user_id]
    assert member["content"]["join_authorised_via_users_server"] == alice.user_id
    bob.wait_for_event(room_id, alice.send(room_id, "among ourselves"))
    agree(room_id, alice, bob)


@pytest.mark.parametrize("version", ["10", "12"])
def test_who_vouches_is_nobody_of_whom_the_state_tells(
    pair: Pair, alice: Person, bob: Person, person: New, version: str
) -> None:
    """An ordinary member, in a room that is told of without its members, since it has a name."""
    space_id = a_space(alice)
    room_id = for_members_of(space_id, alice, version)
    alice.put_state(room_id, "m.room.name", {"name": "Among ourselves"})
    anna = person(pair[0], "anna")
    for one in (anna, bob):
        one.join(space_id, pair[0].name)
        alice.wait_for_membership(space_id, one, "join")
    anna.join(room_id)
    alice.leave(room_id)
    anna.wait_for_membership(room_id, alice, "leave")
    bob.join(room_id, pair[0].name)
    anna.wait_for_membership(room_id, bob, "join")
    member = anna.state(room_id)["m.room.member", bob.user_id]
    assert member["content"]["join_authorised_via_users_server"] == anna.user_id
    bob.wait_for_event(room_id, anna.send(room_id, "among ourselves"))
    agree(room_id, anna, bob)


def test_who_left_the_space_stays_out(pair: Pair, alice: Person, bob: Person) -> None:
    space_id = a_space(alice)
    room_id = for_members_of(space_id, alice)
    bob.join(space_id, pair[0].name)
    alice.wait_for_membership(space_id, bob, "join")
    bob.leave(space_id)
    alice.wait_for_membership(space_id, bob, "leave")
    with pytest.raises(Refused) as refusal:
        bob.join(room_id, pair[0].name)
    assert refusal.value.errcode == "M_FORBIDDEN"


def test_who_is_invited_needs_no_space(pair: Pair, alice: Person, bob: Person) -> None:
    room_id = for_members_of(a_space(alice), alice)
    alice.invite(room_id, bob)
    bob.wait_for_invite(room_id)
    bob.join(room_id)
    alice.wait_for_membership(room_id, bob, "join")
    agree(room_id, alice, bob)


def test_a_server_that_may_not_vouch_asks_one_that_may(
    pair: Pair, alice: Person, bob: Person, person: New
) -> None:
    """Bob's server is in the room, but none of its users may invite."""
    space_id = a_space(alice)
    room_id = for_members_of(space_id, alice)
    alice.empower(room_id, {}, invite=50)
    carol = person(pair[1], "carol")
    for one in (bob, carol):
        one.join(space_id, pair[0].name)
        alice.wait_for_membership(space_id, one, "join")
    bob.join(room_id, pair[0].name)
    carol.join(room_id, pair[0].name)
    alice.wait_for_membership(room_id, carol, "join")
    member = bob.state(room_id)["m.room.member", carol.user_id]
    assert member["content"]["join_authorised_via_users_server"] == alice.user_id
    agree(room_id, alice, bob, carol)


def test_a_server_that_may_vouch_lets_its_own_users_in(
    pair: Pair, alice: Person, bob: Person, person: New
) -> None:
    space_id = a_space(alice)
    room_id = for_members_of(space_id, alice)
    carol = person(pair[1], "carol")
    for one in (bob, carol):
        one.join(space_id, pair[0].name)
        alice.wait_for_membership(space_id, one, "join")
    bob.join(room_id, pair[0].name)
    # Synapse vouches for nobody before it knows the room's whole state.
    agree(room_id, alice, bob)
    carol.join(room_id)
    alice.wait_for_membership(room_id, carol, "join")
    member = alice.state(room_id)["m.room.member", carol.user_id]
    assert member["content"]["join_authorised_via_users_server"] == bob.user_id
    agree(room_id, alice, bob)


def test_who_is_not_in_the_space_may_knock(pair: Pair, alice: Person, bob: Person) -> None:
    space_id = a_space(alice)
    room_id = for_members_of(space_id, alice, "10", "knock_restricted")
    bob.knock(room_id, pair[0].name)
    alice.wait_for_membership(room_id, bob, "knock")
    bob.join(space_id, pair[0].name)
    alice.wait_for_membership(space_id, bob, "join")
    bob.join(room_id, pair[0].name)
    alice.wait_for_membership(room_id, bob, "join")
    agree(room_id, alice, bob)
