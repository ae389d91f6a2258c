"""/sync on a real database: how often it is asked does not grow with the number of rooms."""

from collections.abc import Callable
from typing import Any

import gevent
import pytest

from impl.app import App
from impl.core.event_builder import Draft
from impl.storage.database import Transaction
from tests.builders import ALICE, BOB, a_room, append, member, message
from tests.services.sync_client import ask

LAZY = {"room": {"state": {"lazy_load_members": True}}}
LEFT = {"room": {"include_leave": True}}


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    seen: list[str] = []
    execute, test = Transaction.execute, gevent.getcurrent()

    def counting(self: Transaction, sql: str, *rest: Any) -> None:
        # What workers look at by themselves is not asked for.
        if gevent.getcurrent() is test:
            seen.append(sql)
        execute(self, sql, *rest)

    monkeypatch.setattr(Transaction, "execute", counting)
    return seen


def rooms(app: App, number: int) -> list[str]:
    """One that Alice is in, one that she is invited to and one that she left, so many times."""
    joined: list[str] = []
    for n in range(number):
        room_id = a_room(app)
        others = [member(f"@{n}.{k}:soma.test", "join") for k in range(40)]
        topics = [Draft("m.room.topic", ALICE, {"topic": str(k)}, "") for k in range(3)]
        append(app, room_id, *others, *topics, *(message(ALICE, str(k)) for k in range(8)))
        joined.append(room_id)
        append(app, a_room(app, BOB, join_rule="invite"), member(ALICE, "invite", BOB))
        left = a_room(app, BOB)
        # More than a timeline shows, so that there is state as well.
        talk = [message(BOB, str(k)) for k in range(12)]
        append(app, left, member(ALICE, "join"), *talk, member(ALICE, "leave"))
    return joined


@pytest.mark.parametrize("question", [{}, {"filter": LAZY}, {"filter": LEFT}])
def test_statements_do_not_grow_with_the_rooms(
    new_app: Callable[..., App], statements: list[str], question: dict[str, Any]
) -> None:
    asked: list[tuple[int, int]] = []
    for number in (2, 8):
        app = new_app()
        joined = rooms(app, number)
        # A worker that knows nothing yet.
        cold = new_app(app.database.dsn)
        statements.clear()
        token = ask(cold, ALICE, **question)["next_batch"]
        first = len(statements)
        for room_id in joined:
            append(app, room_id, message(ALICE, "new"))
            append(app, room_id, Draft("m.room.topic", ALICE, {"topic": "new"}, ""))
        statements.clear()
        assert len(ask(cold, ALICE, token, **question)["rooms"]["join"]) == number
        asked.append((first, len(statements)))
    # The news of it is read at a time that is not ours to say, here or by the worker itself.
    assert asked[1][0] <= asked[0][0] + 2
    assert asked[1][1] <= asked[0][1] + 4
