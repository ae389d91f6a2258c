"""Bundled aggregations: what is told with an event of what relates to it, on every read path."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from tests.api.api_client import User
from tests.api.related import (
    bundle,
    edit,
    get_event,
    ignore,
    react,
    redact,
    refer,
    relate,
    reply,
    room_path,
    told_with,
)


@pytest.fixture
def room_id(alice: User, bob: User) -> str:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    alice.send(room_id, "what a limit cuts off")
    return room_id


@pytest.fixture
def parent(alice: User, room_id: str) -> str:
    return alice.send(room_id, "parent")


def test_an_event_alone_has_none(alice: User, room_id: str, parent: str) -> None:
    assert "m.relations" not in get_event(alice, room_id, parent)["unsigned"]


def test_the_newest_edit_is_told_and_the_content_stays(
    alice: User, bob: User, room_id: str, parent: str
) -> None:
    edit(alice, room_id, parent, "first")
    newest = edit(alice, room_id, parent, "second")
    found = get_event(bob, room_id, parent)
    assert found["content"]["body"] == "parent"
    replacement = told_with(found)["m.replace"]
    assert replacement["event_id"] == newest
    assert replacement["room_id"] == room_id
    assert replacement["content"]["m.new_content"]["body"] == "second"
    assert replacement["sender"] == alice.user_id
    assert replacement["unsigned"]["age"] >= 0


def test_an_edit_that_breaks_a_rule_is_not_told(
    alice: User, bob: User, room_id: str, parent: str
) -> None:
    valid = edit(alice, room_id, parent, "valid")
    edit(bob, room_id, parent, "of another sender")
    new = {"m.new_content": {"body": "of another type"}}
    relate(alice, room_id, "m.replace", parent, "m.sticker", **new)
    for _ in range(4):
        relate(alice, room_id, "m.replace", parent, body="nothing new")
    edit(alice, room_id, valid, "of an edit")
    assert bundle(alice, room_id, parent)["m.replace"]["event_id"] == valid
    assert bundle(alice, room_id, valid) == {}


def test_a_redacted_edit_gives_way_to_the_one_before(
    alice: User, room_id: str, parent: str
) -> None:
    first = edit(alice, room_id, parent, "first")
    redact(alice, room_id, edit(alice, room_id, parent, "second"))
    assert bundle(alice, room_id, parent)["m.replace"]["event_id"] == first
    redact(alice, room_id, first)
    assert bundle(alice, room_id, parent) == {}


def test_of_what_was_redacted_no_edit_is_told(alice: User, room_id: str, parent: str) -> None:
    edit(alice, room_id, parent, "edited")
    reply(alice, room_id, parent)
    redact(alice, room_id, parent)
    assert set(bundle(alice, room_id, parent)) == {"m.thread"}


def test_a_thread_is_told_by_its_newest_reply_and_its_count(
    alice: User, bob: User, room_id: str, parent: str
) -> None:
    reply(alice, room_id, parent)
    newest = reply(alice, room_id, parent, "newest")
    thread = bundle(alice, room_id, parent)["m.thread"]
    assert thread["latest_event"]["event_id"] == newest
    assert thread["latest_event"]["content"]["body"] == "newest"
    assert thread["latest_event"]["unsigned"]["transaction_id"]
    assert (thread["count"], thread["current_user_participated"]) == (2, True)
    seen_by_bob = bundle(bob, room_id, parent)["m.thread"]
    assert "transaction_id" not in seen_by_bob["latest_event"]["unsigned"]
    assert (seen_by_bob["count"], seen_by_bob["current_user_participated"]) == (2, False)
    reply(bob, room_id, parent)
    assert bundle(bob, room_id, parent)["m.thread"]["current_user_participated"]


def test_who_began_a_thread_takes_part_in_it(
    alice: User, bob: User, room_id: str, parent: str
) -> None:
    reply(bob, room_id, parent)
    assert bundle(alice, room_id, parent)["m.thread"]["current_user_participated"]


def test_the_newest_reply_brings_its_own(alice: User, room_id: str, parent: str) -> None:
    newest = reply(alice, room_id, parent)
    newer = edit(alice, room_id, newest, "edited")
    referring = refer(alice, room_id, newest)
    latest = bundle(alice, room_id, parent)["m.thread"]["latest_event"]
    assert told_with(latest)["m.replace"]["event_id"] == newer
    assert told_with(latest)["m.reference"] == {"chunk": [{"event_id": referring}]}


def test_a_redacted_reply_counts_no_more(alice: User, room_id: str, parent: str) -> None:
    first = reply(alice, room_id, parent)
    redact(alice, room_id, reply(alice, room_id, parent))
    thread = bundle(alice, room_id, parent)["m.thread"]
    assert (thread["count"], thread["latest_event"]["event_id"]) == (1, first)
    redact(alice, room_id, first)
    assert bundle(alice, room_id, parent) == {}


def test_references_are_listed_oldest_first(alice: User, room_id: str, parent: str) -> None:
    sent = [refer(alice, room_id, parent) for _ in range(3)]
    redact(alice, room_id, sent.pop(1))
    chunk = [{"event_id": event_id} for event_id in sent]
    assert bundle(alice, room_id, parent) == {"m.reference": {"chunk": chunk}}


def test_annotations_and_what_is_not_specified_are_not_told(
    alice: User, room_id: str, parent: str
) -> None:
    react(alice, room_id, parent)
    relate(alice, room_id, "org.example.relation", parent)
    assert bundle(alice, room_id, parent) == {}


def test_state_events_have_none(alice: User, room_id: str) -> None:
    path = f"{room_path(room_id)}/state/m.room.topic/"
    topic = alice.put(path, {"topic": "roses"}).json["event_id"]
    refer(alice, room_id, topic)
    reply(alice, room_id, topic)
    assert bundle(alice, room_id, topic) == {}


def test_who_is_ignored_is_left_out(alice: User, bob: User, room_id: str, parent: str) -> None:
    own = reply(alice, room_id, parent)
    for _ in range(5):
        reply(bob, room_id, parent)
    refer(bob, room_id, parent)
    ignore(alice, bob)
    found = bundle(alice, room_id, parent)
    assert set(found) == {"m.thread"}
    assert found["m.thread"]["count"] == 1
    assert found["m.thread"]["latest_event"]["event_id"] == own
    only_bob = alice.send(room_id, "only bob answers")
    reply(bob, room_id, only_bob)
    assert bundle(alice, room_id, only_bob) == {}


def test_who_left_is_told_of_their_time_only(
    alice: User, bob: User, room_id: str, parent: str
) -> None:
    first_edit = edit(alice, room_id, parent, "first")
    first_reply = reply(alice, room_id, parent)
    first_reference = refer(alice, room_id, parent)
    bob.post(f"{room_path(room_id)}/leave", {})
    for _ in range(4):
        edit(alice, room_id, parent, "later")
        reply(alice, room_id, parent)
        refer(alice, room_id, parent)
    found = bundle(bob, room_id, parent)
    assert found["m.replace"]["event_id"] == first_edit
    assert found["m.thread"]["latest_event"]["event_id"] == first_reply
    assert found["m.thread"]["count"] == 1
    assert found["m.reference"] == {"chunk": [{"event_id": first_reference}]}


Reader = Callable[[User, str, str], list[dict[str, Any]]]


def _by_messages(user: User, room_id: str, event_id: str) -> list[dict[str, Any]]:
    query = {"dir": "b", "limit": 100}
    return user.get(f"{room_path(room_id)}/messages", query).json["chunk"]


def _by_context(user: User, room_id: str, event_id: str) -> list[dict[str, Any]]:
    return [user.get(f"{room_path(room_id)}/context/{quote(event_id)}").json["event"]]


def _around_another(user: User, room_id: str, event_id: str) -> list[dict[str, Any]]:
    create = _by_messages(user, room_id, event_id)[-1]["event_id"]
    path = f"{room_path(room_id)}/context/{quote(create)}"
    return user.get(path, {"limit": 100}).json["events_after"]


def _by_limited_sync(user: User, room_id: str, event_id: str) -> list[dict[str, Any]]:
    wanted = {"room": {"timeline": {"types": ["m.room.message"], "limit": 1}}}
    answer = user.get("/_matrix/client/v3/sync", {"filter": json.dumps(wanted)}).json
    timeline = answer["rooms"]["join"][room_id]["timeline"]
    assert timeline["limited"]
    return timeline["events"]


@pytest.mark.parametrize("read", [_by_messages, _by_context, _around_another, _by_limited_sync])
def test_they_are_told_on_every_path(
    alice: User, bob: User, room_id: str, parent: str, read: Reader
) -> None:
    refer(alice, room_id, parent)
    newest = relate(alice, room_id, "m.thread", parent, "test.reply")
    (found,) = [one for one in read(bob, room_id, parent) if one["event_id"] == parent]
    assert set(told_with(found)) == {"m.reference", "m.thread"}
    assert told_with(found)["m.thread"]["latest_event"]["event_id"] == newest


def test_a_sync_without_a_gap_tells_none(alice: User, bob: User, room_id: str) -> None:
    since = bob.get("/_matrix/client/v3/sync").json["next_batch"]
    parent = alice.send(room_id, "parent")
    child = reply(alice, room_id, parent)
    answer = bob.get("/_matrix/client/v3/sync", {"since": since}).json
    events = answer["rooms"]["join"][room_id]["timeline"]["events"]
    assert [one["event_id"] for one in events] == [parent, child]
    assert told_with(events[0]) == {}


def test_a_left_room_tells_them_too(alice: User, bob: User, room_id: str) -> None:
    parent = alice.send(room_id, "parent")
    child = relate(alice, room_id, "m.thread", parent, "test.reply")
    bob.post(f"{room_path(room_id)}/leave", {})
    wanted = {"room": {"include_leave": True, "timeline": {"types": ["m.room.message"]}}}
    wanted["room"]["timeline"]["limit"] = 1
    alice.send(room_id, "later")
    answer = bob.get("/_matrix/client/v3/sync", {"filter": json.dumps(wanted)}).json
    timeline = answer["rooms"]["leave"][room_id]["timeline"]
    (found,) = timeline["events"]
    assert timeline["limited"]
    assert found["event_id"] == parent
    assert told_with(found)["m.thread"]["latest_event"]["event_id"] == child


@pytest.mark.parametrize(
    ("wanted", "number"),
    [
        ({"related_by_rel_types": ["m.thread"]}, 2),
        ({"related_by_rel_types": ["m.thread", "m.reference"]}, 3),
        ({"related_by_senders": ["@bob:soma.test"]}, 1),
        ({"related_by_senders": ["@alice:soma.test"]}, 2),
        ({"related_by_senders": ["@bob:soma.test"], "related_by_rel_types": ["m.reference"]}, 0),
        ({"related_by_rel_types": ["m.thread"], "types": ["m.sticker"]}, 0),
    ],
)
def test_a_filter_asks_for_events_to_which_others_relate(
    alice: User, bob: User, room_id: str, wanted: dict[str, Any], number: int
) -> None:
    first, second, third = (alice.send(room_id, str(n)) for n in range(3))
    bob.send(room_id, "to which nothing relates")
    reply(alice, room_id, first)
    reply(bob, room_id, second)
    refer(alice, room_id, third)
    redact(alice, room_id, refer(alice, room_id, first))
    expected = [
        event_id
        for event_id, senders, rel_type in (
            (third, {"@alice:soma.test"}, "m.reference"),
            (second, {"@bob:soma.test"}, "m.thread"),
            (first, {"@alice:soma.test"}, "m.thread"),
        )
        if senders & set(wanted.get("related_by_senders", senders))
        and rel_type in wanted.get("related_by_rel_types", [rel_type])
        and "types" not in wanted
    ]
    assert len(expected) == number
    query = {"dir": "b", "filter": json.dumps(wanted)}
    page = alice.get(f"{room_path(room_id)}/messages", query).json["chunk"]
    assert [one["event_id"] for one in page] == expected
    last = alice.send(room_id, "last")
    around = alice.get(f"{room_path(room_id)}/context/{quote(last)}", {**query, "limit": 50}).json
    assert [one["event_id"] for one in around["events_before"]] == expected
    in_sync = json.dumps({"room": {"timeline": {**wanted, "limit": 50}}})
    synced = alice.get("/_matrix/client/v3/sync", {"filter": in_sync}).json
    events = synced["rooms"]["join"][room_id]["timeline"]["events"]
    assert [one["event_id"] for one in events] == expected[::-1]
