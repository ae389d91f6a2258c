"""/sync on a real database: rooms that the user left, or came back to."""

from collections.abc import Callable

import gevent

from impl.app import App
from impl.core.event_builder import Draft
from impl.storage import account_data
from tests.builders import ALICE, BOB, a_room, append, member, message
from tests.services.sync_client import ask, bodies, joined, keys

TOPIC = Draft("m.room.topic", ALICE, {"topic": "not for who has left"}, "")


def test_a_ban_after_the_leaving_is_told_and_nothing_of_the_time_between(app: App) -> None:
    room_id = a_room(app)
    append(app, room_id, member(BOB, "join"))
    first = ask(app, BOB)
    append(app, room_id, message(ALICE, "heard"), member(BOB, "leave"))
    append(app, room_id, message(ALICE, "unheard"), TOPIC, member(BOB, "ban", ALICE))
    for question in ({}, {"use_state_after": True}):
        room = ask(app, BOB, first["next_batch"], **question)["rooms"]["leave"][room_id]
        assert bodies(room) == ["heard"]
        said = [one["content"].get("membership") for one in room["timeline"]["events"]]
        assert said == [None, "leave", "ban"]
        state = room.get("state", room.get("state_after"))["events"]
        assert ("m.room.topic", "") not in keys(state)
    whole = ask(app, BOB, filter={"room": {"include_leave": True}})["rooms"]["leave"][room_id]
    assert whole["timeline"]["events"][-1]["content"]["membership"] == "ban"
    assert ("m.room.topic", "") not in keys(
        whole["state"]["events"]
        + [one for one in whole["timeline"]["events"] if "state_key" in one]
    )


def test_what_was_said_before_the_leaving_is_told_by_a_worker_that_hears_of_it_late(
    new_app: Callable[..., App],
) -> None:
    one = new_app()
    late = new_app(one.database.dsn)
    gevent.killall(late.news._greenlets)
    room_id = a_room(one)
    append(one, room_id, member(BOB, "join"))
    first = ask(one, BOB)
    append(one, room_id, message(ALICE, "heard"))
    late.news.catch_up()
    append(one, room_id, member(BOB, "leave"))

    def ask_late(since: str) -> dict:
        late.news.catch_up = lambda: None  # type: ignore[method-assign]
        return ask(late, BOB, since)

    second = ask_late(first["next_batch"])
    assert bodies(joined(second, room_id)) == ["heard"]
    third = ask(one, BOB, second["next_batch"])
    assert [one["type"] for one in third["rooms"]["leave"][room_id]["timeline"]["events"]] == [
        "m.room.member"
    ]


def test_a_room_that_was_left_and_joined_again_comes_whole(app: App) -> None:
    room_id = a_room(app)
    append(app, room_id, member(BOB, "join"))
    first = ask(app, BOB)
    append(app, room_id, member(BOB, "leave"), TOPIC, member(BOB, "join"))
    append(app, room_id, *(message(ALICE, str(n)) for n in range(10)))
    room = joined(ask(app, BOB, first["next_batch"]), room_id)
    assert room["timeline"]["limited"] is True
    assert {("m.room.create", ""), ("m.room.topic", "")} <= keys(room["state"]["events"])


def test_a_filter_keeps_a_declined_invitation_out_of_the_timeline(app: App) -> None:
    room_id = a_room(app)
    append(app, room_id, member(BOB, "invite", ALICE))
    first = ask(app, BOB)
    append(app, room_id, member(BOB, "leave"))
    only = {"room": {"timeline": {"types": ["m.room.message"]}}}
    room = ask(app, BOB, first["next_batch"], filter=only)["rooms"]["leave"][room_id]
    assert room["timeline"]["events"] == []
    assert keys(room["state"]["events"]) == {("m.room.member", BOB)}


def test_account_data_of_a_room_is_told_with_its_leaving(app: App) -> None:
    room_id = a_room(app)
    append(app, room_id, member(BOB, "join"))
    first = ask(app, BOB)
    with app.database.transaction() as txn:
        account_data.put(txn, BOB, room_id, "m.tag", {"tags": {}})
    append(app, room_id, member(BOB, "leave"))
    room = ask(app, BOB, first["next_batch"])["rooms"]["leave"][room_id]
    assert room["account_data"]["events"] == [{"type": "m.tag", "content": {"tags": {}}}]


def test_a_redaction_after_the_leaving_is_heeded(app: App) -> None:
    room_id = a_room(app)
    append(app, room_id, member(BOB, "join"))
    first = ask(app, BOB)
    (event_id,) = append(app, room_id, message(ALICE, "too much"))
    append(app, room_id, member(BOB, "leave"))
    ask(app, BOB, first["next_batch"])
    append(app, room_id, Draft("m.room.redaction", ALICE, {}, redacts=event_id))
    room = ask(app, BOB, first["next_batch"])["rooms"]["leave"][room_id]
    assert room["timeline"]["events"][0]["content"] == {}


def test_a_client_is_not_taken_back_to_what_was_before_its_absence(app: App) -> None:
    room_id = a_room(app)
    visibility = Draft("m.room.history_visibility", ALICE, {"history_visibility": "joined"}, "")
    old = Draft("m.room.topic", ALICE, {"topic": "old"}, "")
    append(app, room_id, visibility, member(BOB, "join"), old, member(BOB, "leave"))
    append(app, room_id, Draft("m.room.topic", ALICE, {"topic": "new"}, ""), member(BOB, "join"))
    room = joined(ask(app, BOB, filter={"room": {"timeline": {"limit": 50}}}), room_id)
    told = room["state"]["events"] + room["timeline"]["events"]
    topics = [one["content"]["topic"] for one in told if one["type"] == "m.room.topic"]
    assert topics == ["new"]
    assert room["timeline"]["limited"] is True
