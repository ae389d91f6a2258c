"""python -m tests.bench.sync [ROOMS ...]: what an incremental sync costs a user of many rooms.

For each number of rooms: CPU of a sync in which nothing is new, of one in which three rooms have a
message each, and of a first sync with one event a room. The figures are this process's CPU; the
database's is not in them, but its statements are counted."""

from gevent import monkey

monkey.patch_all()

import sys
import time
from collections.abc import Callable
from typing import Any

from impl.app import App
from impl.services.sync import sync
from impl.services.sync.request import Question
from impl.storage.database import Transaction
from tests import builders
from tests.bench.rooms import an_app, cpu_ms
from tests.builders import ALICE, BOB, member, message

SIZES = (20, 200, 2_000)
ROUNDS = 30
CHANGED = 3


class Statements:
    """Counts what the database is asked."""

    def __init__(self) -> None:
        self.number = 0
        execute = Transaction.execute

        def counting(txn: Any, sql: str, parameters: Any = ()) -> None:
            self.number += 1
            execute(txn, sql, parameters)

        Transaction.execute = counting  # type: ignore[method-assign]


def ask(app: App, user_id: str, since: str | None, text: str | None = None) -> dict[str, Any]:
    requester = builders.a_requester(user_id)
    return sync.answer(app, requester, Question(filter=text, since=since))


def measured(
    statements: Statements, function: Callable[[], object], rounds: int
) -> tuple[float, float]:
    """CPU ms and statements of one call."""
    before, started = statements.number, time.process_time()
    for _ in range(rounds):
        function()
    return cpu_ms(started) / rounds, (statements.number - before) / rounds


def measure(app: App, statements: Statements, size: int, who: str) -> str:
    room_ids = []
    for _ in range(size):
        room_id = builders.a_room(app, ALICE, first=[member(who, "join")])
        room_ids.append(room_id)
    app.news.catch_up()
    started = time.process_time()
    since = ask(app, who, None, '{"room":{"timeline":{"limit":1}}}')["next_batch"]
    first = cpu_ms(started)
    idle, idle_asked = measured(statements, lambda: ask(app, who, since), 2_000)

    spent = asked = 0.0
    for number in range(ROUNDS):
        for room_id in room_ids[number % size :][:CHANGED] or room_ids[:CHANGED]:
            builders.append(app, room_id, message(ALICE, str(number)))
        app.news.catch_up()
        answers: list[dict[str, Any]] = []
        one, statements_of_one = measured(
            statements, lambda since=since, got=answers: got.append(ask(app, who, since)), 1
        )
        since = answers[0]["next_batch"]
        spent, asked = spent + one, asked + statements_of_one
    return (
        f"| {size} | {idle * 1000:.0f} | {idle_asked:.0f} | {spent / ROUNDS:.2f} |"
        f" {asked / ROUNDS:.1f} | {first:.0f} |"
    )


def main() -> None:
    sizes = [int(one) for one in sys.argv[1:]] or SIZES
    statements = Statements()
    print(
        "| rooms | nothing new, CPU µs | statements | 3 rooms changed, CPU ms | statements |",
        end="",
    )
    print(" first sync, CPU ms |")
    print("|---:|---:|---:|---:|---:|---:|")
    with an_app() as app:
        for number, size in enumerate(sizes):
            who = BOB.replace("bob", f"bob{number}")
            print(measure(app, statements, size, who), flush=True)


if __name__ == "__main__":
    main()
