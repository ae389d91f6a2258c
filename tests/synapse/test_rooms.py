"""Two people on two servers in one room. S-S API, "Joining Rooms", "Inviting to a room", "Leaving
Rooms".
"""

import itertools

import pytest

from tests.synapse.homeservers import Homeserver
from tests.synapse.people import Person

Pair = tuple[Homeserver, Homeserver]
_numbers = itertools.count(1)


def two_people(pair: Pair) -> tuple[Person, Person]:
    # Other dialogues number theirs too.
    number = next(_numbers)
    return pair[0].register(f"alice-in-{number}"), pair[1].register(f"bob-in-{number}")


@pytest.mark.parametrize("version", [str(number) for number in range(1, 13)])
def test_a_public_room_is_joined_and_both_talk(pair: Pair, version: str) -> None:
    alice, bob = two_people(pair)
    room_id = alice.create_room(preset="public_chat", room_version=version)
    assert bob.join(room_id, pair[0].name) == room_id
    alice.wait_for_membership(room_id, bob, "join")
    hello = alice.send(room_id, "hello")
    assert bob.wait_for_event(room_id, hello)["content"]["body"] == "hello"
    answer = bob.send(room_id, "hello yourself")
    assert alice.wait_for_event(room_id, answer)["content"]["body"] == "hello yourself"
    assert alice.state_ids(room_id) == bob.state_ids(room_id)


def test_an_invite_is_seen_and_accepted(pair: Pair) -> None:
    alice, bob = two_people(pair)
    room_id = alice.create_room(name="Invited", invite=[bob.user_id])
    shown = {one["type"]: one["content"] for one in bob.wait_for_invite(room_id)}
    assert shown["m.room.name"]["name"] == "Invited"
    bob.join(room_id)
    alice.wait_for_membership(room_id, bob, "join")
    hello = alice.send(room_id, "hello")
    bob.wait_for_event(room_id, hello)


def test_an_invite_is_declined(pair: Pair) -> None:
    alice, bob = two_people(pair)
    room_id = alice.create_room(invite=[bob.user_id])
    bob.wait_for_invite(room_id)
    bob.leave(room_id)
    alice.wait_for_membership(room_id, bob, "leave")
    bob.wait(lambda: room_id in bob.rooms["leave"], "the invite to be gone")


def test_who_was_kicked_hears_of_it(pair: Pair) -> None:
    alice, bob = two_people(pair)
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id, pair[0].name)
    alice.wait_for_membership(room_id, bob, "join")
    alice.post(f"/rooms/{room_id}/kick", {"user_id": bob.user_id})
    bob.wait(lambda: room_id in bob.rooms["leave"], "being kicked")


def test_who_leaves_comes_back(pair: Pair) -> None:
    alice, bob = two_people(pair)
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id, pair[0].name)
    alice.wait_for_membership(room_id, bob, "join")
    bob.leave(room_id)
    alice.wait_for_membership(room_id, bob, "leave")
    alice.put_state(room_id, "m.room.topic", {"topic": "while bob was away"})
    bob.join(room_id, pair[0].name)
    alice.wait_for_membership(room_id, bob, "join")
    assert alice.state_ids(room_id) == bob.state_ids(room_id)
    hello = alice.send(room_id, "hello again")
    bob.wait_for_event(room_id, hello)
