"""Bob jumps to a day in Alice's diary."""

import asyncio
import time
from typing import Any

import nio

from tests.interop.with_nio.people import Person

PAGES = 12
JUMP = 6


async def talk(alice: Person, bob: Person) -> None:
    room_id = await alice.makes(preset=nio.RoomPreset.public_chat)
    pages: list[tuple[str, int]] = []
    for number in range(PAGES):
        event_id = await alice.says(room_id, f"page {number}")
        event = (await alice.does(alice.client.room_get_event(room_id, event_id))).event
        pages.append((event_id, event.server_timestamp))
        while time.time() * 1000 < event.server_timestamp + 3:
            await asyncio.sleep(0.001)  # No two at one time.

    async def find(ts: int, direction: str) -> tuple[int, Any]:
        query = f"timestamp_to_event?ts={ts}&dir={direction}"
        return await bob.tries("GET", "v1", "rooms", room_id, query)

    status, refusal = await find(pages[0][1], "f")
    assert (status, refusal["errcode"]) == (403, "M_FORBIDDEN"), refusal
    await bob.joins(room_id)
    event_id, ts = pages[JUMP]
    for direction in "fb":
        found = await find(ts, direction)
        assert found == (200, {"event_id": event_id, "origin_server_ts": ts})
    assert (await find(ts + 1, "f"))[1]["event_id"] == pages[JUMP + 1][0]
    assert (await find(ts - 1, "b"))[1]["event_id"] == pages[JUMP - 1][0]
    status, refusal = await find(ts + 10**9, "f")
    assert (status, refusal["errcode"]) == (404, "M_NOT_FOUND"), refusal
    await read_on(bob, room_id, event_id)


async def read_on(bob: Person, room_id: str, event_id: str) -> None:
    context = await bob.does(bob.client.room_context(room_id, event_id, limit=2))
    later = texts(context.events_after) + await walk(bob, room_id, context.end, "f")
    sooner = texts(context.events_before) + await walk(bob, room_id, context.start, "b")
    bodies = [*reversed(sooner), context.event.body, *later]
    assert bodies == [f"page {number}" for number in range(PAGES)], bodies


async def walk(bob: Person, room_id: str, start: str | None, direction: str) -> list[str]:
    found: list[str] = []
    while start is not None:
        page = await bob.does(bob.client.room_messages(room_id, start, None, direction, limit=5))
        found += texts(page.chunk)
        start = page.end
    return found


def texts(events: list[nio.Event]) -> list[str]:
    return [event.body for event in events if isinstance(event, nio.RoomMessageText)]
