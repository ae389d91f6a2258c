"""The listening sockets: bound before anything else starts, so that a port that is taken is said at
once.

They are bound here and begin to listen when gunicorn has them. They outlive gunicorn: a restart of
it refuses nobody."""

import errno
import os
import socket
from dataclasses import dataclass

from impl.config import ConfigError, Listener


@dataclass(frozen=True, slots=True)
class BoundSocket:
    """A socket and the listener that it belongs to."""

    socket: socket.socket
    listener: Listener
    url: str


def bind_all(listeners: tuple[Listener, ...]) -> list[BoundSocket]:
    """A socket for each address of each listener. Raises ConfigError, which names the listener."""
    bound: list[BoundSocket] = []
    try:
        for place, listener in enumerate(listeners):
            if listener.path:
                bound.append(_bind_path(listener, f"listeners[{place}].path"))
            else:
                bound.extend(_bind_port(listener, f"listeners[{place}].port"))
    except ConfigError:
        close_all(bound)
        raise
    return bound


def close_all(bound: list[BoundSocket]) -> None:
    for one in bound:
        one.socket.close()
        if one.listener.path:
            one.listener.path.unlink(missing_ok=True)


def _bind_port(listener: Listener, key: str) -> list[BoundSocket]:
    bound = []
    skipped = None
    for address in listener.bind_addresses:
        try:
            made = _bind_address(listener, address)
        except OSError as error:
            # A machine without IPv6 serves "::" and "0.0.0.0" as well as it can.
            if error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL) and ":" in address:
                skipped = error
                continue
            raise _refusal(key, f"{address}, port {listener.port}", error) from None
        scheme = "https" if listener.tls else "http"
        host = f"[{address}]" if ":" in address else address
        bound.append(BoundSocket(made, listener, f"{scheme}://{host}:{made.getsockname()[1]}"))
    if not bound and skipped is not None:
        raise _refusal(key, f"{listener.bind_addresses[0]}, port {listener.port}", skipped)
    return bound


def _bind_address(listener: Listener, address: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # "::" takes IPv4 as well, unless a listener wants that for itself.
            has_ipv4 = any(":" not in other for other in listener.bind_addresses)
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(has_ipv4))
        info = socket.getaddrinfo(address, listener.port, family, socket.SOCK_STREAM)
        made.bind(info[0][4])
    except OSError:
        made.close()
        raise
    return made


def _bind_path(listener: Listener, key: str) -> BoundSocket:
    path = listener.path
    assert path is not None
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.is_socket():
            path.unlink()  # Of a server that was killed; whose data we have is locked elsewhere.
        made.bind(str(path))
        os.chmod(path, listener.mode)
    except OSError as error:
        made.close()
        raise _refusal(key, str(path), error) from None
    return BoundSocket(made, listener, f"unix:{path}")


def _refusal(key: str, what: str, error: OSError) -> ConfigError:
    reasons = {
        errno.EADDRINUSE: "another program listens there",
        errno.EACCES: "this user may not (ports below 1024 are root's)",
        errno.EADDRNOTAVAIL: "this machine does not have the address",
    }
    reason = reasons.get(error.errno or 0, error.strerror or str(error))
    return ConfigError(key, f"cannot listen on {what}: {reason}")
