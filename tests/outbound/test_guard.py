"""Which addresses are refused, and in which disguises."""

from ipaddress import ip_network

import pytest

from impl.config.federation import IP_RANGE_ALWAYS, IP_RANGE_BLACKLIST
from impl.outbound.guard import Guard

DEFAULT = [ip_network(name) for name in IP_RANGE_BLACKLIST + IP_RANGE_ALWAYS]


@pytest.fixture
def guard() -> Guard:
    return Guard(DEFAULT)


@pytest.mark.parametrize("address", ["9.9.9.9", "2620:fe::9", "64:ff9b::909:909", "2002:909:909::"])
def test_what_is_public_is_reached(guard: Guard, address: str) -> None:
    assert guard.is_allowed(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.0.9",
        "10.1.2.3",
        "169.254.169.254",
        "192.168.0.1",
        "172.31.0.1",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
    ],
)
def test_what_is_private_is_refused(guard: Guard, address: str) -> None:
    assert not guard.is_allowed(address)


@pytest.mark.parametrize(
    "address",
    [
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::10.0.0.1",
        "64:ff9b:1:a00:0:100::",
        "2002:7f00:1::",
        "2002:a00:1::1",
        # Teredo: the client's address is stored inverted.
        "2001:0:909:909:0:0:f5ff:fffe",
        "2a00::5efe:10.0.0.1",
        "2a00::200:5efe:10.0.0.1",
    ],
)
def test_no_disguise_of_a_private_address_gets_by(guard: Guard, address: str) -> None:
    assert not guard.is_allowed(address)


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "0x7f.1", "[::1]", "a.test"])
def test_what_is_no_address_is_refused(text: str) -> None:
    assert not Guard().is_allowed(text)


def test_exceptions_are_reached_in_every_form() -> None:
    guard = Guard(DEFAULT, [ip_network("10.1.0.0/16"), ip_network("fd00:1::/32")])
    assert guard.is_allowed("10.1.2.3")
    assert guard.is_allowed("::ffff:10.1.2.3")
    assert guard.is_allowed("fd00:1::5")
    assert not guard.is_allowed("10.2.0.1")
    assert not guard.is_allowed("fd00:2::5")


def test_a_listed_ipv6_address_is_reached_whatever_is_in_it() -> None:
    assert Guard(DEFAULT, [ip_network("64:ff9b::/96")]).is_allowed("64:ff9b::10.0.0.1")


def test_without_ranges_everything_is_reached() -> None:
    assert Guard().is_allowed("127.0.0.1")
