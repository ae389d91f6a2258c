"""What is said of people and lasts a moment: typing, receipts, presence. S-S API, "EDUs"."""

import pytest

from tests.synapse.comparing import agree
from tests.synapse.homeservers import Homeserver
from tests.synapse.people import Json, Person

Pair = tuple[Homeserver, Homeserver]


@pytest.fixture
def room_id(pair: Pair, alice: Person, bob: Person) -> str:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id, pair[0].name)
    alice.wait_for_membership(room_id, bob, "join")
    agree(room_id, alice, bob)
    return room_id


def typing(person: Person, room_id: str) -> list[str] | None:
    """Who is, by what came last."""
    told = [one for one in person.ephemeral if one["type"] == "m.typing"]
    return next((one["content"]["user_ids"] for one in reversed(told)), None)


def receipts(person: Person, event_id: str, kind: str, of: Person) -> list[Json]:
    return [
        one["content"][event_id][kind][of.user_id]
        for one in person.ephemeral
        if one["type"] == "m.receipt"
        and of.user_id in one["content"].get(event_id, {}).get(kind, {})
    ]


def test_who_types_is_seen_and_who_stops(alice: Person, bob: Person, room_id: str) -> None:
    for writer, reader in ((alice, bob), (bob, alice)):
        place = f"/rooms/{room_id}/typing/{writer.user_id}"
        writer.put(place, {"typing": True, "timeout": 30_000})
        reader.wait(lambda r=reader, w=writer: typing(r, room_id) == [w.user_id], "typing")
        writer.put(place, {"typing": False})
        reader.wait(lambda r=reader: typing(r, room_id) == [], "the end of typing")


def test_what_was_read_is_seen(alice: Person, bob: Person, room_id: str) -> None:
    for writer, reader in ((alice, bob), (bob, alice)):
        event_id = writer.send(room_id, "read this")
        reader.wait_for_event(room_id, event_id)
        reader.post(f"/rooms/{room_id}/receipt/m.read/{event_id}", {})
        found = writer.wait(
            lambda w=writer, r=reader, e=event_id: receipts(w, e, "m.read", r), "a receipt"
        )
        assert "thread_id" not in found[0]


def test_what_was_read_in_a_thread_is_seen_there(alice: Person, bob: Person, room_id: str) -> None:
    for writer, reader in ((alice, bob), (bob, alice)):
        root = writer.send(room_id, "a thread")
        relation = {"rel_type": "m.thread", "event_id": root}
        reply = writer.send(room_id, "in it", **{"m.relates_to": relation})
        reader.wait_for_event(room_id, reply)
        for event_id, thread_id in ((reply, root), (root, "main")):
            body = {"thread_id": thread_id}
            reader.post(f"/rooms/{room_id}/receipt/m.read/{event_id}", body)
            found = writer.wait(
                lambda w=writer, r=reader, e=event_id: receipts(w, e, "m.read", r), "a receipt"
            )
            assert found[0]["thread_id"] == thread_id


def test_what_was_read_in_private_is_not_seen(alice: Person, bob: Person, room_id: str) -> None:
    for writer, reader in ((alice, bob), (bob, alice)):
        first, second = writer.send(room_id, "one"), writer.send(room_id, "two")
        reader.wait_for_event(room_id, second)
        reader.post(f"/rooms/{room_id}/receipt/m.read.private/{first}", {})
        reader.post(f"/rooms/{room_id}/receipt/m.read/{second}", {})
        writer.wait(lambda w=writer, r=reader, e=second: receipts(w, e, "m.read", r), "a receipt")
        assert receipts(writer, first, "m.read.private", reader) == []
        assert receipts(writer, first, "m.read", reader) == []


def test_who_is_there_and_what_they_do_is_seen(alice: Person, bob: Person, room_id: str) -> None:
    for one, other in ((alice, bob), (bob, alice)):
        for state, words in (("unavailable", "at lunch 🍲"), ("online", "back")):
            body = {"presence": state, "status_msg": words}
            one.put(f"/presence/{one.user_id}/status", body)
            other.wait(
                lambda o=other, u=one, s=state, w=words: is_told(o, u, s, w), f"being {state}"
            )


def is_told(person: Person, of: Person, state: str, words: str) -> bool:
    told = [one["content"] for one in person.presence if one["sender"] == of.user_id]
    return any((one["presence"], one.get("status_msg")) == (state, words) for one in told)
