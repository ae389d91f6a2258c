"""History across servers: what was said before one came is read back, and rooms come without their
members first. S-S API, "Backfilling and retrieving missing events", PUT /send_join.
"""

import pytest

from tests.synapse.comparing import agree, bare
from tests.synapse.homeservers import Homeserver
from tests.synapse.people import Json, Person
from tests.synapse.test_rooms import Pair, two_people

SAID = 130


def a_room_with_history(alice: Person, version: str = "11") -> tuple[str, list[str]]:
    """What was said in it, and some that was done, in its order."""
    room_id = alice.create_room(preset="public_chat", room_version=version, name="Old")
    made: list[str] = []
    for number in range(SAID):
        if number % 25 == 10:
            made.append(alice.put_state(room_id, "m.room.topic", {"topic": f"{number}"}))
        made.append(alice.send(room_id, f"{number}"))
    return room_id, made


def told(events: list[Json], among: list[str]) -> list[Json]:
    return [bare(one) for one in events if one["event_id"] in among]


@pytest.mark.parametrize("version", ["1", "6", "11", "12"])
def test_what_was_said_before_is_read_back(pair: Pair, version: str) -> None:
    alice, bob = two_people(pair)
    room_id, made = a_room_with_history(alice, version)
    bob.join(room_id, pair[0].name)
    own, theirs = bob.history(room_id), alice.history(room_id)
    assert [one["event_id"] for one in own if one["event_id"] in made] == made[::-1]
    assert told(own, made) == told(theirs, made)
    # Down to where the room begins.
    assert own[-1]["type"] == "m.room.create"


def test_history_is_shown_as_the_room_has_it(pair: Pair) -> None:
    alice, bob = two_people(pair)
    room_id = alice.create_room(preset="public_chat")
    alice.put_state(room_id, "m.room.history_visibility", {"history_visibility": "joined"})
    hidden = alice.send(room_id, "hidden")
    alice.put_state(room_id, "m.room.history_visibility", {"history_visibility": "shared"})
    shown = alice.send(room_id, "shown")
    bob.join(room_id, pair[0].name)
    seen = [one["event_id"] for one in bob.history(room_id)]
    assert shown in seen and hidden not in seen


def test_edits_and_redactions_of_history_count(pair: Pair) -> None:
    alice, bob = two_people(pair)
    room_id = alice.create_room(preset="public_chat")
    said, gone = alice.send(room_id, "first"), alice.send(room_id, "gone")
    new = {"msgtype": "m.text", "body": "second"}
    relates = {"rel_type": "m.replace", "event_id": said}
    alice.send(room_id, "* second", **{"m.new_content": new, "m.relates_to": relates})
    alice.put(f"/rooms/{room_id}/redact/{gone}/1", {})
    bob.join(room_id, pair[0].name)
    seen = {one["event_id"]: one for one in bob.history(room_id)}
    edit = seen[said]["unsigned"]["m.relations"]["m.replace"]
    assert edit["content"]["m.new_content"] == new
    assert seen[gone]["content"] == {} and "redacted_because" in seen[gone]["unsigned"]


def test_a_third_server_reads_what_the_second_has_read(
    soma: Homeserver, synapse: Homeserver, other_synapse: Homeserver
) -> None:
    (alice, bob), carol = two_people((synapse, soma)), other_synapse.register("history_carol")
    room_id, made = a_room_with_history(alice)
    bob.join(room_id, synapse.name)
    bob.history(room_id)
    carol.join(room_id, soma.name)
    own = carol.history(room_id)
    assert [one["event_id"] for one in own if one["event_id"] in made] == made[::-1]
    agree(room_id, alice, bob, carol)


def test_a_room_is_used_before_its_members_are_known(
    soma: Homeserver, synapse: Homeserver, other_synapse: Homeserver
) -> None:
    """Soma asks Synapse to leave them out, and is told of them later."""
    (alice, bob), carol = two_people((synapse, soma)), other_synapse.register("large_carol")
    others = [synapse.register(f"large{number}") for number in range(10)]
    room_id, made = a_room_with_history(alice)
    for one in (*others, carol):
        one.join(room_id, synapse.name)
    carol.wait_for_membership(room_id, others[-1], "join")
    bob.join(room_id, synapse.name)
    hello = bob.send(room_id, "hello")
    carol.wait_for_event(room_id, hello)
    alice.wait_for_event(room_id, hello)
    answer = carol.send(room_id, "hello yourself")
    bob.wait_for_event(room_id, answer)
    agree(room_id, alice, bob, carol)
    joined = bob.get(f"/rooms/{room_id}/joined_members")["joined"]
    assert len(joined) == 13
    own = bob.history(room_id)
    assert [one["event_id"] for one in own if one["event_id"] in made] == made[::-1]
