"""What waits for the other side of a connection: large answers that are not taken yet, large bodies
that are still coming. The memory for them has a bound, however slow everybody is.

Where there is no more space somebody is given up: whoever has waited longest without a piece of
what they want having moved. So nobody is cut off whose bytes move, as long as anybody's stand
still. Where one address holds a great part of all, one of its own goes first: who wants much at
once hinders themselves, and not who is slow by a bad line. (All may have one address, that of a
proxy which says nothing of others: then that changes nothing.)

What was only announced takes no space. An answer does until it has gone as a whole: it is one piece
of memory."""

import errno
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Of one worker.
BYTES_MAX = 512 << 20
# What is smaller is not counted: most of it is in the system's buffers at once.
LARGE_BYTES = 64 << 10
# What has to move to be seen: a byte now and then is nothing.
PIECE_BYTES = 64 << 10
# An address that holds more than one part in so many comes before others.
PARTS = 4


class GivenUp(ConnectionAbortedError):
    """There was no space for it."""

    def __init__(self) -> None:
        super().__init__(errno.ECONNABORTED, "too much waits for this address")


class Share:
    """What one connection holds, and how to end it."""

    __slots__ = ("_waiting", "address", "give_up", "is_given_up", "size")

    def __init__(
        self, waiting: "WaitingBytes", address: str, give_up: Callable[[], object]
    ) -> None:
        self._waiting = waiting
        self.address = address
        self.give_up = give_up
        self.is_given_up = False
        self.size = 0

    def grow(self, count: int) -> None:
        """So much more has come. Raises GivenUp where there is no space for it."""
        self._waiting.grow(self, count)

    def move(self) -> None:
        """A piece has gone."""
        self._waiting.move(self)


class WaitingBytes:
    """Those of one worker."""

    def __init__(self, bytes_max: int = BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self.total = 0
        # In the order in which they last moved.
        self._shares: OrderedDict[Share, None] = OrderedDict()
        self._of_address: dict[str, OrderedDict[Share, None]] = {}
        self._sizes: dict[str, int] = {}

    @contextmanager
    def hold(self, address: str, size: int, give_up: Callable[[], object]) -> Iterator[Share]:
        """While so much waits, and what it grows by; `give_up` ends the wait from outside. Raises
        GivenUp where there can be no space for it.
        """
        share = Share(self, address, give_up)
        try:
            share.grow(size)
            yield share
        finally:
            self._drop(share)

    def grow(self, share: Share, count: int) -> None:
        if share.is_given_up:
            raise GivenUp
        if share.size + count > self._bytes_max:
            # Whoever else was given up, it would not help.
            self._give_up(share)
            raise GivenUp
        known = share.size if share in self._shares else 0
        share.size += count
        if share.size <= LARGE_BYTES:
            return
        address = share.address
        self._shares[share] = self._of_address.setdefault(address, OrderedDict())[share] = None
        self._sizes[address] = self._sizes.get(address, 0) + share.size - known
        self.total += share.size - known
        self.move(share)
        # It is the last that moved, so it is never itself.
        while self.total > self._bytes_max:
            self._give_up(self._stillest())

    def move(self, share: Share) -> None:
        if share in self._shares:
            self._shares.move_to_end(share)
            self._of_address[share.address].move_to_end(share)

    def _stillest(self) -> Share:
        address = max(self._sizes, key=self._sizes.__getitem__)
        of_address = self._of_address[address]
        is_much = self._sizes[address] > self._bytes_max // PARTS and len(of_address) > 1
        return next(iter(of_address if is_much else self._shares))

    def _give_up(self, share: Share) -> None:
        self._drop(share)
        share.is_given_up = True
        share.give_up()

    def _drop(self, share: Share) -> None:
        if share not in self._shares:
            return  # It is small, or was given up.
        address = share.address
        del self._shares[share], self._of_address[address][share]
        self.total -= share.size
        self._sizes[address] -= share.size
        if not self._of_address[address]:
            del self._of_address[address], self._sizes[address]
