"""/sync on a real database: long polls, how often the database is asked, and what is refused."""

import time
from collections.abc import Callable
from typing import Any

import gevent
import pytest

from impl import errors
from impl.app import App
from impl.services.sync import sync as syncing
from impl.services.sync.request import Question
from tests.builders import ALICE, a_room, append, member, message
from tests.services.sync_client import ask, bodies, joined, requester, until_waiting


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


def test_a_poll_is_answered_when_a_message_comes(app: App) -> None:
    room_id = a_room(app)
    first = ask(app, ALICE)
    poll = gevent.spawn(ask, app, ALICE, first["next_batch"], timeout_ms=60_000)
    until_waiting(app)
    append(app, room_id, message(ALICE, "at last"))
    assert bodies(joined(poll.get(timeout=30), room_id)) == ["at last"]


def test_a_poll_hears_of_another_worker(new_app: Callable[..., App]) -> None:
    one = new_app()
    other = new_app(one.database.dsn)
    room_id = a_room(one)
    first = ask(other, ALICE)
    poll = gevent.spawn(ask, other, ALICE, first["next_batch"], timeout_ms=60_000)
    until_waiting(other)
    append(one, room_id, message(ALICE, "from afar"))
    assert bodies(joined(poll.get(timeout=30), room_id)) == ["from afar"]


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
    assert time.monotonic() - began >= 0.09
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
    polls = [gevent.spawn(ask, app, *pair, timeout_ms=60_000) for pair in tokens.items()]
    until_waiting(app, len(users))
    seen.clear()
    append(app, room_id, message(ALICE, "all hear"))
    answers = [poll.get(timeout=30) for poll in polls]
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
    poll = gevent.spawn(ask, app, ALICE, first["next_batch"], timeout_ms=60_000)
    until_waiting(app)
    app.begin_shutdown()
    assert poll.get(timeout=30)["next_batch"] == first["next_batch"]
