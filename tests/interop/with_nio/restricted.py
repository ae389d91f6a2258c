"""Who is in Alice's club may come into its hall."""

from tests.interop.with_nio.people import Person


async def talk(alice: Person, bob: Person) -> None:
    club = await alice.makes(name="club")
    allowed = [{"type": "m.room_membership", "room_id": club}]
    rule = {"join_rule": "restricted", "allow": allowed}
    state = {"type": "m.room.join_rules", "state_key": "", "content": rule}
    hall = await alice.makes(name="hall", initial_state=[state])

    await bob.is_refused(bob.client.join(hall), "M_FORBIDDEN")
    await alice.does(alice.client.room_invite(club, bob.user_id))
    await bob.is_refused(bob.client.join(hall), "M_FORBIDDEN")
    await bob.does(bob.client.join(club))
    await bob.joins(hall)
    await alice.sees(lambda: alice.membership(hall, bob.user_id) == "join")
    content = alice.events[hall][-1].source["content"]
    assert content["join_authorised_via_users_server"] == alice.user_id
    await bob.says(hall, "Here I am")
    await alice.sees(lambda: (bob.user_id, "Here I am") in alice.said)

    await alice.does(alice.client.room_kick(club, bob.user_id))
    await bob.says(hall, "Still here")
    await bob.does(bob.client.room_leave(hall))
    await bob.is_refused(bob.client.join(hall), "M_FORBIDDEN")
    await alice.does(alice.client.room_invite(hall, bob.user_id))
    await bob.does(bob.client.join(hall))  # An invitation is as good.
    await alice.sees(lambda: alice.membership(hall, bob.user_id) == "join")
    content = alice.events[hall][-1].source["content"]
    assert "join_authorised_via_users_server" not in content
