"""The to_device section of /sync on a real database: in order, exactly once, so many at a time."""

from collections.abc import Callable
from typing import Any

import gevent
import pytest

from impl.app import App
from impl.services import account_data
from impl.services.sync import sync as syncing
from impl.services.sync import to_device
from impl.services.sync.request import Question
from impl.storage.database import Transaction
from tests.builders import ALICE, BOB, a_requester, a_room, append, message
from tests.services.sync_client import until_waiting
from tests.to_device import a_person, hear, numbers, send, send_numbers, stored


@pytest.fixture
def bob(app: App) -> App:
    """Bob has two devices, Alice one."""
    a_person(app, "alice", "A1")
    a_person(app, "bob", "B1", "B2")
    return app


@pytest.fixture
def of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three messages a sync, not a hundred."""
    monkeypatch.setattr(to_device, "MESSAGES_MAX", 3)


def test_messages_come_in_the_order_in_which_they_were_sent(bob: App) -> None:
    send_numbers(bob, ALICE, BOB, "B1", range(20))
    assert numbers(hear(bob, BOB, "B1")[0]) == list(range(20))


def test_a_message_is_deleted_once_the_client_shows_that_it_has_it(bob: App) -> None:
    _, since = hear(bob, BOB, "B1")
    send(bob, ALICE, {BOB: {"*": {"n": 1}}})
    events, second = hear(bob, BOB, "B1", since)
    assert numbers(events) == [1]
    assert (BOB, "B1") in stored(bob)
    assert hear(bob, BOB, "B1", second)[0] == []
    # The other device has not heard of it yet.
    assert stored(bob) == [(BOB, "B2")]
    assert numbers(hear(bob, BOB, "B2")[0]) == [1]


def test_what_was_told_in_an_answer_that_was_lost_is_told_again(bob: App) -> None:
    _, since = hear(bob, BOB, "B1")
    send_numbers(bob, ALICE, BOB, "B1", range(2))
    for _ in range(3):
        assert numbers(hear(bob, BOB, "B1", since)[0]) == [0, 1]
    send_numbers(bob, ALICE, BOB, "B1", range(2, 4))
    events, since = hear(bob, BOB, "B1", since)
    assert numbers(events) == [0, 1, 2, 3]
    assert hear(bob, BOB, "B1", since)[0] == []


def test_a_first_sync_that_was_lost_is_told_again(bob: App) -> None:
    send_numbers(bob, ALICE, BOB, "B1", range(2))
    for _ in range(2):
        events, since = hear(bob, BOB, "B1")
        assert numbers(events) == [0, 1]
    assert hear(bob, BOB, "B1", since)[0] == []
    assert hear(bob, BOB, "B1")[0] == []


@pytest.mark.usefixtures("of_three")
@pytest.mark.parametrize("count", [2, 3, 4, 6, 10])
def test_the_rest_comes_with_the_next_sync_at_once(bob: App, count: int) -> None:
    send_numbers(bob, ALICE, BOB, "B1", range(count))
    events, since = hear(bob, BOB, "B1")
    heard = numbers(events)
    while len(heard) < count:
        # Nothing moves meanwhile.
        events, since = hear(bob, BOB, "B1", since, timeout_ms=60_000)
        assert 0 < len(events) <= 3
        heard += numbers(events)
    assert heard == list(range(count))
    assert hear(bob, BOB, "B1", since)[0] == []
    assert stored(bob) == []


@pytest.mark.usefixtures("of_three")
def test_of_a_part_only_what_was_told_is_deleted(bob: App) -> None:
    send_numbers(bob, ALICE, BOB, "B1", range(5))
    _, since = hear(bob, BOB, "B1")
    for _ in range(2):
        events, following = hear(bob, BOB, "B1", since)
        assert numbers(events) == [3, 4]
    assert len(stored(bob)) == 2
    assert hear(bob, BOB, "B1", following)[0] == []
    assert stored(bob) == []


@pytest.mark.usefixtures("of_three")
def test_messages_that_wait_hold_up_nothing_else(bob: App) -> None:
    room_id = a_room(bob, BOB)
    _, since = hear(bob, BOB, "B1")
    send_numbers(bob, ALICE, BOB, "B1", range(7))
    append(bob, room_id, message(BOB, "hi"))
    asker = a_requester(BOB, device_id="B1")
    told: list[int] = []
    for _ in range(3):
        answer = syncing.answer(bob, asker, Question(since=since))
        since = answer["next_batch"]
        rooms = answer["rooms"]["join"].values()
        told += [len(room["timeline"]["events"]) for room in rooms]
    assert told == [1]


def test_a_hundred_come_at_a_time(bob: App) -> None:
    send_numbers(bob, ALICE, BOB, "B1", range(101))
    events, since = hear(bob, BOB, "B1")
    assert numbers(events) == list(range(100))
    assert numbers(hear(bob, BOB, "B1", since)[0]) == [100]


def test_a_poll_is_answered_when_a_message_comes_and_another_device_sleeps_on(bob: App) -> None:
    tokens = {device_id: hear(bob, BOB, device_id)[1] for device_id in ("B1", "B2")}
    polls = {
        device_id: gevent.spawn(hear, bob, BOB, device_id, since, timeout_ms=60_000)
        for device_id, since in tokens.items()
    }
    until_waiting(bob, 2)
    send(bob, ALICE, {BOB: {"B1": {"n": 1}}})
    assert numbers(polls["B1"].get(timeout=30)[0]) == [1]
    until_waiting(bob, 1)
    assert not polls["B2"].ready()
    send(bob, ALICE, {BOB: {"B2": {"n": 2}}})
    assert numbers(polls["B2"].get(timeout=30)[0]) == [2]


def test_nobody_but_the_addressees_is_woken(bob: App) -> None:
    bob.news.catch_up()
    before = bob.news.position
    send(bob, ALICE, {BOB: {"B1": {}}})
    bob.news.catch_up()
    assert bob.news.user_position(BOB) > before
    assert bob.news.user_position(ALICE) <= before


def test_one_worker_tells_what_another_took_in(new_app: Callable[..., App]) -> None:
    one = new_app()
    other = new_app(one.database.dsn)
    a_person(one, "bob", "B1")
    _, since = hear(other, BOB, "B1")
    poll = gevent.spawn(hear, other, BOB, "B1", since, timeout_ms=60_000)
    until_waiting(other)
    send(one, ALICE, {BOB: {"B1": {"n": 1}}})
    events, since = poll.get(timeout=30)
    assert numbers(events) == [1]
    # What was answered for on one is found on the other, without a wait.
    for number in range(5):
        send(one, ALICE, {BOB: {"B1": {"n": number}}})
        events, since = hear(other, BOB, "B1", since)
        assert numbers(events) == [number]
    # And what one was shown to have arrived, none tells again.
    assert hear(one, BOB, "B1", since)[0] == []
    assert stored(one) == []
    assert hear(other, BOB, "B1")[0] == []


def test_a_worker_that_begins_when_the_newest_is_deleted_loses_nothing(
    new_app: Callable[..., App],
) -> None:
    one = new_app()
    a_person(one, "bob", "B1")
    send(one, ALICE, {BOB: {"B1": {"n": 1}}})
    _, since = hear(one, BOB, "B1")
    _, since = hear(one, BOB, "B1", since)
    assert stored(one) == []
    # It cannot know of the position that the client has.
    other = new_app(one.database.dsn)
    poll = gevent.spawn(hear, other, BOB, "B1", since, timeout_ms=60_000)
    until_waiting(other)
    send(one, ALICE, {BOB: {"B1": {"n": 2}}})
    events, since = poll.get(timeout=30)
    assert numbers(events) == [2]
    assert hear(other, BOB, "B1", since)[0] == []


def test_a_sync_of_full_state_tells_them_too(bob: App) -> None:
    _, since = hear(bob, BOB, "B1")
    send(bob, ALICE, {BOB: {"B1": {"n": 1}}})
    events, since = hear(bob, BOB, "B1", since, is_full_state=True)
    assert numbers(events) == [1]
    assert hear(bob, BOB, "B1", since, is_full_state=True)[0] == []


def test_no_filter_keeps_them_back(bob: App) -> None:
    send(bob, ALICE, {BOB: {"B1": {"n": 1}}})
    nothing = '{"room":{"rooms":[]},"account_data":{"not_types":["*"]},"presence":{"types":[]}}'
    assert numbers(hear(bob, BOB, "B1", filter=nothing)[0]) == [1]


def test_the_token_of_a_lazy_chain_remembers_both(bob: App) -> None:
    lazy = {"filter": '{"room":{"state":{"lazy_load_members":true}}}'}
    send(bob, ALICE, {BOB: {"B1": {"n": 1}}})
    events, since = hear(bob, BOB, "B1", **lazy)
    assert numbers(events) == [1]
    events, since = hear(bob, BOB, "B1", since, **lazy)
    assert events == stored(bob) == []
    assert "_" in since and "_d" not in since


def ignore(app: App, user_id: str, *ignored: str) -> None:
    content = {"ignored_users": {one: {} for one in ignored}}
    account_data.put(app, a_requester(user_id), user_id, "", "m.ignored_user_list", content)


def test_who_is_ignored_is_not_heard_but_for_the_keys_of_messages(bob: App) -> None:
    ignore(bob, BOB, ALICE)
    _, since = hear(bob, BOB, "B1")
    send(bob, ALICE, {BOB: {"B1": {"n": 1}}}, "m.key.verification.request")
    send(bob, ALICE, {BOB: {"B1": {"n": 2}}}, "m.room.encrypted")
    send(bob, ALICE, {BOB: {"B1": {"n": 3}}}, "m.room_key_request")
    events, since = hear(bob, BOB, "B1", since)
    assert numbers(events) == [2]
    assert hear(bob, BOB, "B1", since)[0] == []
    assert stored(bob) == []


@pytest.mark.usefixtures("of_three")
def test_behind_many_of_somebody_ignored_the_next_are_found(bob: App) -> None:
    ignore(bob, BOB, ALICE)
    _, since = hear(bob, BOB, "B1")
    send_numbers(bob, ALICE, BOB, "B1", range(7))
    poll = gevent.spawn(hear, bob, BOB, "B1", since, timeout_ms=60_000)
    until_waiting(bob)
    send(bob, BOB, {BOB: {"B1": {"n": 7}}})
    events, since = poll.get(timeout=30)
    assert numbers(events) == [7]
    assert hear(bob, BOB, "B1", since)[0] == []
    assert stored(bob) == []


def test_a_service_without_a_device_is_told_nothing(bob: App) -> None:
    send(bob, ALICE, {BOB: {"*": {"n": 1}}})
    assert hear(bob, BOB, None)[0] == []  # type: ignore[arg-type]


def test_a_token_that_somebody_made_up_is_good_for_their_own_messages_only(bob: App) -> None:
    send(bob, ALICE, {BOB: {"*": {"n": 1}}})
    hear(bob, BOB, "B1", "s9223372036854775807_d9223372036854775807")
    assert stored(bob) == [(BOB, "B2")]
    send(bob, ALICE, {BOB: {"*": {"n": 2}}})
    assert numbers(hear(bob, BOB, "B1", "s0_d9223372036854775807")[0]) == []


def test_a_sync_without_messages_does_not_ask_for_them(
    bob: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    room_id = a_room(bob, BOB)
    send(bob, ALICE, {BOB: {"B1": {"n": 1}}})
    _, since = hear(bob, BOB, "B1")
    _, since = hear(bob, BOB, "B1", since)
    asked: list[str] = []
    for name in ("execute", "with_commit"):
        method = getattr(Transaction, name)

        def counting(self: Transaction, sql: str, *rest: Any, method: Any = method) -> None:
            asked.append(sql)
            method(self, sql, *rest)

        monkeypatch.setattr(Transaction, name, counting)
    append(bob, room_id, message(BOB, "hi"))
    hear(bob, BOB, "B1", since)
    about = [sql for sql in asked if "to_device_messages" in sql and "timeline" not in sql]
    assert asked and about == []
