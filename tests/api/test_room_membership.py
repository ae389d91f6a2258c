"""api-specs/client-server/: inviting, leaving, kicking, banning, knocking, list_joined_rooms."""

from typing import Any

import pytest

from tests.api.api_client import User
from tests.builders import SERVER_NAME

CLIENT = "/_matrix/client/v3"
UNKNOWN = "!" + "x" * 43


def act(user: User, room_id: str, action: str, target: object = None, **body: object) -> Any:
    if target is not None:
        body["user_id"] = target.user_id if isinstance(target, User) else target
    return user.post(f"{CLIENT}/rooms/{room_id}/{action}", body)


def member(user: User, room_id: str, target: User) -> dict:
    return user.get(f"{CLIENT}/rooms/{room_id}/state/m.room.member/{target.user_id}").json


def joined_rooms(user: User) -> set[str]:
    return set(user.get(f"{CLIENT}/joined_rooms").json["joined_rooms"])


def test_an_invite_makes_a_membership_event(alice: User, bob: User) -> None:
    room_id = alice.create_room()
    answer = act(alice, room_id, "invite", bob, reason="come")
    assert (answer.status, answer.json) == (200, {})
    invite = member(alice, room_id, bob)
    assert (invite["membership"], invite["reason"]) == ("invite", "come")
    assert act(alice, room_id, "invite", bob, reason="come").status == 200


def test_what_cannot_be_invited(alice: User, bob: User, charlie: User) -> None:
    room_id = alice.create_room(preset="public_chat")
    assert act(bob, room_id, "invite", charlie).errcode == "M_FORBIDDEN"
    bob.join(room_id)
    # public_chat: to invite takes 50.
    assert act(bob, room_id, "invite", charlie).status == 403
    assert act(alice, room_id, "invite", bob).status == 403
    act(alice, room_id, "ban", charlie)
    assert act(alice, room_id, "invite", charlie).status == 403
    assert act(alice, UNKNOWN, "invite", bob).status == 403
    assert act(alice, room_id, "invite").errcode == "M_MISSING_PARAM"
    assert act(alice, room_id, "invite", "bob").errcode == "M_INVALID_PARAM"
    assert act(alice, room_id, "invite", user_id=5).errcode == "M_BAD_JSON"


def test_third_party_invites_need_a_server_that_we_trust(alice: User) -> None:
    room_id = alice.create_room()
    body = {"id_server": "a", "id_access_token": "b", "medium": "email", "address": "c@d"}
    answer = act(alice, room_id, "invite", **body)
    assert (answer.status, answer.errcode) == (403, "M_SERVER_NOT_TRUSTED")


def test_leave_and_forget(alice: User, bob: User) -> None:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    not_left = act(bob, room_id, "forget")
    assert (not_left.status, not_left.errcode) == (400, "M_UNKNOWN")
    assert act(bob, room_id, "leave", reason="bye").json == {}
    assert member(alice, room_id, bob)["reason"] == "bye"
    assert act(bob, room_id, "leave").status == 200
    assert bob.get(f"{CLIENT}/rooms/{room_id}/state").status == 200
    assert act(bob, room_id, "forget").json == {}
    assert bob.get(f"{CLIENT}/rooms/{room_id}/state").status == 403


def test_leaving_rejects_an_invite_which_must_then_be_renewed(alice: User, bob: User) -> None:
    room_id = alice.create_room(invite=[bob.user_id])
    assert act(bob, room_id, "leave").status == 200
    assert act(bob, room_id, "join").status == 403


def test_rooms_that_one_was_not_in_cannot_be_left_or_forgotten(alice: User, bob: User) -> None:
    room_id = alice.create_room()
    assert act(bob, room_id, "leave").status == 403
    assert act(bob, UNKNOWN, "leave").errcode == "M_NOT_FOUND"
    assert act(bob, UNKNOWN, "forget").errcode == "M_NOT_FOUND"


def test_a_kick_makes_leave_and_the_kicked_may_come_back(alice: User, bob: User) -> None:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    assert act(alice, room_id, "kick", bob, reason="rude").json == {}
    left = member(alice, room_id, bob)
    assert (left["membership"], left["reason"]) == ("leave", "rude")
    bob.join(room_id)


@pytest.mark.parametrize("action", ["kick", "ban", "unban"])
def test_moderation_is_refused(alice: User, bob: User, charlie: User, action: str) -> None:
    room_id = alice.create_room(preset="public_chat")
    for user in (bob, charlie):
        user.join(room_id)
    if action == "unban":
        act(alice, room_id, "ban", charlie)
    assert act(bob, room_id, action, charlie).errcode == "M_FORBIDDEN"
    assert act(bob, room_id, action, alice).status == 403
    act(bob, room_id, "leave")
    assert act(bob, room_id, action, charlie).status == 403
    assert act(alice, room_id, action).errcode == "M_BAD_JSON"
    assert act(alice, room_id, action, "x").errcode == "M_INVALID_PARAM"
    assert act(alice, UNKNOWN, action, bob).status == 403


def test_who_is_not_there_cannot_be_kicked(alice: User, bob: User) -> None:
    room_id = alice.create_room()
    answer = act(alice, room_id, "kick", bob)
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")


def test_a_ban_also_kicks_and_holds_until_the_unban(alice: User, bob: User) -> None:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    assert act(alice, room_id, "ban", bob, reason="spam").json == {}
    banned = member(alice, room_id, bob)
    assert (banned["membership"], banned["reason"]) == ("ban", "spam")
    assert joined_rooms(bob) == set()
    assert act(bob, room_id, "join").status == 403
    assert act(bob, room_id, "leave").status == 403
    assert act(alice, room_id, "unban", bob, reason="enough").json == {}
    bob.join(room_id)


def test_a_ban_of_oneself_is_refused(alice: User) -> None:
    room_id = alice.create_room()
    assert act(alice, room_id, "ban", alice).status == 403


def test_who_is_not_banned_cannot_be_unbanned(alice: User, bob: User) -> None:
    room_id = alice.create_room()
    answer = act(alice, room_id, "unban", bob)
    assert (answer.status, answer.errcode) == (403, "M_BAD_STATE")


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


def test_joined_rooms_are_those_that_one_is_in_now(alice: User, bob: User) -> None:
    assert joined_rooms(bob) == set()
    first = alice.create_room(preset="public_chat", invite=[bob.user_id])
    second = bob.create_room()
    assert joined_rooms(bob) == {second}
    bob.join(first)
    assert joined_rooms(bob) == {first, second}
    act(bob, second, "leave")
    assert joined_rooms(bob) == {first}
