"""Leaving rooms and rejecting invites, also when nobody is there to be told. S-S API, "Leaving
Rooms (Rejecting Invites)".
"""

from collections.abc import Callable

import pytest

from tests.synapse.comparing import agree, eventually, know
from tests.synapse.homeservers import Homeserver
from tests.synapse.people import Person, Refused

Pair = tuple[Homeserver, Homeserver]


def both_in(pair: Pair, alice: Person, bob: Person, **options: object) -> str:
    room_id = alice.create_room(**{"preset": "public_chat", **options})
    bob.join(room_id, pair[0].name)
    alice.wait_for_membership(room_id, bob, "join")
    agree(room_id, alice, bob)
    return room_id


def test_who_left_reads_nothing_more(pair: Pair, alice: Person, bob: Person) -> None:
    room_id = both_in(pair, alice, bob)
    bob.leave(room_id)
    alice.wait_for_membership(room_id, bob, "leave")
    secret = alice.send(room_id, "now that he is gone")
    bob.wait(lambda: room_id in bob.rooms["leave"], "leaving")
    with pytest.raises(Refused):
        bob.event(room_id, secret)
    with pytest.raises(Refused) as refusal:
        bob.send(room_id, "I came back")
    assert refusal.value.errcode == "M_FORBIDDEN"


def test_one_of_two_leaves_and_the_other_stays(
    pair: Pair, alice: Person, bob: Person, person: Callable[..., Person]
) -> None:
    room_id = both_in(pair, alice, bob)
    carol = person(pair[1], "carol")
    carol.join(room_id)
    alice.wait_for_membership(room_id, carol, "join")
    bob.leave(room_id)
    alice.wait_for_membership(room_id, bob, "leave")
    carol.wait_for_event(room_id, alice.send(room_id, "you stay"))
    agree(room_id, alice, carol)


def test_all_of_a_server_leave_and_one_is_invited_again(
    pair: Pair, alice: Person, bob: Person
) -> None:
    room_id = both_in(pair, alice, bob, preset="private_chat", invite=[bob.user_id])
    bob.leave(room_id)
    alice.wait_for_membership(room_id, bob, "leave")
    bob.wait(lambda: room_id in bob.rooms["leave"], "leaving")
    alice.put_state(room_id, "m.room.name", {"name": "Without Bob"})
    alice.invite(room_id, bob)
    shown = {one["type"]: one["content"] for one in bob.wait_for_invite(room_id)}
    assert shown["m.room.name"]["name"] == "Without Bob"
    bob.join(room_id)
    alice.wait_for_membership(room_id, bob, "join")
    agree(room_id, alice, bob)
    know(room_id, [bob.send(room_id, "back"), alice.send(room_id, "again")], alice, bob)


def test_who_made_the_room_leaves_it_to_the_other(
    pair: Pair, alice: Person, bob: Person, person: Callable[..., Person]
) -> None:
    room_id = both_in(pair, alice, bob)
    alice.leave(room_id)
    bob.wait_for_membership(room_id, alice, "leave")
    carol = person(pair[0], "carol")
    carol.join(room_id, pair[1].name)
    bob.wait_for_membership(room_id, carol, "join")
    agree(room_id, bob, carol)
    carol.wait_for_event(room_id, bob.send(room_id, "it is ours now"))


def test_an_invite_is_rejected_though_its_server_is_dead(
    pair: Pair, alice: Person, bob: Person
) -> None:
    room_id = alice.create_room(invite=[bob.user_id])
    bob.wait_for_invite(room_id)
    pair[0].link.cut()
    bob.leave(room_id)
    bob.wait(lambda: room_id in bob.rooms["leave"], "the invite to be gone")
    with pytest.raises(Refused):
        bob.join(room_id, pair[0].name)
    pair[0].link.mend()
    # Alice was not told, so that the invite still stands.
    assert alice.membership_of(room_id, bob) == "invite"
    eventually(lambda: joins(bob, room_id, pair[0].name), lambda: "Bob cannot join")
    alice.wait_for_membership(room_id, bob, "join")
    agree(room_id, alice, bob)


def joins(person: Person, room_id: str, via: str) -> bool:
    """Whether they can by now: a server that failed is left alone for a while."""
    try:
        person.join(room_id, via)
    except Refused:
        return False
    return True


def test_a_room_is_left_though_its_other_servers_are_dead(
    pair: Pair, alice: Person, bob: Person
) -> None:
    room_id = both_in(pair, alice, bob)
    pair[0].link.cut()
    bob.leave(room_id)
    bob.wait(lambda: room_id in bob.rooms["leave"], "leaving")
    pair[0].link.mend()
    alice.wait_for_membership(room_id, bob, "leave")


def test_an_invite_is_taken_back(pair: Pair, alice: Person, bob: Person) -> None:
    room_id = alice.create_room(invite=[bob.user_id])
    bob.wait_for_invite(room_id)
    alice.kick(room_id, bob)
    bob.wait(lambda: room_id in bob.rooms["leave"], "the invite to be gone")
    with pytest.raises(Refused):
        bob.join(room_id, pair[0].name)


def test_nobody_is_invited_on_a_server_that_is_dead(pair: Pair, alice: Person, bob: Person) -> None:
    room_id = alice.create_room()
    pair[1].link.cut()
    with pytest.raises(Refused):
        alice.invite(room_id, bob)
    assert alice.membership_of(room_id, bob) is None
    pair[1].link.mend()


def test_who_is_invited_on_two_ways_has_one_invite(
    pair: Pair, alice: Person, bob: Person, person: Callable[..., Person]
) -> None:
    """Bob's server is in the room already, and told of the invite as of every event."""
    carol = person(pair[1], "carol")
    room_id = both_in(pair, alice, carol)
    alice.invite(room_id, bob)
    bob.wait_for_invite(room_id)
    bob.join(room_id)
    alice.wait_for_membership(room_id, bob, "join")
    agree(room_id, alice, bob, carol)
