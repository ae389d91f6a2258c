"""api-specs/client-server/leaving.yaml"""

from tests.api.api_client import User
from tests.api.room_actions import CLIENT, UNKNOWN, act, member


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
