"""The keys about other servers -> settings: whom we talk to, how patiently, whom we trust.

Names and defaults are Synapse's; what Synapse has no key for stands in `soma.federation`. What is
only for federation and has one key each is a field of `Config` under that key's name.
"""

import ipaddress
import ssl
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from impl.config import server_keys
from impl.config.problems import ConfigError
from impl.config.section import Section
from impl.core.identifiers import is_server_name

Networks = tuple[IPv4Network | IPv6Network, ...]

# Addresses that are not the public internet: nothing that a stranger names is fetched from there.
IP_RANGE_BLACKLIST = (
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "192.0.0.0/24",
    "169.254.0.0/16",
    "192.88.99.0/24",
    "198.18.0.0/15",
    "192.0.2.0/24",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "::1/128",
    "fe80::/10",
    "fc00::/7",
    "2001:db8::/32",
    "ff00::/8",
    "fec0::/10",
)
# They are nobody's address, whatever the file says.
IP_RANGE_ALWAYS = ("0.0.0.0/32", "::/128")

TLS_VERSIONS = ("1", "1.1", "1.2", "1.3")
# Then a server is left alone, and nothing is kept for it in memory (services/sending).
LONG_RETRIES_MAX = 3
_DNS_PORT = 53


@dataclass(frozen=True, slots=True)
class FederationTimes:
    """`federation`: how long an answer may take, and how often a request is tried again."""

    client_timeout: int = 60_000
    # What is sent to a server that answered a moment ago is tried again a few times, with no more
    # than so long between.
    max_long_retry_delay: int = 60_000
    max_long_retries: int = LONG_RETRIES_MAX
    # A server that failed is left alone: at first so long, then longer by the multiplier each time.
    destination_min_retry_interval: int = 600_000
    destination_retry_multiplier: float = 2
    destination_max_retry_interval: int = 604_800_000


@dataclass(frozen=True, slots=True)
class RcFederation:
    """`rc_federation`: what one server may ask of us. In a window of `window_size`, requests after
    the first `sleep_limit` wait `sleep_delay` each; more than `reject_limit` waiting are refused;
    `concurrent` are worked on at once.
    """

    window_size: int = 1_000
    sleep_limit: int = 10
    sleep_delay: int = 500
    reject_limit: int = 50
    concurrent: int = 3


@dataclass(frozen=True, slots=True)
class LimitRemoteRooms:
    """`limit_remote_rooms`: rooms of others that are too large for this server."""

    enabled: bool = False
    complexity: float = 1.0
    complexity_error: str = "this room is too large or too busy for this server to join it"
    admins_can_join: bool = False


@dataclass(frozen=True, slots=True)
class SomaFederation:
    """`soma.federation`: what Synapse has no key for."""

    # (address, port) of those asked for all names instead of whom the system asks.
    dns_servers: tuple[tuple[str, int], ...] = ()
    # Among so many leases the work of sending to other servers is divided.
    sender_shards: int = 4
    # Servers that this one has nothing to do with, as globs, whatever their port.
    blocked_servers: tuple[str, ...] = ()
    # Whether a large room of others can be used before all its members are known. Not so where
    # rooms that are too large are kept out (limit_remote_rooms), which the members tell.
    omit_members: bool = True


def read(root: Section) -> dict[str, object]:
    """The fields of `Config` that are about other servers."""
    general = _read_networks(root, "ip_range_blacklist", IP_RANGE_BLACKLIST)
    always = tuple(ipaddress.ip_network(network) for network in IP_RANGE_ALWAYS)
    # Older files have a list for federation alone.
    for_federation = "federation_ip_range_blacklist"
    root.accept(for_federation)
    ranges = _read_networks(root, for_federation, ()) if for_federation in root else general
    return {
        "ip_range_blacklist": general + always,
        "federation_ip_range_blacklist": ranges + always,
        "ip_range_whitelist": _read_networks(root, "ip_range_whitelist", ()),
        "federation_domain_whitelist": _read_domains(root),
        "federation_verify_certificates": root.boolean("federation_verify_certificates", True),
        "federation_certificate_verification_whitelist": _read_globs(root),
        "federation_custom_ca_list": _read_authorities(root),
        "federation_client_minimum_tls_version": _read_tls_version(root),
        "federation": _read_times(root),
        "rc_federation": _read_limits(root),
        "limit_remote_rooms": _read_limit_remote_rooms(root),
        **server_keys.read(root),
        "federation_whitelist_endpoint_enabled": root.boolean(
            "federation_whitelist_endpoint_enabled", False
        ),
        "allow_profile_lookup_over_federation": root.boolean(
            "allow_profile_lookup_over_federation", True
        ),
        "allow_device_name_lookup_over_federation": root.boolean(
            "allow_device_name_lookup_over_federation", False
        ),
        "allow_public_rooms_over_federation": root.boolean(
            "allow_public_rooms_over_federation", False
        ),
    }


def read_soma(soma: Section) -> SomaFederation:
    section = soma.section("federation")
    servers = []
    for place, text in enumerate(section.strings("dns_servers") or ()):
        end = _address_and_port(text)
        if end is None:
            raise section.error(
                f"dns_servers[{place}]", f"must be an IP address and perhaps a port, not {text!r}"
            )
        servers.append(end)
    settings = SomaFederation(
        dns_servers=tuple(servers),
        sender_shards=section.integer("sender_shards", 4, least=1, most=64),
        blocked_servers=tuple(section.strings("blocked_servers") or ()),
        omit_members=section.boolean("omit_members", True),
    )
    section.finish()
    return settings


def _address_and_port(text: str) -> tuple[str, int] | None:
    """`192.0.2.1`, `192.0.2.1:53`, `2001:db8::1` or `[2001:db8::1]:53`."""
    address, port = text, str(_DNS_PORT)
    if text.startswith("["):
        address, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            return None
        port = rest[1:] if rest else port
    elif text.count(":") == 1:
        address, _, port = text.partition(":")
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return None
    if not port.isascii() or not port.isdigit() or not 0 < int(port[:6]) < 65536:
        return None
    return address, int(port)


def _read_domains(root: Section) -> frozenset[str] | None:
    key = "federation_domain_whitelist"
    names = root.strings(key)
    # None is everybody, and an empty list is nobody.
    if names is None:
        return None
    for place, name in enumerate(names):
        if not is_server_name(name):
            raise root.error(f"{key}[{place}]", f"is not a server name: {name!r}")
    return frozenset(names)


def _read_globs(root: Section) -> tuple[str, ...]:
    key = "federation_certificate_verification_whitelist"
    globs = root.strings(key) or []
    for place, glob in enumerate(globs):
        if not glob.isascii():
            raise root.error(f"{key}[{place}]", "must be written in ASCII (as xn--...)")
    return tuple(globs)


def _read_authorities(root: Section) -> tuple[Path, ...]:
    key = "federation_custom_ca_list"
    paths: list[Path] = []
    for place, name in enumerate(root.strings(key) or ()):
        path = root.resolve(name, key)
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
        except ssl.SSLError:
            raise root.error(
                f"{key}[{place}]", f"names {path}, which holds no certificate"
            ) from None
        except OSError as error:
            raise root.error(
                f"{key}[{place}]", f"names {path}, which cannot be read: {error.strerror}"
            ) from None
        paths.append(path)
    if key in root and not paths:
        raise root.error(key, "is given and names no file: no certificate would be trusted")
    return tuple(paths)


def _read_tls_version(root: Section) -> str:
    key = "federation_client_minimum_tls_version"
    value = root.raw(key)
    if value is None:
        return TLS_VERSIONS[0]
    # Written without quotes it is a number, and 1.0 is one too.
    version = {"1.0": "1"}.get(str(value), str(value))
    if isinstance(value, bool) or version not in TLS_VERSIONS:
        raise root.error(key, f"must be one of {', '.join(TLS_VERSIONS)}")
    return version


def _read_times(root: Section) -> FederationTimes:
    section = root.section("federation")
    durations = {
        key: section.duration(key, getattr(FederationTimes(), key))
        for key in (
            "client_timeout",
            "max_long_retry_delay",
            "destination_min_retry_interval",
            "destination_max_retry_interval",
        )
    }
    if not durations["client_timeout"]:
        raise section.error("client_timeout", "must be longer than nothing")
    multiplier = section.number("destination_retry_multiplier", 2)
    if multiplier < 1:
        raise section.error("destination_retry_multiplier", "must be at least 1")
    times = FederationTimes(
        max_long_retries=_read_retries(section),
        destination_retry_multiplier=multiplier,
        **durations,  # type: ignore[arg-type]
    )
    section.finish()
    return times


def _read_retries(section: Section) -> int:
    """How often what nobody waits for is tried again soon; what somebody waits for never is."""
    retries = section.integer("max_long_retries", LONG_RETRIES_MAX, most=100)
    if retries > LONG_RETRIES_MAX:
        section.warn(
            "max_long_retries",
            f"counts as {LONG_RETRIES_MAX}: then Soma leaves the server alone, for"
            " destination_min_retry_interval or until it is heard of",
        )
    has_short = section.integer("max_short_retries", 0, most=100) > 0
    has_short |= section.duration("max_short_retry_delay") is not None
    if has_short:
        section.warn(
            "max_short_retries",
            "is not used: what somebody waits for is asked once, and its failure is told at once",
        )
    return min(retries, LONG_RETRIES_MAX)


def _read_limits(root: Section) -> RcFederation:
    defaults = RcFederation()
    # Early files have five flat keys, which count where there is no section.
    names = {
        "window_size": "federation_rc_window_size",
        "sleep_limit": "federation_rc_sleep_limit",
        "sleep_delay": "federation_rc_sleep_delay",
        "reject_limit": "federation_rc_reject_limit",
        "concurrent": "federation_rc_concurrent",
    }
    root.accept(*names.values())
    has_section = "rc_federation" in root
    section = root.section("rc_federation") if has_section else root
    root.accept("rc_federation")
    values: dict[str, int] = {}
    for name, flat in names.items():
        key = name if has_section else flat
        default = getattr(defaults, name)
        if name in ("window_size", "sleep_delay"):
            duration = section.duration(key, default)
            values[name] = default if duration is None else duration
        else:
            values[name] = section.integer(key, default, least=1 if name == "concurrent" else 0)
    if has_section:
        section.finish()
    return RcFederation(**values)


def _read_limit_remote_rooms(root: Section) -> LimitRemoteRooms:
    section = root.section("limit_remote_rooms")
    defaults = LimitRemoteRooms()
    settings = LimitRemoteRooms(
        enabled=section.boolean("enabled", False),
        complexity=section.number("complexity", defaults.complexity),
        complexity_error=section.string("complexity_error") or defaults.complexity_error,
        admins_can_join=section.boolean("admins_can_join", False),
    )
    section.finish()
    return settings


def _read_networks(root: Section, key: str, default: tuple[str, ...]) -> Networks:
    names = root.strings(key)
    networks = []
    for place, name in enumerate(default if names is None else names):
        try:
            networks.append(ipaddress.ip_network(name, strict=False))
        except ValueError:
            raise ConfigError(f"{key}[{place}]", f"is not an IP range: {name!r}") from None
    return tuple(networks)
