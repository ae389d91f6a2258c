"""What http.client takes for a socket: it counts what comes in, and lets others run now and then.

A peer that sends for ever faster than we read would else keep this process for itself, and no time
limit would ever strike."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

from gevent import socket

from impl import breath
from impl.outbound.failures import HttpFailure

PIECE_BYTES = 64 << 10
_READS_BETWEEN_YIELDS = 16


class Channel:
    """Over one socket."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.bytes_read = 0
        self.is_ended = False
        self._held: list[bytes] | None = None
        self._bytes_max = 0
        self._bytes_since_yield = 0
        self._reads_since_yield = 0

    def begin(self, bytes_max: int) -> None:
        """A new exchange, in which so much may come in."""
        self.bytes_read = 0
        self._bytes_max = bytes_max

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is sent in here goes out as one, if it is small: a record, and a packet, less."""
        self._held = held = []
        yield
        self._held = None
        is_small = sum(map(len, held)) <= PIECE_BYTES
        for data in [b"".join(held)] if is_small else held:
            self.sock.sendall(data)

    def sendall(self, data: bytes) -> None:
        if self._held is None:
            self.sock.sendall(data)
        else:
            self._held.append(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self), PIECE_BYTES)

    def close(self) -> None:
        # http.client lets go of a connection that ends with this answer before it has read it.
        pass

    def recv_into(self, buffer: memoryview) -> int:
        count = self.sock.recv_into(buffer)
        if not count:
            self.is_ended = True
        self.bytes_read += count
        if self.bytes_read > self._bytes_max:
            raise HttpFailure(f"its answer is of more than {self._bytes_max} bytes")
        self._bytes_since_yield += count
        self._reads_since_yield += 1
        if (
            self._bytes_since_yield >= PIECE_BYTES
            or self._reads_since_yield >= _READS_BETWEEN_YIELDS
        ):
            self._bytes_since_yield = self._reads_since_yield = 0
            breath.take()
        return count


class _Reader(io.RawIOBase):
    """A file to read one answer from; to close it leaves the connection open."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        return self._channel.recv_into(buffer)
