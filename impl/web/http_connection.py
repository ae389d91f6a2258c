"""One client's connection: requests one after another, each with its time limits, until it is
closed.

A subclass of gevent's WSGIHandler, which writes the responses. Reading is ours: heads are checked
in http_head.py, bodies have to arrive at a least speed, and a body that nobody wants is not read
for ever. The request line is logged by web/request_log.py, not here."""

import functools
import ipaddress
import json
import logging
import socket as stdlib_socket
import time
from contextlib import AbstractContextManager, suppress
from email.utils import formatdate
from io import BytesIO
from typing import Any

import gevent
from gevent import socket
from gevent.pywsgi import WSGIHandler

from impl.web import http_head
from impl.web.file_body import FileBody
from impl.web.http_head import BadRequest
from impl.web.timed_input import TimedInput
from impl.web.waiting_bytes import LARGE_BYTES, PIECE_BYTES, Share

# Without a byte from the client, or to it.
IDLE_S = 60.0
# At a stop a connection as young as this may have its first request on the way.
FRESH_S = 0.5
# From a request's first byte to the end of its head.
HEAD_S = 20.0
# A response that is one piece may take a second more for so many bytes.
SEND_BYTES_PER_S = 16_384
LINGER_MAX = 64 << 20
LINGER_S = 5.0

_log = logging.getLogger(__name__)


class HttpConnection(WSGIHandler):
    """The requests of one connection."""

    # Whether a request has come on it.
    is_used = False
    # The header fields of the last request, as bytes and as they were read: a client sends the same
    # ones with most of its requests.
    _last_fields: tuple[bytes, dict[str, str]] = (b"", {})
    # What the application has announced and nobody has sent yet.
    _announced: tuple[str, list[tuple[str, str]]] | None = None

    def handle(self) -> None:
        self.accepted = time.monotonic()
        self.socket.settimeout(IDLE_S)
        with suppress(OSError):
            self.socket.setsockopt(stdlib_socket.IPPROTO_TCP, stdlib_socket.TCP_NODELAY, 1)
        super().handle()

    def end_idle(self) -> None:
        """At a stop: close a connection that waits, unless its first request must be on the way.

        What has arrived already is still read, and answered.
        """
        age = time.monotonic() - self.accepted
        if not self.is_used and age < FRESH_S:
            gevent.spawn_later(FRESH_S - age, self._end_reading)
        else:
            self._end_reading()

    def _end_reading(self) -> None:
        if self not in self.server.idle:
            return
        with suppress(OSError):
            _shut_down(self.socket, socket.SHUT_RD)

    def linger(self) -> None:
        """Close without losing the response: a client that is still sending would have it reset."""
        self.close_connection = True
        left = LINGER_MAX
        with suppress(OSError), gevent.Timeout(LINGER_S, False):
            _shut_down(self.socket, socket.SHUT_WR)
            while left > 0:
                received = len(self.rfile.read1(65_536))
                if not received:
                    return
                left -= received

    def handle_one_request(self) -> object:
        """None: close. True: go on. A pair of status and bytes: send that, and close."""
        if not self._wait_for_request():
            return None
        self.response_length = 0
        self.is_used = True
        try:
            self._read_head()
        except BadRequest as refused:
            _log.info("bad request from %s: %s", self.client_address, refused.reason)
            return refused.status.partition(" ")[0], _refusal(refused)
        except (OSError, gevent.Timeout):
            return None
        self.environ = self.get_environ()
        self.application = self.server.application
        self.handle_one_response()
        return None if self.close_connection or self.rfile.closed else True

    def _wait_for_request(self) -> bool:
        server = self.server
        if server.is_draining and self.is_used:
            return False
        server.idle.add(self)
        if server.is_draining:
            self.end_idle()
        try:
            return bool(self.rfile.peek(1))
        except OSError:
            return False
        finally:
            server.idle.discard(self)

    def _read_head(self) -> None:
        # Nearly always the head has arrived whole, and needs no timer.
        if b"\r\n\r\n" in self.rfile.peek(1):
            self._parse_head()
            return
        with gevent.Timeout(HEAD_S):
            self._parse_head()

    def _parse_head(self) -> None:
        line, raw_fields = http_head.take(self.rfile)
        self.requestline = line.decode("latin-1")
        self.command, self.path, self.request_version = http_head.read_request_line(line)
        if raw_fields is None:
            fields = http_head.read_fields(self.rfile)
        else:
            if raw_fields != self._last_fields[0]:
                self._last_fields = raw_fields, http_head.read_fields(BytesIO(raw_fields))
            fields = self._last_fields[1]
        self._fields = fields
        is_chunked = "HTTP_TRANSFER_ENCODING" in fields
        if self.request_version == "HTTP/1.0":
            if is_chunked:
                raise BadRequest("400 Bad Request", "HTTP/1.0 has no transfer codings")
            self.close_connection = fields.get("HTTP_CONNECTION", "").lower() != "keep-alive"
        else:
            if "HTTP_HOST" not in fields:
                raise BadRequest("400 Bad Request", "the Host header is missing")
            options = fields.get("HTTP_CONNECTION", "").lower()
            self.close_connection = "close" in options
        length = fields.get("CONTENT_LENGTH")
        self.content_length = None if is_chunked or length is None else int(length)

    def get_environ(self) -> dict[str, Any]:
        environ = self.server.get_environ()
        fields = self._fields
        environ.update(fields)
        path, _, query = self.path.partition("?")
        environ["REQUEST_METHOD"] = self.command
        environ["RAW_URI"] = self.path
        environ["PATH_INFO"] = http_head.path_info(path)
        environ["QUERY_STRING"] = query
        environ["SERVER_PROTOCOL"] = self.request_version
        if isinstance(self.client_address, tuple):
            environ["REMOTE_ADDR"] = self.client_address[0]
            environ["REMOTE_PORT"] = str(self.client_address[1])
        else:
            environ["REMOTE_ADDR"] = ""
        listener = self.server.listener
        if listener.x_forwarded:
            _apply_forwarded(environ)
        if listener.request_id_header:
            name = "HTTP_" + listener.request_id_header.upper().replace("-", "_")
            environ["soma.request_id"] = environ.get(name)
        self.wsgi_input = TimedInput(
            self,
            fields.get("HTTP_EXPECT", "").lower() == "100-continue",
            chunked_input="HTTP_TRANSFER_ENCODING" in fields,
        )
        environ["wsgi.input"] = self.wsgi_input
        environ["wsgi.input_terminated"] = True
        return environ

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Any:
        if exc_info is not None:
            return super().start_response(status, headers, exc_info)
        self._announced = status, headers
        return self._write_announced

    def _write_announced(self, data: bytes) -> None:
        if self._announced is not None:
            announced, self._announced = self._announced, None
            super().start_response(*announced)
        self.write(data)

    def process_result(self) -> None:
        result, announced = self.result, self._announced
        self._announced = None
        if announced is not None:
            if type(result) is tuple and self._send_whole(*announced, b"".join(result)):
                return
            super().start_response(*announced)
        if isinstance(result, FileBody):
            self._send_pieces(result)
        else:
            super().process_result()

    def _send_pieces(self, body: FileBody) -> None:
        """Send what is read as it is taken. Nobody may take it more slowly than a response that is
        one piece, or nothing for long."""
        left_s = IDLE_S
        for piece in body:
            left_s += len(piece) / SEND_BYTES_PER_S
            started = time.monotonic()
            self.socket.settimeout(max(min(left_s, IDLE_S), 0.001))
            self.write(piece)
            left_s -= time.monotonic() - started
        self.socket.settimeout(IDLE_S)
        if not self.headers_sent:
            self.write(b"")

    def _send_whole(self, status: str, headers: list[tuple[str, str]], body: bytes) -> bool:
        """Send a response that is one piece, in one go; False: it is not so simple."""
        names = [name for name, _ in headers]
        if self.request_version != "HTTP/1.1" or "Content-Length" not in names:
            return False
        if self.server.is_draining or "Connection" in names:
            return False
        lines = [f"HTTP/1.1 {status}", *[f"{name}: {value}" for name, value in headers]]
        lines.append(f"Date: {_date(int(time.time()))}")
        if self.close_connection:
            lines.append("Connection: close")
        head = "\r\n".join(lines)
        # No header may bring a line of its own.
        if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1:
            return False
        data = head.encode("latin-1") + b"\r\n\r\n"
        self.status, self.code, self.headers_sent = status.encode("latin-1"), int(status[:3]), True
        if self.command == "HEAD":
            self._sendall(data)
        elif len(body) > LARGE_BYTES:
            self._sendall(data)
            self._sendall(body)
        else:
            self._sendall(data + body)
        return True

    def finalize_headers(self) -> None:
        if self.server.is_draining:
            self.close_connection = True
        if self.close_connection and self.request_version == "HTTP/1.1":
            self.response_headers.append((b"Connection", b"close"))
        super().finalize_headers()

    def _write_with_headers(self, data: bytes) -> None:
        # One packet for a response that is small, head and body.
        self.headers_sent = True
        self.finalize_headers()
        head = [b"HTTP/1.1 ", self.status, b"\r\n"]
        for name, value in self.response_headers:
            head += (name, b": ", value, b"\r\n")
        head.append(b"\r\n")
        if self.command == "HEAD":
            self._sendall(b"".join(head))
        elif self.response_use_chunked or len(data) > 65_536:
            self._sendall(b"".join(head))
            self._write(data)
        else:
            head.append(data)
            self._sendall(b"".join(head))

    def _write(self, data: bytes) -> None:
        if self.command != "HEAD":
            super()._write(data)

    def _sendall(self, data: bytes) -> None:
        if len(data) <= LARGE_BYTES:
            # Nearly always the kernel takes it whole; gevent's sendall asks for the buffer's size.
            sent = self.socket.send(data)
            self.response_length += sent
            if sent < len(data):
                super()._sendall(data[sent:])
            return
        until = time.monotonic() + IDLE_S + len(data) / SEND_BYTES_PER_S
        view = memoryview(data)
        with self.holding(len(data)) as share:
            for start in range(0, len(data), PIECE_BYTES):
                self.socket.settimeout(max(until - time.monotonic(), 0.001))
                super()._sendall(view[start : start + PIECE_BYTES])
                share.move()
        self.socket.settimeout(IDLE_S)

    def holding(self, size: int) -> AbstractContextManager[Share]:
        """While so much waits to be taken, or to come."""
        address = self.environ["REMOTE_ADDR"]
        return self.server.waiting.hold(address, size, self._give_up)  # type: ignore[no-any-return]

    def _give_up(self) -> None:
        _log.info("%s is too slow for all that it wants: it is given up", self.client_address)
        self.close_connection = True
        with suppress(OSError):
            _shut_down(self.socket, socket.SHUT_RDWR)

    def log_request(self) -> None:
        """web/request_log.py has written its line already."""

    def _log_error(self, kind: Any, error: Any, traceback: Any) -> None:
        # A client that went away or does not take its response is no error of ours.
        if isinstance(error, OSError | gevent.GreenletExit):
            self.close_connection = True
            _log.debug("connection with %s lost: %s", self.client_address, error)
            return
        _log.error("unhandled in a request", exc_info=(kind, error, traceback))

    def _send_error_response_if_possible(self, error_code: int) -> None:
        self.close_connection = True
        if self.response_length or self.headers_sent:
            return
        status = "500 Internal Server Error" if error_code == 500 else "400 Bad Request"
        body = _error_body(
            "internal error" if error_code == 500 else "the body is not as announced"
        )
        self._announced = None
        with suppress(OSError):
            super().start_response(status, [("Content-Type", "application/json")])
            self.result = [body]
            self.write(body)


@functools.lru_cache(maxsize=2)
def _date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)


def _shut_down(connected: Any, how: int) -> None:
    # A TLS socket's own shutdown forgets the session that another greenlet is reading from.
    socket.socket.shutdown(connected, how)


def _apply_forwarded(environ: dict[str, Any]) -> None:
    """What the proxy says of its client. As in Synapse the first address counts: let the proxy set
    X-Forwarded-For, and not append to what the client sent."""
    address = environ.get("HTTP_X_FORWARDED_FOR", "").partition(",")[0].strip()
    if address:
        with suppress(ValueError):
            environ["REMOTE_ADDR"] = str(ipaddress.ip_address(address.strip("[]")))
    scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").strip().lower()
    if scheme in ("http", "https"):
        environ["wsgi.url_scheme"] = scheme


def _refusal(refused: BadRequest) -> bytes:
    body = _error_body(refused.reason)
    head = (
        f"HTTP/1.1 {refused.status}\r\nConnection: close\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body


def _error_body(reason: str) -> bytes:
    return json.dumps({"errcode": "M_UNKNOWN", "error": reason}).encode("ascii")
