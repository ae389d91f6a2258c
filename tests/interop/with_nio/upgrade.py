"""Alice replaces her room: as matrix-nio does it itself, step by step, and as the server does."""

import nio

from tests.interop.with_nio.people import Person


async def talk(alice: Person, bob: Person) -> None:
    old = await alice.makes(
        name="An inn",
        topic="Beds",
        alias=f"inn_of_{alice.name}",
        preset=nio.RoomPreset.public_chat,
        room_version="10",
    )
    await bob.joins(old)
    await alice.sees(lambda: bob.user_id in alice.members_of(old))
    by_client = (await alice.does(alice.client.room_upgrade(old, "11"))).room_id
    await follow(bob, old, by_client)
    made = await bob.does(bob.client.room_get_state_event(by_client, "m.room.create"))
    assert made.content["room_version"] == "11"

    status, refusal = await bob.tries(
        "POST", "v3", "rooms", by_client, "upgrade", body={"new_version": "12"}
    )
    assert (status, refusal["errcode"]) == (403, "M_FORBIDDEN"), refusal
    body = {"new_version": "12"}
    answer = await alice.asks("POST", "v3", "rooms", by_client, "upgrade", body=body)
    by_server = answer["replacement_room"]
    await follow(bob, by_client, by_server)
    alias = f"#inn_of_{alice.name}:localhost"
    assert (await bob.does(bob.client.room_resolve_alias(alias))).room_id == by_server
    await bob.sees(lambda: bob.client.rooms[by_server].canonical_alias == alias)
    await bob.is_refused(
        bob.client.room_send(by_client, "m.room.message", {"msgtype": "m.text", "body": "?"}),
        "M_FORBIDDEN",
    )
    await bob.says(by_server, "A better inn")
    await alice.sees(lambda: (bob.user_id, "A better inn") in alice.said)


async def follow(bob: Person, old: str, new: str) -> None:
    def signs() -> list[str]:
        found = [one for one in bob.events[old] if isinstance(one, nio.RoomUpgradeEvent)]
        return [one.replacement_room for one in found]

    await bob.sees(lambda: signs() == [new])
    await bob.joins(new)
    room = bob.client.rooms[new]
    assert (room.name, room.topic, room.join_rule) == ("An inn", "Beds", "public")
    made = await bob.does(bob.client.room_get_state_event(new, "m.room.create"))
    assert made.content["predecessor"]["room_id"] == old
