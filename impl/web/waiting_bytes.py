"""What waits for the other side of a connection: large answers that are not taken yet, large bodies
that are still coming. The memory for them has a bound, however slow everybody is.

Where there is no more space somebody is given up: of the address for which most waits, whoever has
waited longest. So those who want much at once hinder themselves, and not who is slow by a bad
line."""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Of one worker.
BYTES_MAX = 512 << 20
# What is smaller is not counted: most of it is in the system's buffers at once.
LARGE_BYTES = 64 << 10


class GivenUp(ConnectionAbortedError):
    """There was no space for it."""

    def __init__(self) -> None:
        super().__init__(errno.ECONNABORTED, "too much waits for this address")


class _Share:
    """What one connection holds, and how to end it."""

    __slots__ = ("give_up", "size")

    def __init__(self, size: int, give_up: Callable[[], object]) -> None:
        self.size = size
        self.give_up = give_up


class WaitingBytes:
    """Those of one worker."""

    def __init__(self, bytes_max: int = BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self.total = 0
        # address -> how much it is, and of whom: the first have waited longest.
        self._sizes: dict[str, int] = {}
        self._shares: dict[str, dict[_Share, None]] = {}

    @contextmanager
    def hold(self, address: str, size: int, give_up: Callable[[], object]) -> Iterator[None]:
        """While so much waits; `give_up` ends the wait from outside. Raises GivenUp where it is
        itself what there is no space for.
        """
        if size <= LARGE_BYTES:
            yield
            return
        share = _Share(size, give_up)
        self._shares.setdefault(address, {})[share] = None
        self._sizes[address] = self._sizes.get(address, 0) + size
        self.total += size
        try:
            while self.total > self._bytes_max:
                if self._make_space() is share:
                    raise GivenUp
            yield
        finally:
            self._drop(address, share)

    def _make_space(self) -> _Share:
        address = max(self._sizes, key=self._sizes.__getitem__)
        share = next(iter(self._shares[address]))
        self._drop(address, share)
        share.give_up()
        return share

    def _drop(self, address: str, share: _Share) -> None:
        of_address = self._shares.get(address, {})
        if share not in of_address:
            return  # It was given up.
        del of_address[share]
        self.total -= share.size
        self._sizes[address] -= share.size
        if not of_address:
            del self._shares[address], self._sizes[address]
