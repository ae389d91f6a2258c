"""Servers with names that say nothing of where they are: found by a DNS server of the test's own,
one by SRV records, the other by a well-known document. S-S API, "Resolving server names"."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.outbound.world import World, an_address, ok
from tests.synapse.certificates import Certificates
from tests.synapse.comparing import agree, know
from tests.synapse.homeservers import Homeserver, SomaServer, SynapseServer
from tests.synapse.people import Person

Pair = tuple[Homeserver, Homeserver]
# How Soma is found, and how Synapse.
WAYS = [("srv", "well-known"), ("well-known and srv", "old srv")]
# Where well-known documents are asked for.
HTTPS_PORT = 443
# Synapse asks the system for addresses, and Twisted's resolver for SRV records.
SYNAPSE_WITH_DNS = """
import socket, sys
from twisted.names import client, dns

host, port = sys.argv.pop(1).split(":")
dns_server = host, int(port)
client.theResolver = client.Resolver(servers=[dns_server])
system = socket.getaddrinfo

def getaddrinfo(name, *options, **more):
    if not isinstance(name, str) or not name.endswith(".example"):
        return system(name, *options, **more)
    question = dns.Message(id=1, recDes=1)
    question.addQuery(name, dns.A)
    with socket.socket(type=socket.SOCK_DGRAM) as asking:
        asking.settimeout(5)
        asking.sendto(question.toStr(), dns_server)
        answer = dns.Message()
        answer.fromStr(asking.recv(4096))
    if not answer.answers:
        raise socket.gaierror(socket.EAI_NONAME, name)
    return system(answer.answers[0].payload.dottedQuad(), *options, **more)

socket.getaddrinfo = getaddrinfo
from synapse.app.homeserver import main
main()
"""


class SynapseWithDns(SynapseServer):
    def ask(self, dns_server: str) -> None:
        self._program = ("-c", SYNAPSE_WITH_DNS, dns_server)


@pytest.fixture
def world(certificates: Certificates) -> Iterator[World]:
    world = World(certificates.authority)
    yield world
    world.close()


@pytest.fixture(params=WAYS, ids=str)
def named(
    request: pytest.FixtureRequest, world: World, certificates: Certificates, tmp_path: Path
) -> Iterator[Pair]:
    """Soma and Synapse under names."""
    if any("well-known" in way for way in request.param) and os.geteuid() != 0:
        pytest.skip(f"port {HTTPS_PORT} is for the administrator only")
    dns_server = "{}:{}".format(*world.dns.end)
    of_soma, of_synapse = (
        settings(certificates, name, way)
        for name, way in zip(("soma.example", "synapse.example"), request.param, strict=True)
    )
    of_soma["soma"] = {"federation": {"dns_servers": [dns_server]}}
    soma = SomaServer.new(certificates, **of_soma)
    synapse = SynapseWithDns(certificates, tmp_path, **of_synapse)
    synapse.ask(dns_server)
    for server, way in zip((soma, synapse), request.param, strict=True):
        publish(world, server, way)
    with soma, synapse:
        yield soma, synapse


def settings(certificates: Certificates, name: str, way: str) -> dict[str, Any]:
    """Whoever delegates to another name shows a certificate of that, others one of their own."""
    certificate, key = certificates.issue(f"fed.{name}" if "well-known" in way else name)
    return {
        "server_name": name,
        "tls_certificate_path": str(certificate),
        "tls_private_key_path": str(key),
    }


def publish(world: World, server: Homeserver, way: str) -> None:
    """Let the world know where a server is."""
    name, port = server.name, server.link.port
    if "well-known" not in way:
        service = "_matrix._tcp" if way == "old srv" else "_matrix-fed._tcp"
        # The server's own name leads to an address where nobody is.
        world.dns.add(name, "A", an_address())
        world.dns.add(f"{service}.{name}", "SRV", f"10 1 {port} host.{name}.")
        world.dns.add(f"host.{name}", "A", "127.0.0.1")
        return
    elsewhere = f"fed.{name}"
    world.dns.add(elsewhere, "A", "127.0.0.1")
    place = elsewhere if "srv" in way else f"{elsewhere}:{port}"
    if "srv" in way:
        world.dns.add(f"_matrix-fed._tcp.{elsewhere}", "SRV", f"10 1 {port} {elsewhere}.")
    body = json.dumps({"m.server": place}).encode()
    world.host(name, ok(body, content_type="application/json"), port=HTTPS_PORT)


def test_servers_find_each_other_by_their_names(named: Pair, person: Callable[..., Person]) -> None:
    alice, bob = person(named[0], "alice"), person(named[1], "bob")
    assert alice.user_id.endswith(":soma.example") and bob.user_id.endswith(":synapse.example")
    for one, other, home in ((alice, bob, named[0]), (bob, alice, named[1])):
        room_id = one.create_room(preset="public_chat")
        other.join(room_id, home.name)
        one.wait_for_membership(room_id, other, "join")
        agree(room_id, one, other)
        know(room_id, [one.send(room_id, "hello"), other.send(room_id, "hello")], one, other)
