"""api-specs/client-server/room_upgrades.yaml"""

from tests.api.api_client import User
from tests.builders import SERVER_NAME

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


def test_an_upgrade_is_seen_from_sync(alice: User, bob: User) -> None:
    room_id = alice.create_room(preset="public_chat", room_version="11", room_alias_name="pub")
    bob.join(room_id)
    tags = f"{CLIENT}/user/{bob.user_id}/rooms/{room_id}/tags/m.favourite"
    assert bob.put(tags, {"order": 0.5}).status == 200
    alice_since, bob_since = sync(alice)["next_batch"], sync(bob)["next_batch"]
    body = {"new_version": "12"}
    replacement = alice.post(f"{CLIENT}/rooms/{room_id}/upgrade", body).json["replacement_room"]
    # Both learn from the old room where to go; its moderator is there already.
    for user, since, rooms in (
        (alice, alice_since, {room_id, replacement}),
        (bob, bob_since, {room_id}),
    ):
        joined = sync(user, since)["rooms"]["join"]
        assert set(joined) == rooms
        tombstones = [
            one["content"]["replacement_room"]
            for one in joined[room_id]["timeline"]["events"]
            if one["type"] == "m.room.tombstone"
        ]
        assert tombstones == [replacement]
    bob_since = sync(bob)["next_batch"]
    bob.join(f"#pub:{SERVER_NAME}")
    new = sync(bob, bob_since)["rooms"]["join"][replacement]
    shown = [*new["state"]["events"], *new["timeline"]["events"]]
    created = next(one for one in shown if one["type"] == "m.room.create")
    assert created["content"]["predecessor"]["room_id"] == room_id
    # What Bob had arranged came along.
    tagged = [one for one in new["account_data"]["events"] if one["type"] == "m.tag"]
    assert tagged[0]["content"] == {"tags": {"m.favourite": {"order": 0.5}}}


def sync(user: User, since: str | None = None) -> dict:
    return user.get(f"{CLIENT}/sync", {"since": since} if since else {}).json
