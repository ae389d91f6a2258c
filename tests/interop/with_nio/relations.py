"""Alice and Bob react, edit, take back and talk in threads."""

from typing import Any

import nio
from nio.api import RelationshipType, ThreadInclusion

from tests.interop.with_nio.people import Person


async def talk(alice: Person, bob: Person) -> None:
    room_id = await alice.makes(preset=nio.RoomPreset.public_chat)
    await bob.joins(room_id)
    root = await alice.says(room_id, "the beginning")
    await react(alice, bob, room_id, root)
    await edit(alice, bob, room_id, root)
    await talk_in_threads(alice, bob, room_id, root)
    await take_back(alice, bob, room_id)


def relation(rel_type: str, event_id: str, **more: object) -> dict[str, Any]:
    return {"rel_type": rel_type, "event_id": event_id, **more}


async def react(alice: Person, bob: Person, room_id: str, root: str) -> None:
    content = {"m.relates_to": relation("m.annotation", root, key="🌹")}
    await bob.sends(room_id, "m.reaction", content)

    def reactions() -> list[tuple[str, str]]:
        found = [one for one in alice.events[room_id] if isinstance(one, nio.ReactionEvent)]
        return [(one.reacts_to, one.key) for one in found]

    await alice.sees(lambda: reactions() == [(root, "🌹")])
    again = bob.client.room_send(room_id, "m.reaction", content)
    await bob.is_refused(again, "M_DUPLICATE_ANNOTATION")


async def edit(alice: Person, bob: Person, room_id: str, root: str) -> None:
    edited = {"msgtype": "m.text", "body": "the very beginning"}
    await alice.says(
        room_id,
        "* the very beginning",
        **{"m.new_content": edited, "m.relates_to": relation("m.replace", root)},
    )
    await bob.sees(lambda: (alice.user_id, "* the very beginning") in bob.said)
    found = (await bob.does(bob.client.room_get_event(room_id, root))).event
    # The event stays as it was, and the newest edit is told with it.
    assert found.body == "the beginning"
    newest = found.source["unsigned"]["m.relations"]["m.replace"]
    assert newest["content"]["m.new_content"] == edited


async def talk_in_threads(alice: Person, bob: Person, room_id: str, root: str) -> None:
    other = await alice.says(room_id, "another")
    await bob.says(room_id, "one", **{"m.relates_to": relation("m.thread", root)})
    await bob.says(room_id, "two", **{"m.relates_to": relation("m.thread", root)})
    await alice.says(room_id, "mine", **{"m.relates_to": relation("m.thread", other)})
    await alice.sees(lambda: (bob.user_id, "two") in alice.said)

    async def threads(person: Person, include: ThreadInclusion) -> list[str]:
        # One a page, so that the pages are walked.
        pages = person.client.room_get_threads(room_id, include=include, limit=1)
        return [event.event_id async for event in pages]

    assert await threads(alice, ThreadInclusion.all) == [other, root]
    assert await threads(bob, ThreadInclusion.participated) == [root]
    replies = alice.client.room_get_event_relations(room_id, root, RelationshipType.thread, limit=1)
    assert [event.body async for event in replies] == ["two", "one"]
    page = await alice.does(alice.client.room_messages(room_id, limit=50))
    [found] = [event for event in page.chunk if event.event_id == root]
    summary = found.source["unsigned"]["m.relations"]["m.thread"]
    assert (summary["count"], summary["latest_event"]["content"]["body"]) == (2, "two")
    assert summary["current_user_participated"] is True  # The root is hers.


async def take_back(alice: Person, bob: Person, room_id: str) -> None:
    slip = await alice.says(room_id, "a slip")
    await alice.does(alice.client.room_redact(room_id, slip, reason="oh"))

    def redactions() -> list[tuple[str, str | None]]:
        found = [one for one in bob.events[room_id] if isinstance(one, nio.RedactionEvent)]
        return [(one.redacts, one.reason) for one in found]

    await bob.sees(lambda: redactions() == [(slip, "oh")])
    found = (await bob.does(bob.client.room_get_event(room_id, slip))).event
    assert isinstance(found, nio.RedactedEvent) and found.reason == "oh", found
