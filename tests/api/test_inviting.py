"""api-specs/client-server/inviting.yaml"""

from tests.api.api_client import User
from tests.api.room_actions import UNKNOWN, act, member


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
