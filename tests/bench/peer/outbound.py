"""Messages of a user of the server in a room with a hundred other servers."""

import time
from collections.abc import Sequence

import gevent

from tests.bench.peer import servers
from tests.bench.peer.network import Line, OtherServer
from tests.bench.peer.processes import Spent
from tests.bench.peer.servers import Measured
from tests.bench.peer.visiting import VERSION, Visitor
from tests.synapse.certificates import Certificates

MESSAGES = 20
BURST = 50
WAIT_S_MAX = 300.0
TEXT = "what is said " * 10


class Departures:
    def __init__(
        self, server: Measured, certificates: Certificates, others: Sequence[OtherServer]
    ) -> None:
        self.server, self.others = server, others
        self._local = server.register("speaker")
        self._room_id = self._local.create_room(preset="public_chat", room_version=VERSION)
        line = Line(certificates, server.name)
        for number, other in enumerate(others):
            Visitor(line, other, self._room_id, f"visitor{number}")
        line.close()
        # That the last ones came all have heard by then.
        servers.rest(server)
        self._say_one_by_one(2)

    def cost_one_by_one(self) -> Spent:
        """For each message and destination; each is there before the next."""
        before = servers.rest(self.server)
        self._say_one_by_one(MESSAGES)
        return (servers.rest(self.server) - before) / MESSAGES / len(self.others)

    def cost_in_a_burst(self) -> Spent:
        """The same, of messages that are sent in quick succession."""
        before = servers.rest(self.server)
        wanted = self._wanted(BURST)
        for _ in range(BURST):
            self._local.send(self._room_id, TEXT)
        self._wait(wanted)
        return (servers.rest(self.server) - before) / BURST / len(self.others)

    def _say_one_by_one(self, messages: int) -> None:
        for _ in range(messages):
            wanted = self._wanted(1)
            self._local.send(self._room_id, TEXT)
            self._wait(wanted)

    def _wanted(self, messages: int) -> list[int]:
        return [other.taken + messages for other in self.others]

    def _wait(self, wanted: Sequence[int]) -> None:
        deadline = time.monotonic() + WAIT_S_MAX
        while any(other.taken < count for other, count in zip(self.others, wanted, strict=True)):
            missing = sum(o.taken < c for o, c in zip(self.others, wanted, strict=True))
            assert time.monotonic() < deadline, f"{missing} servers were not told"
            gevent.sleep(0.01)
