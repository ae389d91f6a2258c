"""`https://` URLs that others name, and where they redirect to."""

from urllib.parse import urljoin, urlsplit

from impl.core import server_name
from impl.outbound.dns import Resolver
from impl.outbound.failures import HttpFailure
from impl.outbound.guard import Guard
from impl.outbound.https_connection import HttpsConnection, connect
from impl.outbound.proxy import Proxy
from impl.outbound.tls import Tls

REDIRECTS = (301, 302, 303, 307, 308)
_PORT = 443


def connect_to(
    url: str,
    resolver: Resolver,
    tls: Tls,
    guard: Guard,
    proxy: Proxy | None = None,
    port: int = _PORT,
) -> HttpsConnection:
    """Who serves a URL that was checked; `port` where it names none. Raises HttpFailure and
    DnsFailure.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    end_port = parts.port or port
    ends = ((address, end_port) for address in resolver.addresses(host))
    return connect(ends, parts.netloc, host.rstrip("."), tls, guard, proxy)


def target(url: str) -> str:
    """What to ask them for."""
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def redirected(url: str, location: str) -> str:
    """Where a URL leads to. Raises HttpFailure."""
    try:
        return checked(urljoin(url, location))
    except ValueError:
        raise HttpFailure("is redirected to what is no URL") from None


def checked(url: str) -> str:
    """As it is to be asked for. Raises HttpFailure."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise HttpFailure("is redirected to what is no URL") from None
    # By a detour over plain HTTP, anybody on the way could answer in its place.
    if parts.scheme != "https":
        raise HttpFailure("is redirected to what is not https")
    host = parts.hostname or ""
    literal = f"[{host}]" if ":" in host else host
    name = literal if port is None else f"{literal}:{port}"
    result = parts._replace(netloc=name, path=parts.path or "/", fragment="").geturl()
    if server_name.parse(name) is None or not result.isascii() or any(c <= " " for c in result):
        raise HttpFailure("is redirected to what is no URL")
    return result
