"""The wire between servers: a relay before each server's port for other servers, which can be cut
while the server goes on for its clients, or made slow: so that long answers take their time, and
short ones do not.

The name of a server carries the relay's port. What passes is TLS, into which it does not look."""

import contextlib
from typing import Any

import gevent
from gevent import socket
from gevent.server import StreamServer

from tests.ports import free_port

PIECE_BYTES = 65536
STEPS_PER_SECOND = 10


class Link:
    """`port` leads to `inner_port`, unless it is cut: then whoever comes is hung up on."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.port, self.inner_port = free_port(), free_port()
        self.is_cut = False
        # Of what the server answers, on each connection.
        self.bytes_per_second: int | None = None
        self._open: set[Any] = set()
        self._server = StreamServer((host, self.port), self._relay)
        self._server.start()

    def cut(self) -> None:
        """What was on its way is lost."""
        self.is_cut = True
        for one in list(self._open):
            _hang_up(one)

    def mend(self) -> None:
        self.is_cut = False
        self.bytes_per_second = None

    def close(self) -> None:
        self.cut()
        self._server.stop(timeout=0)

    def _relay(self, outer: Any, _address: object) -> None:
        if self.is_cut:
            return
        try:
            inner = socket.create_connection(("127.0.0.1", self.inner_port))
        except OSError:
            return  # The server is down.
        ends = {outer, inner}
        self._open |= ends
        try:
            back = gevent.spawn(self._pass, inner, outer, True)
            self._pass(outer, inner, False)
            back.join()
        finally:
            self._open -= ends
            for one in ends:
                one.close()

    def _pass(self, source: Any, target: Any, is_answer: bool) -> None:
        """Until one of the ends hangs up."""
        with contextlib.suppress(OSError):
            while data := source.recv(PIECE_BYTES):
                self._hold_back(data, target) if is_answer else target.sendall(data)
        _hang_up(source)
        _hang_up(target)

    def _hold_back(self, data: bytes, target: Any) -> None:
        """As slowly as is wanted, which may change meanwhile."""
        while self.bytes_per_second and data:
            size = max(1, self.bytes_per_second // STEPS_PER_SECOND)
            target.sendall(data[:size])
            data = data[size:]
            gevent.sleep(1 / STEPS_PER_SECOND)
        target.sendall(data)


def _hang_up(one: Any) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
