"""Unread counts in /sync, one rule at a time; what a message costs; what is asked for them."""

from collections.abc import Callable
from typing import Any

import gevent
import pytest

from impl.app import App
from impl.core.event_builder import Draft
from impl.services import account_data, push_rules, receipts, unread
from impl.storage import push_rules as stored_push_rules
from impl.storage.database import Transaction
from tests.builders import ALICE, BOB, CHARLIE, a_requester, a_room, append, member, message
from tests.services.sync_client import ask, joined, until_waiting

BY_THREAD = {"room": {"timeline": {"unread_thread_notifications": True}}}
LOUD: list[Any] = ["notify", {"set_tweak": "highlight"}]


@pytest.fixture
def room_id(app: App) -> str:
    made = a_room(app)
    append(app, made, member(BOB, "join"))
    return made


def mention(sender: str, *user_ids: str) -> Draft:
    content = {"msgtype": "m.text", "body": "you", "m.mentions": {"user_ids": list(user_ids)}}
    return Draft("m.room.message", sender, content)


def in_thread(sender: str, root: str, rel_type: str = "m.thread") -> Draft:
    relation = {"rel_type": rel_type, "event_id": root}
    content = {"msgtype": "m.text", "body": "in a thread", "m.relates_to": relation}
    return Draft("m.room.message", sender, content)


def read(app: App, room_id: str, event_id: str, thread_id: str | None = None, **kind: str) -> None:
    receipt_type = kind.get("kind", "m.read")
    receipts.send(app, a_requester(BOB), room_id, receipt_type, event_id, thread_id)


def told(app: App, room_id: str, user_id: str = BOB) -> tuple[int, int]:
    """Of all threads together."""
    counts = joined(ask(app, user_id), room_id)["unread_notifications"]
    return counts["notification_count"], counts["highlight_count"]


def told_by_thread(app: App, room_id: str) -> dict[str, int]:
    room = joined(ask(app, BOB, filter=BY_THREAD), room_id)
    counts = {
        thread_id: one["notification_count"]
        for thread_id, one in room["unread_thread_notifications"].items()
    }
    return {"main": room["unread_notifications"]["notification_count"], **counts}


def test_messages_and_mentions_count_until_they_are_read(app: App, room_id: str) -> None:
    first, second = append(app, room_id, message(ALICE, "a"), mention(ALICE, BOB))
    assert told(app, room_id) == (2, 1)
    assert told(app, room_id, ALICE) == (0, 0)
    read(app, room_id, first)
    assert told(app, room_id) == (1, 1)
    read(app, room_id, second)
    assert told(app, room_id) == (0, 0)


def test_the_receipt_that_is_ahead_counts(app: App, room_id: str) -> None:
    one, two, _ = append(app, room_id, *(message(ALICE, str(n)) for n in range(3)))
    read(app, room_id, two, kind="m.read.private")
    assert told(app, room_id) == (1, 0)
    # What others are told is behind, and takes nothing back.
    read(app, room_id, one)
    assert told(app, room_id) == (1, 0)


def test_threads_are_counted_and_read_apart(app: App, room_id: str) -> None:
    (root,) = append(app, room_id, message(ALICE, "root"))
    reply, _, _ = append(
        app, room_id, in_thread(ALICE, root), in_thread(ALICE, root), message(ALICE, "main")
    )
    assert told_by_thread(app, room_id) == {"main": 2, root: 2}
    assert told(app, room_id) == (4, 0)
    read(app, room_id, reply, root)
    assert told_by_thread(app, room_id) == {"main": 2, root: 1}
    read(app, room_id, root, "main")
    assert told_by_thread(app, room_id) == {"main": 1, root: 1}
    # Without a thread it is for all of them.
    read(app, room_id, reply)
    assert told_by_thread(app, room_id) == {"main": 1, root: 1}
    (last,) = append(app, room_id, in_thread(ALICE, reply, "m.reference"))
    assert told_by_thread(app, room_id) == {"main": 1, root: 2}
    read(app, room_id, last)
    assert told_by_thread(app, room_id) == {"main": 0}


def test_who_answers_has_read_what_is_above_in_that_thread(app: App, room_id: str) -> None:
    (root,) = append(app, room_id, message(ALICE, "root"))
    append(app, room_id, in_thread(ALICE, root))
    append(app, room_id, message(BOB, "mine"))
    assert told_by_thread(app, room_id) == {"main": 0, root: 1}
    append(app, room_id, in_thread(BOB, root))
    assert told_by_thread(app, room_id) == {"main": 0}
    # A name says nothing of what one has read, nor does a redaction.
    (event_id,) = append(app, room_id, message(ALICE, "b"))
    append(app, room_id, member(BOB, "join", displayname="Bob"))
    append(app, room_id, Draft("m.room.redaction", ALICE, {}, redacts=event_id))
    assert told(app, room_id) == (1, 0)


def test_one_comes_back_to_a_room_that_is_read(app: App, room_id: str) -> None:
    append(app, room_id, message(ALICE, "a"), member(BOB, "leave"), message(ALICE, "b"))
    append(app, room_id, member(BOB, "join"), message(ALICE, "c"))
    assert told(app, room_id) == (1, 0)


def test_rules_hold_from_when_they_were_changed(app: App, room_id: str) -> None:
    append(app, room_id, message(ALICE, "a"))
    push_rules.put_rule(app, a_requester(BOB), "room", room_id, {"actions": []})
    app.news.catch_up()
    append(app, room_id, message(ALICE, "b"), mention(ALICE, BOB))
    assert told(app, room_id) == (2, 1)
    push_rules.put_rule(app, a_requester(BOB), "room", room_id, {"actions": LOUD})
    app.news.catch_up()
    append(app, room_id, message(ALICE, "c"))
    assert told(app, room_id) == (3, 2)


def test_a_worker_counts_by_rules_and_lists_that_another_changed(
    new_app: Callable[..., App], app: App, room_id: str
) -> None:
    other = new_app(app.database.dsn)
    append(other, room_id, message(ALICE, "warm"))
    word = {"pattern": "cake", "actions": LOUD}
    push_rules.put_rule(app, a_requester(BOB), "content", "w", word)
    other.news.catch_up_if_behind()
    append(other, room_id, message(ALICE, "cake"))
    assert told(other, room_id) == (2, 1)
    ignored = {"ignored_users": {ALICE: {}}}
    account_data.put(app, a_requester(BOB), BOB, "", "m.ignored_user_list", ignored)
    other.news.catch_up_if_behind()
    append(other, room_id, message(ALICE, "cake"))
    assert told(other, room_id) == (2, 1)


def test_a_worker_knows_who_came_by_another(
    new_app: Callable[..., App], app: App, room_id: str
) -> None:
    other = new_app(app.database.dsn)
    push_rules.put_rule(app, a_requester(CHARLIE), "room", room_id, {"actions": LOUD})
    append(other, room_id, message(ALICE, "warm"))
    append(app, room_id, member(CHARLIE, "join"))
    append(other, room_id, message(ALICE, "hello"))
    assert told(other, room_id, CHARLIE) == (1, 1)


def test_a_receipt_tells_the_room_anew(app: App, room_id: str) -> None:
    (event_id,) = append(app, room_id, message(ALICE, "a"))
    quiet = {**BY_THREAD, "room": {**BY_THREAD["room"], "ephemeral": {"types": []}}}
    token = ask(app, BOB, filter=quiet)["next_batch"]
    read(app, room_id, event_id)
    room = joined(ask(app, BOB, token, filter=quiet), room_id)
    assert room["unread_notifications"] == {"notification_count": 0, "highlight_count": 0}


def test_what_is_redacted_keeps_its_count(app: App, room_id: str) -> None:
    (event_id,) = append(app, room_id, mention(ALICE, BOB))
    append(app, room_id, Draft("m.room.redaction", ALICE, {}, redacts=event_id))
    assert told(app, room_id) == (1, 1)


def test_rules_of_long_ago_are_forgotten_and_the_oldest_kept_stand_for_them(
    app: App, room_id: str
) -> None:
    append(app, room_id, message(ALICE, "a"))
    begun = app.now_ms()
    for day, actions in ((0, []), (1, LOUD), (200, []), (400, LOUD)):
        app.now_ms = lambda day=day: begun + day * 24 * 3600 * 1000  # type: ignore[misc]
        push_rules.put_rule(app, a_requester(BOB), "room", room_id, {"actions": actions})
        app.news.catch_up()
        append(app, room_id, message(ALICE, str(day)))
    with app.database.read() as txn:
        kept = stored_push_rules.list_versions(txn, BOB)
    rules = [one["rules"]["room"][0]["actions"] for _, one in kept]
    # The others were in force no more ninety days before the last change.
    assert rules == [[], LOUD]
    assert told(app, room_id) == (1, 1)


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    seen: list[str] = []
    execute = Transaction.execute

    def counting(self: Transaction, sql: str, *rest: Any) -> None:
        seen.append(sql)
        execute(self, sql, *rest)

    monkeypatch.setattr(Transaction, "execute", counting)
    return seen


def test_pollers_of_a_room_cost_no_statement_each(app: App, statements: list[str]) -> None:
    room_id = a_room(app)
    users = [f"@{n}:soma.test" for n in range(12)]
    append(app, room_id, *(member(user_id, "join") for user_id in users))
    tokens = {user_id: ask(app, user_id)["next_batch"] for user_id in users}
    cost: list[int] = []
    for number, some in ((1, users[:2]), (2, users)):
        tokens |= {one: ask(app, one, tokens[one])["next_batch"] for one in users}
        polls = [gevent.spawn(ask, app, one, tokens[one], timeout_ms=9000) for one in some]
        until_waiting(app, len(some))
        statements.clear()
        append(app, room_id, mention(ALICE, users[0]))
        answers = [poll.get() for poll in polls]
        # Which types of state there are is looked up each time, for those that no room has.
        cost.append(sum("state_keys" not in sql for sql in statements))
        counts = [joined(one, room_id)["unread_notifications"] for one in answers]
        assert [one["notification_count"] for one in counts] == [number] * len(some)
        assert [one["highlight_count"] for one in counts] == [number] + [0] * (len(some) - 1)
    # The news of it is read at a time that is not ours to say.
    assert cost[1] <= cost[0] + 2


TABLES = """
    SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


def rows(app: App) -> dict[str, int]:
    with app.database.read() as txn:
        txn.execute(TABLES)
        names = [row[0] for row in txn.fetchall()]
        found: dict[str, int] = {}
        for name in names:
            txn.execute(f'SELECT count(*) FROM "{name}"')
            found[name] = txn.fetchone()[0]
    return found


def test_a_message_writes_as_many_rows_for_many_as_for_few(app: App) -> None:
    written: list[dict[str, int]] = []
    for number in (2, 300):
        room_id = a_room(app)
        users = [f"@{number}.{n}:soma.test" for n in range(number)]
        append(app, room_id, *(member(user_id, "join") for user_id in users))
        push_rules.put_rule(app, a_requester(users[0]), "room", room_id, {"actions": []})
        append(app, room_id, message(ALICE, "before"))
        before = rows(app)
        append(app, room_id, message(ALICE, "hello"), mention(ALICE, users[1]))
        written.append({name: n - before[name] for name, n in rows(app).items()})
    assert written[0] == written[1]
    assert {name: n for name, n in written[0].items() if n} == {
        "events": 2,
        "event_edges": 2,
        "timeline": 2,
        "unread_singled": 1,
    } | {name: n for name, n in written[0].items() if name.startswith("search") and n}


def test_counting_asks_by_indexes_alone(
    app: App, room_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root,) = append(app, room_id, message(ALICE, "root"))
    append(app, room_id, in_thread(ALICE, root), mention(ALICE, BOB))
    push_rules.put_rule(app, a_requester(BOB), "room", room_id, {"actions": []})
    append(app, room_id, message(ALICE, "more"))
    plans: list[str] = []
    execute = Transaction.execute

    def explaining(self: Transaction, sql: str, *rest: Any) -> None:
        if self is txn:  # Not the news.
            execute(self, "EXPLAIN " + sql, *rest)
            plans.append("\n".join(row[0] for row in self.fetchall()))
        execute(self, sql, *rest)

    with app.database.transaction() as txn:
        # The tables are small: what matters is whether there is another way than to read them.
        txn.execute("SET LOCAL enable_seqscan = off")
        room = app.rooms.get(txn, room_id)
        monkeypatch.setattr(Transaction, "execute", explaining)
        unread.count(app, txn, BOB, [room], app.news.position)
        monkeypatch.undo()
    assert len(plans) >= 5
    for plan in plans:
        assert "Seq Scan" not in plan, plan
