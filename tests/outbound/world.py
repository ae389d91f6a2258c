"""A small world on loopback: a DNS server, an authority, and HTTPS servers, well and ill behaved.

Every server has an address of its own in 127.0.0.0/8, chosen at random, so that the ports that
the specification gives can be used by several runs of the tests at once.
"""

import random
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import gevent
import trustme
from gevent import socket
from gevent.server import DatagramServer, StreamServer

from impl.outbound.wire import Wire, WireResponse

NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

Handler = Callable[[Any, "Request"], None]


def an_address() -> str:
    return f"127.{random.randint(1, 254)}.{random.randint(1, 254)}.{random.randint(1, 254)}"


def answer(body: bytes, status: int = 200, **headers: str) -> bytes:
    """A whole answer. `max_age="5"` is the header max-age."""
    lines = [f"HTTP/1.1 {status} So", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass
class DnsServer:
    """Answers from `records`: (name, type) -> lines of a zone file, or what to do instead.

    A name that is in none of them does not exist. "SERVFAIL" and "SILENCE" are what they say."""

    records: dict[tuple[str, str], Sequence[str] | str] = field(default_factory=dict)
    ttl_s: int = 300
    # What was asked, in its order.
    asked: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server = DatagramServer((an_address(), 0), self._handle)
        self.server.start()

    @property
    def end(self) -> tuple[str, int]:
        return self.server.server_host, self.server.server_port

    def add(self, name: str, kind: str, *lines: str) -> None:
        self.records[name, kind] = lines

    def _handle(self, data: bytes, sender: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True)
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        found = self.records.get((name, kind), ())
        if found == "SILENCE":
            return
        if found == "SERVFAIL":
            response.set_rcode(dns.rcode.SERVFAIL)
        elif found:
            rrset = dns.rrset.from_text_list(question.name, self.ttl_s, "IN", kind, list(found))
            response.answer.append(rrset)
        elif all(name != known for known, _ in self.records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        self.server.sendto(response.to_wire(), sender)


@dataclass(frozen=True)
class Request:
    """What a server was asked."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class HttpsServer:
    """One server. `handler` writes to the connection; `requests` are what it was asked."""

    def __init__(
        self, handler: Handler | None, certificate: trustme.LeafCert | None, end: tuple[str, int]
    ) -> None:
        self.handler = handler
        self.requests: list[Request] = []
        # The names that clients asked for by SNI.
        self.names: list[str | None] = []
        self.connections = 0
        # Done with a connection before anything else, for those who do not even read.
        self.on_connection: Callable[[Any], None] = lambda connection: None
        options: dict[str, Any] = {}
        if certificate is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate.configure_cert(self.context)
            self.context.sni_callback = lambda _socket, name, _context: self.names.append(name)
            options["ssl_context"] = self.context
        self._server = StreamServer(end, self._serve, **options)
        # What a client that does not like us does to the handshake is no error of the test's.
        self._server.wrap_socket_and_handle = self._wrap  # type: ignore[method-assign]
        self._server.start()
        self.address: str = self._server.server_host
        self.port: int = self._server.server_port

    def stop(self) -> None:
        self._server.stop(timeout=0)

    def _wrap(self, client_socket: Any, address: object) -> None:
        self.connections += 1
        try:
            with self._server.wrap_socket(client_socket, **self._server.ssl_args) as secured:
                self._serve(secured, address)
        except OSError:
            pass

    def _serve(self, connection: Any, _address: object) -> None:
        if not self._server.ssl_enabled:
            self.connections += 1
        try:
            self.on_connection(connection)
            while (request := _read_request(connection)) is not None:
                self.requests.append(request)
                assert self.handler is not None
                self.handler(connection, request)
        except OSError:
            pass


def _read_request(connection: Any) -> Request | None:
    data = b""
    while b"\r\n\r\n" not in data:
        if not (piece := connection.recv(65536)):
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    while len(body) < int(headers.get("content-length", "0")):
        if not (piece := connection.recv(65536)):
            return None
        body += piece
    method, target, _ = first.split(" ")
    return Request(method, target, headers, body)


class World:
    """What there is in one test."""

    def __init__(self, authority: trustme.CA) -> None:
        self.authority = authority
        self.dns = DnsServer()
        self._servers: list[HttpsServer] = []
        # One port for all that serves "https://name/".
        with socket.socket() as probe:
            probe.bind((an_address(), 0))
            self.https_port: int = probe.getsockname()[1]

    def close(self) -> None:
        for server in self._servers:
            server.stop()
        self.dns.server.stop(timeout=0)

    def server(
        self,
        *names: str,
        handler: Handler | None = None,
        port: int = 0,
        address: str | None = None,
        certificate: trustme.LeafCert | None = None,
        **options: Any,
    ) -> HttpsServer:
        """A server with a certificate for these names, unless another is given."""
        if certificate is None:
            certificate = self.authority.issue_cert(*names, **options)
        return self._start(handler, certificate, (address or an_address(), port))

    def plain_server(self, handler: Handler, address: str, port: int = 0) -> HttpsServer:
        return self._start(handler, None, (address, port))

    def host(self, name: str, handler: Handler, port: int = 0) -> HttpsServer:
        """A server under a name that the DNS knows."""
        server = self.server(name, handler=handler, port=port)
        self.dns.add(name, "A", server.address)
        return server

    def well_known(self, name: str, handler: Handler | bytes) -> HttpsServer:
        """A web server under a name; `handler` may be what `m.server` is to be."""
        if isinstance(handler, bytes):
            handler = says(answer(b'{"m.server": "%s"}' % handler))
        return self.host(name, handler, port=self.https_port)

    def _start(
        self,
        handler: Handler | None,
        certificate: trustme.LeafCert | None,
        end: tuple[str, int],
    ) -> HttpsServer:
        server = HttpsServer(handler, certificate, end)
        self._servers.append(server)
        return server


def says(data: bytes) -> Handler:
    """A handler with one answer for everything."""
    return lambda connection, request: connection.sendall(data)


def ok(body: bytes = b"{}", **headers: str) -> Handler:
    return says(answer(body, **headers))


def ask(wire: Wire, destination: str, **changes: Any) -> WireResponse:
    """A request over a wire, but for the changes a plain GET."""
    options = {"headers": {}, "body": None, "timeout_s": 5.0, "bytes_max": 100_000, **changes}
    method, target = options.pop("method", "GET"), options.pop("target", "/_matrix/x")
    return wire.request(destination, method, target, **options)


def soon(condition: Callable[[], bool], patience_s: float = 5.0) -> None:
    """Wait until it is so."""
    with gevent.Timeout(patience_s, AssertionError("it never came to be")):
        while not condition():
            gevent.sleep(0.005)
