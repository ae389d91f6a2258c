"""C-S API, "Account suspension": what a suspended user may do, and what not."""

from urllib.parse import quote

import pytest

from impl.app import App
from tests.api.accounts_actions import an_admin, moderate
from tests.api.api_client import Answer, Api, User

V3 = "/_matrix/client/v3"


def suspend(api: Api, app: App, *users: User) -> User:
    admin = an_admin(api, app)
    for user in users:
        assert moderate(admin, "suspend", user.user_id, True).status == 200
    return admin


def place(*pieces: str) -> str:
    return f"{V3}/" + "/".join(quote(piece, safe="") for piece in pieces)


def state(user: User, room_id: str, event_type: str, state_key: str, content: object) -> Answer:
    return user.put(place("rooms", room_id, "state", event_type, state_key), content)


@pytest.fixture
def room_id(alice: User, bob: User) -> str:
    found = alice.create_room(
        preset="public_chat", power_level_content_override={"users_default": 100}
    )
    bob.join(found)
    return found


def test_what_is_refused(api: Api, app: App, alice: User, bob: User, room_id: str) -> None:
    other, invited = alice.create_room(preset="public_chat"), alice.create_room()
    alice.post(place("rooms", invited, "invite"), {"user_id": bob.user_id})
    event_id = alice.send(room_id, "of alice")
    admin = suspend(api, app, bob)
    me = bob.user_id
    answers = [
        bob.post(place("join", other), {}),
        bob.post(place("join", invited), {}),
        bob.post(place("rooms", invited, "join"), {}),
        bob.post(place("knock", other), {}),
        bob.post(place("rooms", room_id, "invite"), {"user_id": "@charlie:soma.test"}),
        bob.post(place("rooms", room_id, "kick"), {"user_id": alice.user_id}),
        bob.post(place("createRoom"), {}),
        bob.put(place("rooms", room_id, "send", "m.room.message", "1"), {"body": "hi"}),
        bob.put(place("rooms", room_id, "redact", event_id, "2"), {}),
        bob.put(place("rooms", room_id, "redact", "$nothing", "3"), {}),
        bob.put(place("rooms", room_id, "send", "m.room.redaction", "4"), {"redacts": event_id}),
        state(bob, room_id, "m.room.topic", "", {"topic": "hi"}),
        state(bob, room_id, "m.room.member", me, {"membership": "join", "displayname": "B"}),
        state(bob, room_id, "m.room.member", alice.user_id, {"membership": "leave"}),
        bob.put(place("profile", me, "displayname"), {"displayname": "Bob"}),
        bob.delete(place("profile", me, "displayname")),
        bob.put(place("presence", me, "status"), {"presence": "online", "status_msg": "hi"}),
    ]
    refused = [(one.status, one.errcode) for one in answers]
    assert refused == [(403, "M_USER_SUSPENDED")] * len(answers)

    moderate(admin, "suspend", me, False)
    assert bob.send(room_id, "back")


def test_what_is_allowed(api: Api, app: App, alice: User, bob: User, room_id: str) -> None:
    first, second = bob.send(room_id, "one"), bob.send(room_id, "two")
    left = alice.create_room(preset="public_chat")
    bob.join(left)
    invited = alice.create_room(invite=[bob.user_id])
    suspend(api, app, bob)
    alice.send(room_id, "news")
    login = {"type": "m.login.password", "user": "bob", "password": bob.password}
    logged_in = api.post(place("login"), login)
    answers = [
        logged_in,
        bob.get(place("sync")),
        bob.get(place("rooms", room_id, "messages"), {"dir": "b"}),
        bob.put(place("rooms", room_id, "redact", first, "1"), {}),
        bob.put(place("rooms", room_id, "send", "m.room.redaction", "2"), {"redacts": second}),
        bob.post(place("rooms", invited, "leave"), {}),
        bob.post(place("rooms", room_id, "leave"), {}),
        state(bob, left, "m.room.member", bob.user_id, {"membership": "leave"}),
        bob.post(place("logout"), {}),
    ]
    assert [one.status for one in answers] == [200] * len(answers)
    # The new session is suspended as well.
    answer = api.post(place("createRoom"), {}, logged_in.json["access_token"])
    assert (answer.status, answer.errcode) == (403, "M_USER_SUSPENDED")
