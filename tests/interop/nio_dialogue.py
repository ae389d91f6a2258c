"""Alice and Bob talk through matrix-nio: `-m tests.interop.nio_dialogue URL_OF_ALICE URL_OF_BOB`.

A process of its own: pytest's is patched for gevent, and matrix-nio runs on asyncio.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Any

import nio

POLL_MS = 30_000
WAIT_S_MAX = 60
# So much less than the poll that it was woken, on a busy machine too. How fast it is: tests/bench.
SOON_S = 10.0
TYPING_MS = 60_000


class Person:
    """A client and what it was told."""

    def __init__(self, url: str, name: str) -> None:
        self.client = nio.AsyncClient(url, name)
        self.name = name
        self.said: list[tuple[str, str]] = []
        self.typing: list[str] = []
        self.read: dict[str, str] = {}
        self.client.add_event_callback(self._on_text, nio.RoomMessageText)
        self.client.add_ephemeral_callback(self._on_typing, nio.TypingNoticeEvent)
        self.client.add_ephemeral_callback(self._on_receipt, nio.ReceiptEvent)

    @property
    def user_id(self) -> str:
        return self.client.user_id

    async def _on_text(self, room: nio.MatrixRoom, event: nio.RoomMessageText) -> None:
        self.said.append((event.sender, event.body))

    async def _on_typing(self, room: nio.MatrixRoom, event: nio.TypingNoticeEvent) -> None:
        self.typing = event.users

    async def _on_receipt(self, room: nio.MatrixRoom, event: nio.ReceiptEvent) -> None:
        self.read.update({receipt.user_id: receipt.event_id for receipt in event.receipts})

    async def does(self, answer: Any) -> Any:
        """What the client is asked to do must succeed."""
        response = await answer
        assert not isinstance(response, nio.ErrorResponse), f"{self.name}: {response}"
        return response

    def members_of(self, room_id: str) -> set[str]:
        room = self.client.rooms.get(room_id)
        return set(room.users) if room else set()

    async def sees(self, what: Callable[[], object]) -> None:
        """Polls until it is so."""
        deadline = time.monotonic() + WAIT_S_MAX
        while not what():
            assert time.monotonic() < deadline, f"{self.name} does not see it"
            await self.does(self.client.sync(timeout=POLL_MS))

    async def says(self, room_id: str, body: str) -> str:
        content = {"msgtype": "m.text", "body": body}
        sent = await self.does(self.client.room_send(room_id, "m.room.message", content))
        return sent.event_id


async def meet(alice: Person, bob: Person) -> str:
    """They register; Alice makes a room and Bob comes."""
    for person in (alice, bob):
        await person.does(person.client.register(person.name, f"secret of {person.name}"))
        await person.does(person.client.sync(timeout=0, full_state=True))
    made = await alice.does(alice.client.room_create(name="A garden", topic="Roses"))
    room_id = made.room_id
    await alice.does(alice.client.room_invite(room_id, bob.user_id))
    await bob.sees(lambda: room_id in bob.client.invited_rooms)
    assert bob.client.invited_rooms[room_id].inviter == alice.user_id
    await bob.does(bob.client.join(room_id))
    await bob.sees(lambda: room_id in bob.client.rooms)
    assert bob.client.rooms[room_id].name == "A garden"
    await alice.sees(lambda: bob.user_id in alice.members_of(room_id))
    return room_id


async def talk(alice: Person, bob: Person, room_id: str) -> None:
    """Bob waits in a long poll, in one worker, while Alice writes in the other."""
    await bob.does(bob.client.sync(timeout=0))
    waiting = asyncio.create_task(bob.sees(lambda: (alice.user_id, "Hello, Bob!") in bob.said))
    await asyncio.sleep(0.5)
    assert not waiting.done()
    sent = time.monotonic()
    await alice.says(room_id, "Hello, Bob!")
    await waiting
    print(f"arrived after {1000 * (time.monotonic() - sent):.0f} ms")
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
    refused = await bob.client.room_send(
        room_id, "m.room.message", {"msgtype": "m.text", "body": "still here?"}
    )
    assert isinstance(refused, nio.RoomSendError) and refused.status_code == "M_FORBIDDEN", refused
    await bob.does(bob.client.logout())
    await alice.does(alice.client.room_leave(room_id))


async def main(url_of_alice: str, url_of_bob: str) -> None:
    alice, bob = Person(url_of_alice, "alice"), Person(url_of_bob, "bob")
    try:
        room_id = await meet(alice, bob)
        await talk(alice, bob, room_id)
        await look_back(bob, room_id)
        await part(alice, bob, room_id)
    finally:
        await alice.client.close()
        await bob.client.close()
    print("They parted as friends.")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
