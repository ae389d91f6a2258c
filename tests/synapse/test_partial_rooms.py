"""People of Soma come into a room on Synapse that is too large to be told at once: what they can do
before all of its members are known, and what comes of it. S-S API, PUT /send_join, `omit_members`.

Few are in the room, but their memberships are long and the link is slow: so it takes as long as one
of thousands, and nothing else does."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.synapse.comparing import agree, know
from tests.synapse.homeservers import Homeserver
from tests.synapse.people import WAIT_S_MAX, Json, Person, quote

New = Callable[[Homeserver, str], Person]

LAZY = '{"room": {"state": {"lazy_load_members": true}}}'
# So many that their whole state is asked for, and so long that it takes a minute.
MEMBERS = 12
FILLER_CHARACTERS = 50_000
SLOW = 10_000
# What is done before the members are known has no reason to take longer.
SOON_S = 8.0


@dataclass
class Crowd:
    """A room on Synapse, with `members` of it besides Alice, who made it, and one of another."""

    room_id: str
    alice: Person
    members: list[Person]
    carol: Person


@pytest.fixture(scope="module")
def crowd_members(synapse: Homeserver, other_synapse: Homeserver) -> list[Person]:
    people = [synapse.register(f"member{number}") for number in range(MEMBERS)]
    return [*people, other_synapse.register("member")]


@pytest.fixture
def crowd(
    synapse: Homeserver, other_synapse: Homeserver, crowd_members: list[Person], person: New
) -> Iterator[Crowd]:
    alice = person(synapse, "alice")
    encryption = {
        "type": "m.room.encryption",
        "state_key": "",
        "content": {"algorithm": "m.megolm.v1.aes-sha2"},
    }
    room_id = alice.create_room(
        preset="public_chat", name="A crowd", room_version="11", initial_state=[encryption]
    )
    *members, carol = crowd_members
    for one in members:
        _come_with_much(one, room_id)
    carol.join(room_id, synapse.name)
    alice.wait_for_membership(room_id, carol, "join")
    # Hers is one of those servers that come in before they know all members.
    agree(room_id, alice, carol)
    synapse.link.bytes_per_second = SLOW
    yield Crowd(room_id, alice, members, carol)
    for server in (synapse, other_synapse):
        server.link.mend()


def _come_with_much(member: Person, room_id: str) -> None:
    content = {"membership": "join", "org.example.filler": "x" * FILLER_CHARACTERS}
    member.put_state(room_id, "m.room.member", content, member.user_id)


class Reader:
    """A client of somebody's that loads members as it needs them."""

    def __init__(self, person: Person) -> None:
        self._person = person
        self._since = person.get("/sync", filter=LAZY)["next_batch"]
        self.timeline: list[Json] = []
        self.changed: set[str] = set()
        self.summary: Json = {}
        self.left: set[str] = set()

    def sync(self, room_id: str) -> None:
        news = self._person.get("/sync", filter=LAZY, since=self._since, timeout=1000)
        self._since = news["next_batch"]
        rooms = news.get("rooms", {})
        told = rooms.get("join", {}).get(room_id, {})
        self.timeline += told.get("timeline", {}).get("events", [])
        self.summary |= told.get("summary", {})
        self.changed |= set(news.get("device_lists", {}).get("changed", []))
        self.left |= rooms.get("leave", {}).keys()

    def read(self, room_id: str, event_id: str, seconds: float = SOON_S) -> None:
        self.wait(room_id, lambda: any(e["event_id"] == event_id for e in self.timeline), seconds)

    def wait(self, room_id: str, what: Callable[[], Any], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline, (self.timeline, self.summary)
            self.sync(room_id)


class Waiting(threading.Thread):
    """Asks for the members of a room, which takes until they are known."""

    def __init__(self, person: Person, room_id: str) -> None:
        super().__init__(daemon=True)
        self._person, self._room_id = person, room_id
        self.answer: list[Json] = []
        self.start()

    def run(self) -> None:
        self.answer = self._person.get(f"/rooms/{quote(self._room_id)}/members")["chunk"]

    def end(self) -> list[Json]:
        self.join(WAIT_S_MAX)
        assert not self.is_alive()
        return self.answer


def _join(person: Person, room_id: str, via: str) -> None:
    began = time.monotonic()
    person.join(room_id, via)
    assert time.monotonic() - began < SOON_S


def test_a_room_is_used_before_its_members_are_known(
    soma: Homeserver, synapse: Homeserver, crowd: Crowd, person: New
) -> None:
    room_id, alice = crowd.room_id, crowd.alice
    bob, berta, plain = (person(soma, name) for name in ("bob", "berta", "plain"))
    reader = Reader(bob)
    _join(bob, room_id, synapse.name)
    asking = Waiting(bob, room_id)
    hello = bob.send(room_id, "hello")
    reader.read(room_id, hello)
    alice.wait_for_event(room_id, hello)
    # By somebody who is not known to be in the room yet, and by one who is.
    heard = [crowd.members[0].send(room_id, "welcome"), alice.send(room_id, "welcome")]
    for event_id in heard:
        reader.read(room_id, event_id)
    topic = alice.put_state(room_id, "m.room.topic", {"topic": "crowds"})
    reader.read(room_id, topic)
    assert bob.get(f"/rooms/{quote(room_id)}/state/m.room.topic/") == {"topic": "crowds"}
    # Others of Soma come in.
    for one in (berta, plain):
        _join(one, room_id, synapse.name)
        alice.wait_for_membership(room_id, one, "join")
    plain.sync()
    assert room_id not in plain.rooms["join"]
    assert asking.is_alive()
    synapse.link.mend()
    # All that wait are told all.
    members = {one["state_key"] for one in asking.end()}
    assert members >= {one.user_id for one in (alice, bob, crowd.carol, *crowd.members)}
    plain.wait(lambda: room_id in plain.rooms["join"], "the room")
    reader.wait(room_id, lambda: reader.summary["m.joined_member_count"] == MEMBERS + 5, SOON_S)
    assert reader.changed >= {one.user_id for one in (alice, crowd.carol, *crowd.members)}
    agree(room_id, alice, bob, crowd.carol)
    know(room_id, [hello, *heard, topic], alice, bob, berta, crowd.carol)


def test_who_leaves_or_is_put_out_before_the_members_are_known(
    soma: Homeserver, synapse: Homeserver, crowd: Crowd, person: New
) -> None:
    room_id, alice = crowd.room_id, crowd.alice
    bob, berta, carl = (person(soma, name) for name in ("bob", "berta", "carl"))
    readers = {one: Reader(one) for one in (bob, berta, carl)}
    for one in readers:
        _join(one, room_id, synapse.name)
        alice.wait_for_membership(room_id, one, "join")
    alice.kick(room_id, bob)
    readers[bob].wait(room_id, lambda: room_id in readers[bob].left, SOON_S)
    alice.ban(room_id, berta)
    readers[berta].wait(room_id, lambda: room_id in readers[berta].left, SOON_S)
    asking = Waiting(carl, room_id)
    # He is the last of his server.
    began = time.monotonic()
    carl.leave(room_id)
    assert time.monotonic() - began < SOON_S
    alice.wait_for_membership(room_id, carl, "leave")
    assert asking.is_alive()
    synapse.link.mend()
    assert asking.end()
    # They may come back, or not.
    carl.join(room_id, synapse.name)
    bob.join(room_id, synapse.name)
    for one in (bob, carl):
        alice.wait_for_membership(room_id, one, "join")
    assert alice.membership_of(room_id, berta) == "ban"
    agree(room_id, alice, bob, carl, crowd.carol)


def test_a_server_that_is_killed_before_the_members_are_known_gets_them(
    soma: Homeserver, synapse: Homeserver, crowd: Crowd, person: New
) -> None:
    room_id, alice = crowd.room_id, crowd.alice
    bob = person(soma, "bob")
    _join(bob, room_id, synapse.name)
    bob.sync()
    assert room_id not in bob.rooms["join"]
    soma.kill()
    missed = crowd.members[0].send(room_id, "are you there?")
    soma.start()
    hello = bob.send(room_id, "hello")
    alice.wait_for_event(room_id, hello)
    synapse.link.mend()
    assert len(Waiting(bob, room_id).end()) == MEMBERS + 3
    agree(room_id, alice, bob, crowd.carol)
    know(room_id, [missed, hello], alice, bob, crowd.carol)


def test_another_server_is_asked_where_the_first_is_gone(
    soma: Homeserver, synapse: Homeserver, crowd: Crowd, person: New
) -> None:
    room_id = crowd.room_id
    bob = person(soma, "bob")
    _join(bob, room_id, synapse.name)
    asking = Waiting(bob, room_id)
    crowd.carol.wait_for_membership(room_id, bob, "join")
    assert asking.is_alive()
    synapse.link.cut()
    assert len(asking.end()) == MEMBERS + 3
    synapse.link.mend()
    hello = bob.send(room_id, "hello")
    crowd.alice.wait_for_event(room_id, hello)
    agree(room_id, crowd.alice, bob, crowd.carol)
