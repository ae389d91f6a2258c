"""python -m tests.bench.rooms [MEMBERS ...]: what a room costs as it grows, on its own PostgreSQL.

For each size a room is made and then measured: bytes of state nodes a change, CPU of a resolution
of two branches that differ in ten keys, CPU and rows of a message, and what reading the state
costs when nothing of it is cached. Prints a table; the figures that hold are CPU, of this process
alone."""

from gevent import monkey

monkey.patch_all()

import contextlib
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from impl.app import App
from impl.core import event_builder, state_trie
from impl.core.auth import selection
from impl.core.event_builder import Draft
from impl.services.room_events import auth_chains, merging
from impl.services.room_events.open_room import OpenRoom, Placed
from impl.storage import migrate, rooms
from impl.storage.state_nodes import NodeCache, RoomNodes
from impl.storage.worker_page import WorkerPage
from impl.supervisor.embedded_postgres import EmbeddedPostgres
from tests import builders
from tests.builders import ALICE, member, message

SIZES = (10, 100, 1_000, 10_000)
BATCH = 100
CHANGES = 200
MESSAGES = 400


class _Measured(Exception):
    """Rolls back what was only done to be measured."""


@contextlib.contextmanager
def an_app() -> Iterator[App]:
    """One worker on a new database that does not wait for the disk."""
    with tempfile.TemporaryDirectory(prefix="soma-bench-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        postgres = EmbeddedPostgres(directory / "postgres", settings={"fsync": "off"})
        postgres.start()
        migrate.migrate(postgres.dsn)
        WorkerPage.create(directory / "page", 2)
        page = WorkerPage(directory / "page", 0)
        app = App(builders.a_config(directory), postgres.dsn, builders.a_signing_key(), page)
        app.start()
        yield app
        app.stop()
        postgres.stop()


def user(number: int) -> str:
    return f"@user{number}:{builders.SERVER_NAME}"


def fill(app: App, room_id: str, size: int) -> None:
    """Members, and power levels that change as they come, as in a room with a history."""
    for start in range(0, size, BATCH):
        joins = [member(user(n), "join") for n in range(start, min(start + BATCH, size))]
        builders.append(app, room_id, *joins)
        if start % 1_000 == 0:
            levels = {ALICE: 100} | {user(n): 50 for n in range(start // BATCH)}
            draft = Draft("m.room.power_levels", ALICE, {"users": levels}, "")
            builders.append(app, room_id, draft)


def cpu_ms(started: float) -> float:
    return (time.process_time() - started) * 1000


def bytes_of_nodes(app: App, room_nid: int) -> int:
    with app.database.read() as txn:
        txn.execute(
            "SELECT coalesce(sum(pg_column_size(n.*)), 0) FROM state_nodes n WHERE room_nid = %s",
            (room_nid,),
        )
        return int(txn.fetchone()[0])


def state_change(app: App, room_id: str, room_nid: int, size: int) -> float:
    """Bytes of rows of nodes, for each membership that changes."""
    before = bytes_of_nodes(app, room_nid)
    for number in range(CHANGES):
        who = user(random.randrange(size))
        name = str(number)
        builders.append(app, room_id, member(who, "join", displayname=name))
    return (bytes_of_nodes(app, room_nid) - before) / CHANGES


def messages(app: App, room_id: str) -> float:
    started = time.process_time()
    for number in range(0, MESSAGES, 20):
        builders.append(app, room_id, *(message(ALICE, str(number + n)) for n in range(20)))
    return cpu_ms(started) / MESSAGES


def resolution(app: App, room_id: str, size: int) -> float:
    """Two branches: five members leave on one, five others change their name on the other."""
    room = app.rooms.peek(room_id)
    assert room is not None
    spent = 0.0
    with contextlib.suppress(_Measured), app.database.transaction() as txn:
        head = rooms.lock(txn, [room.room_nid], skip_locked=False)[room.room_nid]
        opened = OpenRoom.open(app, txn, head, merging.merge)
        chosen = random.sample(range(size), 10)
        base = head.current_state_root
        one = _branch(opened, base, [member(user(n), "leave") for n in chosen[:5]])
        other = _branch(
            opened, base, [member(user(n), "join", displayname="x") for n in chosen[5:]]
        )
        started = time.process_time()
        merging.merge(opened, [one, other])
        spent = cpu_ms(started)
        raise _Measured
    return spent


def _branch(room: OpenRoom, root: int, drafts: list[Draft]) -> int:
    prev = [event_id for _, event_id in room.extremities]
    for draft in drafts:
        keys = selection.auth_types(
            room.room_version, draft.type, draft.sender, draft.state_key, draft.content
        )
        cited = room.state_nids(keys, root)
        ids = room.events_by_nid(cited.values())
        place = event_builder.Place(
            room.head.room.room_id,
            room.room_version,
            prev,
            [ids[nid].event_id for nid in cited.values()],
            room.head.depth_max + 1,
        )
        event = event_builder.build(
            draft,
            place,
            now_ms=room.app.now_ms(),
            server_name=room.app.server_name,
            signing_key=room.app.signing_key,
        )
        # Soft-failed, so that it does not move the head: the branches are merged by hand.
        room.append(Placed(event, list(cited.values()), root, is_soft_failed=True))
        root = room.appended[-1].new.state_after or root
        prev = [event.event_id]
    return root


def reading(app: App, room_nid: int, root: int) -> tuple[float, int]:
    """CPU of reading a whole state that is not cached, and the node reads of one key."""
    with app.database.read() as txn:
        started = time.process_time()
        entries = dict(state_trie.items(RoomNodes(txn, NodeCache(), room_nid), root))
        spent = cpu_ms(started)
        counting = _Counting(RoomNodes(txn, NodeCache(), room_nid))
        state_trie.get(counting, root, next(iter(entries)))
        return spent, counting.reads


class _Counting:
    """Nodes that count how often they are asked for."""

    def __init__(self, nodes: RoomNodes) -> None:
        self._nodes = nodes
        self.reads = 0

    def load(self, numbers: Any) -> Any:
        self.reads += 1
        return self._nodes.load(numbers)

    def allot(self) -> int:
        return self._nodes.allot()

    def add(self, number: int, node: Any) -> None:
        self._nodes.add(number, node)


def measure(app: App, size: int) -> str:
    room_id = builders.a_room(app, room_version="11")
    fill(app, room_id, size)
    room = app.rooms.peek(room_id)
    assert room is not None
    change = state_change(app, room_id, room.room_nid, size)
    sent = messages(app, room_id)
    with app.database.read() as txn:
        root = rooms.get_state_root(txn, room.room_nid)
    whole, reads = reading(app, room.room_nid, root)
    app.part(auth_chains.Unions, auth_chains.Unions).clear()
    cold = resolution(app, room_id, size)
    warm = min(resolution(app, room_id, size) for _ in range(5))
    return (
        f"| {size} | {change:.0f} | {sent:.2f} | {cold:.1f} | {warm:.1f} | {whole:.1f} | {reads} |"
    )


def main() -> None:
    sizes = [int(one) for one in sys.argv[1:]] or SIZES
    print("| members | bytes a state change | CPU ms a message | resolution, cold | warm |", end="")
    print(" whole state, cold | node reads a key |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    with an_app() as app:
        for size in sizes:
            print(measure(app, size), flush=True)


if __name__ == "__main__":
    main()
