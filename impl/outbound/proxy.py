"""A forward proxy on the way out: what is between this machine and the internet, if it is not a
router. RFC 9110, "CONNECT".

The proxy is asked for addresses, never for names: which address a name has is found out here, and
the guard has seen it. A proxy that looks names up itself would reach for us what the guard refuses,
in a network where it may be trusted more than we are. Where the proxy itself is, the administrator
says, so that the guard is not asked about it."""

import base64
from collections.abc import Collection
from ipaddress import IPv4Network, IPv6Network, ip_address

import gevent.socket

HEAD_BYTES_MAX = 16_384


class Proxy:
    """`credentials` are "user:password". Hosts of `exempt_names`, and below them, and addresses of
    `exempt_networks` are connected to without it.
    """

    def __init__(
        self,
        host: str,
        port: int,
        credentials: str = "",
        exempt_names: Collection[str] = (),
        exempt_networks: Collection[IPv4Network | IPv6Network] = (),
    ) -> None:
        self._end = (host, port)
        self._credentials = credentials
        self._exempt_names = tuple(name.lower().strip(".") for name in exempt_names)
        self._exempt_networks = tuple(exempt_networks)

    def is_for(self, name: str, address: str) -> bool:
        """Whether a host of that name, at that address, is reached through it."""
        name = name.lower().rstrip(".")
        if any(name == one or name.endswith("." + one) for one in self._exempt_names):
            return False
        found = ip_address(address.partition("%")[0])
        return not any(found in network for network in self._exempt_networks)

    def open(self, address: str, port: int) -> gevent.socket.socket:
        """A connection to the address, by way of the proxy. Raises OSError."""
        end = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        sock = _connected(self._end)
        is_open = False
        try:
            sock.sendall(self._request(end))
            status = _status(_head(sock))
            if not 200 <= status < 300:
                raise ConnectionError(f"the proxy answers with {status}")
            is_open = True
            return sock
        finally:
            # Also where a time limit struck.
            if not is_open:
                sock.close()

    def _request(self, end: str) -> bytes:
        lines = [f"CONNECT {end} HTTP/1.1", f"Host: {end}"]
        if self._credentials:
            encoded = base64.b64encode(self._credentials.encode()).decode()
            lines.append(f"Proxy-Authorization: Basic {encoded}")
        return "\r\n".join([*lines, "", ""]).encode()


def _connected(end: tuple[str, int]) -> gevent.socket.socket:
    try:
        return gevent.socket.create_connection(end)
    except OSError as error:
        raise ConnectionError(f"the proxy is not reached: {error.strerror or error}") from error


def _head(sock: gevent.socket.socket) -> bytes:
    """Its answer, to the end of the head: the other end says nothing before it is spoken to."""
    head = b""
    while b"\r\n\r\n" not in head:
        piece = sock.recv(4096)
        if not piece:
            raise ConnectionError("the proxy closed the connection")
        head += piece
        if len(head) > HEAD_BYTES_MAX:
            raise ConnectionError("the proxy answers with too much")
    return head


def _status(head: bytes) -> int:
    words = head.split(b"\r\n", 1)[0].split(b" ", 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
        raise ConnectionError("the proxy does not answer with HTTP")
    return int(words[1][:4])
