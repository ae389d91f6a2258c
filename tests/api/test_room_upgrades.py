"""api-specs/client-server/room_upgrades.yaml"""

from tests.api.api_client import User

CLIENT = "/_matrix/client/v3"


def test_a_room_is_replaced(alice: User, bob: User) -> None:
    room_id = alice.create_room(room_version="11", name="Pub")
    body = {"new_version": "12", "additional_creators": [bob.user_id]}
    answer = alice.post(f"{CLIENT}/rooms/{room_id}/upgrade", body)
    assert answer.status == 200
    replacement = answer.json["replacement_room"]
    tombstone = alice.get(f"{CLIENT}/rooms/{room_id}/state/m.room.tombstone").json
    assert tombstone["replacement_room"] == replacement
    created = alice.get(f"{CLIENT}/rooms/{replacement}/state/m.room.create").json
    assert created["predecessor"]["room_id"] == room_id
    assert created["additional_creators"] == [bob.user_id]
    assert alice.get(f"{CLIENT}/rooms/{replacement}/state/m.room.name").json == {"name": "Pub"}


def test_what_is_refused(alice: User, bob: User) -> None:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    place = f"{CLIENT}/rooms/{room_id}/upgrade"
    answer = alice.post(place, {"new_version": "x"})
    assert (answer.status, answer.errcode) == (400, "M_UNSUPPORTED_ROOM_VERSION")
    assert alice.post(place, {}).status == 400
    assert alice.post(place, {"new_version": "12", "additional_creators": ["x"]}).status == 400
    answer = bob.post(place, {"new_version": "12"})
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")
    answer = bob.post(f"{CLIENT}/rooms/!{'x' * 43}/upgrade", {"new_version": "12"})
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")
