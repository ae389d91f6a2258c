"""Requests over the wire: what is sent, to whom, under which name and with which certificate.

Connections that are kept are in test_connections.py, hostile servers in test_hostile_servers.py."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from impl.outbound.discovery import PORT
from impl.outbound.failures import Unreachable
from impl.outbound.https_wire import HttpsWire
from impl.outbound.tls import Tls
from tests.outbound.world import Request, World, answer, ask, ok, says

NewWire = Callable[..., HttpsWire]


# What is sent, and what comes back.


def test_a_request_and_its_answer(world: World, wire: HttpsWire) -> None:
    server = world.host("a.test", says(answer(b"some", 418, X_One="1", x_two="2", X_TWO="3")))
    response = ask(
        wire,
        f"a.test:{server.port}",
        method="PUT",
        target="/_matrix/%21a?b=%2F",
        headers={"Authorization": "X-Matrix y"},
        body=b'{"a":1}',
    )
    assert response.status == 418
    assert response.body == b"some"
    assert response.headers == {"content-length": "4", "x-one": "1", "x-two": "2, 3"}
    [request] = server.requests
    assert (request.method, request.target) == ("PUT", "/_matrix/%21a?b=%2F")
    assert request.body == b'{"a":1}'
    assert request.headers == {
        "host": f"a.test:{server.port}",
        "user-agent": "Test",
        "authorization": "X-Matrix y",
        "content-length": "7",
        "accept-encoding": "identity",
    }


def test_a_body_may_be_large_or_missing(world: World, wire: HttpsWire) -> None:
    server = world.host("a.test", ok())
    ask(wire, f"a.test:{server.port}", method="POST", body=b"x" * 3_000_000)
    ask(wire, f"a.test:{server.port}", method="POST")
    ask(wire, f"a.test:{server.port}", method="GET")
    assert [len(request.body) for request in server.requests] == [3_000_000, 0, 0]
    assert [one.headers.get("content-length") for one in server.requests] == ["3000000", "0", None]


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabcde",
        b"HTTP/1.0 200 OK\r\n\r\nabcde",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde",
    ],
)
def test_bodies_come_in_several_wrappings(world: World, wire: HttpsWire, data: bytes) -> None:
    def handle(connection: Any, request: Request) -> None:
        connection.sendall(data)
        if b"Length" not in data and b"chunked" not in data:
            connection.close()

    server = world.host("a.test", handle)
    for _ in range(2):
        assert ask(wire, f"a.test:{server.port}").body == b"abcde"


def test_an_empty_answer_is_one(world: World, wire: HttpsWire) -> None:
    server = world.host("a.test", says(b"HTTP/1.1 204 No Content\r\n\r\n"))
    assert ask(wire, f"a.test:{server.port}").body == b""
    server.handler = ok(b"")
    assert ask(wire, f"a.test:{server.port}").body == b""
    assert server.connections == 1


# To whom, by which name.


def test_1_an_address_without_a_port(world: World, wire: HttpsWire) -> None:
    address = "127.9.8.7"
    server = world.server(address, handler=ok(), address=address, port=PORT)
    ask(wire, address)
    assert server.requests[0].headers["host"] == address
    # No name is told for an address.
    assert server.names == [None]


def test_1_an_address_of_version_6(world: World, wire: HttpsWire) -> None:
    server = world.server("::1", handler=ok(), address="::1")
    ask(wire, f"[::1]:{server.port}")
    assert server.requests[0].headers["host"] == f"[::1]:{server.port}"
    assert server.names == [None]


def test_1_the_certificate_must_be_for_the_address(world: World, wire: HttpsWire) -> None:
    server = world.server("a.test", handler=ok())
    with pytest.raises(Unreachable, match="IP address mismatch"):
        ask(wire, f"{server.address}:{server.port}")


def test_3_delegation_decides_host_and_certificate(world: World, wire: HttpsWire) -> None:
    server = world.host("b.test", ok())
    world.well_known("a.test", f"b.test:{server.port}".encode())
    ask(wire, "a.test")
    assert server.requests[0].headers["host"] == f"b.test:{server.port}"
    assert server.names == ["b.test"]


def test_4_a_record_decides_neither_host_nor_certificate(world: World, wire: HttpsWire) -> None:
    server = world.server("a.test", handler=ok())
    world.dns.add("_matrix-fed._tcp.a.test", "SRV", f"0 0 {server.port} c.test.")
    world.dns.add("c.test", "A", server.address)
    ask(wire, "a.test")
    assert server.requests[0].headers["host"] == "a.test"
    assert server.names == ["a.test"]


def test_4_the_certificate_must_not_be_for_the_records_target(
    world: World, wire: HttpsWire
) -> None:
    server = world.server("c.test", handler=ok())
    world.dns.add("_matrix-fed._tcp.a.test", "SRV", f"0 0 {server.port} c.test.")
    world.dns.add("c.test", "A", server.address)
    with pytest.raises(Unreachable, match="not valid for 'a.test'"):
        ask(wire, "a.test")
    assert server.requests == []


def test_6_the_name_itself(world: World, wire: HttpsWire) -> None:
    world.host("a.test", ok(b"6"), port=PORT)
    assert ask(wire, "a.test").body == b"6"


def test_addresses_are_tried_one_after_another(world: World, wire: HttpsWire) -> None:
    server = world.server("a.test", handler=ok(b"there"))
    world.dns.add("a.test", "A", "127.77.0.1", "127.77.0.2", server.address)
    assert ask(wire, f"a.test:{server.port}").body == b"there"


def test_when_no_address_answers_each_is_named(world: World, wire: HttpsWire) -> None:
    world.dns.add("a.test", "A", "127.77.0.1", "127.77.0.2")
    with pytest.raises(Unreachable) as caught:
        ask(wire, "a.test:7")
    assert caught.value.destination == "a.test:7"
    for address in ("127.77.0.1", "127.77.0.2"):
        assert f"{address}:7: Connection refused" in str(caught.value)


@pytest.mark.parametrize("name", ["nowhere.test:1", "nowhere.test", "not a name", "a..test"])
def test_a_name_that_leads_nowhere_is_unreachable(wire: HttpsWire, name: str) -> None:
    with pytest.raises(Unreachable):
        ask(wire, name)


# Certificates.


def certificate_of(world: World, **options: Any) -> trustme.LeafCert:
    return world.authority.issue_cert("a.test", **options)


def test_an_expired_certificate_is_not_good(world: World, wire: HttpsWire) -> None:
    past = datetime.now(UTC) - timedelta(days=1)
    expired = certificate_of(world, not_before=past - timedelta(days=9), not_after=past)
    server = world.server(handler=ok(), certificate=expired)
    world.dns.add("a.test", "A", server.address)
    with pytest.raises(Unreachable, match="certificate has expired"):
        ask(wire, f"a.test:{server.port}")
    assert server.requests == []


def test_another_authoritys_certificate_is_not_good(world: World, wire: HttpsWire) -> None:
    server = world.server(handler=ok(), certificate=trustme.CA().issue_cert("a.test"))
    world.dns.add("a.test", "A", server.address)
    with pytest.raises(Unreachable, match="certificate is not good"):
        ask(wire, f"a.test:{server.port}")


def test_a_name_that_stands_nowhere_else_than_in_the_subject_is_none(
    world: World, wire: HttpsWire
) -> None:
    unnamed = world.authority.issue_cert(common_name="a.test")
    server = world.server(handler=ok(), certificate=unnamed)
    world.dns.add("a.test", "A", server.address)
    with pytest.raises(Unreachable, match="certificate is not good"):
        ask(wire, f"a.test:{server.port}")


def test_the_systems_authorities_do_not_know_ours(world: World, new_wire: NewWire) -> None:
    server = world.host("a.test", ok())
    with pytest.raises(Unreachable, match="certificate is not good"):
        ask(new_wire(tls=Tls()), f"a.test:{server.port}")


def test_listed_names_need_no_certificate(
    world: World, new_wire: NewWire, authority_file: Path
) -> None:
    wire = new_wire(tls=Tls([authority_file], unverified=["*.onion", "lan"]))
    other = trustme.CA()
    for name in ("x.onion", "lan", "x.test"):
        server = world.server(handler=ok(), certificate=other.issue_cert("whatever"))
        world.dns.add(name, "A", server.address)
        if name == "x.test":
            with pytest.raises(Unreachable, match="certificate is not good"):
                ask(wire, f"{name}:{server.port}")
        else:
            assert ask(wire, f"{name}:{server.port}").status == 200
            assert server.names == [name]


def test_certificates_may_be_switched_off(world: World, new_wire: NewWire) -> None:
    server = world.server(handler=ok(), certificate=trustme.CA().issue_cert("whatever"))
    world.dns.add("a.test", "A", server.address)
    assert ask(new_wire(tls=Tls(verifies=False)), f"a.test:{server.port}").status == 200


def test_the_least_version_of_tls_is_kept(
    world: World, new_wire: NewWire, authority_file: Path
) -> None:
    server = world.host("a.test", ok())
    server.context.maximum_version = 0x0303  # 1.2
    assert ask(new_wire(), f"a.test:{server.port}").status == 200
    strict = new_wire(tls=Tls([authority_file], minimum_version="1.3"))
    with pytest.raises(Unreachable, match="TLS fails: .*protocol version"):
        ask(strict, f"a.test:{server.port}")
