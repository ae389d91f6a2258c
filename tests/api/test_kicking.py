"""api-specs/client-server/kicking.yaml"""

from tests.api.api_client import User
from tests.api.room_actions import act, member


def test_a_kick_makes_leave_and_the_kicked_may_come_back(alice: User, bob: User) -> None:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    assert act(alice, room_id, "kick", bob, reason="rude").json == {}
    left = member(alice, room_id, bob)
    assert (left["membership"], left["reason"]) == ("leave", "rude")
    bob.join(room_id)


def test_who_is_not_there_cannot_be_kicked(alice: User, bob: User) -> None:
    room_id = alice.create_room()
    answer = act(alice, room_id, "kick", bob)
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")
