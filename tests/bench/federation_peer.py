"""python -m tests.bench.federation_peer [inbound outbound join dead]: what federation costs, from
outside, beside Synapse.

The same made-up servers (peer/) talk over TLS to a real `soma serve` with two workers and to a
Synapse of one process, each with a PostgreSQL of the same build, with the default durability. What
counts is processor time of all their processes, the database's as well, until they are at rest;
they take turns, round by round, so that what else the machine does meets both. Medians.

inbound   transactions of fifty messages of a server: in one room, and one in each of fifty; and
          transactions of one message
outbound  messages into a room with a hundred other servers, one by one and in a burst
join      a room of ten thousand members on fifty servers: Synapse joins it from the made-up server
          that has it, Soma through that Synapse, and another such room from the made-up server
dead      memory for ten thousand servers that are not there

`tox -e bench-federation` has an environment with Synapse in it; SOMA_TEST_SYNAPSE names the Python
of another. --only-soma measures without. Ends with 1 where something is beyond its limit.

A Synapse that is split into workers takes more processor time for the same, for what its processes
tell each other; it is not measured here."""

from gevent import monkey

monkey.patch_all()

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

import trustme

from tests.bench.peer import dead, inbound, joins, network, servers
from tests.bench.peer.hosting import HostedRoom
from tests.bench.peer.inbound import Arrivals
from tests.bench.peer.outbound import Departures
from tests.bench.peer.processes import Spent
from tests.bench.peer.servers import Measured
from tests.synapse.certificates import Certificates

DESTINATIONS = 100
SERVERS_OF_LARGE_ROOM = 50
TIMES_CHEAPER_MIN = 5.0
OUTBOUND_S_MAX = 0.002
USABLE_S_MAX = 3.0
COMPLETE_CPU_S_MAX = 60.0
DEAD_BYTES_MAX = 1_000.0


class Report:
    """Prints what was measured, and remembers whether something was beyond its limit."""

    def __init__(self) -> None:
        self.is_within = True

    def compare(self, what: str, figures: Mapping[str, Sequence[Spent]]) -> float:
        """A line with the medians of both servers; returns how many times cheaper ours is."""
        print(what)
        totals = {}
        for kind, rounds in figures.items():
            middle = sorted(rounds, key=lambda one: one.total)[len(rounds) // 2]
            totals[kind] = middle.total
            print(
                f"    {kind:<8} {middle.total * 1000:9.3f} ms, of which"
                f" {middle.database * 1000:8.3f} in the database; rounds:",
                *(f"{one.total * 1000:.3f}" for one in rounds),
            )
        ratio = totals.get("Synapse", float("inf")) / totals["Soma"]
        print(f"    ratio    {ratio:9.1f}", flush=True)
        return ratio

    def limit(self, what: str, value: float, most: float) -> None:
        mark = "" if value <= most else "  BEYOND ITS LIMIT"
        self.is_within &= not mark
        print(f"    {what}: {value:.4g}, at most {most:g}{mark}", flush=True)


class Bench:
    def __init__(self, options: argparse.Namespace, certificates: Certificates) -> None:
        self.options, self.certificates = options, certificates
        self.report = Report()

    @contextmanager
    def both(self) -> Iterator[list[Measured]]:
        with ExitStack() as stack:
            found: list[Measured] = [stack.enter_context(servers.soma(self.certificates))]
            if not self.options.only_soma:
                found.append(stack.enter_context(servers.synapse(self.certificates)))
            yield found

    def rounds(self, measures: Mapping[str, Callable[[], Spent]]) -> dict[str, list[Spent]]:
        """Kind of server -> what each round came to; they take turns, with a changing first."""
        figures: dict[str, list[Spent]] = {kind: [] for kind in measures}
        kinds = list(measures)
        for _ in range(self.options.rounds):
            for kind in kinds:
                figures[kind].append(measures[kind]())
            kinds.reverse()
        return figures

    def inbound(self) -> None:
        with self.both() as both, network.running(self.certificates, 1) as (origin,):
            for kind in inbound.KINDS:
                arrivals = {
                    one.kind: Arrivals.begin(kind, one, self.certificates, origin) for one in both
                }
                figures = self.rounds({name: one.cost_of_a_pdu for name, one in arrivals.items()})
                ratio = self.report.compare(f"inbound, a PDU of {kind.what}", figures)
                self.report.limit("1 / ratio", 1 / ratio, 1 / TIMES_CHEAPER_MIN)

    def outbound(self) -> None:
        with self.both() as both, network.running(self.certificates, DESTINATIONS) as others:
            departures = {one.kind: Departures(one, self.certificates, others) for one in both}
            alone = {name: one.cost_one_by_one for name, one in departures.items()}
            burst = {name: one.cost_in_a_burst for name, one in departures.items()}
            for what, measures in (("one by one", alone), ("in a burst", burst)):
                figures = self.rounds(measures)
                of = f"a message and destination of {DESTINATIONS}"
                self.report.compare(f"outbound, {what}: {of}", figures)
                spent = median(one.total for one in figures["Soma"])
                self.report.limit("seconds", spent, OUTBOUND_S_MAX)

    def join(self) -> None:
        joined: dict[str, list[joins.Joined]] = {}
        members = self.options.members
        with (
            self.both() as both,
            network.running(self.certificates, SERVERS_OF_LARGE_ROOM) as others,
        ):
            soma, *rest = both

            def join(server: Measured, room: HostedRoom, via: str) -> None:
                how = "directly" if via == others[0].name else "through Synapse"
                one = joins.join(server, room, via)
                joined.setdefault(f"{server.kind} {how}", []).append(one)
                _print_join(f"{server.kind} {how}", one)

            for _ in range(self.options.rounds):
                join(soma, joins.host(others, members), others[0].name)
                for synapse in rest:
                    room = joins.host(others, members)
                    join(synapse, room, others[0].name)
                    synapse.note_log()
                    join(soma, room, synapse.name)
                    took = joins.answered(synapse.news)
                    answers = (f"{name} {seconds:.2f} s" for name, seconds in took.items())
                    print("    of which Synapse took for its answers:", ", ".join(answers))
        for who, some in joined.items():
            print(f"join of a room of {members}: {who}, medians")
            _print_join(who, sorted(some, key=lambda one: one.complete_for.total)[len(some) // 2])
            if who.startswith("Soma"):
                self.report.limit("usable", median(one.usable_s for one in some), USABLE_S_MAX)
                spent = median(one.complete_for.total for one in some)
                self.report.limit("CPU until complete", spent, COMPLETE_CPU_S_MAX)

    def dead(self) -> None:
        """Ten thousand, and as many again, and again."""
        with servers.soma(self.certificates) as soma:
            first = dead.grown_bytes(soma)
            more = [dead.grown_bytes(soma) for _ in range(self.options.rounds)]
        print(f"dead servers, {dead.DEAD} at a time: bytes of memory for each")
        print(f"    of the first: {first:.0f}, most of which serves for the next as well")
        self.report.limit("of the next", median(more), DEAD_BYTES_MAX)


def _print_join(who: str, one: joins.Joined) -> None:
    print(
        f"    {who}: usable after {one.usable_s:.1f} s ({_cpu(one.usable_for)}),"
        f" complete after {one.complete_s:.1f} s ({_cpu(one.complete_for)})",
        flush=True,
    )


def _cpu(spent: Spent) -> str:
    return f"{spent.total:.1f} s of CPU, {spent.database:.1f} of it in the database"


def main() -> int:
    parser = argparse.ArgumentParser(description="what federation costs, beside Synapse")
    parser.add_argument("what", nargs="*", default=["inbound", "outbound", "join", "dead"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--members", type=int, default=joins.MEMBERS)
    parser.add_argument("--only-soma", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="certificates-") as name:
        bench = Bench(options, Certificates(trustme.CA(), Path(name)))
        for what in options.what:
            getattr(bench, what)()
    return 0 if bench.report.is_within else 1


if __name__ == "__main__":
    sys.exit(main())
