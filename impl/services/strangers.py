"""Requests of servers whose keys are not known here, while they are looked up.

Anybody can make up servers, and have each answer slowly for its keys. So these requests have so
many places and no more, of which one name, or one address that they come from, has a share; and
servers that are in rooms with us have places of their own: no stranger can keep them out. Nor do
strangers come as fast as they like."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from impl import errors
from impl.app import App
from impl.core import rate_limit
from impl.core.rate_limit import Allowance
from impl.counted import counted
from impl.storage import room_servers

# Of a worker: for strangers, and as many for servers that share a room with us.
PLACES_MAX = 200
OF_SERVER_MAX = 10
OF_ADDRESS_MAX = 100
# How often: on this machine, and from one address. What is told of their keys is kept for days.
RATE = Allowance(10, 300)
RATE_OF_ADDRESS = Allowance(2, 100)
_PAUSE_MS = 5_000


class Strangers:
    """The places of one worker."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._servers: Counter[str] = Counter()
        self._addresses: Counter[str] = Counter()
        self._neighbours: Counter[str] = Counter()

    @property
    def count(self) -> int:
        """How many have a place now."""
        return self._servers.total() + self._neighbours.total()

    @contextmanager
    def place(self, server_name: str, address: str) -> Iterator[None]:
        """Have one, while the keys of whoever says to be that server are asked for. Raises
        LimitExceeded.
        """
        if self._has_place(server_name, address):
            with counted(self._servers, server_name), counted(self._addresses, address):
                yield
            return
        self._check_neighbour(server_name)
        with counted(self._neighbours, server_name):
            yield

    def _has_place(self, server_name: str, address: str) -> bool:
        return (
            self._servers.total() < PLACES_MAX
            and self._servers[server_name] < OF_SERVER_MAX
            and self._addresses[address] < OF_ADDRESS_MAX
            and self._spends(address)
        )

    def _spends(self, address: str) -> bool:
        slots, now_ms = self._app.page.rate_slots, self._app.now_ms()
        of_address = f"strangers of {address}"
        if rate_limit.wait_ms(slots, RATE_OF_ADDRESS, of_address, now_ms):
            return False
        if rate_limit.spend(slots, RATE, "strangers", now_ms):
            return False
        return not rate_limit.spend(slots, RATE_OF_ADDRESS, of_address, now_ms)

    def _check_neighbour(self, server_name: str) -> None:
        counts = self._neighbours
        if counts.total() < PLACES_MAX and counts[server_name] < OF_SERVER_MAX:
            with self._app.database.read() as txn:
                if room_servers.is_in_any(txn, server_name):
                    return
        raise errors.LimitExceeded(
            "too many servers ask that are not known yet", retry_after_ms=_PAUSE_MS
        )
