"""GET /sync as a client sees it; what it tells is tested in tests/services/test_sync_*.py."""

import json

import pytest

from tests.api.api_client import User

SYNC = "/_matrix/client/v3/sync"
FIELDS = ["type", "event_id", "sender", "origin_server_ts", "content"]


def test_the_first_sync_has_all_sections(alice: User) -> None:
    answer = alice.get(SYNC)
    assert answer.status == 200
    assert {
        *("next_batch", "account_data", "presence", "rooms", "to_device", "device_lists"),
        *("device_one_time_keys_count", "device_unused_fallback_key_types"),
    } <= set(answer.json)
    types = {one["type"] for one in answer.json["account_data"]["events"]}
    assert "m.push_rules" in types


def test_a_conversation_goes_both_ways(alice: User, bob: User) -> None:
    room_id = alice.create_room(preset="trusted_private_chat", invite=[bob.user_id])
    first = bob.get(SYNC).json
    assert room_id in first["rooms"]["invite"]
    bob.join(room_id)
    alice.send(room_id, "hello")
    second = bob.get(SYNC, {"since": first["next_batch"], "timeout": 1000}).json
    room = second["rooms"]["join"][room_id]
    assert room["timeline"]["events"][-1]["content"]["body"] == "hello"
    assert room["unread_notifications"] == {"highlight_count": 0, "notification_count": 1}
    bob.send(room_id, "hello yourself")
    third = alice.get(SYNC, {"since": second["next_batch"], "full_state": "true"}).json
    assert any(
        one["type"] == "m.room.create" for one in third["rooms"]["join"][room_id]["state"]["events"]
    )


def test_a_stored_filter_is_used(alice: User) -> None:
    room_id = alice.create_room()
    made = alice.post(
        f"/_matrix/client/v3/user/{alice.user_id}/filter",
        {"room": {"timeline": {"types": ["m.room.create"]}}, "event_fields": FIELDS},
    )
    answer = alice.get(SYNC, {"filter": made.json["filter_id"]}).json
    (event,) = answer["rooms"]["join"][room_id]["timeline"]["events"]
    assert event["type"] == "m.room.create"
    assert sorted(event) == sorted(FIELDS)


def test_the_federation_format_is_the_whole_event(alice: User) -> None:
    room_id = alice.create_room()
    answer = alice.get(SYNC, {"filter": json.dumps({"event_format": "federation"})}).json
    events = answer["rooms"]["join"][room_id]["timeline"]["events"]
    assert all("auth_events" in one for one in events)


@pytest.mark.parametrize(
    "query",
    [
        {"since": "nonsense"},
        {"filter": "{"},
        {"filter": "999"},
        {"timeout": "x"},
        {"set_presence": "x"},
    ],
)
def test_a_query_that_cannot_be_read_is_refused(alice: User, query: dict[str, str]) -> None:
    answer = alice.get(SYNC, query)
    assert answer.status == 400
    assert answer.errcode.startswith("M_")
