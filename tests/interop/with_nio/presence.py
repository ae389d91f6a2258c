"""Bob sees how Alice is."""

import nio

from tests.interop.with_nio.people import Person


async def talk(alice: Person, bob: Person) -> None:
    await bob.is_refused(bob.client.get_presence(alice.user_id), "M_FORBIDDEN")
    room_id = await alice.makes(preset=nio.RoomPreset.public_chat)
    await bob.joins(room_id)

    def shown() -> tuple[str, str | None] | None:
        event = bob.presence.get(alice.user_id)
        return (event.presence, event.status_msg) if event else None

    await alice.does(alice.client.set_presence("online", "in the garden 🌹"))
    await bob.sees(lambda: shown() == ("online", "in the garden 🌹"))
    assert bob.client.rooms[room_id].users[alice.user_id].currently_active
    await alice.does(alice.client.set_presence("unavailable", "asleep"))
    await bob.sees(lambda: shown() == ("unavailable", "asleep"))
    told = await bob.does(bob.client.get_presence(alice.user_id))
    assert (told.presence, told.status_msg) == ("unavailable", "asleep")
    # A poll makes her online, and what she said of herself stays.
    await alice.does(alice.client.sync(timeout=0, set_presence="online"))
    await bob.sees(lambda: shown() == ("online", "asleep"))
    await alice.does(alice.client.set_presence("offline"))
    await bob.sees(lambda: (shown() or ("", ""))[0] == "offline")
    # With a poll that does not count she stays so.
    await alice.does(alice.client.sync(timeout=0, set_presence="offline"))
    await alice.says(room_id, "I am not here")
    await bob.sees(lambda: (alice.user_id, "I am not here") in bob.said)
