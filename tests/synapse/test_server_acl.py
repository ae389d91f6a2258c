"""Servers that a room denies. C-S API, "Server Access Control Lists (ACLs) for rooms"; S-S API, the
section of the same name.
"""

import pytest

from tests.synapse.comparing import agree, know
from tests.synapse.homeservers import Homeserver
from tests.synapse.people import Person, Refused

Pair = tuple[Homeserver, Homeserver]
EVERYBODY: dict[str, object] = {"allow": ["*"], "deny": []}


def deny(alice: Person, room_id: str, *hosts: str) -> None:
    alice.put_state(room_id, "m.room.server_acl", {"allow": ["*"], "deny": list(hosts)})


def host(server: Homeserver) -> str:
    return server.name.rpartition(":")[0]


@pytest.fixture
def room_id(pair: Pair, alice: Person, bob: Person) -> str:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id, pair[0].name)
    alice.wait_for_membership(room_id, bob, "join")
    agree(room_id, alice, bob)
    return room_id


@pytest.fixture
def other_id(pair: Pair, alice: Person, bob: Person) -> str:
    """Another room of both, in which one hears that the other has been told everything."""
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id, pair[0].name)
    alice.wait_for_membership(room_id, bob, "join")
    return room_id


def test_who_is_denied_is_not_heard(
    pair: Pair, alice: Person, bob: Person, room_id: str, other_id: str
) -> None:
    deny(alice, room_id, host(pair[1]))
    agree(room_id, alice, bob)
    unheard = bob.send(room_id, "can you hear me?")
    bob.put(f"/rooms/{room_id}/typing/{bob.user_id}", {"typing": True, "timeout": 30_000})
    alice.wait_for_event(other_id, bob.send(other_id, "you cannot?"))
    assert unheard not in {one["event_id"] for one in alice.timelines[room_id]}
    assert all(
        one["content"]["user_ids"] == []
        for one in alice.ephemeral
        if one["type"] == "m.typing" and one["room_id"] == room_id
    )
    with pytest.raises(Refused):
        alice.event(room_id, unheard)


def test_who_is_allowed_again_is_heard(
    pair: Pair, alice: Person, bob: Person, room_id: str, other_id: str
) -> None:
    deny(alice, room_id, host(pair[1]))
    agree(room_id, alice, bob)
    unheard = bob.send(room_id, "can you hear me?")
    alice.wait_for_event(other_id, bob.send(other_id, "you cannot?"))
    alice.put_state(room_id, "m.room.server_acl", EVERYBODY)
    # Bob's server is not told of the change by a server that it does not believe denied it.
    last = bob.send(room_id, "can you hear me now?")
    alice.wait_for_event(room_id, last)
    know(room_id, [unheard, last], alice)
    bob.wait_for_event(room_id, alice.send(room_id, "yes"))
    agree(room_id, alice, bob)


def test_who_is_denied_does_not_join(pair: Pair, alice: Person, bob: Person) -> None:
    room_id = alice.create_room(preset="public_chat")
    deny(alice, room_id, "127.*" if host(pair[1]).startswith("127.") else "local????")
    with pytest.raises(Refused) as refusal:
        bob.join(room_id, pair[0].name)
    assert refusal.value.errcode == "M_FORBIDDEN"


def test_an_address_is_no_name(pair: Pair, alice: Person, bob: Person) -> None:
    room_id = alice.create_room(preset="public_chat")
    content = {"allow": ["*"], "deny": [], "allow_ip_literals": False}
    alice.put_state(room_id, "m.room.server_acl", content)
    if host(pair[1]) == "localhost":
        bob.join(room_id, pair[0].name)
        alice.wait_for_membership(room_id, bob, "join")
    else:
        with pytest.raises(Refused) as refusal:
            bob.join(room_id, pair[0].name)
        assert refusal.value.errcode == "M_FORBIDDEN"
