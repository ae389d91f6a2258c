"""api-specs/client-server/profile.yaml"""

from collections.abc import Callable
from urllib.parse import quote

import pytest

from impl.app import App
from tests.api.api_client import Api, User, register

PROFILE = "/_matrix/client/v3/profile/"


def field(user: User, name: str) -> str:
    return f"{PROFILE}{user.user_id}/{name}"


def member(user: User, room_id: str) -> dict[str, object]:
    path = f"/_matrix/client/v3/rooms/{quote(room_id)}/state/m.room.member/{user.user_id}"
    return user.get(path).json


def test_a_new_name_is_told_to_the_user_s_rooms(alice: User, bob: User) -> None:
    rooms = [alice.create_room(preset="public_chat") for _ in range(2)]
    for room_id in rooms:
        bob.join(room_id)
    assert bob.put(field(bob, "displayname"), {"displayname": "Bobby"}).status == 200
    avatar = "mxc://soma.test/abc"
    assert bob.put(field(bob, "avatar_url"), {"avatar_url": avatar}).status == 200
    for room_id in rooms:
        expected = {"membership": "join", "displayname": "Bobby", "avatar_url": avatar}
        assert member(bob, room_id) == expected
    assert bob.delete(field(bob, "displayname")).status == 200
    assert "displayname" not in member(bob, rooms[0])


def test_rooms_that_a_user_has_left_hear_nothing(alice: User, bob: User) -> None:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    bob.post(f"/_matrix/client/v3/rooms/{quote(room_id)}/leave", {})
    bob.put(field(bob, "displayname"), {"displayname": "Bobby"})
    path = f"/_matrix/client/v3/rooms/{quote(room_id)}/state/m.room.member/{bob.user_id}"
    assert alice.get(path).json["membership"] == "leave"


def test_any_namespaced_field_is_kept_and_deleted(alice: User, bob: User) -> None:
    path = field(alice, "org.example.pronouns")
    value = [{"language": "en", "summary": "she/her"}]
    assert alice.put(path, {"org.example.pronouns": value}).status == 200
    assert bob.get(path).json == {"org.example.pronouns": value}
    assert bob.get(PROFILE + alice.user_id).json["org.example.pronouns"] == value
    assert alice.delete(path).status == 200
    assert alice.delete(path).status == 200
    assert bob.get(path).errcode == "M_NOT_FOUND"


@pytest.mark.parametrize("name", ["status", "m.", ".m", "Org.example", "org..example", "org.ex-a"])
def test_a_name_that_is_not_namespaced_is_refused(alice: User, name: str) -> None:
    answer = alice.put(field(alice, name), {name: "x"})
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")


def test_another_s_profile_is_not_changed(alice: User, bob: User) -> None:
    for answer in (
        bob.put(field(alice, "displayname"), {"displayname": "Mallory"}),
        bob.delete(field(alice, "displayname")),
    ):
        assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")
    assert alice.get(field(alice, "displayname")).json == {"displayname": "alice"}


def test_a_name_of_a_field_has_a_length(alice: User) -> None:
    longest = "org." + "x" * 251
    assert alice.put(field(alice, longest), {longest: 1}).status == 200
    answer = alice.put(field(alice, longest + "x"), {longest + "x": 1})
    assert (answer.status, answer.errcode) == (400, "M_KEY_TOO_LARGE")


@pytest.mark.parametrize(
    ("name", "value", "errcode"),
    [
        ("displayname", 1, "M_BAD_JSON"),
        ("displayname", "x" * 1001, "M_INVALID_PARAM"),
        ("avatar_url", "https://soma.test/a.png", "M_INVALID_PARAM"),
        ("avatar_url", ["mxc://soma.test/a"], "M_BAD_JSON"),
        ("m.tz", {"zone": "Europe/London"}, "M_BAD_JSON"),
        ("org.example.text", "\ud800", "M_NOT_JSON"),
    ],
)
def test_a_field_holds_what_it_may(alice: User, name: str, value: object, errcode: str) -> None:
    before = alice.get(PROFILE + alice.user_id).json
    answer = alice.put(field(alice, name), {name: value})
    assert (answer.status, answer.errcode) == (400, errcode)
    assert alice.get(PROFILE + alice.user_id).json == before


def test_a_body_names_the_field(alice: User) -> None:
    for body in ({}, {"m.tz": "Europe/London"}):
        answer = alice.put(field(alice, "displayname"), body)
        assert (answer.status, answer.errcode) == (400, "M_MISSING_PARAM")


def test_a_time_zone_is_a_field_and_any_json_is_a_value(alice: User) -> None:
    assert alice.put(field(alice, "m.tz"), {"m.tz": "Europe/London"}).status == 200
    for name, value in (("org.example.x", None), ("org.example.y", 1.5)):
        assert alice.put(field(alice, name), {name: value}).status == 200
    profile = alice.get(PROFILE + alice.user_id).json
    fields = {"m.tz": "Europe/London", "org.example.x": None, "org.example.y": 1.5}
    assert profile == {"displayname": "alice", **fields}


def test_an_empty_avatar_is_none_for_the_rooms(alice: User) -> None:
    room_id = alice.create_room()
    alice.put(field(alice, "avatar_url"), {"avatar_url": "mxc://soma.test/abc"})
    assert alice.put(field(alice, "avatar_url"), {"avatar_url": ""}).status == 200
    assert "avatar_url" not in member(alice, room_id)


def test_fields_together_are_held_to_the_size_of_a_profile(alice: User) -> None:
    for number in range(3):
        name = f"org.example.f{number}"
        answer = alice.put(field(alice, name), {name: "x" * 30_000})
    assert (answer.status, answer.errcode) == (400, "M_PROFILE_TOO_LARGE")


def test_profiles_are_shown_to_users_only_where_it_is_configured(
    new_app: Callable[..., App], api_of: Callable[[App], Api]
) -> None:
    api = api_of(new_app(require_auth_for_profile_requests=True))
    alice = register(api, "alice")
    assert alice.get(PROFILE + alice.user_id).status == 200
    for path in (PROFILE + alice.user_id, field(alice, "displayname")):
        answer = api.get(path)
        assert (answer.status, answer.errcode) == (401, "M_MISSING_TOKEN")


def test_names_may_be_fixed_by_the_configuration(
    new_app: Callable[..., App], api_of: Callable[[App], Api]
) -> None:
    api = api_of(new_app(enable_set_displayname=False))
    alice = register(api, "alice")
    answer = alice.put(field(alice, "displayname"), {"displayname": "Al"})
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")
    capabilities = alice.get("/_matrix/client/v3/capabilities").json["capabilities"]
    assert capabilities["m.set_displayname"] == {"enabled": False}
    assert capabilities["m.set_avatar_url"] == {"enabled": True}
    assert capabilities["m.profile_fields"] == {"enabled": True, "disallowed": ["displayname"]}


def test_an_avatar_that_is_fixed_may_be_set_once(
    new_app: Callable[..., App], api_of: Callable[[App], Api]
) -> None:
    alice = register(api_of(new_app(enable_set_avatar_url=False)), "alice")
    path = field(alice, "avatar_url")
    assert alice.put(path, {"avatar_url": "mxc://soma.test/a"}).status == 200
    for answer in (alice.put(path, {"avatar_url": "mxc://soma.test/b"}), alice.delete(path)):
        assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")
