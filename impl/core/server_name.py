"""The parts of a server name. Appendices, "Server Name"."""

import ipaddress
from dataclasses import dataclass

from impl.core.identifiers import is_server_name

_LABEL_MAX = 63
_NAME_MAX = 253


@dataclass(frozen=True, slots=True)
class ServerName:
    """`name` as a whole; `host` is a DNS name, or an address without brackets."""

    name: str
    host: str
    port: int | None
    is_literal: bool


def parse(name: str) -> ServerName | None:
    """None where nobody can have this name: the grammar allows more than the DNS does."""
    if not is_server_name(name):
        return None
    host, port = name, ""
    if name.startswith("["):
        host, _, rest = name[1:].partition("]")
        port = rest[1:]
        is_literal = _is_address(host, 6)
        if not is_literal:
            return None
    else:
        host, _, port = name.partition(":")
        is_literal = _is_address(host, 4)
        if not is_literal and not _is_dns_name(host):
            return None
    number = int(port) if port else None
    if number is not None and not 0 < number < 65536:
        return None
    return ServerName(name, host, number, is_literal)


def _is_address(host: str, version: int) -> bool:
    try:
        return ipaddress.ip_address(host).version == version
    except ValueError:
        return False


def _is_dns_name(host: str) -> bool:
    labels = host.removesuffix(".").split(".")
    return len(host) <= _NAME_MAX and all(0 < len(label) <= _LABEL_MAX for label in labels)
