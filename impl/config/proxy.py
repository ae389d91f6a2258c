"""The keys about a forward proxy: `https_proxy`, `no_proxy_hosts`. Those of the environment that
Synapse reads besides are not read.
"""

import ipaddress
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from impl.config.federation import Networks
from impl.config.section import Section

# Synapse's, where none is said.
_PORT = 1080
_KEY = "https_proxy"


@dataclass(frozen=True, slots=True)
class HttpsProxy:
    """`https_proxy`: what is asked to connect us to others, but for `no_proxy_hosts`."""

    host: str
    port: int
    # "user:password".
    credentials: str = field(default="", repr=False)
    exempt_names: tuple[str, ...] = ()
    exempt_networks: Networks = ()


def read(root: Section) -> HttpsProxy | None:
    if root.string("http_proxy"):
        root.warn("http_proxy", "is not used: nothing is sent over plain HTTP (see https_proxy)")
    names, networks = _read_exempt(root)
    url = root.string(_KEY)
    if not url:
        return None
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port or _PORT
    except ValueError:
        raise root.error(_KEY, "is not the URL of a proxy") from None
    if not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise root.error(_KEY, "must be like http://user:password@proxy.example.org:3128")
    if parts.scheme != "http":
        raise root.error(_KEY, f"must begin with http://, not {parts.scheme}://")
    credentials = ""
    if parts.username is not None:
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return HttpsProxy(parts.hostname, port, credentials, names, networks)


def _read_exempt(root: Section) -> tuple[tuple[str, ...], Networks]:
    names: list[str] = []
    networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
    for one in root.strings("no_proxy_hosts") or ():
        try:
            networks.append(ipaddress.ip_network(one, strict=False))
        except ValueError:
            names.append(one)
    return tuple(names), tuple(networks)
