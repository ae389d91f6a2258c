"""A join of a room on another server while either server is killed in the middle: it can be made
again, and nothing half is left of it, whether the members were known already or not.

In CI one join for each of the servers; `SOMA_FAULTS_ROUNDS=10` makes so often more.
"""

import os
import random
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from tests.faults.federating import again, running, wait_until_here
from tests.synapse.homeservers import SomaServer
from tests.synapse.people import Person, Refused, quote

ROUNDS = int(os.environ.get("SOMA_FAULTS_ROUNDS", "1"))
# Of either server.
KILLS = 1
# So much state that the room comes in more than one piece; and members, who come after it.
STATE_EVENTS = 500
MEMBERS = 12
JOIN_S_MAX = 60.0
COME_S_MAX = 30.0


def a_room(people: Sequence[Person]) -> str:
    state = [
        {"type": "org.example.thing", "state_key": str(number), "content": {"n": number}}
        for number in range(STATE_EVENTS)
    ]
    owner, *others = people
    room_id = owner.create_room(preset="public_chat", room_version="11", initial_state=state)
    for other in others:
        other.join(room_id)
    return room_id


def try_to_join(person: Person, room_id: str, via: str) -> None:
    """Whatever becomes of it."""
    try:
        person.join(room_id, via)
    except (OSError, ValueError, Refused):
        pass


def join(person: Person, room_id: str, via: str) -> None:
    """Until it is done: whoever is away is back soon."""
    deadline = time.monotonic() + JOIN_S_MAX
    while True:
        try:
            person.join(room_id, via)
            return
        except (OSError, ValueError, Refused):
            if time.monotonic() > deadline:
                raise
        time.sleep(0.3)


def check_whole_or_absent(person: Person, room_id: str) -> None:
    """After a join that was cut short: the room is there with its state, or it is not."""
    joined = again(person, "GET", "/_matrix/client/v3/joined_rooms")["joined_rooms"]
    path = f"/_matrix/client/v3/rooms/{quote(room_id)}/state"
    if room_id in joined:
        # This waits for the members.
        events: Sequence[object] = again(person, "GET", path)  # type: ignore[assignment]
        assert len(events) > STATE_EVENTS + MEMBERS
    synced = again(person, "GET", "/_matrix/client/v3/sync?timeout=0")
    assert set(synced.get("rooms", {}).get("join", {})) == set(joined)
    if room_id in joined:
        return
    try:
        again(person, "GET", path)
    except Refused as refused:
        assert refused.status in (403, 404)
    else:
        raise AssertionError("the state of a room that nobody is in is shown")


def test_a_join_is_made_again_whoever_is_killed_in_it(tmp_path: Path) -> None:
    chance = random.Random(7)
    with running(tmp_path, 2) as servers:
        there = [servers[0].register(f"alice{number}") for number in range(MEMBERS)]
        alice, bob = there[0], servers[1].register("bob")
        began = time.monotonic()
        bob.join(a_room(there), servers[0].name)
        takes_s = time.monotonic() - began
        for number in range(2 * KILLS * ROUNDS):
            room_id = a_room(there)
            victim = servers[number % 2]
            _join_and_kill(bob, room_id, servers[0].name, victim, chance.uniform(0, takes_s))
            check_whole_or_absent(bob, room_id)
            join(bob, room_id, servers[0].name)
            _check_room(alice, bob, room_id, servers)


def _join_and_kill(
    person: Person, room_id: str, via: str, victim: SomaServer, after_s: float
) -> None:
    joining = threading.Thread(target=try_to_join, args=(person, room_id, via), daemon=True)
    joining.start()
    time.sleep(after_s)
    victim.kill()
    victim.start()
    joining.join(JOIN_S_MAX)


def _check_room(alice: Person, bob: Person, room_id: str, servers: Sequence[SomaServer]) -> None:
    """Both are in it, on both servers, and hear each other."""
    said = [alice.send(room_id, "from alice"), bob.send(room_id, "from bob")]
    for one in (alice, bob):
        left = wait_until_here(one, room_id, said, COME_S_MAX)
        assert not left, [server.troubles for server in servers]
    state = alice.state_ids(room_id)
    assert bob.state_ids(room_id) == state
    assert ("m.room.member", bob.user_id) in state
    assert len(state) > STATE_EVENTS + MEMBERS
