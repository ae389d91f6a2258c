"""Who may stay and who may say what, in a room of two servers: kicks, bans and power. C-S API,
"Leaving rooms", "Banning users in a room"; Room Versions, "Authorisation rules".
"""

from collections.abc import Callable

import pytest

from tests.synapse.comparing import agree, know
from tests.synapse.homeservers import Homeserver
from tests.synapse.people import Person, Refused

Pair = tuple[Homeserver, Homeserver]
New = Callable[[Homeserver, str], Person]


@pytest.fixture
def room_id(pair: Pair, alice: Person, bob: Person) -> str:
    """Both are in it; Alice made it."""
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id, pair[0].name)
    alice.wait_for_membership(room_id, bob, "join")
    # COMPAT(Synapse, 1.163): who is put out of a room that it knows in part so far leaves it
    # knowing the room in part for good, with requests that wait for the rest.
    agree(room_id, alice, bob)
    return room_id


def empower(room_id: str, alice: Person, bob: Person, level: int) -> None:
    alice.empower(room_id, {bob: level})
    bob.wait(lambda: power(bob, room_id, bob) == level, "power")


def power(asking: Person, room_id: str, other: Person) -> int:
    content = asking.state(room_id)["m.room.power_levels", ""]["content"]
    return content.get("users", {}).get(other.user_id, content.get("users_default", 0))


def test_who_is_kicked_is_out_and_may_come_back(
    pair: Pair, alice: Person, bob: Person, room_id: str
) -> None:
    alice.kick(room_id, bob, reason="for a walk")
    bob.wait(lambda: room_id in bob.rooms["leave"], "being kicked")
    with pytest.raises(Refused) as refusal:
        bob.send(room_id, "I am still here")
    assert refusal.value.errcode == "M_FORBIDDEN"
    unheard = alice.send(room_id, "he is gone")
    bob.join(room_id, pair[0].name)
    bob.wait_for_event(room_id, alice.send(room_id, "welcome back"))
    agree(room_id, alice, bob)
    know(room_id, [unheard], alice, bob)


def test_who_is_banned_stays_out_until_the_ban_is_lifted(
    pair: Pair, alice: Person, bob: Person, room_id: str
) -> None:
    alice.ban(room_id, bob, reason="enough")
    bob.wait(lambda: room_id in bob.rooms["leave"], "being banned")
    banned = next(
        one for one in reversed(bob.timelines[room_id]) if one.get("state_key") == bob.user_id
    )
    assert banned["content"] == {"membership": "ban", "reason": "enough"}
    with pytest.raises(Refused) as refusal:
        bob.join(room_id, pair[0].name)
    assert refusal.value.errcode == "M_FORBIDDEN"
    with pytest.raises(Refused) as refusal:
        alice.invite(room_id, bob)
    # COMPAT(Synapse, 1.163): it says M_BAD_STATE.
    assert refusal.value.status == 403
    alice.unban(room_id, bob)
    bob.join(room_id, pair[0].name)
    alice.wait_for_membership(room_id, bob, "join")
    agree(room_id, alice, bob)


def test_who_was_never_there_is_banned(pair: Pair, alice: Person, bob: Person) -> None:
    room_id = alice.create_room(preset="public_chat")
    alice.ban(room_id, bob)
    with pytest.raises(Refused) as refusal:
        bob.join(room_id, pair[0].name)
    assert refusal.value.errcode == "M_FORBIDDEN"


def test_a_moderator_of_another_server_moderates(
    pair: Pair, alice: Person, bob: Person, room_id: str, person: New
) -> None:
    carol, dora = person(pair[0], "carol"), person(pair[1], "dora")
    carol.join(room_id)
    dora.join(room_id, pair[0].name)
    bob.wait_for_membership(room_id, carol, "join")
    with pytest.raises(Refused) as refusal:
        bob.kick(room_id, carol)
    assert refusal.value.errcode == "M_FORBIDDEN"
    empower(room_id, alice, bob, 50)
    bob.kick(room_id, carol)
    bob.ban(room_id, dora)
    carol.wait(lambda: room_id in carol.rooms["leave"], "being kicked")
    dora.wait(lambda: room_id in dora.rooms["leave"], "being banned")
    alice.wait_for_membership(room_id, carol, "leave")
    alice.wait_for_membership(room_id, dora, "ban")
    with pytest.raises(Refused) as refusal:
        bob.ban(room_id, alice)
    assert refusal.value.errcode == "M_FORBIDDEN"
    agree(room_id, alice, bob)


@pytest.mark.parametrize("version", ["1", "6", "9", "11", "12"])
def test_power_is_given_and_taken(pair: Pair, alice: Person, bob: Person, version: str) -> None:
    room_id = alice.create_room(
        preset="public_chat",
        room_version=version,
        power_level_content_override={"events": {"m.room.topic": 60}, "invite": 30},
    )
    bob.join(room_id, pair[0].name)
    alice.wait_for_membership(room_id, bob, "join")
    with pytest.raises(Refused):
        bob.put_state(room_id, "m.room.topic", {"topic": "mine"})
    empower(room_id, alice, bob, 60)
    bob.put_state(room_id, "m.room.topic", {"topic": "mine"})
    agree(room_id, alice, bob)
    # He may lay it down himself, and then has none to take it up again.
    bob.empower(room_id, {bob: 0})
    agree(room_id, alice, bob)
    with pytest.raises(Refused):
        bob.empower(room_id, {bob: 60})
    assert power(alice, room_id, bob) == 0
    assert alice.state(room_id)["m.room.topic", ""]["content"] == {"topic": "mine"}


def test_who_is_muted_is_not_heard(alice: Person, bob: Person, room_id: str) -> None:
    alice.empower(room_id, {bob: -1})
    bob.wait(lambda: power(bob, room_id, bob) == -1, "being muted")
    with pytest.raises(Refused) as refusal:
        bob.send(room_id, "mmmh")
    assert refusal.value.errcode == "M_FORBIDDEN"


def test_a_room_that_is_not_for_others_stays_here(pair: Pair, alice: Person, bob: Person) -> None:
    room_id = alice.create_room(preset="public_chat", creation_content={"m.federate": False})
    with pytest.raises(Refused) as refusal:
        bob.join(room_id, pair[0].name)
    assert refusal.value.errcode == "M_FORBIDDEN"
    with pytest.raises(Refused) as refusal:
        alice.invite(room_id, bob)
    assert refusal.value.errcode == "M_FORBIDDEN"
