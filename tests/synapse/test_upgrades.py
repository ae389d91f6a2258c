"""Rooms that go on in a new version. C-S API, "Room Upgrades"."""

from collections.abc import Callable

import pytest

from tests.synapse.comparing import agree
from tests.synapse.homeservers import Homeserver
from tests.synapse.people import Person

Pair = tuple[Homeserver, Homeserver]
UPGRADES = [("1", "11"), ("6", "10"), ("10", "11"), ("11", "12"), ("12", "12")]


def tombstone(person: Person, room_id: str) -> str | None:
    """The room that comes after it."""
    found = person.state(room_id).get(("m.room.tombstone", ""))
    return found["content"]["replacement_room"] if found else None


@pytest.mark.parametrize(("old", "new"), UPGRADES)
def test_members_of_another_server_follow(
    pair: Pair, alice: Person, bob: Person, old: str, new: str
) -> None:
    old_id = alice.create_room(preset="public_chat", room_version=old, name="Old and new")
    bob.join(old_id, pair[0].name)
    alice.wait_for_membership(old_id, bob, "join")
    agree(old_id, alice, bob)
    new_id = alice.post(f"/rooms/{old_id}/upgrade", {"new_version": new})["replacement_room"]
    assert bob.wait(lambda: tombstone(bob, old_id), "the tombstone") == new_id
    bob.join(new_id, pair[0].name)
    alice.wait_for_membership(new_id, bob, "join")
    agree(new_id, alice, bob)
    state = bob.state(new_id)
    create = state["m.room.create", ""]["content"]
    assert create["room_version"] == new
    assert create["predecessor"]["room_id"] == old_id
    assert state["m.room.name", ""]["content"]["name"] == "Old and new"
    bob.wait_for_event(new_id, alice.send(new_id, "here we go on"))
    alice.wait_for_event(new_id, bob.send(new_id, "so we do"))


@pytest.mark.parametrize(("old", "new"), UPGRADES[2:])
def test_a_room_is_upgraded_by_somebody_of_another_server(
    pair: Pair, alice: Person, bob: Person, old: str, new: str, person: Callable[..., Person]
) -> None:
    old_id = alice.create_room(preset="public_chat", room_version=old)
    bob.join(old_id, pair[0].name)
    alice.wait_for_membership(old_id, bob, "join")
    carol = person(pair[0], "carol")
    alice.ban(old_id, carol)
    # Who made a room of version 12 needs no power; in others nobody loses theirs.
    alice.empower(old_id, {bob: 100}, events={"m.room.tombstone": 100})
    agree(old_id, alice, bob)
    new_id = bob.post(f"/rooms/{old_id}/upgrade", {"new_version": new})["replacement_room"]
    assert alice.wait(lambda: tombstone(alice, old_id), "the tombstone") == new_id
    alice.join(new_id, pair[1].name)
    bob.wait_for_membership(new_id, alice, "join")
    agree(new_id, alice, bob)
    agree(old_id, alice, bob)
    assert alice.membership_of(new_id, carol) == "ban"
    alice.wait_for_event(new_id, bob.send(new_id, "I made this"))
