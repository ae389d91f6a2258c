"""api-specs/client-server/joining.yaml"""

from urllib.parse import quote

from tests.api.api_client import User
from tests.builders import SERVER_NAME

CLIENT = "/_matrix/client/v3"
UNKNOWN = "!" + "x" * 43


def test_join_by_room_id_either_way(alice: User, bob: User, charlie: User) -> None:
    room_id = alice.create_room(preset="public_chat")
    first = bob.post(f"{CLIENT}/rooms/{room_id}/join", {"reason": "hello"})
    assert (first.status, first.json) == (200, {"room_id": room_id})
    second = charlie.post(f"{CLIENT}/join/{quote(room_id)}", {})
    assert (second.status, second.json) == (200, {"room_id": room_id})
    member = alice.get(f"{CLIENT}/rooms/{room_id}/state/m.room.member/{bob.user_id}").json
    assert (member["membership"], member["reason"]) == ("join", "hello")


def test_join_by_alias_answers_with_the_room_id(alice: User, bob: User) -> None:
    room_id = alice.create_room(preset="public_chat", room_alias_name="pub")
    answer = bob.post(f"{CLIENT}/join/{quote(f'#pub:{SERVER_NAME}', safe='')}?via=a.b&via=c.d", {})
    assert (answer.status, answer.json) == (200, {"room_id": room_id})


def test_joining_again_is_no_error(alice: User) -> None:
    room_id = alice.create_room()
    assert alice.post(f"{CLIENT}/rooms/{room_id}/join", {}).json == {"room_id": room_id}


def test_once_joined_a_user_sees_the_state(alice: User, bob: User) -> None:
    room_id = alice.create_room(preset="public_chat")
    assert bob.get(f"{CLIENT}/rooms/{room_id}/state").status == 403
    bob.join(room_id)
    assert bob.get(f"{CLIENT}/rooms/{room_id}/state").status == 200


def test_who_was_not_invited_stays_outside(alice: User, bob: User) -> None:
    room_id = alice.create_room(preset="private_chat")
    for path in (f"rooms/{room_id}/join", f"join/{room_id}"):
        answer = bob.post(f"{CLIENT}/{path}", {})
        assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")


def test_the_banned_stay_outside(alice: User, bob: User) -> None:
    room_id = alice.create_room(preset="public_chat")
    alice.post(f"{CLIENT}/rooms/{room_id}/ban", {"user_id": bob.user_id})
    answer = bob.post(f"{CLIENT}/rooms/{room_id}/join", {})
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")


def test_a_restricted_room_wants_a_condition_met(alice: User, bob: User) -> None:
    club = alice.create_room(preset="public_chat")
    allow = [{"type": "m.room_membership", "room_id": club}]
    rules = {"join_rule": "restricted", "allow": allow}
    state = [{"type": "m.room.join_rules", "content": rules}]
    room_id = alice.create_room(initial_state=state)
    answer = bob.post(f"{CLIENT}/rooms/{room_id}/join", {})
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")
    bob.join(club)
    bob.join(room_id)


def test_unknown_rooms_and_aliases_are_not_found(alice: User) -> None:
    for path in (
        f"rooms/{UNKNOWN}/join",
        f"join/{UNKNOWN}",
        "join/%23nowhere%3Asoma.test",
    ):
        answer = alice.post(f"{CLIENT}/{path}", {})
        assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND"), path


def test_what_is_neither_is_an_invalid_parameter(alice: User) -> None:
    answer = alice.post(f"{CLIENT}/join/room", {})
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")


def test_a_third_party_signature_without_an_invite_is_refused(alice: User, bob: User) -> None:
    room_id = alice.create_room()
    signed = {"sender": alice.user_id, "mxid": bob.user_id, "token": "x", "signatures": {}}
    answer = bob.post(f"{CLIENT}/join/{room_id}", {"third_party_signed": signed})
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")
    answer = bob.post(f"{CLIENT}/join/{room_id}", {"third_party_signed": {"token": 5}})
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")
