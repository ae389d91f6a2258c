"""Bob reports what Alice said, her room and herself; she is not told."""

import nio

from tests.interop.with_nio.people import Person


async def talk(alice: Person, bob: Person) -> None:
    room_id = await alice.makes(preset=nio.RoomPreset.public_chat)
    event_id = await alice.says(room_id, "Buy my roses!")
    spam = {"reason": "spam"}
    status, refusal = await bob.tries("POST", "v3", "rooms", room_id, "report", event_id, body=spam)
    assert (status, refusal["errcode"]) == (404, "M_NOT_FOUND"), refusal
    await bob.joins(room_id)
    await bob.asks("POST", "v3", "rooms", room_id, "report", event_id, body=spam)
    await bob.asks("POST", "v3", "rooms", room_id, "report", body=spam)
    await bob.asks("POST", "v3", "users", alice.user_id, "report", body=spam)

    await bob.says(room_id, "Nice roses")
    await alice.sees(lambda: (bob.user_id, "Nice roses") in alice.said)
    kinds = [type(event).__name__ for event in alice.events[room_id]]
    assert kinds[-3:] == ["RoomMessageText", "RoomMemberEvent", "RoomMessageText"], kinds
