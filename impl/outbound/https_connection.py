"""One HTTPS connection, and a request and its answer over it, with a bound on everything that the
other side can make long.

The protocol is http.client's; what is ours is where it connects to, and what lies under it
(channel.py).
"""

import http.client
import io
import select
import ssl as system_ssl
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import gevent
from gevent import monkey, socket

from impl.outbound.channel import PIECE_BYTES, Channel
from impl.outbound.failures import HttpFailure
from impl.outbound.guard import Guard
from impl.outbound.large_answers import LARGE_BYTES
from impl.outbound.proxy import Proxy
from impl.outbound.tls import Tls
from impl.outbound.wire import ERROR_BYTES_MAX, Sink, WireResponse

CONNECT_S_MAX = 10.0
# Where there are further addresses to be tried.
CONNECT_S_MAX_OF_MANY = 5.0
ADDRESSES_MAX = 8

# Beside the body: status, headers, and what a chunked body is wrapped in.
_EXTRA_BYTES_MAX = 256 << 10


class Turn(Protocol):
    """To read on in what turns out to be large."""

    def came(self, count: int) -> None:
        """So many bytes more."""

    @property
    def end(self) -> Callable[[], None]: ...


# Not gevent's, which would go round the loop; and not select, which knows descriptors of three
# digits only.
_poll = monkey.get_original("select", "poll")


class HttpsConnection:
    """To one address; for one request at a time."""

    def __init__(self, sock: socket.socket, address: str, port: int, host_header: str) -> None:
        self.address = address
        self.port = port
        self.host_header = host_header
        self.opened_s = time.monotonic()
        self.is_reusable = True
        self._channel = Channel(sock)
        self._http = http.client.HTTPConnection("unused")
        self._http.auto_open = 0
        self._http.sock = self._channel  # type: ignore[assignment]

    def certificate(self) -> Mapping[str, Any]:
        """The other side's certificate, as `ssl.SSLSocket.getpeercert` has it: empty where it was
        not checked.
        """
        return self._channel.sock.getpeercert() or {}

    def close(self) -> None:
        self.is_reusable = False
        self._http.close()
        self._channel.sock.close()

    def is_quiet(self) -> bool:
        """Whether it can be used again: who has something to say now, says goodbye."""
        poll = _poll()
        try:
            poll.register(self._channel.sock.fileno(), select.POLLIN)
            return not poll.poll(0)
        except (OSError, ValueError):
            return False

    def exchange(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None,
        bytes_max: int,
        begin_large: Callable[[], Turn] | None = None,
    ) -> WireResponse:
        """Raises HttpFailure, or what `begin_large` raises; the connection is of no use then."""
        return self._exchange(
            lambda: self._send(method, target, headers, body),
            lambda response: _read(response, bytes_max, begin_large),
            bytes_max,
        )

    def download(
        self, target: str, headers: Mapping[str, str], bytes_max: int, sink: Sink
    ) -> WireResponse:
        """The body goes to `sink`, unless the answer is an error. Raises HttpFailure, or what
        `sink` raises; the connection is of no use then.
        """
        return self._exchange(
            lambda: self._send("GET", target, headers, None),
            lambda response: _pour(response, bytes_max, sink),
            bytes_max,
        )

    def _exchange(
        self,
        send: Callable[[], None],
        read: Callable[[http.client.HTTPResponse], WireResponse],
        bytes_max: int,
    ) -> WireResponse:
        self._channel.begin(bytes_max + bytes_max // 2 + _EXTRA_BYTES_MAX)
        is_done = False
        try:
            send()
            response = self._receive()
            answer = read(response)
            is_done = True
        except (http.client.HTTPException, OSError) as error:
            is_untouched = self._channel.bytes_read == 0
            raise HttpFailure(_reason_of(error), is_untouched) from None
        finally:
            # Also where a time limit struck.
            if not is_done:
                self.close()
        if response.will_close or not response.isclosed():
            self.is_reusable = False
        return answer

    def _receive(self) -> http.client.HTTPResponse:
        response = self._http.getresponse()
        if self._channel.is_ended:
            # http.client takes a head that was cut off for a whole one.
            raise HttpFailure("its answer ends early")
        return response

    def _send(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None
    ) -> None:
        http_connection = self._http
        http_connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        http_connection.putheader("Host", self.host_header)
        # What is small when it travels and large here is a bomb.
        http_connection.putheader("Accept-Encoding", "identity")
        for name, value in headers.items():
            http_connection.putheader(name, value)
        if body is not None or method not in ("GET", "HEAD"):
            http_connection.putheader("Content-Length", str(len(body or b"")))
        with self._channel.together():
            http_connection.endheaders(body)


def connect(
    addresses: Iterable[tuple[str, int]],
    host_header: str,
    certificate_name: str,
    tls: Tls,
    guard: Guard,
    proxy: Proxy | None = None,
) -> HttpsConnection:
    """To the first of the addresses that takes us. Raises HttpFailure."""
    reasons: dict[str, None] = {}
    tried = 0
    # One is taken ahead, to know whether it is the last; further ones cost a look at the DNS.
    ends = iter(addresses)
    end = next(ends, None)
    while end is not None and tried < ADDRESSES_MAX:
        tried += 1
        following = next(ends, None)
        patience_s = CONNECT_S_MAX if following is None else CONNECT_S_MAX_OF_MANY
        try:
            if not guard.is_allowed(end[0]):
                raise HttpFailure(
                    f"{_text(end)} is an address that this server does not connect to"
                )
            sock = _open(end, certificate_name, tls, proxy, patience_s)
            return HttpsConnection(sock, *end, host_header)
        except HttpFailure as failure:
            reasons[failure.reason] = None
        end = following
    raise HttpFailure("; ".join(reasons) or "it has no address", is_untouched=True)


def _open(
    end: tuple[str, int], certificate_name: str, tls: Tls, proxy: Proxy | None, patience_s: float
) -> socket.socket:
    sock = None
    try:
        with gevent.Timeout(patience_s, TimeoutError("nobody answers")):
            if proxy is not None and proxy.is_for(certificate_name, end[0]):
                sock = proxy.open(*end)
            else:
                family = socket.AF_INET6 if ":" in end[0] else socket.AF_INET
                sock = socket.socket(family, socket.SOCK_STREAM)
                sock.connect(end)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            context = tls.context_for(certificate_name)
            secured = context.wrap_socket(sock, server_hostname=certificate_name)
            sock = None
            return secured
    except (OSError, ValueError) as error:
        # ValueError: the name is none that a certificate could have.
        raise HttpFailure(f"{_text(end)}: {_reason_of(error)}") from None
    finally:
        if sock is not None:
            sock.close()


def _text(end: tuple[str, int]) -> str:
    address, port = end
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _read(
    response: http.client.HTTPResponse, bytes_max: int, begin_large: Callable[[], Turn] | None
) -> WireResponse:
    headers = _headers(response)
    if not 200 <= response.status < 300:
        return WireResponse(response.status, headers, _error_body(response, bytes_max))
    if response.length is not None and response.length > bytes_max:
        raise HttpFailure(f"its answer is of more than {bytes_max} bytes")
    turn = None
    # Its value is not copied, as that of a list of pieces would be.
    body = io.BytesIO()
    is_whole = False
    try:
        while piece := _next_piece(response):
            body.write(piece)
            if turn is not None:
                turn.came(len(piece))
            elif begin_large is not None and body.tell() > LARGE_BYTES:
                turn = begin_large()
            if body.tell() > bytes_max:
                raise HttpFailure(f"its answer is of more than {bytes_max} bytes")
        if response.length:
            raise HttpFailure("its answer ends early")
        is_whole = True
    finally:
        if turn is not None and not is_whole:
            turn.end()
    if turn is None:
        return WireResponse(response.status, headers, body.getvalue())
    return WireResponse(response.status, headers, body.getvalue(), turn.end)


def _pour(response: http.client.HTTPResponse, bytes_max: int, sink: Sink) -> WireResponse:
    headers = _headers(response)
    if not 200 <= response.status < 300:
        return WireResponse(response.status, headers, _error_body(response, bytes_max))
    sink.begin(headers)
    while piece := _next_piece(response):
        sink.write(piece)
    if response.length:
        raise HttpFailure("its answer ends early")
    return WireResponse(response.status, headers, b"")


def _headers(response: http.client.HTTPResponse) -> dict[str, str]:
    encoding = response.headers.get("content-encoding", "identity")
    if encoding.lower() not in ("identity", ""):
        raise HttpFailure(f"its answer is encoded ({encoding[:20]!r}), which nobody asked for")
    headers: dict[str, str] = {}
    for name, value in response.headers.items():
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers


def _error_body(response: http.client.HTTPResponse, bytes_max: int) -> bytes:
    """Nothing of what is too much: the status says what there is to know, and the rest of it is not
    waited for.
    """
    bytes_max = min(bytes_max, ERROR_BYTES_MAX)
    if (response.length or 0) > bytes_max:
        return b""
    body = b""
    while len(body) <= bytes_max:
        piece = _next_piece(response)
        if not piece:
            if response.length:
                raise HttpFailure("its answer ends early")
            return body
        body += piece
    return b""


def _next_piece(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read(PIECE_BYTES)
    except ValueError:
        # The size of a chunk is negative, which http.client does not notice.
        raise HttpFailure("its answer is not HTTP") from None


def _reason_of(error: Exception) -> str:
    """For a person: what to look for."""
    if isinstance(error, system_ssl.SSLCertVerificationError):
        return f"its certificate is not good: {error.verify_message}"
    if isinstance(error, system_ssl.SSLError):
        if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST"):
            return "it does not speak TLS"
        return f"TLS fails: {(error.reason or str(error)).lower().replace('_', ' ')}"
    if isinstance(error, http.client.RemoteDisconnected | ConnectionResetError | BrokenPipeError):
        return "it closed the connection"
    if isinstance(error, http.client.IncompleteRead):
        return "its answer ends early"
    if isinstance(error, http.client.HTTPException):
        return f"its answer is not HTTP ({type(error).__name__})"
    return str(getattr(error, "strerror", None) or error)
