"""GET /notifications: what a user was notified of."""

from typing import Any
from urllib.parse import quote

import pytest

from impl.services import notifications
from tests.api.api_client import User

PATH = "/_matrix/client/v3/notifications"
RULES = "/_matrix/client/v3/pushrules/global"
SOUND = {"set_tweak": "sound", "value": "default"}
HIGHLIGHT = {"set_tweak": "highlight"}


def listed(user: User, **query: Any) -> list[dict[str, Any]]:
    answer = user.get(PATH, query)
    assert answer.status == 200
    return answer.json["notifications"]


def bodies(found: list[dict[str, Any]]) -> list[str]:
    return [one["event"]["content"].get("body") for one in found]


def mention(sender: User, room_id: str, body: str, *user_ids: str) -> str:
    content = {"msgtype": "m.text", "body": body, "m.mentions": {"user_ids": list(user_ids)}}
    path = f"/_matrix/client/v3/rooms/{quote(room_id, safe='')}/send/m.room.message/{body}"
    return sender.put(path, content).json["event_id"]


@pytest.fixture
def room_id(alice: User, bob: User) -> str:
    made = alice.create_room(preset="public_chat")
    bob.join(made)
    return made


def test_messages_are_listed_the_newest_first(alice: User, bob: User, room_id: str) -> None:
    alice.send(room_id, "one")
    bob.send(room_id, "mine")
    event_id = mention(alice, room_id, "two", bob.user_id)
    found = listed(bob)
    assert bodies(found) == ["two", "one"]
    assert found[0]["event"]["event_id"] == event_id
    assert "room_id" not in found[0]["event"]
    assert found[0]["room_id"] == room_id
    assert found[0]["ts"] == found[0]["event"]["origin_server_ts"]
    assert found[0]["actions"] == ["notify", SOUND, HIGHLIGHT]
    # The room has two members.
    assert found[1]["actions"] == ["notify", SOUND]


def test_only_highlights_may_be_asked_for(alice: User, bob: User, room_id: str) -> None:
    alice.send(room_id, "one")
    mention(alice, room_id, "two", bob.user_id)
    assert bodies(listed(bob, only="highlight")) == ["two"]


def test_what_was_read_says_so(alice: User, bob: User, room_id: str) -> None:
    first = alice.send(room_id, "one")
    alice.send(room_id, "two")
    path = f"/_matrix/client/v3/rooms/{quote(room_id, safe='')}/receipt/m.read/{quote(first)}"
    bob.post(path, {})
    assert [one["read"] for one in listed(bob)] == [False, True]


def test_pages_hang_together(alice: User, bob: User, room_id: str) -> None:
    other = alice.create_room(preset="public_chat")
    bob.join(other)
    for number in range(7):
        alice.send(room_id if number % 3 else other, str(number))
    found: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = bob.get(PATH, query).json
        assert len(page["notifications"]) <= 2
        found += bodies(page["notifications"])
        if "next_token" not in page:
            break
        query["from"] = page["next_token"]
    assert found == [str(number) for number in range(6, -1, -1)]


def test_rules_are_those_of_the_time(alice: User, bob: User, room_id: str) -> None:
    alice.send(room_id, "heard")
    rule = f"{RULES}/room/{quote(room_id, safe='')}"
    bob.put(rule, {"actions": []})
    alice.send(room_id, "unheard")
    bob.delete(rule)
    assert bodies(listed(bob)) == ["heard"]


def test_only_the_rooms_one_is_in_are_listed(alice: User, bob: User, room_id: str) -> None:
    alice.send(room_id, "before")
    bob.post(f"/_matrix/client/v3/rooms/{quote(room_id, safe='')}/leave", {})
    assert listed(bob) == []
    alice.send(room_id, "between")
    bob.join(room_id)
    alice.send(room_id, "after")
    assert bodies(listed(bob)) == ["after"]


def test_the_history_from_before_one_came_is_not_walked(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "ROWS_OF_A_ROOM", 2)
    monkeypatch.setattr(notifications, "ROOMS_AT_ONCE", 1)
    old, new = (alice.create_room(preset="public_chat") for _ in range(2))
    for number in range(3 * notifications.STEPS_MAX):
        alice.send(old, str(number))
    bob.join(new)
    bob.join(old)
    alice.send(new, "one")
    alice.send(old, "two")
    alice.send(new, "three")
    answer = bob.get(PATH).json
    assert bodies(answer["notifications"]) == ["three", "two", "one"]
    assert "next_token" not in answer


def test_a_redacted_event_is_shown_as_such(alice: User, bob: User, room_id: str) -> None:
    event_id = mention(alice, room_id, "gone", bob.user_id)
    place = f"{quote(room_id, safe='')}/redact/{quote(event_id, safe='')}/1"
    alice.put(f"/_matrix/client/v3/rooms/{place}", {})
    (found,) = listed(bob)
    assert found["event"]["content"] == {}
    assert found["actions"] == ["notify", HIGHLIGHT]


def test_one_is_not_notified_by_whom_one_ignores(alice: User, bob: User, room_id: str) -> None:
    alice.send(room_id, "one")
    path = f"/_matrix/client/v3/user/{quote(bob.user_id)}/account_data/m.ignored_user_list"
    bob.put(path, {"ignored_users": {alice.user_id: {}}})
    assert listed(bob) == []


@pytest.mark.parametrize(
    "query",
    [{"from": "s12"}, {"from": "-1"}, {"from": "9" * 30}, {"limit": -1}, {"limit": "many"}],
)
def test_what_makes_no_sense_is_refused(bob: User, query: dict[str, Any]) -> None:
    answer = bob.get(PATH, query)
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")


def test_odd_questions_are_answered(alice: User, bob: User, room_id: str) -> None:
    alice.send(room_id, "one")
    assert listed(bob, limit=0) == []
    assert bodies(listed(bob, limit=10**6)) == ["one"]
    assert bodies(listed(bob, only="anything")) == ["one"]
    assert listed(bob, **{"from": "0"}) == []
    assert bodies(listed(bob, **{"from": "9" * 18})) == ["one"]
