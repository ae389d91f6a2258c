"""python -m tests.bench.joining [MEMBERS]: what it costs to join a large room of another server, of
a hundred servers whose signatures are checked, on its own PostgreSQL: with all members at once, and
with the members told later.

CPU of this process and of the database server, and how long the worker's other requests had to
wait at most; ends with 1 where something is beyond its limit."""

from gevent import monkey

monkey.patch_all()

import sys
import time
from dataclasses import replace

import gevent

from impl.app import App
from impl.services.remote_history.completion import Completers
from impl.services.remote_membership import join
from tests.bench.federation import database_seconds
from tests.bench.measuring import Table
from tests.bench.resident import RESIDENT, Resident
from tests.bench.rooms import an_app
from tests.builders import BOB

MEMBERS = 10_000
# Of a room of so many.
WHOLE_S = 15.0
USABLE_S = 3.0
BLOCKED_S = 0.5


class Ticker:
    """Another request of the worker, as it were: how long it did not come to its turn."""

    def __init__(self, resident: Resident) -> None:
        self._resident = resident
        self.longest_s = 0.0
        self._greenlet = gevent.spawn(self._run)
        gevent.sleep(0)

    def stop(self) -> None:
        self._greenlet.kill()

    def _run(self) -> None:
        last = self._now()
        while True:
            gevent.sleep(0.01)
            now = self._now()
            self.longest_s = max(self.longest_s, now - last)
            last = now

    def _now(self) -> float:
        return time.process_time() - self._resident.own_s


def joined_count(app: App) -> int:
    with app.database.read() as txn:
        txn.execute("SELECT count(*) FROM room_members WHERE membership = 'join'")
        return int(txn.fetchone()[0])


def main() -> int:
    members = int(sys.argv[1]) if len(sys.argv) > 1 else MEMBERS
    table = Table()
    for omit_members in (False, True):
        resident = Resident(members)
        with an_app() as app:
            federation = replace(app.config.soma.federation, omit_members=omit_members)
            app.config = replace(app.config, soma=replace(app.config.soma, federation=federation))
            app.federation.wire = resident
            _measure(table, app, resident, members)
    return 0 if table.is_within else 1


def _measure(table: Table, app: App, resident: Resident, members: int) -> None:
    ticker = Ticker(resident)
    there, began, wall = database_seconds(app), time.process_time(), time.monotonic()
    join.join(app, BOB, resident.room_id, {"membership": "join"}, [RESIDENT])
    here = time.process_time() - began - resident.own_s
    name = f"a room of {members} joined"
    if app.config.soma.federation.omit_members:
        table.row(f"{name}, usable after (by the clock)", time.monotonic() - wall, USABLE_S)
        table.row(f"{name}, usable, here", here, USABLE_S)
        app.part(Completers, Completers).wait()
        here = time.process_time() - began - resident.own_s
        name += ", members later"
    there = database_seconds(app) - there
    ticker.stop()
    assert joined_count(app) == members + 1
    table.row(f"{name}, here", here, WHOLE_S)
    table.row(f"{name}, in the database server", there, WHOLE_S)
    table.row("the longest that others waited", ticker.longest_s, BLOCKED_S)


if __name__ == "__main__":
    sys.exit(main())
