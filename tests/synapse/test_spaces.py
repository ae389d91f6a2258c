"""Spaces whose rooms are on two servers. S-S API, "Spaces"; C-S API, "Discovering rooms within
spaces", GET /room_summary.
"""

from urllib.parse import quote

import pytest

from tests.synapse.homeservers import Homeserver
from tests.synapse.people import Json, Person, Refused

Pair = tuple[Homeserver, Homeserver]
SPACE = {"creation_content": {"type": "m.space"}, "preset": "public_chat"}


def hierarchy(person: Person, room_id: str, **query: object) -> list[Json]:
    path = f"/_matrix/client/v1/rooms/{quote(room_id)}/hierarchy"
    return person.call("GET", path, query=dict(query))["rooms"]


def summary(person: Person, room_id: str, *via: str) -> Json:
    path = f"/_matrix/client/v1/room_summary/{quote(room_id)}"
    return person.call("GET", path, query={"via": list(via)})


def put_child(person: Person, space: str, child: str, server: Homeserver, **more: object) -> None:
    person.put_state(space, "m.space.child", {"via": [server.name], **more}, child)


def test_what_is_below_a_space_of_another_server_is_found(
    pair: Pair, alice: Person, bob: Person
) -> None:
    leaf = alice.create_room(preset="public_chat", name="Leaf", topic="Far away")
    private = alice.create_room(preset="private_chat")
    inner = alice.create_room(**SPACE)
    put_child(alice, inner, leaf, pair[0])
    put_child(alice, inner, private, pair[0])
    far = alice.create_room(**SPACE, name="Far")
    put_child(alice, far, inner, pair[0], suggested=True)
    near = bob.create_room(**SPACE)
    put_child(bob, near, far, pair[0], suggested=True)
    found = hierarchy(bob, near)
    assert [one["room_id"] for one in found] == [near, far, inner, leaf]
    assert (found[1]["name"], found[3]["topic"]) == ("Far", "Far away")
    told = {one["room_id"]: one for one in hierarchy(alice, far)}
    for one in found[1:]:
        assert one == told[one["room_id"]]
    suggested = hierarchy(bob, near, suggested_only="true")
    assert [one["room_id"] for one in suggested] == [near, far, inner]


def test_a_restricted_room_is_shown_to_members_of_the_space(
    pair: Pair, alice: Person, bob: Person
) -> None:
    space = alice.create_room(**SPACE)
    rules = {
        "join_rule": "restricted",
        "allow": [{"type": "m.room_membership", "room_id": space}],
    }
    inner = alice.create_room(**SPACE | {"preset": "private_chat"})
    alice.put_state(inner, "m.room.join_rules", rules)
    put_child(alice, space, inner, pair[0])
    near = bob.create_room(**SPACE)
    put_child(bob, near, inner, pair[0])
    assert [one["room_id"] for one in hierarchy(bob, near)] == [near]
    bob.join(space, pair[0].name)
    alice.wait_for_membership(space, bob, "join")
    found = hierarchy(bob, space)
    assert [one["room_id"] for one in found] == [space, inner]
    assert found[1]["allowed_room_ids"] == [space]


def test_the_summary_of_a_room_elsewhere(pair: Pair, alice: Person, bob: Person) -> None:
    room_id = alice.create_room(preset="public_chat", name="Far")
    found = summary(bob, room_id, pair[0].name)
    assert (found["name"], found["membership"]) == ("Far", "leave")
    private = alice.create_room(preset="private_chat")
    with pytest.raises(Refused) as refusal:
        summary(bob, private, pair[0].name)
    assert (refusal.value.status, refusal.value.errcode) == (404, "M_NOT_FOUND")
