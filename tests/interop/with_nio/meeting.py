"""Alice and Bob meet, talk and part."""

import asyncio
import time

import nio

from tests.interop.with_nio.people import Person

# So much less than the poll that it was woken, on a busy machine too. How fast it is: tests/bench.
SOON_S = 10.0
TYPING_MS = 60_000


async def talk(alice: Person, bob: Person) -> None:
    room_id = await meet(alice, bob)
    await converse(alice, bob, room_id)
    await look_back(bob, room_id)
    await part(alice, bob, room_id)


async def meet(alice: Person, bob: Person) -> str:
    room_id = await alice.makes(name="A garden", topic="Roses")
    await alice.does(alice.client.room_invite(room_id, bob.user_id))
    await bob.sees(lambda: room_id in bob.client.invited_rooms)
    assert bob.client.invited_rooms[room_id].inviter == alice.user_id
    await bob.joins(room_id)
    assert bob.client.rooms[room_id].name == "A garden"
    await alice.sees(lambda: bob.user_id in alice.members_of(room_id))
    return room_id


async def converse(alice: Person, bob: Person, room_id: str) -> None:
    """Bob waits in a long poll, in one worker, while Alice writes in the other."""
    await bob.does(bob.client.sync(timeout=0))
    waiting = asyncio.create_task(bob.sees(lambda: (alice.user_id, "Hello, Bob!") in bob.said))
    await asyncio.sleep(0.5)
    assert not waiting.done()
    sent = time.monotonic()
    await alice.says(room_id, "Hello, Bob!")
    await waiting
    assert time.monotonic() - sent < SOON_S
    await bob.does(bob.client.room_typing(room_id, True, timeout=TYPING_MS))
    await alice.sees(lambda: alice.typing == [bob.user_id])
    answer_id = await bob.says(room_id, "Hello, Alice! Grüße 🌹")
    await alice.sees(lambda: (bob.user_id, "Hello, Alice! Grüße 🌹") in alice.said)
    await bob.does(bob.client.room_typing(room_id, False))
    await alice.sees(lambda: alice.typing == [])
    await alice.does(alice.client.update_receipt_marker(room_id, answer_id))
    await bob.sees(lambda: bob.read.get(alice.user_id) == answer_id)
    await bob.does(bob.client.room_read_markers(room_id, answer_id, read_event=answer_id))
    await alice.sees(lambda: alice.read.get(bob.user_id) == answer_id)


async def look_back(bob: Person, room_id: str) -> None:
    """The room's history, from its end."""
    page = await bob.does(bob.client.room_messages(room_id, bob.client.next_batch, limit=50))
    texts = [event.body for event in page.chunk if isinstance(event, nio.RoomMessageText)]
    assert texts == ["Hello, Alice! Grüße 🌹", "Hello, Bob!"], texts


async def part(alice: Person, bob: Person, room_id: str) -> None:
    await bob.does(bob.client.room_leave(room_id))
    await alice.sees(lambda: bob.user_id not in alice.members_of(room_id))
    await bob.is_refused(
        bob.client.room_send(room_id, "m.room.message", {"msgtype": "m.text", "body": "still?"}),
        "M_FORBIDDEN",
    )
    await bob.does(bob.client.logout())
    await alice.does(alice.client.room_leave(room_id))
