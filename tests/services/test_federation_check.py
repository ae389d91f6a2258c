"""What `soma federation check` finds out: each thing that can be wrong is named, with advice."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
import trustme

from impl.core import signing
from impl.outbound.dns import Resolver
from impl.outbound.guard import Guard
from impl.outbound.tls import Tls
from impl.outbound.well_known import WellKnownClient
from impl.services import federation_check
from impl.services.federation_check import Instruments
from impl.services.federation_probe import NOTE, OK, PROBLEM, Finding
from tests.outbound.homeserver import KEY, Homeserver
from tests.outbound.world import NOT_FOUND, World, ok, says

Check = Callable[..., list[Finding]]


@pytest.fixture
def world() -> Iterator[World]:
    world = World(trustme.CA(organization_name="An Authority"))
    yield world
    world.close()


@pytest.fixture
def check(world: World, tmp_path: Path) -> Check:
    world.authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    authorities = [tmp_path / "ca.pem"]
    resolver = Resolver([world.dns.end])
    # For this world loopback is the internet.
    guard = Guard([ip_network("127.0.0.0/16")])
    well_known = WellKnownClient(resolver, Tls(authorities), guard, "Test", port=world.https_port)
    instruments = Instruments(resolver, well_known, guard, authorities)
    return lambda name, own=(): list(federation_check.check(name, instruments, own))


def a_homeserver(name: str = "a.test") -> Homeserver:
    return Homeserver(name, time.time_ns() // 1_000_000)


def verdicts(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(one.subject, one.verdict) for one in findings]


def problem(findings: list[Finding]) -> Finding:
    """The only one."""
    [found] = [one for one in findings if one.verdict == PROBLEM]
    return found


def test_a_delegated_server_that_is_well(world: World, check: Check) -> None:
    server = world.host("b.test", a_homeserver())
    world.well_known("a.test", b"b.test:%d" % server.port)
    findings = check("a.test", [KEY])
    where = f"{server.address}:{server.port}"
    assert verdicts(findings) == [
        ("well-known", OK),
        ("address", OK),
        ("certificate", OK),
        ("version", OK),
        ("clock", OK),
        ("keys", OK),
    ]
    texts = [one.text for one in findings]
    assert texts[0].endswith(f"delegates to b.test:{server.port}")
    assert texts[1] == f"b.test: {server.address}"
    assert texts[2].startswith(f"{where}: for b.test, by An Authority, good for ")
    assert texts[3] == f"{where}: Test 1"
    assert texts[5] == f"{where}: ed25519:seven, signed, good for 24.5 hours"
    assert not any(one.advice for one in findings)


def test_a_server_that_ends_each_connection_is_well(world: World, check: Check) -> None:
    homeserver = a_homeserver()
    homeserver.headers["Connection"] = "close"
    server = world.host("b.test", homeserver)
    world.well_known("a.test", b"b.test:%d" % server.port)
    assert {one.verdict for one in check("a.test")} == {OK}


def test_a_server_without_delegation_is_found_by_its_record(world: World, check: Check) -> None:
    world.well_known("a.test", says(NOT_FOUND))
    server = world.server("a.test", handler=a_homeserver())
    world.dns.add("c.test", "A", server.address)
    world.dns.add("_matrix-fed._tcp.a.test", "SRV", f"0 0 {server.port} c.test.")
    findings = check("a.test")
    assert verdicts(findings)[:3] == [("well-known", NOTE), ("records", OK), ("address", OK)]
    assert {one.verdict for one in findings[3:]} == {OK}


def test_a_record_of_old_is_noted(world: World, check: Check) -> None:
    server = world.server("a.test", handler=a_homeserver())
    world.dns.add("c.test", "A", server.address)
    world.dns.add("_matrix._tcp.a.test", "SRV", f"0 0 {server.port} c.test.")
    findings = check("a.test")
    assert verdicts(findings)[:2] == [("well-known", NOTE), ("records", NOTE)]
    assert "deprecated: use _matrix-fed._tcp.a.test" in findings[1].advice


def test_a_record_of_a_broken_name_server_is_a_problem(world: World, check: Check) -> None:
    world.dns.records["_matrix-fed._tcp.a.test", "SRV"] = "SERVFAIL"
    findings = check("a.test")
    assert ("records", PROBLEM) in verdicts(findings)


def test_a_delegation_that_is_none_is_a_problem(world: World, check: Check) -> None:
    world.well_known("a.test", says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"))
    assert check("a.test")[0].verdict == PROBLEM


def test_a_name_with_a_port_needs_no_delegation(world: World, check: Check) -> None:
    server = world.host("a.test", None)
    name = f"a.test:{server.port}"
    server.handler = a_homeserver(name)
    findings = check(name)
    assert verdicts(findings)[:2] == [("name", OK), ("address", OK)]
    assert {one.verdict for one in findings} == {OK}


@pytest.mark.parametrize("name", ["a..test", "a b", ""])
def test_a_name_that_is_none(check: Check, name: str) -> None:
    assert verdicts(check(name)) == [("name", PROBLEM)]


def test_a_name_without_an_address(check: Check) -> None:
    found = problem(check("nowhere.test:1"))
    assert found.subject == "address"
    assert "A or AAAA" in found.advice


def test_a_private_address_is_named_though_it_answers_here(world: World, check: Check) -> None:
    server = world.server("a.test", handler=None, address="127.0.0.9")
    world.dns.add("a.test", "A", "127.0.0.9")
    name = f"a.test:{server.port}"
    server.handler = a_homeserver(name)
    findings = check(name)
    assert problem(findings).subject == "address"
    assert "127.0.0.9: private" in problem(findings).advice
    assert ("keys", OK) in verdicts(findings)


def test_a_closed_port(world: World, check: Check) -> None:
    world.dns.add("a.test", "A", "127.80.0.3")
    found = problem(check("a.test:9"))
    assert (found.subject, found.text) == ("connection", "127.80.0.3:9: Connection refused")
    assert "firewall" in found.advice


def test_each_address_is_looked_at(world: World, check: Check) -> None:
    server = world.server("a.test", handler=None)
    world.dns.add("a.test", "A", server.address, "127.80.0.3")
    name = f"a.test:{server.port}"
    server.handler = a_homeserver(name)
    findings = check(name)
    assert problem(findings).text.startswith("127.80.0.3:")
    assert ("keys", OK) in verdicts(findings)


# Certificates.


def with_certificate(world: World, check: Check, certificate: trustme.LeafCert) -> list[Finding]:
    server = world.server(handler=None, certificate=certificate)
    world.dns.add("a.test", "A", server.address)
    name = f"a.test:{server.port}"
    server.handler = a_homeserver(name)
    return check(name)


def test_a_certificate_for_others_says_for_whom(world: World, check: Check) -> None:
    names = ("b.test", "c.test", "d.test", "e.test", "f.test")
    found = problem(with_certificate(world, check, world.authority.issue_cert(*names)))
    assert found.subject == "certificate"
    assert "not valid for 'a.test'" in found.text
    assert "(it is for b.test, c.test, d.test, e.test and 1 more)" in found.text


def test_an_expired_certificate(world: World, check: Check) -> None:
    past = datetime.now(UTC) - timedelta(days=1)
    certificate = world.authority.issue_cert("a.test", not_before=past, not_after=past)
    found = problem(with_certificate(world, check, certificate))
    assert "expired" in found.text
    assert "renew" in found.advice


def test_a_certificate_that_expires_soon_is_noted(world: World, check: Check) -> None:
    soon = datetime.now(UTC) + timedelta(days=3, hours=1)
    findings = with_certificate(world, check, world.authority.issue_cert("a.test", not_after=soon))
    [noted] = [one for one in findings if one.verdict == NOTE]
    assert noted.text.endswith("good for 3 days")


def test_a_certificate_that_nobody_vouches_for(world: World, check: Check) -> None:
    found = problem(with_certificate(world, check, trustme.CA().issue_cert("a.test")))
    assert found.subject == "certificate"
    assert "authority" in found.advice or "chain" in found.advice


def test_a_port_that_speaks_plain_http(world: World, check: Check) -> None:
    server = world.plain_server(ok(), "127.80.0.4")

    def hello(connection) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    server.on_connection = hello
    assert "HTTPS" in problem(check(f"127.80.0.4:{server.port}")).advice


# What it answers.


@pytest.fixture
def server_of(world: World) -> Callable[[], tuple[str, Homeserver]]:
    def make() -> tuple[str, Homeserver]:
        server = world.host("a.test", None)
        name = f"a.test:{server.port}"
        homeserver = a_homeserver(name)
        server.handler = homeserver
        return name, homeserver

    return make


@pytest.mark.parametrize("document", [None, b"<html>", {}, [], {"server": 5}])
def test_what_is_no_homeserver(check: Check, server_of, document: object) -> None:
    name, homeserver = server_of()
    homeserver.version = document
    found = problem(check(name))
    assert found.subject == "version"
    assert "proxy" in found.advice


@pytest.mark.parametrize("document", [None, b"<html>", {}, [], {"server_name": "a.test"}])
def test_no_keys(check: Check, server_of, document: object) -> None:
    name, homeserver = server_of()
    homeserver.keys = document
    assert problem(check(name)).subject == "keys"


def test_keys_that_did_not_sign(check: Check, server_of) -> None:
    name, homeserver = server_of()
    homeserver.keys["valid_until_ts"] += 1
    assert "signed" in problem(check(name)).text


def test_keys_of_another_server(check: Check, server_of) -> None:
    name, homeserver = server_of()
    homeserver.keys = a_homeserver("b.test").keys
    assert "the keys of b.test" in problem(check(name)).text


def test_keys_that_are_not_ours(check: Check, server_of) -> None:
    name, _ = server_of()
    other = signing.new_signing_key(b"\x08" * 32, "seven")
    found = problem(check(name, [other]))
    assert "ed25519:seven of signing_key_path is not published" in found.text


def test_keys_that_are_out_of_date(check: Check, server_of) -> None:
    name, homeserver = server_of()
    homeserver.keys = Homeserver(name, time.time_ns() // 1_000_000 - 30 * 3_600_000).keys
    assert "out of date" in problem(check(name)).text


@pytest.mark.parametrize(
    ("ahead_s", "verdict", "text"),
    [
        (0, OK, "as here"),
        (30, NOTE, "30 s ahead of this machine's"),
        (-30, NOTE, "behind this machine's"),
        (3600, PROBLEM, "ahead of this machine's"),
        (-86_400, PROBLEM, "behind this machine's"),
    ],
)
def test_the_clock(check: Check, server_of, ahead_s: float, verdict: str, text: str) -> None:
    name, homeserver = server_of()
    homeserver.clock_s += ahead_s
    [found] = [one for one in check(name) if one.subject == "clock"]
    assert found.verdict == verdict
    # It may be a second more or less.
    assert text.removeprefix("30") in found.text


def test_a_server_that_hangs_up(world: World, check: Check) -> None:
    server = world.host("a.test", lambda connection, request: connection.close())
    found = problem(check(f"a.test:{server.port}"))
    assert (found.subject, found.text.partition(": ")[2]) == ("answers", "it closed the connection")
