"""/sync on a real database: what a user is told of, what not, and how often the database is asked."""

import json
import time
from collections.abc import Callable
from typing import Any

import gevent
import pytest

from impl import errors
from impl.app import App
from impl.core.event_builder import Draft
from impl.requester import Requester
from impl.services import receipts, typing
from impl.services.sync import sync as syncing
from impl.services.sync.request import Question
from impl.storage import account_data
from tests.builders import ALICE, BOB, CHARLIE, a_room, append, member, message


def requester(user_id: str, device_id: str = "DEVICE") -> Requester:
    return Requester(user_id, device_id)


def ask(app: App, user_id: str, since: str | None = None, **question: Any) -> dict[str, Any]:
    app.news.catch_up()
    if isinstance(question.get("filter"), dict):
        question["filter"] = json.dumps(question["filter"])
    answer = syncing.answer(app, requester(user_id), Question(since=since, **question))
    return plain(answer)


def plain(answer: Any) -> Any:
    import msgspec

    return json.loads(msgspec.json.encode(answer))


def joined(answer: dict[str, Any], room_id: str) -> dict[str, Any]:
    return answer["rooms"]["join"][room_id]


def bodies(room: dict[str, Any]) -> list[str]:
    events = room["timeline"]["events"]
    return [one["content"]["body"] for one in events if one["type"] == "m.room.message"]


def keys(events: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(one["type"], one["state_key"]) for one in events}


def count_statements(app: App, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    seen: list[str] = []
    read = app.database.read

    def counting() -> Any:
        manager = read()
        enter = manager.__enter__

        class Manager:
            def __enter__(self) -> Any:
                txn = enter()

                class Counted:
                    def __getattr__(self, name: str) -> Any:
                        if name == "execute":
                            return lambda sql, *rest: (seen.append(sql), txn.execute(sql, *rest))[1]
                        return getattr(txn, name)

                return Counted()

            def __exit__(self, *error: Any) -> Any:
                return manager.__exit__(*error)

        return Manager()

    monkeypatch.setattr(app.database, "read", counting)
    return seen


def test_an_initial_sync_shows_the_room_with_its_newest_events(app: App) -> None:
    room_id = a_room(app)
    append(app, room_id, *(message(ALICE, str(n)) for n in range(15)))
    room = joined(ask(app, ALICE), room_id)
    assert bodies(room) == [str(n) for n in range(5, 15)]
    assert room["timeline"]["limited"] is True
    assert keys(room["state"]["events"]) == {
        ("m.room.create", ""),
        ("m.room.member", ALICE),
        ("m.room.power_levels", ""),
        ("m.room.join_rules", ""),
    }
    assert room["summary"] == {
        "m.joined_member_count": 1,
        "m.invited_member_count": 0,
        "m.heroes": [],
    }


def test_a_room_that_fits_has_no_state_before_its_timeline(app: App) -> None:
    room_id = a_room(app)
    room = joined(ask(app, ALICE), room_id)
    assert room["state"]["events"] == []
    assert room["timeline"]["limited"] is False
    assert room["timeline"]["events"][0]["type"] == "m.room.create"
    assert all("room_id" not in one for one in room["timeline"]["events"])


def test_a_sync_tells_what_is_new_once(app: App) -> None:
    room_id = a_room(app)
    first = ask(app, ALICE)
    append(app, room_id, message(ALICE, "new"))
    second = ask(app, ALICE, first["next_batch"])
    assert bodies(joined(second, room_id)) == ["new"]
    assert joined(second, room_id)["timeline"]["limited"] is False
    assert joined(second, room_id)["state"]["events"] == []
    third = ask(app, ALICE, second["next_batch"])
    assert third["rooms"]["join"] == {}


def test_a_gap_is_limited_and_its_state_is_told(app: App) -> None:
    room_id = a_room(app)
    first = ask(app, ALICE)
    append(
        app,
        room_id,
        Draft("m.room.topic", ALICE, {"topic": "in the gap"}, ""),
        *(message(ALICE, str(n)) for n in range(12)),
    )
    room = joined(ask(app, ALICE, first["next_batch"]), room_id)
    assert room["timeline"]["limited"] is True
    assert keys(room["state"]["events"]) == {("m.room.topic", "")}


def test_state_after_tells_state_up_to_the_end(app: App) -> None:
    room_id = a_room(app)
    first = ask(app, ALICE)
    append(app, room_id, Draft("m.room.topic", ALICE, {"topic": "now"}, ""))
    room = joined(ask(app, ALICE, first["next_batch"], use_state_after=True), room_id)
    assert keys(room["state_after"]["events"]) == {("m.room.topic", "")}
    assert "state" not in room


def test_full_state_tells_all_state_at_once(app: App) -> None:
    room_id = a_room(app)
    first = ask(app, ALICE)
    room = joined(
        ask(app, ALICE, first["next_batch"], is_full_state=True, timeout_ms=5000), room_id
    )
    assert ("m.room.create", "") in keys(room["state"]["events"])
    assert room["timeline"]["events"] == []


def test_a_room_that_is_newly_joined_comes_whole(app: App) -> None:
    room_id = a_room(app)
    append(app, room_id, *(message(ALICE, str(n)) for n in range(20)))
    first = ask(app, BOB)
    assert first["rooms"]["join"] == {}
    append(app, room_id, member(BOB, "join"))
    room = joined(ask(app, BOB, first["next_batch"]), room_id)
    assert ("m.room.create", "") in keys(room["state"]["events"])
    assert len(room["timeline"]["events"]) == 10
    assert room["summary"]["m.heroes"] == [ALICE]
    assert room["summary"]["m.joined_member_count"] == 2


def test_a_history_for_those_who_were_there_is_not_shown_to_who_came_later(app: App) -> None:
    room_id = a_room(app)
    visibility = Draft(
        "m.room.history_visibility", ALICE, {"history_visibility": "joined"}, ""
    )
    append(app, room_id, visibility, message(ALICE, "secret"), member(BOB, "join"))
    append(app, room_id, message(ALICE, "hello"))
    assert bodies(joined(ask(app, BOB), room_id)) == ["hello"]


def test_an_invitation_is_told_with_stripped_state(app: App) -> None:
    room_id = a_room(app, join_rule="invite")
    first = ask(app, BOB)
    append(app, room_id, member(BOB, "invite", ALICE))
    answer = ask(app, BOB, first["next_batch"])
    events = answer["rooms"]["invite"][room_id]["invite_state"]["events"]
    assert {("m.room.create", ""), ("m.room.join_rules", ""), ("m.room.member", BOB)} <= keys(events)
    assert all(set(one) == {"type", "state_key", "content", "sender"} for one in events)
    assert room_id in ask(app, BOB)["rooms"]["invite"]


def test_an_invitation_by_somebody_ignored_is_not_told(app: App) -> None:
    room_id = a_room(app)
    with app.database.transaction() as txn:
        account_data.put(
            txn, BOB, "", "m.ignored_user_list", {"ignored_users": {ALICE: {}}}
        )
    append(app, room_id, member(BOB, "invite", ALICE))
    assert ask(app, BOB)["rooms"]["invite"] == {}


def test_messages_of_somebody_ignored_are_left_out_but_not_their_state(app: App) -> None:
    room_id = a_room(app)
    append(app, room_id, member(BOB, "join"))
    first = ask(app, BOB)
    with app.database.transaction() as txn:
        account_data.put(
            txn, BOB, "", "m.ignored_user_list", {"ignored_users": {ALICE: {}}}
        )
    append(
        app,
        room_id,
        message(ALICE, "not heard"),
        Draft("m.room.topic", ALICE, {"topic": "seen"}, ""),
        message(BOB, "mine"),
    )
    events = joined(ask(app, BOB, first["next_batch"]), room_id)["timeline"]["events"]
    assert [one["type"] for one in events] == ["m.room.topic", "m.room.message"]


def test_a_room_that_was_left_is_told_up_to_the_leaving(app: App) -> None:
    room_id = a_room(app)
    append(app, room_id, member(BOB, "join"))
    first = ask(app, BOB)
    append(app, room_id, message(ALICE, "before"), member(BOB, "leave"), message(ALICE, "after"))
    answer = ask(app, BOB, first["next_batch"])
    assert answer["rooms"]["join"] == {}
    room = answer["rooms"]["leave"][room_id]
    assert bodies(room) == ["before"]
    assert room["timeline"]["events"][-1]["content"]["membership"] == "leave"
    assert ask(app, BOB, answer["next_batch"])["rooms"]["leave"] == {}
    assert ask(app, BOB)["rooms"]["leave"] == {}
    whole = ask(app, BOB, filter={"room": {"include_leave": True}})
    assert bodies(whole["rooms"]["leave"][room_id]) == ["before"]


def test_a_declined_invitation_is_told_as_left(app: App) -> None:
    room_id = a_room(app)
    append(app, room_id, member(BOB, "invite", ALICE))
    first = ask(app, BOB)
    append(app, room_id, message(ALICE, "hidden"), member(BOB, "leave"))
    room = ask(app, BOB, first["next_batch"])["rooms"]["leave"][room_id]
    assert [one["type"] for one in room["timeline"]["events"]] == ["m.room.member"]


def test_lazy_loading_tells_the_members_that_the_timeline_needs(app: App) -> None:
    room_id = a_room(app)
    append(app, room_id, member(BOB, "join"), member(CHARLIE, "join"))
    append(app, room_id, *(message(BOB, str(n)) for n in range(10)))
    lazy = {"room": {"state": {"lazy_load_members": True}, "timeline": {"limit": 5}}}
    room = joined(ask(app, CHARLIE, filter=lazy), room_id)
    members = {key for kind, key in keys(room["state"]["events"]) if kind == "m.room.member"}
    assert {BOB, CHARLIE} <= members


def test_a_filter_of_types_does_not_lose_state(app: App) -> None:
    room_id = a_room(app)
    first = ask(app, ALICE)
    topic = Draft("m.room.topic", ALICE, {"topic": "new"}, "")
    append(app, room_id, message(ALICE, "one"), topic)
    only = {"room": {"timeline": {"types": ["m.room.message"]}}}
    room = joined(ask(app, ALICE, first["next_batch"], filter=only), room_id)
    assert bodies(room) == ["one"]
    assert len(room["timeline"]["events"]) == 1
    assert keys(room["state"]["events"]) == {("m.room.topic", "")}


def test_a_filter_of_rooms_leaves_the_others_out(app: App) -> None:
    one, other = a_room(app), a_room(app)
    answer = ask(app, ALICE, filter={"room": {"not_rooms": [other]}})
    assert set(answer["rooms"]["join"]) == {one}


def test_typing_is_told_and_its_end(app: App) -> None:
    room_id = a_room(app)
    append(app, room_id, member(BOB, "join"))
    first = ask(app, BOB)
    typing.start(app, requester(ALICE), room_id, ALICE, 200)
    second = ask(app, BOB, first["next_batch"])
    assert joined(second, room_id)["ephemeral"]["events"] == [
        {"type": "m.typing", "content": {"user_ids": [ALICE]}}
    ]
    third = ask(app, BOB, second["next_batch"], timeout_ms=3000)
    assert joined(third, room_id)["ephemeral"]["events"] == [
        {"type": "m.typing", "content": {"user_ids": []}}
    ]


def test_a_private_receipt_is_told_to_its_owner_only(app: App) -> None:
    room_id = a_room(app)
    (event_id,) = append(app, room_id, member(BOB, "join"))
    before = ask(app, BOB)["next_batch"]
    receipts.send(app, requester(ALICE), room_id, "m.read.private", event_id, None)
    assert ask(app, BOB, before)["rooms"]["join"] == {}
    own = joined(ask(app, ALICE, before), room_id)["ephemeral"]["events"]
    assert ALICE in own[0]["content"][event_id]["m.read.private"]
    receipts.send(app, requester(ALICE), room_id, "m.read", event_id, "main")
    seen = joined(ask(app, BOB, before), room_id)["ephemeral"]["events"]
    assert seen[0]["content"][event_id]["m.read"][ALICE]["thread_id"] == "main"


def test_account_data_is_told_when_it_changes(app: App) -> None:
    room_id = a_room(app)
    first = ask(app, ALICE)
    with app.database.transaction() as txn:
        account_data.put(txn, ALICE, "", "org.example", {"a": 1})
        account_data.put(txn, ALICE, room_id, "m.tag", {"tags": {}})
    answer = ask(app, ALICE, first["next_batch"])
    assert answer["account_data"]["events"] == [{"type": "org.example", "content": {"a": 1}}]
    data = joined(answer, room_id)["account_data"]["events"]
    assert data == [{"type": "m.tag", "content": {"tags": {}}}]


def test_a_transaction_id_is_shown_to_its_device_only(app: App) -> None:
    from impl.services import messages

    room_id = a_room(app)
    first = ask(app, ALICE)
    messages.send(app, requester(ALICE), room_id, "m.room.message", "t1", {"body": "x"})
    app.news.catch_up()
    question = Question(since=first["next_batch"])
    own = plain(syncing.answer(app, requester(ALICE), question))
    other = plain(syncing.answer(app, requester(ALICE, "OTHER"), question))
    unsigned = joined(own, room_id)["timeline"]["events"][0]["unsigned"]
    assert unsigned["transaction_id"] == "t1"
    assert unsigned["membership"] == "join"
    assert "transaction_id" not in joined(other, room_id)["timeline"]["events"][0]["unsigned"]


def test_a_redacted_event_is_shown_without_its_content(app: App) -> None:
    room_id = a_room(app)
    (event_id,) = append(app, room_id, message(ALICE, "gone"))
    ask(app, ALICE)
    append(app, room_id, Draft("m.room.redaction", ALICE, {"reason": "why"}, redacts=event_id))
    events = joined(ask(app, ALICE), room_id)["timeline"]["events"]
    redacted = next(one for one in events if one["event_id"] == event_id)
    assert redacted["content"] == {}
    assert redacted["unsigned"]["redacted_because"]["content"]["reason"] == "why"


def test_a_state_event_says_what_it_replaced(app: App) -> None:
    room_id = a_room(app)
    topics = [Draft("m.room.topic", ALICE, {"topic": name}, "") for name in ("one", "two")]
    old, _ = append(app, room_id, *topics)
    last = joined(ask(app, ALICE), room_id)["timeline"]["events"][-1]
    assert last["unsigned"]["replaces_state"] == old
    assert last["unsigned"]["prev_content"] == {"topic": "one"}


def test_a_poll_is_answered_when_a_message_comes(app: App) -> None:
    room_id = a_room(app)
    first = ask(app, ALICE)
    poll = gevent.spawn(ask, app, ALICE, first["next_batch"], timeout_ms=10_000)
    gevent.sleep(0.05)
    append(app, room_id, message(ALICE, "at last"))
    assert bodies(joined(poll.get(timeout=5), room_id)) == ["at last"]


def test_a_poll_hears_of_another_worker(new_app: Callable[..., App]) -> None:
    one = new_app()
    other = new_app(one.database.dsn)
    room_id = a_room(one)
    first = ask(other, ALICE)
    poll = gevent.spawn(ask, other, ALICE, first["next_batch"], timeout_ms=10_000)
    gevent.sleep(0.05)
    append(one, room_id, message(ALICE, "from afar"))
    assert bodies(joined(poll.get(timeout=5), room_id)) == ["from afar"]


def test_a_poll_without_news_ends_after_its_time_and_asks_nothing(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_room(app)
    first = ask(app, ALICE)
    ask(app, ALICE, first["next_batch"])
    seen = count_statements(app, monkeypatch)
    began = time.monotonic()
    question = Question(since=first["next_batch"], timeout_ms=100)
    answer = syncing.answer(app, requester(ALICE), question)
    assert time.monotonic() - began >= 0.1
    assert answer["next_batch"] == first["next_batch"]
    assert [sql for sql in seen if "pg_" not in sql] == []


def test_many_who_wait_for_a_message_ask_the_database_once(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    room_id = a_room(app)
    users = [f"@user{n}:soma.test" for n in range(30)]
    append(app, room_id, *(member(user, "join") for user in users))
    tokens = {user: ask(app, user)["next_batch"] for user in users}
    assert len(set(tokens.values())) == 1
    seen = count_statements(app, monkeypatch)
    polls = [
        gevent.spawn(ask, app, user, token, timeout_ms=5000) for user, token in tokens.items()
    ]
    gevent.sleep(0.1)
    seen.clear()
    append(app, room_id, message(ALICE, "all hear"))
    answers = [poll.get(timeout=5) for poll in polls]
    assert all(bodies(joined(answer, room_id)) == ["all hear"] for answer in answers)
    assert len([sql for sql in seen if "LATERAL" in sql and "room_limit" in sql]) == 1


def test_of_many_rooms_only_those_that_changed_are_asked_for(app: App) -> None:
    rooms = [a_room(app) for _ in range(8)]
    first = ask(app, ALICE)
    append(app, rooms[3], message(ALICE, "here"))
    assert set(ask(app, ALICE, first["next_batch"])["rooms"]["join"]) == {rooms[3]}


@pytest.mark.parametrize("since", ["x", "s", "s-1", "t1_1", "5", "s1\n", "s99999999999999999999"])
def test_a_since_that_is_no_token_is_refused(app: App, since: str) -> None:
    with pytest.raises(errors.InvalidParam):
        ask(app, ALICE, since)


def test_a_since_of_the_future_is_taken_as_now(app: App) -> None:
    a_room(app)
    now = ask(app, ALICE)["next_batch"]
    assert ask(app, ALICE, "s999999999999999")["next_batch"] == now


@pytest.mark.parametrize("text", ["{", "nonsense", "77", '{"room": 5}', "[]", "{}x"])
def test_a_filter_that_is_none_is_refused(app: App, text: str) -> None:
    with pytest.raises(errors.InvalidParam):
        ask(app, ALICE, filter=text)


def test_a_poll_is_answered_at_once_when_the_server_stops(app: App) -> None:
    a_room(app)
    first = ask(app, ALICE)
    poll = gevent.spawn(ask, app, ALICE, first["next_batch"], timeout_ms=30_000)
    gevent.sleep(0.05)
    app.begin_shutdown()
    assert poll.get(timeout=2)["next_batch"] == first["next_batch"]
