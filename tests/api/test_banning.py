"""api-specs/client-server/banning.yaml, and what kicking.yaml says alike"""

import pytest

from tests.api.api_client import User
from tests.api.room_actions import UNKNOWN, act, joined_rooms, member


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
