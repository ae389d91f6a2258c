"""python -m tests.bench.unread: what unread counts cost, on its own PostgreSQL.

A message to 10 and to 2,000 local members, of whom a quarter muted the room and a quarter have a
keyword of twenty; what the counts of 300 rooms cost who asks for all of them; and a poll of one of
many who are told of the same message. CPU of this process alone; ends with 1 where something is
beyond its limit."""

from gevent import monkey

monkey.patch_all()

import sys

from impl.app import App
from impl.services import push_rules, unread
from tests import builders
from tests.bench.measuring import Table, cpu_seconds
from tests.bench.rooms import an_app, user
from tests.builders import ALICE, BOB, a_requester, append, member, message
from tests.services.sync_client import ask

FEW, MANY = 10, 2_000
# The larger room may cost so much more.
FACTOR = 1.5
ROOMS = 300


def a_room(app: App, size: int) -> str:
    room_id = builders.a_room(app)
    for start in range(0, size, 200):
        joins = [member(user(n), "join") for n in range(start, min(start + 200, size))]
        append(app, room_id, *joins)
    for number in range(size):
        asker = a_requester(user(number))
        if number % 4 == 0:
            push_rules.put_rule(app, asker, "room", room_id, {"actions": []})
        elif number % 4 == 1:
            word = {"pattern": f"word{number % 20}", "actions": ["notify"]}
            push_rules.put_rule(app, asker, "content", room_id.strip("!"), word)
    app.news.catch_up()
    return room_id


def sending(app: App, table: Table) -> None:
    few, many = (_sending(app, a_room(app, size)) for size in (FEW, MANY))
    table.row(f"a message to {FEW} members", few, 0.0015)
    table.row(f"a message to {MANY} members", many, FACTOR * few)


def _sending(app: App, room_id: str) -> float:
    return cpu_seconds(lambda: append(app, room_id, message(ALICE, "hello")), 200)


def counting(app: App, table: Table) -> None:
    room_ids = [builders.a_room(app) for _ in range(ROOMS)]
    for room_id in room_ids:
        append(app, room_id, member(BOB, "join"), *(message(ALICE, str(n)) for n in range(30)))
    with app.database.read() as txn:
        rooms = [app.rooms.get(txn, room_id) for room_id in room_ids]
        found = [room for room in rooms if room is not None]
        position = app.news.position
        spent = cpu_seconds(lambda: unread.count(app, txn, BOB, found, position), 5)
    table.row(f"the counts of {ROOMS} rooms", spent, 0.03)


def polling(app: App, table: Table) -> None:
    room_id = builders.a_room(app)
    append(app, room_id, member(BOB, "join"))
    token = ask(app, BOB)["next_batch"]
    append(app, room_id, message(ALICE, "hello"))
    spent = cpu_seconds(lambda: ask(app, BOB, token), 50)
    table.row("a poll that is told of a message others were told of", spent, 0.002)


def main() -> None:
    table = Table()
    with an_app() as app:
        sending(app, table)
        counting(app, table)
        polling(app, table)
    sys.exit(not table.is_within)


if __name__ == "__main__":
    main()
