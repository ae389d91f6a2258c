"""The body of a request, which has to arrive at a least speed; one that nobody wants is not read
for ever."""

import errno
import time
from typing import Any

import gevent
from gevent.pywsgi import Input

from impl.web.waiting_bytes import PIECE_BYTES

# A body, in however many pieces it is read: so long, and a second more for so many bytes.
BODY_S = 30.0
BODY_BYTES_PER_S = 4096
# What is read of a body that the application did not want, to keep the connection.
DISCARD_MAX = 256 << 10


class SlowBody(ConnectionResetError):
    """The body does not arrive; the connection is given up."""

    def __init__(self) -> None:
        super().__init__(errno.ECONNRESET, "the request's body did not arrive in time")


class TimedInput(Input):
    """`wsgi.input` of an HttpConnection, with a limit on how long a read may take."""

    __slots__ = ("_came", "_waited_s", "connection")

    def __init__(self, connection: Any, expects_continue: bool, **options: Any) -> None:
        super().__init__(
            connection.rfile,
            connection.content_length,
            socket=connection.socket if expects_continue else None,
            **options,
        )
        self.connection = connection
        # What was read, and how long that took; not what became of it in between.
        self._came = 0
        self._waited_s = 0.0

    def read(self, length: int | None = None) -> bytes:
        wanted = (self.content_length or 0) if length is None or length < 0 else length
        allowed_s = BODY_S + (self._came + min(wanted, 1 << 30)) / BODY_BYTES_PER_S
        timeout = gevent.Timeout(max(allowed_s - self._waited_s, 0.001))
        started = time.monotonic()
        timeout.start()
        try:
            raw = self._read_pieces(length)
            self._came += len(raw)
            return raw
        except gevent.Timeout as error:
            if error is not timeout:
                raise
            self.connection.close_connection = True
            raise SlowBody from None
        except TimeoutError:
            self.connection.close_connection = True
            raise SlowBody from None
        except OSError:
            self._lose_track()
            raise
        except ValueError:
            self._lose_track()
            raise OSError("a chunk without a size") from None
        finally:
            timeout.close()
            self._waited_s += time.monotonic() - started

    def _read_pieces(self, length: int | None) -> bytes:
        # What is announced may never come: it takes the space of what has.
        left = None if length is None or length < 0 else length
        pieces: list[bytes] = []
        with self.connection.holding(0) as share:
            while left is None or left > 0:
                piece = super().read(PIECE_BYTES if left is None else min(left, PIECE_BYTES))
                if not piece:
                    break
                pieces.append(piece)
                share.grow(len(piece))
                if left is not None:
                    left -= len(piece)
            return b"".join(pieces)

    def _lose_track(self) -> None:
        # Where the next request begins nobody can say now.
        self.connection.close_connection = self._chunked_input_error = True

    def _discard(self) -> None:
        """Called after the response: bring the stream to the next request, or give it up."""
        if self._chunked_input_error:
            if self.connection.headers_sent:
                self.connection.linger()
            return
        left = (self.content_length or 0) - self.position
        if not self.chunked_input and left <= 0:
            return
        if self.chunked_input and self.chunk_length == 0:
            return
        # A client that was to wait for "100 Continue" has not sent its body, and may never do.
        if self.socket is not None:
            self.connection.close_connection = True
            return
        if not self.chunked_input and left <= DISCARD_MAX:
            self.read(left)
            return
        self.connection.linger()
