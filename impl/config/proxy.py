"""The keys about a forward proxy: `https_proxy`, `no_proxy_hosts`. What they do not say, the
variables of the environment that most programs read do, as with Synapse: `https_proxy` and
`no_proxy`, in capitals as well.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment

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
    """None: there is a straight way out. An empty `https_proxy` says so whatever the environment
    does.
    """
    if root.string("http_proxy"):
        root.warn("http_proxy", "is not used: nothing is sent over plain HTTP (see https_proxy)")
    of_environment = getproxies_environment()
    exempt = root.strings("no_proxy_hosts")
    if exempt is None:
        exempt = [one.strip() for one in of_environment.get("no", "").split(",")]
    names, networks = _sort_exempt(one for one in exempt if one)
    url = root.string(_KEY)
    where = ""
    if url is None:
        url, where = of_environment.get("https"), "in the environment "
    if not url or "*" in names:
        return None
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port or _PORT
    except ValueError:
        raise root.error(_KEY, f"{where}is not the URL of a proxy") from None
    if not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise root.error(_KEY, f"{where}must be like http://user:password@proxy.example.org:3128")
    if parts.scheme != "http":
        raise root.error(_KEY, f"{where}must begin with http://, not {parts.scheme}://")
    credentials = ""
    if parts.username is not None:
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return HttpsProxy(parts.hostname, port, credentials, names, networks)


def _sort_exempt(hosts: Iterable[str]) -> tuple[tuple[str, ...], Networks]:
    names: list[str] = []
    networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
    for one in hosts:
        try:
            networks.append(ipaddress.ip_network(one, strict=False))
        except ValueError:
            names.append(one)
    return tuple(names), tuple(networks)
