"""Where users see people of other servers: in the user directory, in mutual rooms, by their
presence."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import gevent
import pytest

from impl.services.sending import greetings
from impl.services.sending.sender import Sender
from tests.api.api_client import User
from tests.federation.conftest import Server
from tests.federation.rooms import act, path
from tests.federation.test_joining import join
from tests.services.sending.world import settle

CLIENT = "/_matrix/client/v3"


@pytest.fixture
def deliver(a: Server, b: Server) -> Iterator[Callable[[], None]]:
    """What each has for the other has arrived."""
    made = [Sender(a.app), Sender(b.app)]

    def run() -> None:
        for sender in made:
            settle(sender)

    run()
    yield run
    for sender in made:
        sender.stop(5.0)


def search(user: User, term: str) -> dict[str, str | None]:
    answer = user.post(f"{CLIENT}/user_directory/search", {"search_term": term})
    assert answer.status == 200, answer
    return {one["user_id"]: one.get("display_name") for one in answer.json["results"]}


def rename(user: User, name: str) -> None:
    place = f"{CLIENT}/profile/{quote(user.user_id)}/displayname"
    assert user.put(place, {"displayname": name}).status == 200


def test_who_shares_a_room_is_found_by_what_they_are_called_there(
    alice: User, bob: User, deliver: Callable[[], None]
) -> None:
    rename(alice, "Alice Liddell")
    room_id = alice.create_room(preset="private_chat")
    assert act(alice, room_id, "invite", bob.user_id).status == 200
    assert search(bob, "liddell") == {}
    assert bob.post(path(room_id, "join"), {}).status == 200
    assert search(bob, "liddell") == {alice.user_id: "Alice Liddell"}
    rename(alice, "Alice Hargreaves")
    deliver()
    assert search(bob, "liddell") == {}
    assert search(bob, "hargreaves") == {alice.user_id: "Alice Hargreaves"}


def test_who_is_in_a_public_room_is_found_by_all_as_long_as_one_of_us_is_in_it(
    b: Server, alice: User, bob: User
) -> None:
    carol = b.register("carol")
    room_id = alice.create_room(preset="public_chat")
    assert join(bob, room_id, "a.test").status == 200
    assert list(search(carol, "alice")) == [alice.user_id]
    assert bob.post(path(room_id, "leave"), {}).status == 200
    assert search(carol, "alice") == search(bob, "alice") == {}


def test_mutual_rooms_are_told(alice: User, bob: User, deliver: Callable[[], None]) -> None:
    rooms = [alice.create_room(preset="public_chat") for _ in range(2)]
    for room_id in rooms:
        assert join(bob, room_id, "a.test").status == 200
    deliver()
    place = "/_matrix/client/v1/mutual_rooms"
    for one, other in ((alice, bob), (bob, alice)):
        answer = one.get(place, {"user_id": other.user_id})
        assert answer.status == 200, answer
        assert set(answer.json["joined"]) == set(rooms)


def presences(user: User, since: str, timeout: int = 0) -> tuple[dict[str, str], str]:
    query = {"since": since, "timeout": timeout, "set_presence": "unavailable"}
    answer = user.get(f"{CLIENT}/sync", query).json
    events = answer.get("presence", {}).get("events", [])
    return {one["sender"]: one["content"]["presence"] for one in events}, answer["next_batch"]


def test_presence_is_told_to_who_shares_a_room_also_if_they_came_later(
    a: Server, b: Server, alice: User, bob: User, deliver: Callable[[], None]
) -> None:
    carol = b.register("carol")

    def be(state: str) -> None:
        place = f"{CLIENT}/presence/{quote(alice.user_id)}/status"
        assert alice.put(place, {"presence": state}).status == 200
        deliver()

    room_id = alice.create_room(preset="public_chat")
    assert join(bob, room_id, "a.test").status == 200
    bobs = bob.get(f"{CLIENT}/sync").json["next_batch"]
    carols = carol.get(f"{CLIENT}/sync").json["next_batch"]
    be("online")
    told, bobs = presences(bob, bobs)
    assert told[alice.user_id] == "online"
    told, carols = presences(carol, carols)
    assert alice.user_id not in told
    second = alice.create_room(preset="public_chat")
    assert join(carol, second, "a.test").status == 200
    told, carols = presences(carol, carols)
    assert told[alice.user_id] == "online"

    def wait_for_more() -> str:
        token = carols
        while True:
            told, token = presences(carol, token, 10_000)
            if alice.user_id in told:
                return told[alice.user_id]

    poll = gevent.spawn(wait_for_more)
    gevent.sleep(0.2)
    be("unavailable")
    poll.join(5)
    assert poll.value == "unavailable"


def test_who_joins_sees_who_is_there_and_is_seen(
    alice: User, bob: User, deliver: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The rest of the test is no time.
    monkeypatch.setattr(greetings, "AFTER_MS", 0)

    def look(user: User, since: str | None = None) -> Any:
        query = {"set_presence": "offline"} | ({"since": since} if since else {})
        return user.get(f"{CLIENT}/sync", query).json

    room_id = alice.create_room(preset="public_chat")
    for user in (alice, bob):
        place = f"{CLIENT}/presence/{quote(user.user_id)}/status"
        assert user.put(place, {"presence": "online"}).status == 200
    deliver()
    tokens = [(one, look(one)["next_batch"]) for one in (alice, bob)]
    # Nobody's presence changes with this.
    assert join(bob, room_id, "a.test").status == 200
    deliver()
    for (one, token), other in zip(tokens, (bob, alice), strict=True):
        events = look(one, token).get("presence", {}).get("events", [])
        told = {event["sender"]: event["content"]["presence"] for event in events}
        assert told.get(other.user_id) == "online"
