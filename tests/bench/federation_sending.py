"""python -m tests.bench.federation_sending: what it costs to tell other servers.

A message in a room with a hundred other servers, alone, and as one of fifty; over a wire that takes
everything at once, and over TLS to loopback. CPU of this process for each server and message; the
other servers are another process. And what ten thousand servers that are not there take of the
memory. Ends with 1 where something is beyond its limit."""

from gevent import monkey

monkey.patch_all()

import contextlib
import gc
import json
import resource
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import gevent
import trustme

from impl.app import App
from impl.outbound.dns import Resolver
from impl.outbound.failures import Unreachable
from impl.outbound.guard import Guard
from impl.outbound.https_wire import HttpsWire
from impl.outbound.tls import Tls
from impl.outbound.wire import Wire, WireResponse
from impl.services.sending.sender import Sender
from tests.bench.measuring import Table
from tests.bench.rooms import an_app
from tests.builders import ALICE, a_room, append, message
from tests.outbound.world import World, ok
from tests.services.sending.world import come

SERVERS = 100
DEAD = 10_000
ROUNDS = 20
BURST = 50
LIMIT_S = 0.002
# Of resident memory for a server that is not there.
DEAD_BYTES_MAX = 1_000


class Taking:
    """A wire on which everybody takes everything, or nobody is there."""

    def __init__(self, is_there: bool) -> None:
        self._is_there = is_there
        self.count = 0

    def request(self, destination: str, method: str, target: str, **_: object) -> WireResponse:
        self.count += 1
        if not self._is_there:
            raise Unreachable(destination, "nobody is there")
        return WireResponse(200, {}, b'{"pdus":{}}')

    def close(self) -> None:
        pass


def _serve(directory: Path) -> None:
    """In a process of its own: a server under many names."""
    world = World(trustme.CA())
    world.authority.cert_pem.write_to_path(directory / "ca.pem")
    names = [f"s{number}.test" for number in range(SERVERS)]
    server = world.server(*names, handler=ok(b'{"pdus":{}}'))
    for name in names:
        world.dns.add(name, "A", server.address)
    print(json.dumps([world.dns.end, server.port]), flush=True)
    gevent.sleep(3_600)


@contextlib.contextmanager
def tls_wire() -> Iterator[tuple[Wire, int]]:
    """The real wire, and the port that its servers have."""
    with tempfile.TemporaryDirectory() as name:
        words = [sys.executable, "-m", "tests.bench.federation_sending", "serve", name]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            dns_end, port = json.loads(child.stdout.readline())
            resolver = Resolver((tuple(dns_end),))
            wire = HttpsWire(resolver, Tls((Path(name) / "ca.pem",)), Guard((), ()), "Soma")
            try:
                yield wire, port
            finally:
                wire.close()
                child.terminate()


def turn(sender: Sender) -> None:
    sender.app.news.catch_up()
    sender.turn()
    sender.post.delivery.join()


def a_shared_room(app: App, names: list[str]) -> str:
    room_id = a_room(app, room_version="11")
    for name in names:
        come(app, room_id, f"@user:{name}")
    return room_id


def measure(table: Table, app: App, label: str, wire: Wire, names: list[str]) -> None:
    sender = Sender(app)
    sender.post.delivery.federation.wire = wire
    room_id = a_shared_room(app, names)
    for size in (1, BURST):
        best = float("inf")
        for number in range(ROUNDS if size == 1 else 4):
            append(
                app, room_id, *(message(ALICE, f"{number} {n} " + "x" * 200) for n in range(size))
            )
            app.news.catch_up()
            started = time.process_time()
            turn(sender)
            best = min(best, (time.process_time() - started) / size / len(names))
        table.row(f"{label}, messages at once: {size}", best, LIMIT_S)
    sender.stop(5.0)


def measure_dead(table: Table, app: App) -> None:
    names = [f"dead{number}.example" for number in range(DEAD)]
    sender = Sender(app)
    sender.post.delivery.federation.wire = Taking(is_there=False)
    room_id = a_room(app, room_version="11")
    users = _join_all(app, room_id, names)
    turn(sender)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    append(app, room_id, message(ALICE, "hello"))
    started = time.monotonic()
    turn(sender)
    sender.checkpoint()
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    print(f"{users} dead servers: first told of in {time.monotonic() - started:.1f} s")
    print(f"  memory for each: {(after - before) / users:.0f} bytes")
    append(app, room_id, message(ALICE, "again"))
    app.news.catch_up()
    started_cpu = time.process_time()
    turn(sender)
    table.row(
        f"a message to {users} dead servers, for each",
        (time.process_time() - started_cpu) / users,
        LIMIT_S / 100,
    )
    table.is_within &= (after - before) / users <= DEAD_BYTES_MAX
    sender.stop(5.0)


def _join_all(app: App, room_id: str, names: list[str]) -> int:
    """As far as sending is concerned: the members' rows are not needed for it."""
    with app.database.transaction() as txn:
        txn.execute(
            "INSERT INTO room_servers (room_nid, server_name, joined_count)"
            " SELECT room_nid, name, 1 FROM rooms, unnest(%s::text[]) AS names (name)"
            " WHERE room_id = %s",
            (names, room_id),
        )
        txn.execute("UPDATE rooms SET has_other_servers = TRUE WHERE room_id = %s", (room_id,))
    return len(names)


def main() -> int:
    if sys.argv[1:2] == ["serve"]:
        _serve(Path(sys.argv[2]))
    table = Table()
    print("CPU of this process for each server and message\n")
    with tls_wire() as (wire, port):
        with an_app() as app:
            names = [f"s{number}.example" for number in range(SERVERS)]
            measure(table, app, "a wire that takes everything", Taking(is_there=True), names)
        with an_app() as app:
            names = [f"s{number}.test:{port}" for number in range(SERVERS)]
            measure(table, app, "TLS to loopback", wire, names)
    with an_app() as app:
        measure_dead(table, app)
    print(f"\nresident at most: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB")
    return 0 if table.is_within else 1


if __name__ == "__main__":
    sys.exit(main())
