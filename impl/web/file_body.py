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
    """The bytes of an answer, read as they are taken. `close` comes last, whatever happened."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self.size = size

    def __iter__(self) -> Iterator[bytes]:
        left = self.size
        while left > 0:
            piece = self._read(min(left, PIECE_BYTES))
            left -= len(piece)
            yield piece

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
