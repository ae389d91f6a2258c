"""What Alice says counts on both of Bob's devices until he has read it on one."""

import nio

from tests.interop.with_nio.people import Person


async def talk(alice: Person, bob: Person) -> None:
    desk = await bob.again()
    try:
        await count(alice, bob, desk)
    finally:
        await desk.client.close()


async def count(alice: Person, bob: Person, desk: Person) -> None:
    room_id = await alice.makes(preset=nio.RoomPreset.public_chat)
    await bob.joins(room_id)
    await desk.sees(lambda: room_id in desk.client.rooms)

    async def both_see(notifications: int, highlights: int) -> None:
        for person in (bob, desk):
            room = person.client.rooms[room_id]
            await person.sees(lambda room=room: shown(room) == (notifications, highlights))

    for number in range(3):
        await alice.says(room_id, f"line {number}")
    await both_see(3, 0)
    mention = await alice.says(room_id, "Bob?", **{"m.mentions": {"user_ids": [bob.user_id]}})
    await alice.says(room_id, "Well")
    await both_see(5, 1)
    await bob.does(bob.client.update_receipt_marker(room_id, mention))
    await both_see(1, 0)
    await desk.says(room_id, "Yes?")
    await both_see(0, 0)
    last = await alice.says(room_id, "Nothing")
    await both_see(1, 0)
    await desk.does(desk.client.room_read_markers(room_id, last, read_event=last))
    await both_see(0, 0)


def shown(room: nio.MatrixRoom) -> tuple[int, int]:
    return room.unread_notifications, room.unread_highlights
