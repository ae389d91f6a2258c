"""One server is away for a while: what happened meanwhile it has afterwards. S-S API,
"Transactions", "Backfilling and retrieving missing events".
"""

from collections.abc import Callable

import pytest

from tests.synapse.comparing import agree, eventually, know
from tests.synapse.homeservers import Homeserver
from tests.synapse.people import Person, Refused

Pair = tuple[Homeserver, Homeserver]
New = Callable[[Homeserver, str], Person]
# More than a transaction holds (50), and more than anybody gives of missing events (20 at most).
MANY = 130


def both_in(pair: Pair, alice: Person, bob: Person, **options: object) -> str:
    room_id = alice.create_room(preset="public_chat", **options)
    bob.join(room_id, pair[0].name)
    alice.wait_for_membership(room_id, bob, "join")
    agree(room_id, alice, bob)
    return room_id


def stop(server: Homeserver) -> None:
    server.stop()


def kill(server: Homeserver) -> None:
    server.kill()


@pytest.mark.parametrize("end", [stop, kill])
@pytest.mark.parametrize("count", [5, MANY])
def test_who_was_away_has_what_was_said(
    pair: Pair, alice: Person, bob: Person, end: Callable[[Homeserver], None], count: int
) -> None:
    room_id = both_in(pair, alice, bob)
    before = bob.send(room_id, "good night")
    alice.wait_for_event(room_id, before)
    end(pair[1])
    sent = [alice.send(room_id, f"number {number}") for number in range(count)]
    topic = alice.put_state(room_id, "m.room.topic", {"topic": "while you slept"})
    pair[1].start()
    bob.wait_for_event(room_id, alice.send(room_id, "good morning"))
    agree(room_id, alice, bob)
    know(room_id, [before, *sent, topic], alice, bob)
    alice.wait_for_event(room_id, bob.send(room_id, "is it?"))


def test_who_was_away_comes_back_by_themselves(pair: Pair, alice: Person, bob: Person) -> None:
    """Nobody says anything once both are there again."""
    room_id = both_in(pair, alice, bob)
    pair[1].stop()
    sent = [alice.send(room_id, f"number {number}") for number in range(3)]
    pair[1].start()
    # COMPAT(Synapse, 1.163): it looks once a minute for those that are there again
    # (federation/sender/__init__.py: WAKEUP_RETRY_PERIOD).
    know(room_id, sent, alice, bob, wait_s=100)


def test_many_rooms_are_caught_up_with(pair: Pair, alice: Person, bob: Person) -> None:
    rooms = [both_in(pair, alice, bob) for _ in range(12)]
    pair[1].stop()
    sent = {room_id: [alice.send(room_id, f"{number}") for number in range(3)] for room_id in rooms}
    pair[1].start()
    for room_id in rooms:
        last = alice.send(room_id, "the last")
        bob.wait_for_event(room_id, last)
        know(room_id, [*sent[room_id], last], alice, bob)
        agree(room_id, alice, bob)


def test_members_who_came_and_went_meanwhile_are_known(
    pair: Pair, alice: Person, bob: Person, person: New
) -> None:
    room_id = both_in(pair, alice, bob)
    stays, goes, banned = (person(pair[0], name) for name in ("stays", "goes", "banned"))
    goes.join(room_id)
    agree(room_id, alice, bob)
    pair[1].kill()
    stays.join(room_id)
    goes.leave(room_id)
    alice.ban(room_id, banned)
    alice.empower(room_id, {stays: 50})
    stays.put_state(room_id, "m.room.topic", {"topic": "mine"})
    pair[1].start()
    bob.wait_for_event(room_id, stays.send(room_id, "hello"))
    agree(room_id, alice, bob)


def test_who_was_put_out_meanwhile_hears_of_it(pair: Pair, alice: Person, bob: Person) -> None:
    room_id = both_in(pair, alice, bob)
    pair[1].stop()
    alice.kick(room_id, bob)
    pair[1].start()
    other_id = both_in(pair, alice, bob)
    bob.wait_for_event(other_id, alice.send(other_id, "here we are"))
    bob.wait(lambda: room_id in bob.rooms["leave"], "being kicked")


def test_a_server_is_killed_while_it_receives(pair: Pair, alice: Person, bob: Person) -> None:
    room_id = both_in(pair, alice, bob)
    sent = []
    for number in range(60):
        sent.append(alice.send(room_id, f"number {number}"))
        if number == 30:
            pair[1].kill()
        if number == 45:
            pair[1].start()
    last = alice.send(room_id, "the last")
    bob.wait_for_event(room_id, last)
    know(room_id, [*sent, last], alice, bob)


def test_a_server_is_killed_while_it_sends(pair: Pair, alice: Person, bob: Person) -> None:
    """What was acknowledged is told to the others when it is there again."""
    room_id = both_in(pair, alice, bob)
    sent = [alice.send(room_id, f"number {number}") for number in range(40)]
    pair[0].kill()
    pair[0].start()
    # COMPAT(Synapse, 1.163): what it did not tell before it died, it tells with the next event.
    last = alice.send(room_id, "the last")
    bob.wait_for_event(room_id, last)
    know(room_id, [*sent, last], alice, bob)
    agree(room_id, alice, bob)


def test_a_room_is_not_joined_while_its_server_is_away(
    pair: Pair, alice: Person, bob: Person
) -> None:
    room_id = alice.create_room(preset="public_chat")
    pair[0].stop()
    with pytest.raises(Refused):
        bob.join(room_id, pair[0].name)
    pair[0].start()
    eventually(lambda: joins(bob, room_id, pair[0].name), lambda: "Bob cannot join")
    agree(room_id, alice, bob)


def joins(person: Person, room_id: str, via: str) -> bool:
    """Whether they can by now: a server that failed is left alone for a while."""
    try:
        person.join(room_id, via)
    except Refused:
        return False
    return True
