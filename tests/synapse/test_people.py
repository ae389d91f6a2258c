"""People of another server whom one can find. C-S API, "User Directory", "Mutual Rooms"."""

import pytest

from tests.synapse.homeservers import Homeserver
from tests.synapse.people import Json, Person

Pair = tuple[Homeserver, Homeserver]


def search(person: Person, term: str) -> dict[str, Json]:
    answer = person.post("/user_directory/search", {"search_term": term})
    return {one["user_id"]: one for one in answer["results"]}


@pytest.mark.parametrize("preset", ["public_chat", "private_chat"])
def test_who_shares_a_room_is_found(pair: Pair, alice: Person, bob: Person, preset: str) -> None:
    name = f"Somebody {alice.user_id[1:6]} {preset} {pair[0].name}"
    alice.put(f"/profile/{alice.user_id}/displayname", {"displayname": name})
    room_id = alice.create_room(preset=preset, invite=[bob.user_id])
    bob.wait_for_invite(room_id)
    assert alice.user_id not in search(bob, name)
    bob.join(room_id, pair[0].name)
    alice.wait_for_membership(room_id, bob, "join")
    found = bob.wait(lambda: search(bob, name).get(alice.user_id), "alice in the directory")
    assert found["display_name"] == name
    bob.leave(room_id)
    bob.wait(lambda: alice.user_id not in search(bob, name), "alice to be gone")
