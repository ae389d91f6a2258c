"""What is said in a room of two servers: edits, redactions, reactions and threads are on both what
they are on one. C-S API, "Relationships", "Redactions".
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.synapse.comparing import agree, eventually, know
from tests.synapse.homeservers import Homeserver, SynapseServer
from tests.synapse.people import WAIT_S_MAX, Json, Person

Pair = tuple[Homeserver, Homeserver]

# What JSON can say and programs stumble over.
ODD_CONTENTS: list[Json] = [
    {"text": 'quotes " and \\ and / and \t and \x7f and \x1f'},
    {"text": "\u2028 \u2029 \ufeff \ufffe 🌹 e\u0301 \U0010ffff"},
    {"numbers": [0, -1, 2**53 - 1, -(2**53) + 1]},
    {"\U0001f339": 1, "\ue000": 2, "a": 3, "A": 4, "": 5, "a.b": 6},
    {"nested": {"empty": {}, "list": [], "null": None, "yes": True, "no": False}},
    {"text": "long " * 11_000},
]
# Room versions before 6 have no word on what a number may be.
OLD_NUMBERS: Json = {"numbers": [1.5, 1e-7, 0.1, 123456.789, 2**53, -(2**60)]}


@pytest.fixture
def room_id(pair: Pair, alice: Person, bob: Person) -> str:
    """Both are in it."""
    return room_of_both(pair, alice, bob)


def room_of_both(pair: Pair, alice: Person, bob: Person, **options: Any) -> str:
    room_id = alice.create_room(preset="public_chat", **options)
    bob.join(room_id, pair[0].name)
    alice.wait_for_membership(room_id, bob, "join")
    return room_id


def test_an_edit_replaces_on_both(alice: Person, bob: Person, room_id: str) -> None:
    for writer, reader in ((alice, bob), (bob, alice)):
        original = writer.send(room_id, "frist")
        edit = writer.send(
            room_id,
            "* first",
            **{
                "m.new_content": {"msgtype": "m.text", "body": "first"},
                "m.relates_to": {"rel_type": "m.replace", "event_id": original},
            },
        )
        reader.wait_for_event(room_id, edit)
        for one in (writer, reader):
            relations = one.event(room_id, original)["unsigned"]["m.relations"]
            assert relations["m.replace"]["event_id"] == edit
            assert relations["m.replace"]["content"]["m.new_content"]["body"] == "first"


def test_who_edits_what_another_said_changes_nothing(
    alice: Person, bob: Person, room_id: str
) -> None:
    original = alice.send(room_id, "mine")
    bob.wait_for_event(room_id, original)
    edit = bob.send(
        room_id,
        "* yours",
        **{
            "m.new_content": {"msgtype": "m.text", "body": "yours"},
            "m.relates_to": {"rel_type": "m.replace", "event_id": original},
        },
    )
    alice.wait_for_event(room_id, edit)
    for one in (alice, bob):
        unsigned = one.event(room_id, original).get("unsigned", {})
        assert "m.replace" not in unsigned.get("m.relations", {})


def test_reactions_are_counted_on_both_and_taken_back(
    alice: Person, bob: Person, room_id: str
) -> None:
    message = alice.send(room_id, "what do you think?")
    bob.wait_for_event(room_id, message)
    reactions = [react(one, room_id, message, "👍️") for one in (alice, bob)]
    alice.wait_for_event(room_id, reactions[1])
    bob.wait_for_event(room_id, reactions[0])
    for one in (alice, bob):
        found = one.related(room_id, message, "m.annotation")
        assert {each["event_id"] for each in found} == set(reactions)
    taken_back = bob.redact(room_id, reactions[1])
    alice.wait_for_event(room_id, taken_back)
    for one in (alice, bob):
        found = one.related(room_id, message, "m.annotation")
        assert [each["event_id"] for each in found] == reactions[:1]


def react(person: Person, room_id: str, event_id: str, key: str) -> str:
    relation = {"rel_type": "m.annotation", "event_id": event_id, "key": key}
    return person.send_event(room_id, "m.reaction", {"m.relates_to": relation})


# Version 11 moved `redacts` into the content, and which keys survive differs since 6, 8, 9 and 11.
@pytest.mark.parametrize("version", ["1", "3", "10", "11", "12"])
def test_what_is_redacted_is_gone_on_both(
    pair: Pair, alice: Person, bob: Person, version: str
) -> None:
    room_id = room_of_both(pair, alice, bob, room_version=version)
    own, others, state = (
        bob.send(room_id, "slip of the tongue"),
        bob.send(room_id, "rude"),
        alice.put_state(room_id, "org.example.note", {"text": "secret"}),
    )
    alice.wait_for_event(room_id, others)
    bob.wait_for_event(room_id, state)
    # Bob his own, and Alice, who moderates, that of another.
    redactions = {own: bob.redact(room_id, own, reason="oops")}
    redactions |= {one: alice.redact(room_id, one) for one in (others, state)}
    alice.wait_for_event(room_id, redactions[own])
    bob.wait_for_event(room_id, redactions[state])
    for event_id, redaction_id in redactions.items():
        for one in (alice, bob):
            event = one.event(room_id, event_id)
            assert event["content"] == {}
            assert event["unsigned"]["redacted_because"]["event_id"] == redaction_id
    assert alice.event(room_id, redactions[own])["content"]["reason"] == "oops"
    agree(room_id, alice, bob)


def test_who_may_not_redact_what_another_said_does_not(
    alice: Person, bob: Person, room_id: str
) -> None:
    message = alice.send(room_id, "true")
    bob.wait_for_event(room_id, message)
    with pytest.raises(AssertionError, match="M_FORBIDDEN"):
        bob.redact(room_id, message)
    assert alice.event(room_id, message)["content"]["body"] == "true"


def test_a_thread_is_one_on_both(alice: Person, bob: Person, room_id: str) -> None:
    root = alice.send(room_id, "let us talk about trees")
    bob.wait_for_event(room_id, root)
    thread = {"m.relates_to": {"rel_type": "m.thread", "event_id": root}}
    first = bob.send(room_id, "oaks", **thread)
    alice.wait_for_event(room_id, first)
    second = alice.send(room_id, "elms", **thread)
    bob.wait_for_event(room_id, second)
    for one in (alice, bob):
        threads = one.call("GET", f"/_matrix/client/v1/rooms/{room_id}/threads")["chunk"]
        assert [each["event_id"] for each in threads] == [root]
        bundled = threads[0]["unsigned"]["m.relations"]["m.thread"]
        assert bundled["count"] == 2
        assert bundled["latest_event"]["event_id"] == second
        assert bundled["current_user_participated"]
        replies = one.related(room_id, root, "m.thread")
        assert [each["event_id"] for each in replies] == [second, first]


@pytest.mark.parametrize("version", ["1", "5", "6", "12"])
def test_what_is_odd_arrives_as_it_was_said(
    pair: Pair, alice: Person, bob: Person, version: str
) -> None:
    room_id = room_of_both(pair, alice, bob, room_version=version)
    for writer, reader in ((alice, bob), (bob, alice)):
        sent = [writer.send_event(room_id, "org.example.odd", one) for one in ODD_CONTENTS]
        for event_id, content in zip(sent, ODD_CONTENTS, strict=True):
            assert reader.wait_for_event(room_id, event_id)["content"] == content
        know(room_id, sent, alice, bob)


@pytest.mark.parametrize("version", ["1", "5"])
def test_numbers_of_old_rooms_arrive_as_they_were_said(
    soma: Homeserver, synapse: Homeserver, person: Callable[..., Person], version: str
) -> None:
    """Soma lets nobody write them, but others may."""
    alice, bob = person(synapse, "alice"), person(soma, "bob")
    room_id = room_of_both((synapse, soma), alice, bob, room_version=version)
    sent = alice.send_event(room_id, "org.example.odd", OLD_NUMBERS)
    assert bob.wait_for_event(room_id, sent)["content"] == OLD_NUMBERS
    know(room_id, [sent], alice, bob)


@pytest.mark.parametrize("version", ["1", "11"])
def test_odd_keys_of_state_are_the_same(
    pair: Pair, alice: Person, bob: Person, version: str
) -> None:
    room_id = room_of_both(pair, alice, bob, room_version=version)
    alice.empower(room_id, {bob: 50})
    bob.wait(lambda: bob_has_power(bob, room_id), "power")
    for one in (alice, bob):
        for key in ("\u2028 \"'/ ☃ \U0010ffff ." * 10, "%2F", "a/b/c", " ", one.user_id):
            one.put_state(room_id, f"org.example ☃/%2F {one.user_id}", {"by": one.user_id}, key)
    agree(room_id, alice, bob)


def bob_has_power(bob: Person, room_id: str) -> bool:
    levels = bob.state(room_id)["m.room.power_levels", ""]["content"]
    return levels.get("users", {}).get(bob.user_id) == 50


@pytest.mark.parametrize("count", [300])
def test_many_messages_arrive_in_order(
    pair: Pair, alice: Person, bob: Person, room_id: str, count: int
) -> None:
    sent = [alice.send(room_id, f"number {number}") for number in range(count)]
    bob.wait_for_event(room_id, sent[-1])
    told = [one["event_id"] for one in bob.timelines[room_id]]
    chosen = set(sent)
    found = [one for one in told if one in chosen]
    assert found == [one for one in sent if one in set(found)]

    def backwards() -> list[str]:
        return [one["event_id"] for one in bob.history(room_id) if one["event_id"] in chosen]

    # COMPAT(Synapse, 1.163): once a hundred events of a room wait for it to handle them, it keeps
    # the last, and fetches the others when somebody looks back.
    patience_s = WAIT_S_MAX if isinstance(pair[1], SynapseServer) else 0
    eventually(
        lambda: backwards()[::-1] == sent,
        lambda: f"{len(set(sent) - set(backwards()))} are missing, or they are in another order",
        patience_s,
    )
