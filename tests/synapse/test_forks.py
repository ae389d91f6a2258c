"""Both sides of a room go on while the link between them is cut. When it is mended both must come
to the same state, whatever they did to each other. Room Versions, "State resolution".
"""

from collections.abc import Callable

import pytest

from tests.synapse.comparing import agree, know
from tests.synapse.homeservers import Homeserver
from tests.synapse.people import Person

Pair = tuple[Homeserver, Homeserver]
New = Callable[[Homeserver, str], Person]
# Of each algorithm, and where the rules of power changed.
VERSIONS = ["1", "2", "6", "10", "11", "12"]
# Moderators may give power and take it.
MODERATED = {"m.room.power_levels": 40}


class Fork:
    """A room of both, with the link cut; `mend` waits until they are of one mind."""

    def __init__(self, pair: Pair, alice: Person, bob: Person, version: str) -> None:
        self.pair, self.alice, self.bob = pair, alice, bob
        self.sent: list[str] = []
        self.room_id = alice.create_room(preset="public_chat", room_version=version)
        bob.join(self.room_id, pair[0].name)
        alice.wait_for_membership(self.room_id, bob, "join")
        agree(self.room_id, alice, bob)

    def empower(self, levels: dict[Person, int], **changes: object) -> None:
        self.alice.empower(self.room_id, levels, **changes)
        agree(self.room_id, self.alice, self.bob)

    def cut(self) -> None:
        for one in self.pair:
            one.link.cut()

    def say(self, person: Person, text: str) -> None:
        self.sent.append(person.send(self.room_id, text))

    def mend(self, *people: Person) -> None:
        """Those who are left say something, which takes both sides to the other."""
        for server in self.pair:
            server.link.mend()
        for one in people:
            self.say(one, "is anybody there?")
        know(self.room_id, self.sent, *people, wait_s=60)
        agree(self.room_id, *people)

    def set(self, person: Person, event_type: str, **content: object) -> None:
        person.put_state(self.room_id, event_type, dict(content))

    def content(self, event_type: str, state_key: str = "") -> dict[str, object]:
        return self.alice.state(self.room_id)[event_type, state_key]["content"]


@pytest.fixture
def fork(pair: Pair, alice: Person, bob: Person) -> Callable[[str], Fork]:
    return lambda version: Fork(pair, alice, bob, version)


@pytest.mark.parametrize("version", VERSIONS)
def test_both_talk_and_both_are_heard(
    alice: Person, bob: Person, fork: Callable[[str], Fork], version: str
) -> None:
    room = fork(version)
    room.cut()
    for number in range(5):
        room.say(alice, f"Alice {number}")
        room.say(bob, f"Bob {number}")
    room.mend(alice, bob)


@pytest.mark.parametrize("version", VERSIONS)
def test_both_change_the_same(
    alice: Person, bob: Person, fork: Callable[[str], Fork], version: str
) -> None:
    room = fork(version)
    room.empower({bob: 50})
    room.cut()
    for number in range(3):
        for one in (alice, bob):
            room.set(one, "m.room.topic", topic=f"{one.user_id} {number}")
            room.set(one, "m.room.name", name=f"{one.user_id} {number}")
    room.set(bob, "org.example.bob", by="bob")
    room.set(alice, "org.example.alice", by="alice")
    room.mend(alice, bob)
    assert room.content("org.example.bob") == {"by": "bob"}
    assert room.content("org.example.alice") == {"by": "alice"}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_fight_for_power_has_one_outcome(
    alice: Person, bob: Person, fork: Callable[[str], Fork], version: str, pair: Pair, person: New
) -> None:
    """Alice takes Bob's power while he takes that of others, and gives some to a friend."""
    room = fork(version)
    carol, dora = person(pair[0], "carol"), person(pair[1], "dora")
    for one in (carol, dora):
        one.join(room.room_id, pair[0].name)
    room.empower({bob: 90, carol: 80, dora: 70}, events=MODERATED)
    room.cut()
    alice.empower(room.room_id, {bob: 0})
    room.set(alice, "m.room.topic", topic="Alice rules")
    carol.empower(room.room_id, {dora: 60})
    room.set(carol, "m.room.name", name="Carol's")
    bob.empower(room.room_id, {carol: 0, dora: 85})
    room.set(bob, "m.room.topic", topic="Bob rules")
    dora.empower(room.room_id, {}, events_default=10)
    room.set(dora, "m.room.name", name="Dora's")
    room.say(alice, "it is mine")
    room.mend(alice)
    for one in (bob, carol, dora):
        agree(room.room_id, alice, one)
    assert "it is mine" in {one["content"].get("body") for one in alice.history(room.room_id)}


@pytest.mark.parametrize("version", ["2", "11", "12"])
def test_power_that_was_used_twice_is_used_once(
    alice: Person, bob: Person, fork: Callable[[str], Fork], version: str
) -> None:
    """Both change the levels at the same time, each in another way."""
    room = fork(version)
    room.empower({bob: 90}, events=MODERATED)
    room.cut()
    for number in range(1, 4):
        alice.empower(room.room_id, {}, ban=50 + number)
        bob.empower(room.room_id, {}, kick=50 + number)
    room.mend(alice, bob)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_ban_stands_against_what_the_banned_did_meanwhile(
    alice: Person, bob: Person, fork: Callable[[str], Fork], version: str, pair: Pair, person: New
) -> None:
    room = fork(version)
    carol = person(pair[1], "carol")
    carol.join(room.room_id, pair[0].name)
    room.empower({carol: 50})
    room.cut()
    alice.ban(room.room_id, carol)
    room.set(carol, "m.room.topic", topic="Carol was here")
    carol.send(room.room_id, "I am still here")
    room.say(bob, "so she is")
    room.mend(alice, bob)
    assert room.content("m.room.member", carol.user_id)["membership"] == "ban"
    if version != "1":
        # There, what only one side has is not in question.
        assert ("m.room.topic", "") not in alice.state(room.room_id)


@pytest.mark.parametrize("version", ["2", "11", "12"])
def test_moderators_put_each_other_out(
    alice: Person, bob: Person, fork: Callable[[str], Fork], version: str, pair: Pair, person: New
) -> None:
    room = fork(version)
    carol, dora = person(pair[0], "carol"), person(pair[1], "dora")
    for one in (carol, dora):
        one.join(room.room_id, pair[0].name)
    room.empower({bob: 90, carol: 50, dora: 50}, kick=40, ban=40, events=MODERATED)
    room.cut()
    alice.empower(room.room_id, {dora: 10})
    carol.kick(room.room_id, dora)
    bob.empower(room.room_id, {carol: 10})
    dora.send(room.room_id, "not me")
    bob.ban(room.room_id, carol)
    room.mend(alice, bob)


@pytest.mark.parametrize("version", ["2", "11", "12"])
def test_a_kick_does_not_wait_for_the_join_of_who_kicked(
    alice: Person, bob: Person, fork: Callable[[str], Fork], version: str, pair: Pair, person: New
) -> None:
    """Erin came last and has most power: what she does comes first all the same, and Carol does
    nothing any more."""
    room = fork(version)
    carol, dora, erin = person(pair[0], "carol"), person(pair[0], "dora"), person(pair[1], "erin")
    for one in (carol, dora, erin):
        one.join(room.room_id, pair[0].name)
        agree(room.room_id, alice, bob)
    room.empower({bob: 100, erin: 60, carol: 50})
    room.cut()
    carol.kick(room.room_id, dora)
    erin.kick(room.room_id, carol)
    room.mend(alice, bob)
    assert room.content("m.room.member", carol.user_id)["membership"] == "leave"
    assert room.content("m.room.member", dora.user_id)["membership"] == "join"


@pytest.mark.parametrize("version", ["2", "10", "12"])
def test_the_door_is_closed_while_somebody_comes_in(
    alice: Person, bob: Person, fork: Callable[[str], Fork], version: str, pair: Pair, person: New
) -> None:
    room = fork(version)
    carol = person(pair[1], "carol")
    room.cut()
    room.set(alice, "m.room.join_rules", join_rule="invite")
    carol.join(room.room_id)
    room.say(bob, "welcome")
    room.mend(alice, bob)


@pytest.mark.parametrize("version", ["1", "2", "11", "12"])
def test_long_branches_are_joined(
    alice: Person, bob: Person, fork: Callable[[str], Fork], version: str
) -> None:
    """Longer than anybody gives of missing events at once."""
    room = fork(version)
    room.empower({bob: 50})
    room.cut()
    for number in range(60):
        for one in (alice, bob):
            room.say(one, f"{number}")
            if number % 10 == 0:
                room.set(one, "m.room.topic", topic=f"{one.user_id} {number}")
    room.mend(alice, bob)


@pytest.mark.parametrize("version", ["2", "11", "12"])
def test_the_link_breaks_again_and_again(
    alice: Person, bob: Person, fork: Callable[[str], Fork], version: str
) -> None:
    room = fork(version)
    room.empower({bob: 50})
    for number in range(4):
        room.cut()
        for one in (alice, bob):
            room.set(one, "m.room.topic", topic=f"{one.user_id} {number}")
            room.say(one, f"{number}")
        room.mend(alice, bob)


@pytest.mark.parametrize("version", ["2", "12"])
def test_a_redaction_on_one_side_is_one_on_both(
    alice: Person, bob: Person, fork: Callable[[str], Fork], version: str
) -> None:
    room = fork(version)
    message = bob.send(room.room_id, "rude")
    alice.wait_for_event(room.room_id, message)
    room.cut()
    alice.redact(room.room_id, message)
    room.say(bob, "what did I say?")
    room.mend(alice, bob)
    for one in (alice, bob):
        assert one.event(room.room_id, message)["content"] == {}


def test_one_way_is_cut_and_the_other_is_not(
    alice: Person, bob: Person, fork: Callable[[str], Fork], pair: Pair
) -> None:
    """Bob's server is told nothing, and tells: what it says stands on what it has."""
    room = fork("11")
    room.empower({bob: 50})
    pair[1].link.cut()
    for number in range(3):
        room.set(alice, "m.room.topic", topic=f"Alice {number}")
        room.set(bob, "m.room.topic", topic=f"Bob {number}")
        room.say(bob, f"{number}")
        alice.wait_for_event(room.room_id, room.sent[-1])
    room.mend(alice, bob)
