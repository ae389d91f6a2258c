"""May this server take part in the room? C-S API, "Server Access Control Lists (ACLs) for rooms".

Not an authorisation rule: it holds for requests and for what they bring, and never for events that
are in the graph. What of the content cannot be read counts as absent.
"""

import ipaddress
import re
from functools import lru_cache
from typing import Any


def is_allowed(server_name: str, content: dict[str, Any] | None) -> bool:
    """By the content of the room's m.room.server_acl; None where there is no such event."""
    if content is None:
        return True
    host = _host_of(server_name)
    if content.get("allow_ip_literals") is False and _is_ip_literal(host):
        return False
    if _matches(host, content.get("deny")):
        return False
    return _matches(host, content.get("allow"))


def is_denied(server_name: str, globs: tuple[str, ...]) -> bool:
    """By a list of an administrator's, which is written like a room's `deny`."""
    return _pattern(globs).fullmatch(_host_of(server_name)) is not None


def _host_of(server_name: str) -> str:
    # The port does not count. An IPv6 address keeps its brackets.
    if server_name.startswith("["):
        return server_name.partition("]")[0] + "]"
    return server_name.partition(":")[0]


def _is_ip_literal(host: str) -> bool:
    if host.startswith("["):
        return True
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True


def _matches(host: str, globs: object) -> bool:
    if not isinstance(globs, list):
        return False
    wanted = tuple(glob for glob in globs if isinstance(glob, str))
    return bool(wanted) and _pattern(wanted).fullmatch(host) is not None


@lru_cache(maxsize=256)
def _pattern(globs: tuple[str, ...]) -> re.Pattern[str]:
    # A room's list is the same for all requests until somebody changes it.
    return re.compile("|".join(map(_one_pattern, globs)), re.IGNORECASE | re.DOTALL)


def _one_pattern(glob: str) -> str:
    # Appendices, "Glob-style matching": `*` is anything, `?` one character. What stands between two
    # stars is taken where it comes first and never tried again (an atomic group), so that no glob
    # takes exponential time.
    first, *others = (re.escape(part).replace(r"\?", ".") for part in glob.split("*"))
    if not others:
        return first
    middle = "".join(f"(?>.*?{part})" for part in others[:-1] if part)
    return f"{first}{middle}.*{others[-1]}"
