"""Two with matrix-nio and two with matrix-js-sdk (../js/together.mjs) in one encrypted room, which
Alice of these makes. The others do not know when; all see each other come.
"""

import asyncio
import re

import nio

from tests.interop.with_nio.keys import cannot_read, devices_of, reads, use_up
from tests.interop.with_nio.people import Person

THEIRS = ("@alice_together:localhost", "@bob_together:localhost")
START_S_MAX = 60


async def talk(alice: Person, bob: Person) -> None:
    async with asyncio.timeout(START_S_MAX):
        await asyncio.gather(*(has_come(alice, user_id) for user_id in THEIRS))
    room_id = await alice.makes(
        invite=[bob.user_id, *THEIRS],
        initial_state=[nio.EnableEncryptionBuilder().as_dict()],
    )
    await bob.sees(lambda: room_id in bob.client.invited_rooms)
    await bob.joins(room_id)
    everybody = {alice.user_id, bob.user_id, *THEIRS}
    for one in (alice, bob):
        await one.sees(lambda one=one: joined(one, room_id) == everybody)
    await alice.says(room_id, "All are here")
    await bob.says(room_id, "Bob with matrix-nio")
    await reads(bob, "All are here")
    for one in (alice, bob):
        await reads(one, "Alice with matrix-js-sdk")
        await reads(one, "Bob with matrix-js-sdk")
        assert not cannot_read(one, room_id)
    await write_to_new(alice, room_id)


async def write_to_new(alice: Person, room_id: str) -> None:
    """To a device that has come, and for which only the fallback key is left."""

    def told() -> list[str]:
        return [found[1] for _, body in alice.said if (found := re.match(r"New: (\w+)", body))]

    await alice.sees(told)
    [device_id] = told()
    user_id = THEIRS[1]
    await alice.sees(lambda: device_id in devices_of(alice, user_id))
    assert await use_up(alice, user_id, device_id) > 0
    await alice.says(room_id, "For the new device, too")
    await reads(alice, "The new device has read it")


async def has_come(one: Person, user_id: str) -> None:
    """With a device that has keys."""
    body = {"device_keys": {user_id: []}}
    while True:
        found = await one.asks("POST", "v3", "keys", "query", body=body)
        if found["device_keys"].get(user_id):
            return
        await asyncio.sleep(0.1)


def joined(one: Person, room_id: str) -> set[str]:
    users = one.client.rooms[room_id].users
    return set(users) - set(one.client.rooms[room_id].invited_users)
