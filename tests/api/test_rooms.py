"""GET /rooms/{roomId}/event, /members, /joined_members."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from impl.app import App
from impl.config.application_services import ApplicationService, Namespace
from tests.api.api_client import Api, User, register


def get(user: User, room_id: str, rest: str, **query: Any) -> Any:
    return user.get(f"/_matrix/client/v3/rooms/{quote(room_id, safe='')}/{rest}", query)


def members(user: User, room_id: str, **query: Any) -> dict[str, str]:
    answer = get(user, room_id, "members", **query)
    assert answer.status == 200, answer
    return {one["state_key"]: one["content"]["membership"] for one in answer.json["chunk"]}


def test_an_event_is_found_by_its_id(alice: User) -> None:
    room_id = alice.create_room()
    event_id = alice.send(room_id, "here")
    found = get(alice, room_id, f"event/{quote(event_id)}").json
    assert found["content"]["body"] == "here"
    assert found["room_id"] == room_id
    assert found["unsigned"]["age"] >= 0


def test_an_unknown_event_is_not_found(alice: User) -> None:
    answer = get(alice, alice.create_room(), "event/%24unknown")
    assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")


def test_an_event_of_another_room_is_not_found(alice: User) -> None:
    event_id = alice.send(alice.create_room(), "elsewhere")
    assert get(alice, alice.create_room(), f"event/{quote(event_id)}").status == 404


def test_an_event_from_before_ones_time_is_not_found(alice: User, bob: User) -> None:
    visibility = {
        "type": "m.room.history_visibility",
        "state_key": "",
        "content": {"history_visibility": "joined"},
    }
    room_id = alice.create_room(preset="public_chat", initial_state=[visibility])
    event_id = alice.send(room_id, "before")
    bob.join(room_id)
    assert get(bob, room_id, f"event/{quote(event_id)}").status == 404


def test_an_event_of_a_room_that_one_is_not_in_is_not_found(alice: User, bob: User) -> None:
    room_id = alice.create_room(preset="public_chat")
    event_id = alice.send(room_id, "here")
    for place in (room_id, "!unknown:soma.test"):
        answer = get(bob, place, f"event/{quote(event_id)}")
        assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")


def test_members_are_those_with_a_membership(alice: User, bob: User, charlie: User) -> None:
    room_id = alice.create_room(preset="public_chat", invite=[charlie.user_id])
    bob.join(room_id)
    assert members(alice, room_id) == {
        alice.user_id: "join",
        bob.user_id: "join",
        charlie.user_id: "invite",
    }
    assert set(members(alice, room_id, membership="invite")) == {charlie.user_id}
    assert set(members(alice, room_id, not_membership="join")) == {charlie.user_id}


def test_members_at_a_token_are_those_of_then(alice: User, bob: User) -> None:
    room_id = alice.create_room(preset="public_chat")
    token = alice.get("/_matrix/client/v3/sync").json["next_batch"]
    bob.join(room_id)
    assert set(members(alice, room_id, at=token)) == {alice.user_id}


def test_members_of_a_room_that_one_left_are_those_of_then(
    alice: User, bob: User, charlie: User
) -> None:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    bob.post(f"/_matrix/client/v3/rooms/{quote(room_id)}/leave", {})
    charlie.join(room_id)
    assert members(bob, room_id) == {alice.user_id: "join", bob.user_id: "leave"}


def visibility(value: str) -> dict[str, Any]:
    return {"type": "m.room.history_visibility", "content": {"history_visibility": value}}


def token_of(user: User) -> str:
    return user.get("/_matrix/client/v3/sync").json["next_batch"]


def test_members_before_ones_time_are_for_who_may_see_history(
    alice: User, bob: User, charlie: User
) -> None:
    closed = alice.create_room(preset="public_chat", initial_state=[visibility("joined")])
    shared = alice.create_room(preset="public_chat")
    before = token_of(alice)
    for room_id in (closed, shared):
        bob.join(room_id)
    after = token_of(bob)
    for room_id in (closed, shared):
        bob.post(f"/_matrix/client/v3/rooms/{quote(room_id)}/leave", {})
    for at, room_id in ((before, shared), (after, shared), (after, closed)):
        assert alice.user_id in members(bob, room_id, at=at)
    answer = get(bob, closed, "members", at=before)
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")


def test_members_before_the_world_was_let_in_are_not_for_the_world(alice: User, bob: User) -> None:
    room_id = alice.create_room(preset="public_chat")
    before = token_of(alice)
    path = f"/_matrix/client/v3/rooms/{quote(room_id)}/state/m.room.history_visibility"
    alice.put(path, {"history_visibility": "world_readable"})
    assert set(members(bob, room_id, at=token_of(alice))) == {alice.user_id}
    assert get(bob, room_id, "members", at=before).status == 403


def test_members_are_not_for_strangers(alice: User, bob: User) -> None:
    assert get(bob, alice.create_room(), "members").status == 403


def test_members_at_nonsense_are_refused(alice: User) -> None:
    answer = get(alice, alice.create_room(), "members", at="nonsense")
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")


def test_joined_members_have_their_names(alice: User, bob: User) -> None:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    joined = get(alice, room_id, "joined_members").json["joined"]
    assert set(joined) == {alice.user_id, bob.user_id}


def test_joined_members_are_for_members(alice: User, bob: User) -> None:
    assert get(bob, alice.create_room(preset="public_chat"), "joined_members").status == 403


def test_joined_members_are_for_a_service_that_has_a_user_there(
    new_app: Callable[..., App], api_of: Callable[[App], Api]
) -> None:
    services = tuple(
        ApplicationService(
            id=name,
            url=None,
            as_token=f"{name} as_token",
            hs_token=f"{name} hs_token",
            sender_localpart=f"{name}bot",
            namespaces={
                "users": (Namespace(re.compile(f"@_{name}_.*"), True),),
                "aliases": (),
                "rooms": (),
            },
        )
        for name in ("irc", "xmpp")
    )
    api = api_of(new_app(application_services=services))
    room_id = register(api, "alice").create_room(preset="public_chat")
    path = f"/_matrix/client/v3/rooms/{quote(room_id)}"
    assert api.get(f"{path}/joined_members", "irc as_token").status == 403
    username = {"type": "m.login.application_service", "username": "_irc_bob"}
    api.post("/_matrix/client/v3/register", username, "irc as_token")
    query = {"user_id": "@_irc_bob:soma.test"}
    assert api.post(f"{path}/join", {}, "irc as_token", query).status == 200
    joined = api.get(f"{path}/joined_members", "irc as_token").json["joined"]
    assert set(joined) == {"@alice:soma.test", "@_irc_bob:soma.test"}
    assert api.get(f"{path}/joined_members", "xmpp as_token").status == 403
