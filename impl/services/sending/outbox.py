"""What one server is still to be told by this process."""

import enum
from collections.abc import Iterator

from impl.services.sending.catch_up import CatchUp
from impl.services.sending.parcels import Item, Parcel, Queue


class State(enum.Enum):
    # Whether it lags or fails has to be looked up first.
    DOUBTFUL = enum.auto()
    # It is told of what happens, when it happens.
    LIVE = enum.auto()
    # Its row says what it does not know; nothing is kept here.
    AWAY = enum.auto()
    # It is somebody else's by now, or begun with anew.
    GONE = enum.auto()


class Outbox:
    """One server's. There may be tens of thousands, most of them empty."""

    __slots__ = (
        "attempts",
        "catch_up",
        "failing_since_ts",
        "has_row",
        "is_proven",
        "is_ready",
        "is_sending",
        "parcels",
        "queue",
        "retry_interval_ms",
        "retry_ts",
        "row_place",
        "server_name",
        "shard",
        "since_ts",
        "state",
    )

    def __init__(self, server_name: str, shard: int) -> None:
        self.server_name = server_name
        self.shard = shard
        self.state = State.DOUBTFUL
        # In this order: what was made and has not arrived, what it missed, what is new.
        self.parcels: tuple[Parcel, ...] = ()
        self.catch_up: CatchUp | None = None
        self.queue: Queue | None = None
        # Since when nothing has arrived of what is here.
        self.since_ts = 0
        # Whether it has a row in destinations, and how far it is served by that; the room, too,
        # where it catches up.
        self.has_row = False
        self.row_place: tuple[int, int] | None = None
        # It took the last that it was sent.
        self.is_proven = False
        # Of the delivery.
        self.is_ready = False
        self.is_sending = False
        # How often the first parcel was tried; it is not tried again before this time.
        self.attempts = 0
        self.retry_ts = 0
        self.failing_since_ts: int | None = None
        self.retry_interval_ms = 0

    @property
    def is_empty(self) -> bool:
        return not self.parcels and self.catch_up is None and self.queue is None

    @property
    def queued(self) -> int:
        """How much is queued of what is told later as well."""
        return 0 if self.queue is None else len(self.queue.pdus) + len(self.queue.edus)

    def add(self, item: Item, now_ms: int) -> bool:
        """Queue an item; False if there are too many."""
        if self.is_empty:
            self.since_ts = now_ms
        if self.queue is None:
            self.queue = Queue()
        return self.queue.add(item)

    def take(self, txn_ids: Iterator[str]) -> Parcel | None:
        """Make a parcel of what is queued."""
        if self.queue is None:
            return None
        parcel = self.queue.take(next(txn_ids))
        if not self.queue:
            self.queue = None
        return parcel

    def served_position(self) -> int | None:
        """Up to where it has everything, but for what it catches up with; None if nothing is here
        that would be told later as well.
        """
        waiting = [
            item.position
            for parcel in self.parcels
            for item in (*parcel.pdus, *parcel.edus)
            if not item.key
        ]
        if self.queue is not None:
            waiting += [one[0].position for one in (self.queue.pdus, self.queue.edus) if one]
        return min(waiting) - 1 if waiting else None

    def clear(self) -> None:
        """Keep nothing for it."""
        self.parcels, self.catch_up, self.queue = (), None, None
        self.attempts = self.retry_ts = 0
