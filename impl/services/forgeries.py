"""How many large bodies are read in vain for who only says to be some server.

The names of servers and of their keys are known to all. Whether a body is signed can mostly be told
from its bytes; where it is not written as it was signed it has to be read and written anew, which
takes long. So that is done for so many that turn out to be signed by nobody, and then no more for a
while: for one address, and for all. Whoever sends bodies as they are signed does not notice.

Nor do servers that share a room with us and write as they like, as far as can be told: from where a
server has signed something, nobody else is thought to forge its requests. There it has an allowance
of its own, and what others do elsewhere counts for nothing."""

from collections import OrderedDict

from impl import errors
from impl.app import App
from impl.core import rate_limit
from impl.core.rate_limit import Allowance
from impl.storage import room_servers

# The worst body takes 0.3 seconds: all of them together less than half a core.
OF_ADDRESS = Allowance(0.5, 5)
OF_ALL = Allowance(1, 10)
# Of those that share a room with us, where they are known to be.
OF_NEIGHBOUR = Allowance(0.2, 5)
OF_NEIGHBOURS = Allowance(0.5, 10)

SERVERS_MAX = 5_000
ADDRESSES_OF_SERVER_MAX = 16


class Claim:
    """To be some server, of which nothing is known yet but the name and the address."""

    def __init__(self, app: App, origin: str, address: str) -> None:
        self._app = app
        self._origin = origin
        self.is_neighbour = False
        self._spendings = ((f"forgeries of {address}", OF_ADDRESS), ("forgeries", OF_ALL))
        self._is_from_there = app.part(_Seen, _Seen).has(origin, address)

    def check(self) -> None:
        """See whether it may be looked into, and is of a neighbour. Raises LimitExceeded."""
        if not self._is_from_there:
            # Who may be anybody is refused before the database is asked for them.
            self._check_spendings()
            self.is_neighbour = self._shares_a_room()
            return
        self.is_neighbour = self._shares_a_room()
        if self.is_neighbour:
            self._spendings = (
                (f"forgeries as {self._origin}", OF_NEIGHBOUR),
                ("forgeries as neighbours", OF_NEIGHBOURS),
            )
        self._check_spendings()

    def _shares_a_room(self) -> bool:
        with self._app.database.read() as txn:
            return room_servers.is_in_any(txn, self._origin)

    def _check_spendings(self) -> None:
        now_ms = self._app.now_ms()
        for name, allowance in self._spendings:
            wait_ms = rate_limit.wait_ms(self._app.page.rate_slots, allowance, name, now_ms)
            if wait_ms:
                raise errors.LimitExceeded(
                    "the body is not canonical JSON, and too many were that nobody had signed",
                    retry_after_ms=wait_ms,
                )

    def note(self) -> None:
        """A body was read that nobody has signed."""
        now_ms = self._app.now_ms()
        for name, allowance in self._spendings:
            rate_limit.spend(self._app.page.rate_slots, allowance, name, now_ms)


def see(app: App, origin: str, address: str) -> None:
    """A server has signed a request from there."""
    app.part(_Seen, _Seen).add(origin, address)


class _Seen:
    """From which addresses servers have signed something, those that did last. Of one worker: where
    one does not know yet, another's bound holds."""

    def __init__(self, app: App) -> None:
        self._servers: OrderedDict[str, OrderedDict[str, None]] = OrderedDict()

    def has(self, origin: str, address: str) -> bool:
        return address in self._servers.get(origin, ())

    def add(self, origin: str, address: str) -> None:
        addresses = self._servers.setdefault(origin, OrderedDict())
        addresses[address] = None
        self._servers.move_to_end(origin)
        addresses.move_to_end(address)
        if len(addresses) > ADDRESSES_OF_SERVER_MAX:
            addresses.popitem(last=False)
        if len(self._servers) > SERVERS_MAX:
            self._servers.popitem(last=False)
