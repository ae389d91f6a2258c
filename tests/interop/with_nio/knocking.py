"""Bob knocks: he is let in, thinks better of it, and is turned away."""

import nio

from tests.interop.with_nio.people import Person


async def talk(alice: Person, bob: Person) -> None:
    room_id = await alice.makes(name="A house")
    await bob.is_refused(bob.client.room_knock(room_id), "M_FORBIDDEN")
    await alice.does(alice.client.room_enable_knocking(room_id))

    await knock(alice, bob, room_id, "It rains")
    await bob.is_refused(bob.client.join(room_id), "M_FORBIDDEN")
    await alice.does(alice.client.room_invite(room_id, bob.user_id))
    await bob.sees(lambda: room_id in bob.client.invited_rooms)
    await bob.joins(room_id)
    await alice.sees(lambda: bob.user_id in alice.members_of(room_id))

    await bob.does(bob.client.room_leave(room_id))
    await knock(alice, bob, room_id, "My hat!")
    await bob.does(bob.client.room_leave(room_id))
    await alice.sees(lambda: alice.membership(room_id, bob.user_id) == "leave")

    await knock(alice, bob, room_id, "Me again")
    await alice.does(alice.client.room_kick(room_id, bob.user_id, "It is late"))
    left = await bob.asks("GET", "v3", f"sync?timeout=30000&since={bob.client.next_batch}")
    events = left["rooms"]["leave"][room_id]["timeline"]["events"]
    assert events[-1]["content"] == {"membership": "leave", "reason": "It is late"}, events
    await bob.is_refused(bob.client.join(room_id), "M_FORBIDDEN")
    await alice.does(alice.client.room_ban(room_id, bob.user_id))
    await bob.is_refused(bob.client.room_knock(room_id), "M_FORBIDDEN")


async def knock(alice: Person, bob: Person, room_id: str, reason: str) -> None:
    await bob.does(bob.client.sync(timeout=0))
    since = bob.client.next_batch
    await bob.does(bob.client.room_knock(room_id, reason))
    await alice.sees(lambda: alice.membership(room_id, bob.user_id) == "knock")
    event = alice.events[room_id][-1]
    assert isinstance(event, nio.RoomMemberEvent) and event.content["reason"] == reason, event
    # matrix-nio does not look at this part of a sync.
    told = (await bob.asks("GET", "v3", f"sync?since={since}"))["rooms"]["knock"][room_id]
    stripped = {event["type"]: event["content"] for event in told["knock_state"]["events"]}
    assert stripped["m.room.name"] == {"name": "A house"}
    assert stripped["m.room.join_rules"]["join_rule"] == "knock"
    assert stripped["m.room.member"]["membership"] == "knock"
    await bob.does(bob.client.sync(timeout=0))
