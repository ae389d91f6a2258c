"""api-specs/client-server/room_state.yaml, and the state in rooms.yaml"""

from urllib.parse import quote

import pytest

from tests.api.api_client import User
from tests.builders import SERVER_NAME

CLIENT = "/_matrix/client/v3"


def path(room_id: str, *rest: str) -> str:
    return "/".join([f"{CLIENT}/rooms/{quote(room_id, safe='')}/state", *rest])


def test_state_is_set_and_read_with_and_without_a_key(alice: User) -> None:
    room_id = alice.create_room()
    for number, place in enumerate(("org.x", "org.x/", "org.x/k", "org.x/%2F%3F%20k")):
        answer = alice.put(path(room_id, place), {"n": number})
        assert answer.status == 200
        assert answer.json["event_id"].startswith("$")
    # Without a key and with an empty one is the same.
    for place in ("org.x", "org.x/"):
        assert alice.get(path(room_id, place)).json == {"n": 1}
    assert alice.get(path(room_id, "org.x/k")).json == {"n": 2}
    assert alice.get(path(room_id, "org.x/%2F%3F%20k")).json == {"n": 3}


def test_the_format_is_the_content_or_the_event(alice: User) -> None:
    room_id = alice.create_room()
    event_id = alice.put(path(room_id, "org.x", "k"), {"n": 1}).json["event_id"]
    assert alice.get(path(room_id, "org.x", "k") + "?format=content").json == {"n": 1}
    event = alice.get(path(room_id, "org.x", "k") + "?format=event").json
    assert (event["event_id"], event["type"], event["state_key"]) == (event_id, "org.x", "k")
    assert (event["sender"], event["content"]) == (alice.user_id, {"n": 1})
    assert event["room_id"] == room_id
    assert isinstance(event["origin_server_ts"], int)
    answer = alice.get(path(room_id, "org.x", "k") + "?format=x")
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")


def test_all_state_is_a_list_of_events(alice: User, bob: User) -> None:
    room_id = alice.create_room(name="Pub")
    events = alice.get(path(room_id)).json
    assert {"m.room.create", "m.room.name", "m.room.member"} <= {one["type"] for one in events}
    assert bob.get(path(room_id)).errcode == "M_FORBIDDEN"


def test_who_has_left_reads_the_state_of_then(alice: User, bob: User) -> None:
    room_id = alice.create_room(preset="public_chat", name="Pub")
    bob.join(room_id)
    bob.post(f"{CLIENT}/rooms/{room_id}/leave", {})
    alice.put(path(room_id, "m.room.name"), {"name": "Inn"})
    assert bob.get(path(room_id, "m.room.name")).json == {"name": "Pub"}
    assert alice.get(path(room_id, "m.room.name")).json == {"name": "Inn"}


def test_what_is_not_there_is_404_and_for_strangers_403(alice: User, bob: User) -> None:
    room_id = alice.create_room()
    answer = alice.get(path(room_id, "org.none"))
    assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")
    for room in (room_id, "!" + "x" * 43):
        for place in ((), ("org.none",), ("m.room.create",)):
            answer = bob.get(path(room, *place))
            assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")


def test_the_world_reads_what_is_world_readable(alice: User, bob: User) -> None:
    state = {
        "type": "m.room.history_visibility",
        "content": {"history_visibility": "world_readable"},
    }
    room_id = alice.create_room(initial_state=[state], name="Pub")
    assert bob.get(path(room_id, "m.room.name")).json == {"name": "Pub"}
    assert bob.get(path(room_id)).status == 200


def test_setting_the_same_again_is_the_same_event(alice: User) -> None:
    room_id = alice.create_room()
    first = alice.put(path(room_id, "org.x"), {"n": 1})
    assert alice.put(path(room_id, "org.x"), {"n": 1}).json == first.json
    assert alice.put(path(room_id, "org.x"), {"n": 2}).json != first.json


def test_who_may_not_set_state_is_refused(alice: User, bob: User) -> None:
    room_id = alice.create_room(preset="public_chat")
    for _ in range(2):
        answer = bob.put(path(room_id, "m.room.topic"), {"topic": "x"})
        assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")
        bob.join(room_id)
    # A state key that is a user's is for that user.
    answer = alice.put(path(room_id, "org.x", quote(bob.user_id)), {})
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")


def test_aliases_of_canonical_alias_events_are_checked(alice: User) -> None:
    room_id = alice.create_room(room_alias_name="pub")
    pub = f"#pub:{SERVER_NAME}"
    other = alice.create_room(room_alias_name="inn")
    for content, errcode in (
        ({"alias": "pub"}, "M_INVALID_PARAM"),
        ({"alt_aliases": [pub, "x"]}, "M_INVALID_PARAM"),
        ({"alias": f"#none:{SERVER_NAME}"}, "M_BAD_ALIAS"),
        ({"alias": f"#inn:{SERVER_NAME}"}, "M_BAD_ALIAS"),
        ({"alt_aliases": [pub, f"#inn:{SERVER_NAME}"]}, "M_BAD_ALIAS"),
    ):
        answer = alice.put(path(room_id, "m.room.canonical_alias"), content)
        assert (answer.status, answer.errcode) == (400, errcode), content
    assert alice.put(path(room_id, "m.room.canonical_alias"), {"alt_aliases": [pub]}).status == 200
    assert alice.put(path(other, "m.room.canonical_alias"), {}).status == 200


@pytest.mark.parametrize(
    ("event_type", "content", "status", "errcode"),
    [
        ("m.room.power_levels", {"users": {"@a:b": "5"}}, 400, "M_BAD_JSON"),
        ("m.room.power_levels", {"ban": True}, 400, "M_BAD_JSON"),
        ("m.room.server_acl", {"deny": ["*"]}, 400, "M_INVALID_PARAM"),
        ("m.room.create", {}, 403, "M_FORBIDDEN"),
        ("org.x", {"a": 1.5}, 400, "M_BAD_JSON"),
        ("org.x", {"a": "x" * 65_536}, 413, "M_TOO_LARGE"),
        ("org.x", [], 400, "M_BAD_JSON"),
    ],
)
def test_what_may_not_be_state_is_refused(
    alice: User, event_type: str, content: object, status: int, errcode: str
) -> None:
    room_id = alice.create_room()
    answer = alice.put(path(room_id, event_type), content)
    assert (answer.status, answer.errcode) == (status, errcode)


def test_memberships_can_be_set_as_state(alice: User, bob: User) -> None:
    room_id = alice.create_room()

    def put(user: User, target: User, **content: object):
        return user.put(path(room_id, "m.room.member", target.user_id), content)

    assert put(bob, bob, membership="join").status == 403
    assert put(alice, bob, membership="invite").status == 200
    assert put(bob, bob, membership="join", displayname="Bobby").status == 200
    member = alice.get(path(room_id, "m.room.member", bob.user_id)).json
    assert (member["membership"], member["displayname"]) == ("join", "Bobby")
    assert put(bob, alice, membership="leave").status == 403
    assert put(alice, bob, membership="ban").status == 200
    assert put(alice, bob, membership="visit").status == 403
    assert put(bob, bob, membership="join").status == 403


def test_post_and_further_segments_are_not_for_state(alice: User) -> None:
    room_id = alice.create_room()
    answer = alice.post(path(room_id, "org.x", ""), {})
    assert (answer.status, answer.errcode) == (405, "M_UNRECOGNIZED")
    answer = alice.put(path(room_id, "org.x", "k", "11"), {})
    assert (answer.status, answer.errcode) == (404, "M_UNRECOGNIZED")
