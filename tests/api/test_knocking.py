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
