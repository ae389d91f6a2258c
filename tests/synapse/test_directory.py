"""Rooms that are found by their names or in another server's directory. C-S API, "Room aliases",
"Listing rooms"; S-S API, "Public Room Directory".
"""

import pytest

from tests.synapse.comparing import agree
from tests.synapse.homeservers import Homeserver
from tests.synapse.people import Person, Refused, quote

Pair = tuple[Homeserver, Homeserver]


def test_a_room_is_joined_by_its_alias(pair: Pair, alice: Person, bob: Person) -> None:
    name = f"room-{alice.user_id[1:].partition(':')[0]}"
    alias = f"#{name}:{pair[0].name}"
    room_id = alice.create_room(preset="public_chat", room_alias_name=name)
    found = bob.get(f"/directory/room/{quote(alias)}")
    assert found["room_id"] == room_id
    assert pair[0].name in found["servers"]
    assert bob.join(alias) == room_id
    alice.wait_for_membership(room_id, bob, "join")
    agree(room_id, alice, bob)


def test_an_alias_of_another_server_leads_to_our_room(
    pair: Pair, alice: Person, bob: Person
) -> None:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id, pair[0].name)
    alice.wait_for_membership(room_id, bob, "join")
    alias = f"#theirs-{bob.user_id[1:].partition(':')[0]}:{pair[1].name}"
    bob.put(f"/directory/room/{quote(alias)}", {"room_id": room_id})
    found = alice.get(f"/directory/room/{quote(alias)}")
    assert found["room_id"] == room_id
    assert set(found["servers"]) >= {pair[0].name, pair[1].name}
    # It is what the room calls itself, once somebody with the power says so.
    alice.put_state(room_id, "m.room.canonical_alias", {"alias": alias})
    agree(room_id, alice, bob)
    bob.call("DELETE", f"/_matrix/client/v3/directory/room/{quote(alias)}")
    with pytest.raises(Refused) as refusal:
        alice.get(f"/directory/room/{quote(alias)}")
    assert (refusal.value.status, refusal.value.errcode) == (404, "M_NOT_FOUND")


def test_an_alias_that_is_not_there_is_not_found(pair: Pair, alice: Person) -> None:
    with pytest.raises(Refused) as refusal:
        alice.join(f"#nowhere:{pair[1].name}")
    assert (refusal.value.status, refusal.value.errcode) == (404, "M_NOT_FOUND")


def test_a_room_is_found_in_the_directory_of_another_server(
    pair: Pair, alice: Person, bob: Person
) -> None:
    word = f"word{alice.user_id[1:].partition(':')[0]}"
    rooms = {
        alice.create_room(
            preset="public_chat",
            visibility="public",
            name=f"{word} number {number}",
            topic="trees",
        )
        for number in range(3)
    }
    alice.create_room(preset="public_chat", name=f"{word} but not listed")
    search = {"filter": {"generic_search_term": word}, "limit": 2}
    first = bob.post("/publicRooms", search, server=pair[0].name)
    assert len(first["chunk"]) == 2
    rest = bob.post("/publicRooms", {**search, "since": first["next_batch"]}, server=pair[0].name)
    found = first["chunk"] + rest["chunk"]
    assert {one["room_id"] for one in found} == rooms
    assert len(found) == 3
    assert all(one["topic"] == "trees" and one["num_joined_members"] == 1 for one in found)
    listed = bob.get("/publicRooms", server=pair[0].name, limit=100)
    assert rooms <= {one["room_id"] for one in listed["chunk"]}


def test_a_space_is_found_by_its_type(pair: Pair, alice: Person, bob: Person) -> None:
    space_id = alice.create_room(
        preset="public_chat", visibility="public", creation_content={"type": "m.space"}
    )
    room_id = alice.create_room(preset="public_chat", visibility="public")
    for room_types, yes, no in ((["m.space"], space_id, room_id), ([None], room_id, space_id)):
        body = {"filter": {"room_types": room_types}, "limit": 100}
        chunk = bob.post("/publicRooms", body, server=pair[0].name)["chunk"]
        found = {one["room_id"] for one in chunk}
        assert yes in found
        assert no not in found
