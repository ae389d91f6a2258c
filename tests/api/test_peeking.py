"""Looking into rooms from outside, as a guest and as a stranger: every way to read serves what all
the world may read, and nothing else. C-S API, "Guest Access", "Room Previews".
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from impl.app import App
from tests.api.api_client import Answer, Api, User, register
from tests.api.room_actions import CLIENT, act

V1 = "/_matrix/client/v1"


def visibility(value: str) -> dict[str, Any]:
    return {
        "type": "m.room.history_visibility",
        "content": {"history_visibility": value},
    }


@pytest.fixture
def app(new_app: Callable[..., App]) -> App:
    return new_app(allow_guest_access=True)


@pytest.fixture(params=["guest", "stranger"])
def outsider(request: pytest.FixtureRequest, api: Api) -> User:
    if request.param == "stranger":
        return register(api, "stranger")
    made = api.post(f"{CLIENT}/register", {}, query={"kind": "guest"}).json
    return User(api, made["user_id"], made["access_token"], made["device_id"], "")


class Shown:
    """A room with a message in it, and all ways to read them."""

    def __init__(self, alice: User, value: str) -> None:
        self.room_id = alice.create_room(
            preset="public_chat", name="Shown", initial_state=[visibility(value)]
        )
        self.event_id = alice.send(self.room_id, "hello")
        self.room = f"{CLIENT}/rooms/{quote(self.room_id, safe='')}"
        self.event = quote(self.event_id, safe="")

    def state(self, user: User) -> Answer:
        return user.get(f"{self.room}/state")

    def state_event(self, user: User) -> Answer:
        return user.get(f"{self.room}/state/m.room.name/")

    def state_event_without_key(self, user: User) -> Answer:
        return user.get(f"{self.room}/state/m.room.name")

    def messages_back(self, user: User) -> Answer:
        return user.get(f"{self.room}/messages", {"dir": "b"})

    def messages_forth(self, user: User) -> Answer:
        return user.get(f"{self.room}/messages", {"dir": "f", "limit": 100})

    def context(self, user: User) -> Answer:
        return user.get(f"{self.room}/context/{self.event}")

    def one_event(self, user: User) -> Answer:
        return user.get(f"{self.room}/event/{self.event}")

    def members(self, user: User) -> Answer:
        return user.get(f"{self.room}/members")

    def initial_sync(self, user: User) -> Answer:
        return user.get(f"{self.room}/initialSync")

    def events(self, user: User) -> Answer:
        query = {"room_id": self.room_id, "timeout": 0, "from": "s0"}
        return user.get(f"{CLIENT}/events", query)


# What guests may use, and what it shows of the room.
FOR_GUESTS = {
    "state": "Shown",
    "state_event": "Shown",
    "state_event_without_key": "Shown",
    "messages_back": "hello",
    "messages_forth": "hello",
    "context": "hello",
    "one_event": "hello",
    "members": "alice",
    "initial_sync": "hello",
    "events": "hello",
}


@pytest.mark.parametrize("way", FOR_GUESTS)
def test_what_all_the_world_may_read_is_read_from_outside(
    alice: User, outsider: User, way: str
) -> None:
    room = Shown(alice, "world_readable")
    answer = getattr(room, way)(outsider)
    assert answer.status == 200, answer
    assert FOR_GUESTS[way].encode() in answer.body


@pytest.mark.parametrize("way", FOR_GUESTS)
@pytest.mark.parametrize("value", ["shared", "invited", "joined"])
def test_nothing_else_is(alice: User, outsider: User, way: str, value: str) -> None:
    answer = getattr(Shown(alice, value), way)(outsider)
    assert answer.status in (403, 404)
    assert answer.errcode == ("M_NOT_FOUND" if way == "one_event" else "M_FORBIDDEN")


@pytest.mark.parametrize("way", ["messages_back", "messages_forth", "initial_sync", "events"])
def test_what_was_said_while_the_world_might_not_read_stays_hidden(
    alice: User, outsider: User, way: str
) -> None:
    room = Shown(alice, "shared")
    alice.put(
        f"{room.room}/state/m.room.history_visibility/", {"history_visibility": "world_readable"}
    )
    alice.send(room.room_id, "open")
    body = getattr(room, way)(outsider).body
    assert b"open" in body
    assert b"hello" not in body
    assert room.one_event(outsider).errcode == "M_NOT_FOUND"
    assert room.context(outsider).errcode == "M_NOT_FOUND"


def test_who_is_in_a_room_by_name_is_for_its_members(alice: User, outsider: User) -> None:
    room = Shown(alice, "world_readable")
    answer = outsider.get(f"{room.room}/joined_members")
    assert answer.status == 403


def test_who_is_banned_reads_what_all_the_world_reads(alice: User, bob: User) -> None:
    room = Shown(alice, "world_readable")
    act(alice, room.room_id, "ban", bob)
    later = alice.send(room.room_id, "later")
    assert later.encode() in room.messages_back(bob).body


def ways_of_accounts(room: Shown) -> dict[str, tuple[str, Any]]:
    in_v1 = room.room.replace("/v3/", "/v1/")
    return {
        "by time": (f"{in_v1}/timestamp_to_event", {"ts": 2**53 - 1, "dir": "b"}),
        "children": (f"{in_v1}/relations/{room.event}", None),
        "threads": (f"{in_v1}/threads", None),
        "aliases": (f"{room.room}/aliases", None),
        "hierarchy": (f"{in_v1}/hierarchy", None),
        "summary": (f"{V1}/room_summary/{quote(room.room_id, safe='')}", None),
        "by id alone": (f"{CLIENT}/events/{room.event}", None),
    }


@pytest.mark.parametrize(
    "way",
    ["by time", "children", "threads", "aliases", "hierarchy", "summary", "by id alone"],
)
def test_further_ways_are_for_who_has_an_account(alice: User, bob: User, way: str) -> None:
    room = Shown(alice, "world_readable")
    path, query = ways_of_accounts(room)[way]
    assert bob.get(path, query).status == 200
    hidden = alice.create_room(initial_state=[visibility("shared")])
    path = path.replace(quote(room.room_id, safe=""), quote(hidden, safe=""))
    path = path.replace(room.event, quote(alice.send(hidden, "x"), safe=""))
    assert bob.get(path, query).status in (403, 404)


# Guests in rooms


@pytest.fixture
def guest(api: Api) -> User:
    made = api.post(f"{CLIENT}/register", {}, query={"kind": "guest"}).json
    return User(api, made["user_id"], made["access_token"], made["device_id"], "")


def test_a_guest_joins_where_guests_are_wanted_only(alice: User, guest: User) -> None:
    for state in ([], [{"type": "m.room.guest_access", "content": {"guest_access": "forbidden"}}]):
        room_id = alice.create_room(preset="public_chat", initial_state=state)
        answer = act(guest, room_id, "join")
        assert (answer.status, answer.errcode) == (403, "M_GUEST_ACCESS_FORBIDDEN")
    welcome = [{"type": "m.room.guest_access", "content": {"guest_access": "can_join"}}]
    room_id = alice.create_room(preset="public_chat", initial_state=welcome)
    assert act(guest, room_id, "join").status == 200
    assert guest.send(room_id, "hi")
    place = f"{CLIENT}/rooms/{quote(room_id)}"
    assert guest.get(f"{place}/messages", {"dir": "b"}).status == 200
    # They go once they are not wanted any more.
    alice.put(f"{place}/state/m.room.guest_access/", {"guest_access": "forbidden"})
    member = alice.get(f"{place}/state/m.room.member/{guest.user_id}").json
    assert member["membership"] == "leave"
    answer = guest.put(f"{place}/send/m.room.message/x", {"msgtype": "m.text", "body": "hi"})
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")


def test_a_guest_syncs(alice: User, guest: User) -> None:
    welcome = [{"type": "m.room.guest_access", "content": {"guest_access": "can_join"}}]
    room_id = alice.create_room(preset="public_chat", initial_state=welcome)
    act(guest, room_id, "join")
    assert room_id in guest.get(f"{CLIENT}/sync").json["rooms"]["join"]
