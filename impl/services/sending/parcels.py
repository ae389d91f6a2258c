"""What goes into a transaction, and what waits to. S-S API, "Transactions"."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

PDUS_MAX = 50
EDUS_MAX = 100
# A transaction has at least one piece, and no more once it is as large as this.
BYTES_MAX = 2 << 20
# Of one kind for one server. Who cannot be told so fast is told room by room (catch_up.py).
QUEUED_MAX = 1_000


class Item(NamedTuple):
    """A PDU or an EDU, for all its servers."""

    position: int
    servers: frozenset[str]
    form: bytes
    # Of a PDU.
    event_id: str = ""
    # Of what is not told to who was away: it takes the place of an older one with the same key.
    key: tuple[object, ...] = ()
    # It waits for others to go with.
    is_unhurried: bool = False
    # It has a row that is deleted when it has arrived.
    is_stored: bool = False


@dataclass(slots=True)
class Parcel:
    """What goes into one transaction, under one id however often it is tried."""

    txn_id: str
    pdus: list[Item]
    edus: list[Item]
    # Of those who catch up: when it has arrived, the rooms up to this are told, or all up to there.
    room_nid: int | None = None
    served: int | None = None
    # Once it is made.
    body: bytes = b""

    def halves(self, txn_ids: Iterator[str]) -> tuple["Parcel", "Parcel"]:
        """Two parcels of half the pieces each, in their order."""
        items = [*self.pdus, *self.edus]
        middle = len(items) // 2
        first, second = (
            Parcel(
                next(txn_ids),
                [one for one in part if one.event_id],
                [one for one in part if not one.event_id],
            )
            for part in (items[:middle], items[middle:])
        )
        second.room_nid, second.served = self.room_nid, self.served
        return first, second


@dataclass(slots=True)
class Queue:
    """What waits, each kind in its order."""

    pdus: deque[Item] = field(default_factory=deque)
    edus: deque[Item] = field(default_factory=deque)
    short_lived: dict[tuple[object, ...], Item] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.pdus or self.edus or self.short_lived)

    def add(self, item: Item) -> bool:
        """False if there are too many. Of what is short-lived the oldest goes."""
        if item.key:
            self.short_lived.pop(item.key, None)
            if len(self.short_lived) >= QUEUED_MAX:
                del self.short_lived[next(iter(self.short_lived))]
            self.short_lived[item.key] = item
            return True
        into = self.pdus if item.event_id else self.edus
        into.append(item)
        return len(into) <= QUEUED_MAX

    def take(self, txn_id: str) -> Parcel:
        """Make a parcel of the first of what waits."""
        room = _Room()
        pdus = room.fit(self.pdus, PDUS_MAX)
        edus = room.fit(self.edus, EDUS_MAX)
        for queue, taken in ((self.pdus, pdus), (self.edus, edus)):
            for _ in taken:
                queue.popleft()
        short_lived = room.fit(self.short_lived.values(), EDUS_MAX - len(edus))
        for item in short_lived:
            del self.short_lived[item.key]
        return Parcel(txn_id, pdus, edus + short_lived)


class _Room:
    """What is left in a transaction."""

    def __init__(self) -> None:
        self._bytes = BYTES_MAX

    def fit(self, items: Iterable[Item], count: int) -> list[Item]:
        found: list[Item] = []
        for item in items:
            if len(found) >= count or self._bytes <= 0:
                break
            self._bytes -= len(item.form)
            found.append(item)
        return found


def parcels_of(items: Iterable[Item], txn_ids: Iterator[str]) -> Iterator[Parcel]:
    """Parcels of some items, in their order; none of them is short-lived."""
    queue = Queue()
    for item in items:
        if len(queue.pdus) >= PDUS_MAX or len(queue.edus) >= EDUS_MAX:
            yield queue.take(next(txn_ids))
        queue.add(item)
    while queue:
        yield queue.take(next(txn_ids))
