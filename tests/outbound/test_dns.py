"""Names are looked up once for as long as the answer stands, and never in the way of others."""

import socket

import gevent
import pytest
from gevent import monkey

from impl.outbound import dns
from impl.outbound.dns import DnsFailure, Resolver, ServiceRecord, in_order
from tests.outbound.conftest import Clock
from tests.outbound.world import World


def test_addresses_of_both_kinds_are_found(world: World, resolver: Resolver) -> None:
    world.dns.add("a.test", "A", "127.0.0.1", "127.0.0.2")
    world.dns.add("a.test", "AAAA", "::1")
    found = resolver.addresses("a.test")
    assert set(found) == {"127.0.0.1", "127.0.0.2", "::1"}
    assert found[-1] == "::1"


def test_one_kind_is_enough(world: World, resolver: Resolver) -> None:
    world.dns.add("a.test", "AAAA", "::1")
    assert resolver.addresses("a.test") == ("::1",)
    # Even if the other cannot be asked for.
    world.dns.add("b.test", "A", "127.0.0.1")
    world.dns.records["b.test", "AAAA"] = "SERVFAIL"
    assert resolver.addresses("b.test") == ("127.0.0.1",)


def test_an_alias_is_followed(world: World, resolver: Resolver) -> None:
    world.dns.add("a.test", "CNAME", "b.test.")
    world.dns.add("b.test", "A", "127.0.0.3")
    # A recursive server gives the whole chain.
    world.dns.records["a.test", "A"] = ["127.0.0.3"]
    assert resolver.addresses("a.test") == ("127.0.0.3",)


@pytest.mark.parametrize("literal", ["127.0.0.1", "::1"])
def test_nobody_is_asked_for_the_address_of_an_address(
    world: World, resolver: Resolver, literal: str
) -> None:
    assert resolver.addresses(literal) == (literal,)
    assert world.dns.asked == []


def test_an_answer_stands_for_its_ttl(world: World, resolver: Resolver, clock: Clock) -> None:
    world.dns.ttl_s = 100
    world.dns.add("a.test", "A", "127.0.0.1")
    resolver.addresses("a.test")
    world.dns.add("a.test", "A", "127.0.0.2")
    clock.now_s += 99
    assert resolver.addresses("A.TEST") == ("127.0.0.1",)
    clock.now_s += 2
    assert resolver.addresses("a.test") == ("127.0.0.2",)


def test_a_ttl_of_nothing_is_raised_to_the_least(
    world: World, resolver: Resolver, clock: Clock
) -> None:
    world.dns.ttl_s = 0
    world.dns.add("a.test", "A", "127.0.0.1")
    resolver.addresses("a.test")
    asked = len(world.dns.asked)
    resolver.addresses("a.test")
    assert len(world.dns.asked) == asked


def test_that_there_is_nothing_is_remembered_too(
    world: World, resolver: Resolver, clock: Clock
) -> None:
    for _ in range(3):
        with pytest.raises(DnsFailure, match="does not exist") as caught:
            resolver.addresses("a.test")
        assert caught.value.is_absent
    assert len(world.dns.asked) == 2
    world.dns.add("a.test", "A", "127.0.0.1")
    clock.now_s += dns.ABSENT_TTL_S_MIN + 1
    assert resolver.addresses("a.test") == ("127.0.0.1",)


def test_a_failure_of_the_dns_passes_soon(world: World, resolver: Resolver, clock: Clock) -> None:
    world.dns.records["a.test", "A"] = "SERVFAIL"
    world.dns.records["a.test", "AAAA"] = "SERVFAIL"
    with pytest.raises(DnsFailure) as caught:
        resolver.addresses("a.test")
    assert not caught.value.is_absent
    world.dns.add("a.test", "A", "127.0.0.1")
    clock.now_s += dns.FAILURE_TTL_S + 1
    assert resolver.addresses("a.test") == ("127.0.0.1",)


def test_a_name_without_an_address_is_not_one_that_nobody_could_be_asked_for(
    world: World, resolver: Resolver
) -> None:
    world.dns.add("a.test", "TXT", '"x"')
    with pytest.raises(DnsFailure) as caught:
        resolver.addresses("a.test")
    assert caught.value.is_absent


@pytest.mark.parametrize("name", ["a" * 64 + ".test", "a..test", ".test", "a." * 130 + "test"])
def test_what_is_no_name_has_no_address(resolver: Resolver, name: str) -> None:
    with pytest.raises(DnsFailure):
        resolver.addresses(name)


def test_a_dns_server_that_is_silent_stops_nobody(
    world: World, resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dns, "LOOKUP_S_MAX", 0.3)
    world.dns.records["a.test", "A"] = "SILENCE"
    world.dns.records["a.test", "AAAA"] = "SILENCE"
    world.dns.add("b.test", "A", "127.0.0.1")
    waiting = gevent.spawn(resolver.addresses, "a.test")
    gevent.sleep(0.05)
    assert not waiting.ready()
    assert resolver.addresses("b.test") == ("127.0.0.1",)
    with pytest.raises(DnsFailure, match="no DNS server answers"):
        waiting.get(timeout=5)


def test_a_name_is_looked_up_once_for_all_who_want_it(world: World, resolver: Resolver) -> None:
    world.dns.add("a.test", "A", "127.0.0.1")
    jobs = [gevent.spawn(resolver.addresses, "a.test") for _ in range(20)]
    gevent.joinall(jobs)
    assert {job.value for job in jobs} == {("127.0.0.1",)}
    assert sorted(world.dns.asked) == [("a.test", "A"), ("a.test", "AAAA")]


def test_who_loses_patience_leaves_the_others_their_answer(
    world: World, resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.dns.records["a.test", "AAAA"] = "SILENCE"
    monkeypatch.setattr(dns, "LOOKUP_S_MAX", 0.3)
    world.dns.add("a.test", "A", "127.0.0.1")
    first = gevent.spawn(resolver.addresses, "a.test")
    second = gevent.spawn(resolver.addresses, "a.test")
    gevent.sleep(0.05)
    first.kill()
    assert second.get(timeout=5) == ("127.0.0.1",)


def test_the_cache_is_bounded(world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns, "ENTRIES_MAX", 3)
    resolver = Resolver([world.dns.end], clock)
    for number in range(5):
        world.dns.add(f"a{number}.test", "A", "127.0.0.1")
        resolver.addresses(f"a{number}.test")
    asked = len(world.dns.asked)
    resolver.addresses("a4.test")
    assert len(world.dns.asked) == asked
    resolver.addresses("a0.test")
    assert len(world.dns.asked) == asked + 2


def test_the_system_is_asked_where_no_servers_are_configured(clock: Clock) -> None:
    resolver = Resolver(now_s=clock)
    try:
        assert set(resolver.addresses("localhost")) <= {"127.0.0.1", "::1"}
    finally:
        resolver.close()


def test_the_systems_resolver_blocks_nobody(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    is_answered: list[bool] = []

    def slow(host: str) -> list[object]:
        # Blocks its thread, as the C library does until there is an answer.
        while not is_answered:
            native_sleep(0.01)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    native_sleep = monkey.get_original("time", "sleep")
    monkeypatch.setattr(dns, "_getaddrinfo_of", slow)
    resolver = Resolver(now_s=clock)
    waiting = gevent.spawn(resolver.addresses, "slow.test")
    try:
        # That others run is seen by our coming here at all.
        gevent.sleep(0.05)
        assert not waiting.ready()
    finally:
        is_answered.append(True)
    with pytest.raises(DnsFailure) as caught:
        waiting.get(timeout=5)
    assert caught.value.is_absent
    resolver.close()


def test_service_records_are_found(world: World, resolver: Resolver) -> None:
    world.dns.add("_x._tcp.a.test", "SRV", "10 5 8448 b.test.", "20 0 443 c.test.")
    assert set(resolver.services("_x._tcp.a.test")) == {
        ServiceRecord(10, 5, 8448, "b.test"),
        ServiceRecord(20, 0, 443, "c.test"),
    }


def test_what_is_known_of_a_name_can_be_forgotten(
    world: World, resolver: Resolver, clock: Clock
) -> None:
    world.dns.add("a.test", "A", "127.0.0.1")
    resolver.addresses("a.test")
    assert not resolver.forget("a.test", 60)
    clock.now_s += 61
    assert resolver.forget("a.test", 60)
    world.dns.add("a.test", "A", "127.0.0.2")
    assert resolver.addresses("a.test") == ("127.0.0.2",)


def test_the_best_priority_comes_first_and_weights_decide_within_it() -> None:
    light, heavy, last = (
        ServiceRecord(1, 10, 1, "light"),
        ServiceRecord(1, 90, 2, "heavy"),
        ServiceRecord(2, 0, 3, "last"),
    )
    records = [last, heavy, light]
    assert in_order(records, lambda most: 0) == [light, heavy, last]
    assert in_order(records, lambda most: min(10, most)) == [light, heavy, last]
    assert in_order(records, lambda most: min(11, most)) == [heavy, light, last]
    firsts = [in_order(records)[0] for _ in range(500)]
    assert firsts.count(heavy) > firsts.count(light) > 0
    assert last not in firsts
