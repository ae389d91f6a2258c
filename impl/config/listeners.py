"""`listeners`: where the server listens, for what, with TLS or not, behind a proxy or not."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from impl.config.problems import ConfigError
from impl.config.section import Section

RESOURCES = (
    "client",
    "consent",
    "federation",
    "health",
    "keys",
    "media",
    "metrics",
    "openid",
    "replication",
    "static",
)
# What a resource brings with it.
IMPLIED = {
    "client": ("media", "static"),
    "federation": ("media", "keys", "openid"),
}
ALL_ADDRESSES = ("::", "0.0.0.0")
LOOPBACK = ("127.0.0.1",)
PORT_DEFAULT = 8008


@dataclass(frozen=True, slots=True)
class Listener:
    """One port, on one or more addresses; or a Unix socket at `path`."""

    port: int
    bind_addresses: tuple[str, ...]
    tls: bool = False
    x_forwarded: bool = False
    resources: frozenset[str] = frozenset(("client", "federation"))
    # Of them, those whose responses may be compressed.
    compress: frozenset[str] = frozenset()
    request_id_header: str | None = None
    path: Path | None = None
    mode: int = 0o666


def default() -> tuple[Listener, ...]:
    """Without a configuration: this machine only."""
    return (Listener(PORT_DEFAULT, LOOPBACK, resources=_with_implied({"client", "federation"})),)


def read(root: Section) -> tuple[Listener, ...]:
    if "listeners" not in root:
        root.accept("listeners")
        return default()
    found = [_read_listener(section) for section in root.sections("listeners")]
    listeners = tuple(listener for listener in found if listener is not None)
    if not listeners:
        raise root.error("listeners", "must hold at least one listener of type http")
    _refuse_doubles(listeners)
    return listeners


def _read_listener(section: Section) -> Listener | None:
    kind = section.required_string("type")
    if kind != "http":
        section.warn(
            "type", f"is {kind!r}: Soma has listeners of type http only, and leaves this one out"
        )
        return None
    path = section.path("path")
    if (path is None) == (section.raw("port") is None):
        raise section.error("port", "must be given, or a path, and not both")
    names, compress = _read_resources(section)
    listener = Listener(
        port=0 if path else section.integer("port", 0, least=1, most=65535),
        bind_addresses=() if path else _read_addresses(section),
        tls=section.boolean("tls", False),
        # Whoever calls through a Unix socket is a proxy.
        x_forwarded=section.boolean("x_forwarded", path is not None),
        resources=names,
        compress=compress,
        request_id_header=section.string("request_id_header"),
        path=path,
        mode=section.integer("mode", 0o666, most=0o777),
    )
    if path and listener.tls:
        raise section.error("tls", "cannot be true for a Unix socket")
    section.accept("tag")
    if section.raw("additional_resources"):
        section.warn("additional_resources", "names Python modules of Synapse: they are not loaded")
    section.finish()
    return listener


def _read_addresses(section: Section) -> tuple[str, ...]:
    addresses = list(section.strings("bind_addresses") or ())
    names = [f"bind_addresses[{place}]" for place in range(len(addresses))]
    # Both may be given, and an empty bind_address is none.
    if single := section.string("bind_address"):
        addresses.append(single)
        names.append("bind_address")
    for name, address in zip(names, addresses, strict=True):
        try:
            ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            raise section.error(name, f"must be an IP address, not {address!r}") from None
    return tuple(dict.fromkeys(addresses)) or ALL_ADDRESSES


def _read_resources(section: Section) -> tuple[frozenset[str], frozenset[str]]:
    every: set[str] = set()
    compressed: set[str] = set()
    for resource in section.sections("resources"):
        names = resource.strings("names") or ()
        for place, name in enumerate(names):
            if name not in RESOURCES:
                raise resource.error(f"names[{place}]", f"must be one of {', '.join(RESOURCES)}")
        every.update(names)
        if resource.boolean("compress", False):
            compressed.update(names)
        resource.finish()
    return _with_implied(every), _with_implied(compressed)


def _with_implied(names: set[str]) -> frozenset[str]:
    return frozenset(names.union(*(IMPLIED.get(name, ()) for name in names)))


def _refuse_doubles(listeners: tuple[Listener, ...]) -> None:
    seen: set[tuple[object, ...]] = set()
    for place, listener in enumerate(listeners):
        if listener.path:
            ends: list[tuple[object, ...]] = [(listener.path,)]
        else:
            ends = [(address, listener.port) for address in listener.bind_addresses]
        for end in ends:
            if end in seen:
                raise ConfigError(
                    f"listeners[{place}].port", "is also another listener's, on the same address"
                )
            seen.add(end)
