"""How often the database is asked for what relates to the events of a page."""

from collections.abc import Callable
from typing import Any

import pytest

from impl.app import App
from impl.core.event_builder import Draft
from impl.services import history, relations
from impl.services.history import Range
from impl.services.relations import Asked
from impl.storage import relations as stored_relations
from impl.storage.database import Transaction
from tests.builders import ALICE, BOB, a_requester, a_room, append, member, message
from tests.services.sync_client import ask, joined, plain

alice = a_requester(ALICE)
PAGE = Range(is_back=True, limit=100)


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    seen: list[str] = []
    execute = Transaction.execute

    def counting(self: Transaction, sql: str, *rest: Any) -> None:
        if "EXECUTE news" not in sql:  # It is not asked here.
            seen.append(sql)
        execute(self, sql, *rest)

    monkeypatch.setattr(Transaction, "execute", counting)
    return seen


def related(rel_type: str, parent: str, sender: str = ALICE, **more: Any) -> Draft:
    relates_to = {"rel_type": rel_type, "event_id": parent}
    return Draft("m.room.message", sender, {"m.relates_to": relates_to, **more})


def a_busy_room(app: App, number: int) -> str:
    """With so many messages, and with each an edit, a thread whose last reply was edited, and a
    reference.
    """
    room_id = a_room(app, first=[member(BOB, "join")])
    parents = append(app, room_id, *(message(ALICE, str(n)) for n in range(number)))
    replies = append(app, room_id, *(related("m.thread", one, BOB) for one in parents))
    new: dict[str, Any] = {"m.new_content": {}}
    append(app, room_id, *(related("m.replace", one, **new) for one in parents))
    append(app, room_id, *(related("m.replace", one, BOB, **new) for one in replies))
    append(app, room_id, *(related("m.reference", one) for one in parents))
    return room_id


def page(app: App, room_id: str) -> list[dict[str, Any]]:
    return plain(history.messages(app, alice, room_id, PAGE))["chunk"]


def bundles(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    told = [one["unsigned"].get("m.relations") for one in events]
    return [one for one in told if one is not None]


def test_a_page_to_which_nothing_relates_is_asked_for_as_before(
    app: App, statements: list[str]
) -> None:
    room_id = a_room(app)
    append(app, room_id, *(message(ALICE, str(n)) for n in range(90)))
    page(app, room_id)
    statements.clear()
    assert bundles(page(app, room_id)) == []
    assert not [sql for sql in statements if "relations" in sql]


def test_statements_do_not_grow_with_what_relates(
    new_app: Callable[..., App], statements: list[str]
) -> None:
    asked: list[int] = []
    for number in (2, 15):
        app = new_app()
        room_id = a_busy_room(app, number)
        cold = new_app(app.database.dsn)
        statements.clear()
        found = bundles(page(cold, room_id))
        assert len([one for one in found if "m.thread" in one]) == number
        asked.append(len(statements))
    assert asked[1] <= asked[0] + 2


def test_statements_do_not_grow_with_the_state_events_of_a_page(
    new_app: Callable[..., App], statements: list[str]
) -> None:
    asked: list[int] = []
    for number in (3, 60):
        app = new_app()
        room_id = a_room(app)
        append(app, room_id, *(member(f"@{n}:soma.test", "join") for n in range(number)))
        renamed = [member(f"@{n}:soma.test", "join", displayname="N") for n in range(number)]
        append(app, room_id, *renamed)
        cold = new_app(app.database.dsn)
        statements.clear()
        found = plain(history.messages(cold, alice, room_id, PAGE))["chunk"]
        assert len([one for one in found if "prev_content" in one["unsigned"]]) == number
        asked.append(len(statements))
    # A larger state is a deeper one, and who asks has another place in it.
    assert asked[1] <= asked[0] + 5


def test_what_was_read_is_kept_until_it_changes(app: App, statements: list[str]) -> None:
    room_id = a_busy_room(app, 5)
    app.news.catch_up()  # The news of what it wrote itself let go of what was read before.
    before = bundles(page(app, room_id))
    statements.clear()
    assert len(bundles(page(app, room_id))) == len(before)
    assert not [sql for sql in statements if "relations" in sql]
    parent = next(one["event_id"] for one in page(app, room_id) if one["content"].get("body"))
    (newest,) = append(app, room_id, related("m.thread", parent))
    told = [one["m.thread"] for one in bundles(page(app, room_id)) if "m.thread" in one]
    assert newest in [one["latest_event"]["event_id"] for one in told]
    assert sorted(one["count"] for one in told) == [1, 1, 1, 1, 2]


def test_another_worker_tells_the_same(new_app: Callable[..., App], app: App) -> None:
    other = new_app(app.database.dsn)
    room_id = a_room(app)
    (parent,) = append(app, room_id, message(ALICE, "parent"))
    for worker, told_by in ((app, other), (other, app), (app, other)):
        page(told_by, room_id)
        (newest,) = append(worker, room_id, related("m.thread", parent))
        told_by.news.catch_up_if_behind()
        (found,) = bundles(page(told_by, room_id))
        assert found["m.thread"]["latest_event"]["event_id"] == newest


def test_a_sync_of_many_rooms_asks_for_all_of_them_at_once(
    new_app: Callable[..., App], statements: list[str]
) -> None:
    asked: list[int] = []
    wanted = {"room": {"timeline": {"limit": 4, "types": ["m.room.message"]}}}
    for number in (2, 6):
        app = new_app()
        rooms = [a_room(app, first=[member(BOB, "join")]) for _ in range(number)]
        for room_id in rooms:
            append(app, room_id, message(ALICE, "what a limit cuts off"))
            (parent,) = append(app, room_id, message(ALICE, "parent"))
            append(app, room_id, *(related("m.thread", parent, BOB) for _ in range(3)))
        cold = new_app(app.database.dsn)
        statements.clear()
        answer = ask(cold, ALICE, filter=wanted)
        asked.append(len(statements))
        for room_id in rooms:
            assert len(bundles(joined(answer, room_id)["timeline"]["events"])) == 1
    assert asked[1] <= asked[0] + 2


def test_the_newest_edit_is_that_of_the_greatest_time_then_of_the_greatest_id(app: App) -> None:
    room_id = a_room(app)
    (parent,) = append(app, room_id, message(ALICE, "parent"))
    new: dict[str, Any] = {"m.new_content": {}}
    content = related("m.replace", parent, **new).content
    drafts = [
        Draft("m.room.message", ALICE, {**content, "n": n}, origin_server_ts=ts)
        for n, ts in enumerate((5000, 9000, 9000, 9000, 9000, 7000))
    ]
    sent = append(app, room_id, *drafts)
    (found,) = bundles(page(app, room_id))
    assert found["m.replace"]["event_id"] == max(sent[1:5])


def test_events_that_name_each_other_are_walked_to_an_end(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As events of room versions 1 and 2 may, whose senders choose their ids.
    room_id = a_room(app)
    (first,) = append(app, room_id, message(ALICE, "first"))
    (second,) = append(app, room_id, related("m.reference", first))
    with app.database.transaction() as txn:
        txn.execute(
            """
            INSERT INTO relations
                 SELECT room_nid, %s, topological - 1, position - 1, 0, %s, rel_type, event_type,
                        sender, NULL, origin_server_ts
                   FROM relations
            """,
            (second, first),
        )
    monkeypatch.setattr(stored_relations, "RECURSION_DEPTH", 20)
    asked = Asked(is_recursive=True)
    answer = plain(relations.relating_events(app, alice, room_id, first, asked))
    assert [one["event_id"] for one in answer["chunk"]] == [second]
