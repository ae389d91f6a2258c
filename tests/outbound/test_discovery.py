"""Which address a server name leads to, with which Host and certificate. S-S API, "Resolving server
names": a test for each step.
"""

import pytest

from impl.outbound.discovery import Discovery, NoRoute, Route
from impl.outbound.dns import DnsFailure, Resolver
from impl.outbound.well_known import WellKnownClient
from tests.outbound.conftest import Clock
from tests.outbound.world import NOT_FOUND, World, says


@pytest.fixture
def discovery(resolver: Resolver, well_known: WellKnownClient) -> Discovery:
    return Discovery(resolver, well_known)


@pytest.mark.parametrize(
    ("name", "host", "port"),
    [
        ("1.2.3.4", "1.2.3.4", 8448),
        ("1.2.3.4:99", "1.2.3.4", 99),
        ("[1:2::3]", "1:2::3", 8448),
        ("[1:2::3]:99", "1:2::3", 99),
    ],
)
def test_1_an_address_is_itself(
    world: World, discovery: Discovery, name: str, host: str, port: int
) -> None:
    assert discovery.route(name) == Route("1", name, host, ((host, port),))
    assert list(discovery.ends(discovery.route(name))) == [(host, port)]
    assert world.dns.asked == []


def test_2_a_name_with_a_port_is_itself(world: World, discovery: Discovery) -> None:
    world.well_known("a.test", b"wrong.test")
    world.dns.add("_matrix-fed._tcp.a.test", "SRV", "0 0 1 wrong.test.")
    world.dns.add("a.test", "A", "127.1.2.3")
    route = discovery.route("a.test:99")
    assert route == Route("2", "a.test:99", "a.test", (("a.test", 99),))
    assert list(discovery.ends(route)) == [("127.1.2.3", 99)]


@pytest.mark.parametrize(
    ("delegated", "host", "port"),
    [
        (b"127.1.2.3", "127.1.2.3", 8448),
        (b"127.1.2.3:99", "127.1.2.3", 99),
        (b"[::1]:99", "::1", 99),
    ],
)
def test_3_1_delegated_to_an_address(
    world: World, discovery: Discovery, delegated: bytes, host: str, port: int
) -> None:
    world.well_known("a.test", delegated)
    assert discovery.route("a.test") == Route("3.1", delegated.decode(), host, ((host, port),))


def test_3_2_delegated_to_a_name_with_a_port(world: World, discovery: Discovery) -> None:
    world.well_known("a.test", b"b.test:99")
    world.dns.add("_matrix-fed._tcp.b.test", "SRV", "0 0 1 wrong.test.")
    world.dns.add("b.test", "A", "127.1.2.3")
    route = discovery.route("a.test")
    assert route == Route("3.2", "b.test:99", "b.test", (("b.test", 99),))
    assert list(discovery.ends(route)) == [("127.1.2.3", 99)]


def test_3_3_delegated_to_a_name_with_a_record(world: World, discovery: Discovery) -> None:
    world.well_known("a.test", b"b.test")
    world.dns.add("_matrix-fed._tcp.b.test", "SRV", "0 0 99 c.test.")
    world.dns.add("_matrix._tcp.b.test", "SRV", "0 0 1 wrong.test.")
    world.dns.add("c.test", "A", "127.1.2.3")
    route = discovery.route("a.test")
    assert route == Route("3.3", "b.test", "b.test", (("c.test", 99),))
    assert list(discovery.ends(route)) == [("127.1.2.3", 99)]


def test_3_4_delegated_to_a_name_with_a_record_of_old(world: World, discovery: Discovery) -> None:
    world.well_known("a.test", b"b.test")
    world.dns.add("_matrix._tcp.b.test", "SRV", "0 0 99 c.test.")
    assert discovery.route("a.test") == Route("3.4", "b.test", "b.test", (("c.test", 99),))


def test_3_5_delegated_to_a_name_without_a_record(world: World, discovery: Discovery) -> None:
    world.well_known("a.test", b"b.test")
    # Delegation goes no further than once.
    world.well_known("b.test", b"c.test")
    assert discovery.route("a.test") == Route("3.5", "b.test", "b.test", (("b.test", 8448),))


@pytest.fixture(params=["no web server", "404"])
def undelegated(request: pytest.FixtureRequest, world: World) -> None:
    """a.test says nothing of where its server is."""
    if request.param == "404":
        world.well_known("a.test", says(NOT_FOUND))


@pytest.mark.usefixtures("undelegated")
def test_4_a_name_with_a_record(world: World, discovery: Discovery) -> None:
    world.dns.add("_matrix-fed._tcp.a.test", "SRV", "0 0 99 c.test.")
    world.dns.add("_matrix._tcp.a.test", "SRV", "0 0 1 wrong.test.")
    assert discovery.route("a.test") == Route("4", "a.test", "a.test", (("c.test", 99),))


@pytest.mark.usefixtures("undelegated")
def test_5_a_name_with_a_record_of_old(world: World, discovery: Discovery) -> None:
    world.dns.add("_matrix._tcp.a.test", "SRV", "0 0 99 c.test.")
    assert discovery.route("a.test") == Route("5", "a.test", "a.test", (("c.test", 99),))


@pytest.mark.usefixtures("undelegated")
def test_6_a_name_without_a_record(discovery: Discovery) -> None:
    assert discovery.route("a.test") == Route("6", "a.test", "a.test", (("a.test", 8448),))


@pytest.mark.parametrize("name", ["", "a..test", "a.test:0", "[::x]", "a b", "a.test/x"])
def test_what_is_no_name_leads_nowhere(discovery: Discovery, name: str) -> None:
    with pytest.raises(NoRoute):
        discovery.route(name)


def test_a_final_dot_is_no_part_of_a_certificates_name(world: World, discovery: Discovery) -> None:
    world.dns.add("a.test", "A", "127.1.2.3")
    route = discovery.route("a.test.:99")
    assert route == Route("2", "a.test.:99", "a.test", (("a.test.", 99),))
    assert list(discovery.ends(route)) == [("127.1.2.3", 99)]


# Service records.


def test_records_are_tried_by_their_priority(world: World, discovery: Discovery) -> None:
    world.dns.add("_matrix-fed._tcp.a.test", "SRV", "20 0 2 c.test.", "10 0 1 b.test.")
    world.dns.add("b.test", "A", "127.1.1.1", "127.1.1.2")
    world.dns.add("c.test", "A", "127.1.1.3")
    ends = discovery.ends(discovery.route("a.test"))
    first = {next(ends), next(ends)}
    assert first == {("127.1.1.1", 1), ("127.1.1.2", 1)}
    # The second is not even looked up as long as the first will do.
    assert ("c.test", "A") not in world.dns.asked
    assert list(ends) == [("127.1.1.3", 2)]


def test_a_record_that_leads_nowhere_is_passed_over(world: World, discovery: Discovery) -> None:
    world.dns.add("_matrix-fed._tcp.a.test", "SRV", "10 0 1 nowhere.test.", "20 0 2 c.test.")
    world.dns.add("c.test", "A", "127.1.1.3")
    assert list(discovery.ends(discovery.route("a.test"))) == [("127.1.1.3", 2)]


def test_records_that_all_lead_nowhere_are_an_error(world: World, discovery: Discovery) -> None:
    world.dns.add("_matrix-fed._tcp.a.test", "SRV", "10 0 1 nowhere.test.")
    with pytest.raises(DnsFailure, match=r"nowhere\.test"):
        list(discovery.ends(discovery.route("a.test")))


def test_a_record_may_say_that_there_is_no_server(world: World, discovery: Discovery) -> None:
    world.dns.add("_matrix-fed._tcp.a.test", "SRV", "0 0 0 .")
    with pytest.raises(NoRoute, match="no such service"):
        discovery.route("a.test")


def test_a_dns_that_fails_for_records_does_not_hide_the_name(
    world: World, discovery: Discovery
) -> None:
    for service in ("_matrix-fed._tcp.a.test", "_matrix._tcp.a.test"):
        world.dns.records[service, "SRV"] = "SERVFAIL"
    assert discovery.route("a.test").step == "6"


# What is known.


def test_what_is_known_is_not_asked_for_again(world: World, discovery: Discovery) -> None:
    server = world.well_known("a.test", b"b.test")
    world.dns.add("_matrix-fed._tcp.b.test", "SRV", "0 0 99 c.test.")
    world.dns.add("c.test", "A", "127.1.2.3")
    for _ in range(3):
        list(discovery.ends(discovery.route("a.test")))
    assert len(server.requests) == 1
    assert len(world.dns.asked) == len(set(world.dns.asked))


def test_what_is_new_is_not_doubted(world: World, discovery: Discovery) -> None:
    world.well_known("a.test", b"b.test")
    route = discovery.route("a.test")
    assert not discovery.forget("a.test", route)


def test_what_is_older_is_doubted_where_nobody_was_found(
    world: World, discovery: Discovery, clock: Clock
) -> None:
    server = world.well_known("a.test", b"b.test:99")
    route = discovery.route("a.test")
    server.handler = says(NOT_FOUND)
    clock.now_s += 601
    assert discovery.forget("a.test", route)
    assert discovery.route("a.test").step == "6"
