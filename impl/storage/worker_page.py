"""A page of memory that all workers of a machine share, so that each knows at once what another has
done.

A client that got its 200 from one worker may ask another a moment later: it must find what it
wrote, and a token that was revoked must not work any more. NOTIFY comes a millisecond too late for
that. So each worker has a slot here that it alone writes, before it answers: the newest stream
position that it has committed or heard of, how often it revoked tokens, and how often it moved
one-time keys. A request compares the greatest position, and the sums of the counts, with what its
worker has seen: reads of memory.

Behind the slots lie the buckets of the rate limits, as one float64 each (core/rate_limit.py), so
that several workers do not give several times the limit. They are written by all: a lost update
costs a request more or less.

Last comes when each user was seen (seen_users.py), which the workers write together as well.

The page is a file that the supervisor makes and the workers map. Words of eight bytes are written
whole."""

import mmap
import os
import struct
from pathlib import Path

from impl.storage import seen_users
from impl.storage.seen_users import SeenUsers

MAGIC = b"soma-pg2"
SLOT_BYTES = 64  # A cache line: two workers do not write the same.
RATE_SLOTS = 1 << 16
_HEADER_BYTES = 64


class WorkerPage:
    """The page as one worker sees it; `slot` is the worker's own, counted from 0."""

    def __init__(self, path: Path, slot: int) -> None:
        with open(path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        magic, slots = struct.unpack_from("8sQ", self._map)
        if magic != MAGIC or not 0 <= slot < slots:
            raise ValueError(f"{path} is not a worker page with slot {slot}")
        memory = memoryview(self._map)
        end = _HEADER_BYTES + slots * SLOT_BYTES
        words = memory[_HEADER_BYTES:end].cast("Q")
        step = SLOT_BYTES // 8
        self._positions = words[0::step]
        self._revocations = words[1::step]
        self._key_moves = words[2::step]
        self._slot = slot
        seen_at = end + RATE_SLOTS * 8
        self.rate_slots = memory[end:seen_at].cast("d")
        self.seen_users = SeenUsers(memory[seen_at : seen_at + seen_users.BYTES].cast("Q"))

    @classmethod
    def create(cls, path: Path, slots: int) -> None:
        """Make the page, empty, in place of an older one."""
        temporary = path.with_suffix(".new")
        size = _HEADER_BYTES + slots * SLOT_BYTES + RATE_SLOTS * 8 + seen_users.BYTES
        with open(temporary, "wb") as file:
            file.write(struct.pack("8sQ", MAGIC, slots))
            file.truncate(size)
        os.replace(temporary, path)

    def newest(self) -> int:
        """The newest stream position that any worker of this machine has committed, or heard of."""
        return max(self._positions)

    def advance(self, position: int) -> None:
        """This worker has committed up to a position, or heard of what was."""
        if position > self._positions[self._slot]:
            self._positions[self._slot] = position

    def revocations(self) -> int:
        """How often tokens were revoked: a number that has moved means that cached tokens may be
        void.
        """
        return sum(self._revocations)

    def revoke(self) -> None:
        """This worker has revoked tokens, and committed it."""
        self._revocations[self._slot] += 1

    def key_moves(self) -> int:
        """How often one-time or fallback keys came or were handed out: a number that has moved
        means that counts of them may be old.
        """
        return sum(self._key_moves)

    def move_keys(self) -> None:
        """This worker has added keys or handed some out, and committed it."""
        self._key_moves[self._slot] += 1
