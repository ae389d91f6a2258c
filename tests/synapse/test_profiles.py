"""Names and pictures of people, and how rooms hear of them. C-S API, "Profiles"; S-S API, "Querying
for information".
"""

import pytest

from tests.synapse.comparing import agree
from tests.synapse.homeservers import Homeserver
from tests.synapse.people import Person, Refused

Pair = tuple[Homeserver, Homeserver]
PICTURE = "mxc://example.org/picture"


def test_the_profile_of_another_server_is_asked_for(alice: Person, bob: Person) -> None:
    alice.put(f"/profile/{alice.user_id}/displayname", {"displayname": "Alice 🌹"})
    alice.put(f"/profile/{alice.user_id}/avatar_url", {"avatar_url": PICTURE})
    profile = bob.get(f"/profile/{alice.user_id}")
    assert (profile["displayname"], profile["avatar_url"]) == ("Alice 🌹", PICTURE)
    assert bob.get(f"/profile/{alice.user_id}/displayname") == {"displayname": "Alice 🌹"}


def test_who_is_not_there_has_no_profile(pair: Pair, alice: Person) -> None:
    with pytest.raises(Refused) as refusal:
        alice.get(f"/profile/@nobody:{pair[1].name}")
    assert (refusal.value.status, refusal.value.errcode) == (404, "M_NOT_FOUND")


def test_a_new_name_reaches_rooms_on_other_servers(pair: Pair, alice: Person, bob: Person) -> None:
    rooms = [alice.create_room(preset="public_chat") for _ in range(3)]
    for room_id in rooms:
        bob.join(room_id, pair[0].name)
        alice.wait_for_membership(room_id, bob, "join")
    for one, other in ((alice, bob), (bob, alice)):
        one.put(f"/profile/{one.user_id}/displayname", {"displayname": "Somebody Else"})
        for room_id in rooms:
            other.wait(
                lambda o=other, u=one, r=room_id: name_of(o, r, u) == "Somebody Else", "a new name"
            )
    for room_id in rooms:
        agree(room_id, alice, bob)


def name_of(asking: Person, room_id: str, other: Person) -> str | None:
    member = asking.state(room_id)["m.room.member", other.user_id]
    return member["content"].get("displayname")
