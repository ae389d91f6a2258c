"""Numbers in blocks. Sequences: event_nids, state_node_nids.

A worker takes a block of numbers with one `nextval` and hands them out by itself. What is left of a
block when the worker ends is lost: numbers are plentiful, and say nothing of an order."""

from typing import Any

BLOCK = 1024  # The INCREMENT of the sequences.


class Numbers:
    """A worker's supply from one sequence."""

    def __init__(self, sequence: str) -> None:
        self._sequence = sequence
        self._next = self._end = 0

    def reserve(self, txn: Any, number: int) -> None:
        """Have at least so many at hand; asks the database once a block."""
        while self._end - self._next < number:
            txn.execute("SELECT nextval(%s)", (self._sequence,))
            start = txn.fetchone()[0]
            if start == self._end and self._end:
                self._end += BLOCK  # It follows on the last block.
            elif number > BLOCK:
                raise ValueError(f"more than {BLOCK} numbers at once")
            else:
                self._next, self._end = start, start + BLOCK

    def take(self) -> int:
        """The next number of those reserved."""
        if self._next >= self._end:
            raise RuntimeError("no numbers were reserved")
        self._next += 1
        return self._next - 1
