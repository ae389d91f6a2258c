"""api-specs/client-server/create_room.yaml"""

import pytest

from tests.api.api_client import Api, User
from tests.builders import SERVER_NAME

PATH = "/_matrix/client/v3/createRoom"


def state(user: User, room_id: str) -> list[tuple[str, str]]:
    answer = user.get(f"/_matrix/client/v3/rooms/{room_id}/state")
    assert answer.status == 200, answer
    return [(event["type"], event["state_key"]) for event in answer.json]


def content(user: User, room_id: str, event_type: str, state_key: str = "") -> dict:
    answer = user.get(f"/_matrix/client/v3/rooms/{room_id}/state/{event_type}/{state_key}")
    assert answer.status == 200, answer
    return answer.json


def test_an_empty_body_makes_a_private_room(alice: User) -> None:
    answer = alice.post(PATH, {})
    assert answer.status == 200
    room_id = answer.json["room_id"]
    assert state(alice, room_id) == [
        ("m.room.create", ""),
        ("m.room.member", alice.user_id),
        ("m.room.power_levels", ""),
        ("m.room.join_rules", ""),
        ("m.room.history_visibility", ""),
        ("m.room.guest_access", ""),
    ]
    assert content(alice, room_id, "m.room.join_rules") == {"join_rule": "invite"}
    created = alice.get(f"/_matrix/client/v3/rooms/{room_id}/state/m.room.create?format=event")
    assert created.json["sender"] == alice.user_id


def test_visibility_decides_the_preset_where_none_is_asked_for(alice: User) -> None:
    public = alice.create_room(visibility="public")
    assert content(alice, public, "m.room.join_rules") == {"join_rule": "public"}
    private = alice.create_room(visibility="private")
    assert content(alice, private, "m.room.join_rules") == {"join_rule": "invite"}
    both = alice.create_room(visibility="public", preset="private_chat")
    assert content(alice, both, "m.room.join_rules") == {"join_rule": "invite"}


def test_all_options_at_once(alice: User, bob: User) -> None:
    room_id = alice.create_room(
        visibility="public",
        preset="trusted_private_chat",
        room_alias_name="pub",
        name="Pub",
        topic="beer",
        invite=[bob.user_id],
        room_version="11",
        creation_content={"m.federate": False},
        initial_state=[
            {"type": "m.room.encryption", "content": {"algorithm": "m.x"}},
            {"type": "org.x", "state_key": "k", "content": {}},
        ],
        is_direct=True,
        power_level_content_override={"ban": 77},
    )
    created = content(alice, room_id, "m.room.create")
    assert created == {"m.federate": False, "room_version": "11"}
    levels = content(alice, room_id, "m.room.power_levels")
    assert levels["users"] == {alice.user_id: 100, bob.user_id: 100}
    assert levels["ban"] == 77
    alias = f"#pub:{SERVER_NAME}"
    assert content(alice, room_id, "m.room.canonical_alias") == {"alias": alias}
    assert content(alice, room_id, "m.room.encryption") == {"algorithm": "m.x"}
    assert content(alice, room_id, "org.x", "k") == {}
    invite = content(alice, room_id, "m.room.member", bob.user_id)
    assert (invite["membership"], invite["is_direct"]) == ("invite", True)
    assert content(alice, room_id, "m.room.topic")["topic"] == "beer"


@pytest.mark.parametrize(
    ("options", "status", "errcode"),
    [
        ([], 400, "M_BAD_JSON"),
        ({"visibility": "secret"}, 400, "M_BAD_JSON"),
        ({"preset": "x"}, 400, "M_BAD_JSON"),
        ({"invite": "x"}, 400, "M_BAD_JSON"),
        ({"invite": ["x"]}, 400, "M_INVALID_PARAM"),
        ({"initial_state": [{"type": "x"}]}, 400, "M_BAD_JSON"),
        ({"room_version": "x"}, 400, "M_UNSUPPORTED_ROOM_VERSION"),
        ({"room_version": 12}, 400, "M_BAD_JSON"),
        ({"creation_content": {"x": 1.5}}, 400, "M_BAD_JSON"),
        ({"room_alias_name": "a:b"}, 400, "M_INVALID_PARAM"),
        (
            {"name": "x", "power_level_content_override": {"users": {"@x:y": 1}, "users_default":
            5},
             "room_version": "10"},
            400,
            "M_INVALID_ROOM_STATE",
        ),
        ({"topic": "x" * 65_536}, 413, "M_TOO_LARGE"),
        (
            {"invite_3pid": [
                {"id_server": "a", "id_access_token": "b", "medium": "email", "address": "c@d"}
            ]},
            403,
            "M_SERVER_NOT_TRUSTED",
        ),
        ({"invite_3pid": [{}]}, 400, "M_BAD_JSON"),
    ],
)  # fmt: skip
def test_what_is_refused(alice: User, options: object, status: int, errcode: str) -> None:
    answer = alice.post(PATH, options)
    assert (answer.status, answer.errcode) == (status, errcode)
    joined = alice.get("/_matrix/client/v3/joined_rooms").json["joined_rooms"]
    assert joined == []


def test_an_alias_that_is_taken(alice: User, bob: User) -> None:
    alice.create_room(room_alias_name="pub")
    answer = bob.post(PATH, {"room_alias_name": "pub"})
    assert (answer.status, answer.errcode) == (400, "M_ROOM_IN_USE")


def test_who_blocks_invites_is_not_invited(alice: User, bob: User) -> None:
    path = f"/_matrix/client/v3/user/{bob.user_id}/account_data/m.invite_permission_config"
    assert bob.put(path, {"default_action": "block"}).status == 200
    answer = alice.post(PATH, {"invite": [bob.user_id]})
    assert (answer.status, answer.errcode) == (403, "M_INVITE_BLOCKED")


def test_it_takes_a_token(api: Api) -> None:
    assert api.post(PATH, {}).status == 401
