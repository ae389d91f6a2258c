"""api-specs/client-server/knocking.yaml"""

from tests.api.api_client import User
from tests.api.room_actions import CLIENT, UNKNOWN, act, member
from tests.builders import SERVER_NAME


def test_a_knock_is_accepted_denied_or_retracted(alice: User, bob: User) -> None:
    rules = {"type": "m.room.join_rules", "content": {"join_rule": "knock"}}
    room_id = alice.create_room(initial_state=[rules], room_alias_name="pub")
    answer = bob.post(f"{CLIENT}/knock/%23pub%3A{SERVER_NAME}?via=a.b", {"reason": "please"})
    assert (answer.status, answer.json) == (200, {"room_id": room_id})
    knock = member(alice, room_id, bob)
    assert (knock["membership"], knock["reason"]) == ("knock", "please")
    assert act(bob, room_id, "leave").status == 200
    bob.post(f"{CLIENT}/knock/{room_id}", {})
    assert act(alice, room_id, "kick", bob).status == 200
    bob.post(f"{CLIENT}/knock/{room_id}", {})
    assert act(alice, room_id, "invite", bob).status == 200
    assert bob.post(f"{CLIENT}/knock/{room_id}", {}).status == 403
    bob.join(room_id)


def test_rooms_without_knocking_and_unknown_ones(alice: User, bob: User) -> None:
    room_id = alice.create_room()
    answer = bob.post(f"{CLIENT}/knock/{room_id}", {})
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")
    for room in (UNKNOWN, "%23no%3Asoma.test"):
        answer = bob.post(f"{CLIENT}/knock/{room}", {})
        assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")


def sync(user: User, since: str | None = None) -> dict:
    return user.get(f"{CLIENT}/sync", {"since": since} if since else {}).json


def a_room_to_knock_at(alice: User, **options: object) -> str:
    rules = {"type": "m.room.join_rules", "content": {"join_rule": "knock"}}
    return alice.create_room(initial_state=[rules], name="Club", **options)


def member_events(answer: dict, section: str, room_id: str) -> list[tuple[str, str, str | None]]:
    events = answer["rooms"][section][room_id]["timeline"]["events"]
    return [
        (one["state_key"], one["content"]["membership"], one["content"].get("reason"))
        for one in events
        if one["type"] == "m.room.member"
    ]


def test_who_knocks_sees_their_knock_and_who_is_in_the_room_sees_it_too(
    alice: User, bob: User
) -> None:
    room_id = a_room_to_knock_at(alice)
    inside, outside = sync(alice)["next_batch"], sync(bob)["next_batch"]
    bob.post(f"{CLIENT}/knock/{room_id}", {"reason": "please"})
    seen = sync(alice, inside)
    assert member_events(seen, "join", room_id) == [(bob.user_id, "knock", "please")]
    knocked = sync(bob, outside)
    assert knocked["rooms"]["join"] == knocked["rooms"]["invite"] == {}
    events = knocked["rooms"]["knock"][room_id]["knock_state"]["events"]
    assert all(set(one) == {"type", "state_key", "content", "sender"} for one in events)
    by_type = {one["type"]: one for one in events}
    assert {"m.room.create", "m.room.name", "m.room.join_rules"} <= set(by_type)
    assert by_type["m.room.member"]["content"]["membership"] == "knock"
    assert by_type["m.room.member"]["content"]["reason"] == "please"
    # A new client learns it as well, and nobody who has only knocked sees more of the room.
    assert set(sync(bob)["rooms"]["knock"]) == {room_id}
    assert bob.get(f"{CLIENT}/rooms/{room_id}/state").errcode == "M_FORBIDDEN"


def test_a_knock_that_is_retracted_is_gone_for_both(alice: User, bob: User) -> None:
    room_id = a_room_to_knock_at(alice)
    bob.post(f"{CLIENT}/knock/{room_id}", {})
    inside, outside = sync(alice)["next_batch"], sync(bob)["next_batch"]
    act(bob, room_id, "leave", reason="never mind")
    expected = [(bob.user_id, "leave", "never mind")]
    assert member_events(sync(alice, inside), "join", room_id) == expected
    gone = sync(bob, outside)["rooms"]
    assert gone["knock"] == {}
    assert room_id in gone["leave"]
    assert sync(bob)["rooms"]["knock"] == {}


def test_a_knock_that_is_denied_or_accepted_is_told_to_who_knocked(alice: User, bob: User) -> None:
    room_id = a_room_to_knock_at(alice)
    bob.post(f"{CLIENT}/knock/{room_id}", {})
    since = sync(bob)["next_batch"]
    act(alice, room_id, "kick", bob, reason="no")
    denied = sync(bob, since)
    assert denied["rooms"]["knock"] == {}
    assert room_id in denied["rooms"]["leave"]
    bob.post(f"{CLIENT}/knock/{room_id}", {})
    act(alice, room_id, "invite", bob)
    accepted = sync(bob, denied["next_batch"])["rooms"]
    assert accepted["knock"] == {}
    assert set(accepted["invite"]) == {room_id}
    bob.join(room_id)
    assert room_id in sync(bob, denied["next_batch"])["rooms"]["join"]


def test_who_is_in_invited_or_banned_does_not_knock(alice: User, bob: User, charlie: User) -> None:
    room_id = a_room_to_knock_at(alice, invite=[bob.user_id])
    act(alice, room_id, "ban", charlie)
    for user in (alice, bob, charlie):
        before = member(alice, room_id, user)
        answer = user.post(f"{CLIENT}/knock/{room_id}", {})
        assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")
        assert member(alice, room_id, user) == before


def test_to_answer_a_knock_takes_the_power_to_invite_or_to_kick(
    alice: User, bob: User, charlie: User
) -> None:
    room_id = a_room_to_knock_at(alice, power_level_content_override={"invite": 50})
    act(alice, room_id, "invite", charlie)
    charlie.join(room_id)
    bob.post(f"{CLIENT}/knock/{room_id}", {})
    for action in ("invite", "kick", "ban"):
        assert act(charlie, room_id, action, bob).errcode == "M_FORBIDDEN"
    assert member(alice, room_id, bob)["membership"] == "knock"
