"""The bytes of an answer that is a file: they are read as the client takes them, so that a worker's
memory holds a piece of each."""

from collections.abc import Iterator
from typing import BinaryIO

import gevent

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
            # A disk may take its time; others go on in between.
            piece = gevent.get_hub().threadpool.apply(self._file.read, (count,))
        except OSError as error:
            raise FileLost(str(error)) from error
        if not piece:
            raise FileLost("a file is shorter than it was when it came")
        return bytes(piece)
