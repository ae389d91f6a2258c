"""Transactions of messages from another server: fifty in one room, one in each of fifty, and alone,
as most are."""

import time
from dataclasses import dataclass, field

from tests.bench.peer import servers
from tests.bench.peer.network import Line, OtherServer, Request
from tests.bench.peer.processes import Spent
from tests.bench.peer.servers import Measured
from tests.bench.peer.visiting import V1, VERSION, Visitor
from tests.synapse.certificates import Certificates
from tests.synapse.people import Person

PAUSE_S = 0.05
WAIT_S_MAX = 60.0
TEXT = "what is said " * 10


@dataclass(frozen=True, slots=True)
class Kind:
    """Of transactions: how many events they hold, in how many rooms, and how many are sent."""

    what: str
    pdus: int
    rooms: int
    transactions: int


KINDS = (
    Kind("fifty, all in one room", 50, 1, 30),
    Kind("fifty, in fifty rooms", 50, 50, 30),
    Kind("one alone", 1, 1, 300),
)


@dataclass
class Arrivals:
    """One server with a user of ours in rooms of it."""

    kind: Kind
    server: Measured
    origin: OtherServer
    local: Person
    line: Line
    visitors: list[Visitor]
    _sent: int = field(default=0, init=False)

    @classmethod
    def begin(
        cls, kind: Kind, server: Measured, certificates: Certificates, origin: OtherServer
    ) -> "Arrivals":
        local = server.register(f"host{KINDS.index(kind)}")
        line = Line(certificates, server.name)
        visitors = []
        for _ in range(kind.rooms):
            room_id = local.create_room(preset="public_chat", room_version=VERSION)
            visitors.append(Visitor(line, origin, room_id, "visitor"))
        arrivals = cls(kind, server, origin, local, line, visitors)
        arrivals._send(kind.transactions // 5)
        return arrivals

    def cost_of_a_pdu(self) -> Spent:
        """Of all the server's processes, until it has nothing more to do."""
        return self._send(self.kind.transactions) / (self.kind.transactions * self.kind.pdus)

    def _send(self, transactions: int) -> Spent:
        requests = [self._transaction() for _ in range(transactions)]
        # It would be closed while the others have their turn.
        self.line.close()
        before = servers.rest(self.server)
        for request, event_ids in requests:
            answer = self.line.send(request)
            assert answer["pdus"] == {one: {} for one in event_ids}, answer
            self._wait()
        spent = servers.rest(self.server) - before
        last = requests[-1][1][-len(self.visitors) :]
        for visitor, event_id in zip(self.visitors, last, strict=True):
            assert self.local.event(visitor.room_id, event_id)["event_id"] == event_id
        return spent

    def _wait(self) -> None:
        deadline = time.monotonic() + WAIT_S_MAX
        while self.server.has_more_to_take():
            assert time.monotonic() < deadline, f"{self.server.kind} does not take events in"
            time.sleep(PAUSE_S)

    def _transaction(self) -> tuple[Request, list[str]]:
        each = self.kind.pdus // self.kind.rooms
        events = [visitor.say(TEXT) for _ in range(each) for visitor in self.visitors]
        self._sent += 1
        content = {
            "origin": self.origin.name,
            "origin_server_ts": events[0].origin_server_ts,
            "pdus": [one.pdu for one in events],
            "edus": [],
        }
        target = f"{V1}/send/{KINDS.index(self.kind)}-{self._sent}"
        request = Request(self.origin, self.server.name, "PUT", target, content)
        return request, [one.event_id for one in events]
