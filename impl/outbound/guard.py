"""The outbound guard: to which addresses we connect at all.

Servers, users and events name hosts for us to talk to. Without a guard any of them could make this
server knock at its own network: a database on loopback, a cloud's metadata service, a router. What
is checked is the address that the socket is about to be connected to, never a name: a name may lead
elsewhere by the time it is looked up again.
"""

import ipaddress
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

# Prefixes behind which a gateway leads to the IPv4 address in the last four bytes: NAT64 (RFC 6052,
# and RFC 8215 for local use) and the old IPv4-compatible addresses.
_IPV4_AT_THE_END = (
    ipaddress.IPv6Network("64:ff9b::/96"),
    ipaddress.IPv6Network("64:ff9b:1::/48"),
    ipaddress.IPv6Network("::/96"),
)
# ISATAP (RFC 5214): the IPv4 address is in the interface's half, behind these four bytes.
_ISATAP = (b"\x00\x00\x5e\xfe", b"\x02\x00\x5e\xfe")


class Guard:
    """What is in `forbidden` is refused, unless it is in `allowed`."""

    def __init__(self, forbidden: Sequence[Network] = (), allowed: Sequence[Network] = ()) -> None:
        self._forbidden = tuple(forbidden)
        self._allowed = tuple(allowed)

    def is_allowed(self, address: str) -> bool:
        """`address` is a literal, perhaps with a scope (`fe80::1%eth0`)."""
        try:
            given = ipaddress.ip_address(address)
        except ValueError:
            return False
        if _is_in(given, self._allowed):
            return True
        # An address that stands for another is as good as that one, and no better.
        return not any(
            _is_in(form, self._forbidden) and not _is_in(form, self._allowed)
            for form in (given, *_ipv4_within(given))
        )


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _ipv4_within(address: Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses that packets to this IPv6 address may end at."""
    if isinstance(address, IPv4Address):
        return
    if address.ipv4_mapped:
        yield address.ipv4_mapped
    if address.sixtofour:
        yield address.sixtofour
    if address.teredo:
        yield from address.teredo
    packed = address.packed
    if packed[8:12] in _ISATAP or _is_in(address, _IPV4_AT_THE_END):
        yield IPv4Address(packed[12:])
    # With a prefix of 48 bits RFC 6052 puts the IPv4 address around the byte that must be zero.
    if address in _IPV4_AT_THE_END[1]:
        yield IPv4Address(packed[6:8] + packed[9:11])
