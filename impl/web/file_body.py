"""The bytes of an answer that is a file: they are read as the client takes them, so that a worker's
memory holds a piece of each.

A disk may take its time, which is for a thread to wait for. But most of what is asked for, the
system has in its memory; that is read at once, and so is not kept waiting by what has to be written
or hashed in threads."""

import os
from collections.abc import Iterator
from typing import BinaryIO

import gevent

from impl import breath

# With the head it is still so little that nobody counts it (waiting_bytes.py).
PIECE_BYTES = 60 << 10


class FileLost(Exception):
    """The disk does not give what the database says is there."""


class FileBody:
    """So many bytes of a file, and what stands around them. Whoever has it closes it."""

    def __init__(self, file: BinaryIO, size: int, before: bytes = b"", after: bytes = b"") -> None:
        self.size = len(before) + size + len(after)
        self._file = file
        self._left = size
        self._before = before
        self._after = after

    def __iter__(self) -> Iterator[bytes]:
        begun = self._before
        while self._left > 0:
            piece = self._read(min(self._left, PIECE_BYTES - len(begun)))
            self._left -= len(piece)
            yield begun + piece
            begun = b""
        if begun or self._after:
            yield begun + self._after

    def close(self) -> None:
        self._file.close()

    def _read(self, count: int) -> bytes:
        try:
            piece = self._read_at_once(count)
            if piece is None:
                piece = gevent.get_hub().threadpool.apply(self._file.read, (count,))
        except OSError as error:
            raise FileLost(str(error)) from error
        if not piece:
            raise FileLost("a file is shorter than it was when it came")
        return piece  # type: ignore[no-any-return]

    def _read_at_once(self, count: int) -> bytes | None:
        """None: the system would have to wait for the disk, or cannot say."""
        place = self._file.tell()
        if place:
            # A client who takes it as fast as it comes would leave no turn to others.
            breath.take()
        buffer = bytearray(count)
        try:
            read = os.preadv(self._file.fileno(), [buffer], place, os.RWF_NOWAIT)
        except (OSError, AttributeError):
            return None
        self._file.seek(place + read)
        return bytes(memoryview(buffer)[:read])
