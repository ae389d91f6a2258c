"""Knocking on a room of another server. C-S API, "Knocking on rooms"; S-S API, "Knocking upon a
room".
"""

from collections.abc import Callable

import pytest

from tests.synapse.comparing import agree
from tests.synapse.homeservers import Homeserver
from tests.synapse.people import Person, Refused

Pair = tuple[Homeserver, Homeserver]


def room_with_door(alice: Person, version: str = "11", rule: str = "knock") -> str:
    rules = {"type": "m.room.join_rules", "state_key": "", "content": {"join_rule": rule}}
    return alice.create_room(name="Knock", room_version=version, initial_state=[rules])


def knock(pair: Pair, alice: Person, bob: Person, room_id: str) -> None:
    bob.knock(room_id, pair[0].name, reason="please")
    alice.wait_for_membership(room_id, bob, "knock")
    bob.wait(lambda: room_id in bob.rooms["knock"], "the knock")


@pytest.mark.parametrize("version", ["7", "8", "9", "10", "11", "12"])
def test_who_knocks_is_let_in(pair: Pair, alice: Person, bob: Person, version: str) -> None:
    room_id = room_with_door(alice, version)
    with pytest.raises(Refused) as refusal:
        bob.join(room_id, pair[0].name)
    assert refusal.value.errcode == "M_FORBIDDEN"
    knock(pair, alice, bob, room_id)
    told = alice.state(room_id)["m.room.member", bob.user_id]
    assert told["content"]["reason"] == "please"
    alice.invite(room_id, bob)
    shown = {one["type"]: one["content"] for one in bob.wait_for_invite(room_id)}
    assert shown["m.room.name"]["name"] == "Knock"
    bob.join(room_id)
    alice.wait_for_membership(room_id, bob, "join")
    bob.wait_for_event(room_id, alice.send(room_id, "come in"))
    agree(room_id, alice, bob)


def test_who_knocks_sees_what_room_it_is(pair: Pair, alice: Person, bob: Person) -> None:
    room_id = room_with_door(alice)
    bob.knock(room_id, pair[0].name)
    found = bob.wait(lambda: bob.sync()["rooms"].get("knock", {}).get(room_id), "the knock")
    shown = {one["type"]: one["content"] for one in found["knock_state"]["events"]}
    assert shown["m.room.name"]["name"] == "Knock"
    assert shown["m.room.join_rules"]["join_rule"] == "knock"


def test_who_is_refused_may_knock_again(pair: Pair, alice: Person, bob: Person) -> None:
    """COMPAT(Synapse, 1.163): it does not tell the server of who knocked of the refusal
    (federation/sender/__init__.py: "If we've rescinded an invite"), nor believes another that does
    (handlers/federation_event.py: "Check if this is a leave event rescinding an invite")."""
    room_id = room_with_door(alice)
    knock(pair, alice, bob, room_id)
    alice.kick(room_id, bob, reason="not now")
    alice.wait_for_membership(room_id, bob, "leave")
    knock(pair, alice, bob, room_id)
    alice.invite(room_id, bob)
    bob.wait_for_invite(room_id)
    bob.join(room_id)
    alice.wait_for_membership(room_id, bob, "join")


def test_a_knock_is_taken_back(
    soma: Homeserver, synapse: Homeserver, person: Callable[..., Person]
) -> None:
    """COMPAT(Synapse, 1.163): it tells nobody when one of its own does
    (handlers/room_member.py: "We don't yet support rescinding knocks over federation")."""
    alice, bob = person(synapse, "alice"), person(soma, "bob")
    room_id = room_with_door(alice)
    knock((synapse, soma), alice, bob, room_id)
    bob.leave(room_id)
    alice.wait_for_membership(room_id, bob, "leave")
    bob.wait(lambda: room_id in bob.rooms["leave"], "the knock to be gone")


def test_who_is_banned_does_not_knock(pair: Pair, alice: Person, bob: Person) -> None:
    room_id = room_with_door(alice)
    alice.ban(room_id, bob)
    with pytest.raises(Refused) as refusal:
        bob.knock(room_id, pair[0].name)
    assert refusal.value.errcode == "M_FORBIDDEN"


def test_a_door_without_a_knocker_is_not_knocked_on(pair: Pair, alice: Person, bob: Person) -> None:
    room_id = room_with_door(alice, rule="invite")
    with pytest.raises(Refused) as refusal:
        bob.knock(room_id, pair[0].name)
    assert refusal.value.errcode == "M_FORBIDDEN"
