"""No test reaches the network: this process connects to loopback and Unix sockets only.

Who forgot to put something in the place of the outside world would have a test that works here and
fails, or worse, elsewhere. The guard is an audit hook: it sees every socket of Python's, gevent's
as well. What C code opens by itself (libpq, to the tests' own PostgreSQL) and what the processes do
that a test starts, it does not see.
"""

import ipaddress
import os
import sys
from typing import Any

_CONNECTING = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_RESOLVING = {"socket.getaddrinfo", "socket.gethostbyname"}

# The way out that this machine may have: not for servers under test, which would take it to
# loopback as well, but for those who install packages.
PROXIES = {name: os.environ.pop(name) for name in [*os.environ] if name.lower().endswith("_proxy")}

# What was refused since somebody looked: code under test may have swallowed the error.
refused: list[str] = []


class NetworkReached(AssertionError):
    """A test would have talked to somebody outside of this machine."""


def install() -> None:
    """For good: an audit hook cannot be taken back."""
    sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _CONNECTING:
        # A Unix socket's is no tuple; nor is what a connected socket sends to.
        host = arguments[1][0] if isinstance(arguments[1], tuple) else None
    elif event in _RESOLVING:
        host = arguments[0]
    else:
        return
    if host and not _is_harmless(event, host.decode() if isinstance(host, bytes) else host):
        refused.append(f"{event} {host}")
        raise NetworkReached(refused[-1])


def _is_harmless(event: str, host: str) -> bool:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host == "localhost"
    # Nobody is asked for the address of an address, and to connect to the unspecified one is to
    # connect to oneself.
    return event in _RESOLVING or address.is_loopback or address.is_unspecified
