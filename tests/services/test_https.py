"""What the configuration says of other servers' addresses and certificates is what counts."""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
import trustme

from impl.config import Config
from impl.config.federation import SomaFederation
from impl.config.proxy import HttpsProxy
from impl.outbound.failures import Unreachable
from impl.services import https
from tests.outbound.world import World, an_address, ask, ok


@pytest.fixture
def world() -> Iterator[World]:
    world = World(trustme.CA())
    yield world
    world.close()


@pytest.fixture
def configured(config: Config, world: World, tmp_path: Path) -> Config:
    """Names are looked up in the world, and its authority is trusted."""
    world.authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    federation = SomaFederation(dns_servers=(world.dns.end,))
    return replace(
        config,
        soma=replace(config.soma, federation=federation),
        federation_custom_ca_list=(tmp_path / "ca.pem",),
    )


def test_the_authorities_and_dns_servers_of_the_configuration_are_used(
    world: World, configured: Config
) -> None:
    server = world.host("a.test", ok())
    wire = https.wire_of(configured)
    assert ask(wire, f"a.test:{server.port}").status == 200
    assert server.requests[0].headers["user-agent"].startswith("Soma/")
    wire.close()


def test_ranges_of_the_configuration_are_refused(world: World, configured: Config) -> None:
    server = world.host("a.test", ok())
    loopback = ip_network("127.0.0.0/8")
    name = f"a.test:{server.port}"
    closed = replace(configured, federation_ip_range_blacklist=(loopback,))
    with pytest.raises(Unreachable, match="does not connect to"):
        ask(https.wire_of(closed), name)
    assert server.connections == 0
    opened = replace(closed, ip_range_whitelist=(ip_network(server.address),))
    assert ask(https.wire_of(opened), name).status == 200


def test_certificates_of_the_configuration(world: World, configured: Config) -> None:
    server = world.server("other.test", handler=ok())
    world.dns.add("a.test", "A", server.address)
    name = f"a.test:{server.port}"
    with pytest.raises(Unreachable, match="certificate"):
        ask(https.wire_of(configured), name)
    listed = replace(configured, federation_certificate_verification_whitelist=("*.test",))
    assert ask(https.wire_of(listed), name).status == 200
    unchecked = replace(configured, federation_verify_certificates=False)
    assert ask(https.wire_of(unchecked), name).status == 200


def test_urls_of_the_web_need_a_certificate_that_the_web_believes(
    world: World, configured: Config
) -> None:
    server = world.host("a.test", ok())
    for config in (configured, replace(configured, federation_verify_certificates=False)):
        wire = https.wire_of(config)
        with pytest.raises(Unreachable, match="certificate"):
            wire.download_url(
                f"https://a.test:{server.port}/",
                timeout_s=5.0,
                bytes_max=1000,
                sink=None,  # type: ignore[arg-type]
            )
        wire.close()


def test_the_proxy_of_the_configuration_is_used(world: World, configured: Config) -> None:
    server = world.host("a.test", ok())
    # Nobody is there.
    proxy = HttpsProxy(an_address(), 9)
    for exempt, reason in (((), "the proxy is not reached"), (("a.test",), None)):
        config = replace(
            configured,
            ip_range_whitelist=(ip_network("127.0.0.0/8"),),
            https_proxy=replace(proxy, exempt_names=exempt),
        )
        wire = https.wire_of(config)
        try:
            if reason is None:
                assert ask(wire, f"a.test:{server.port}").status == 200
            else:
                with pytest.raises(Unreachable, match=reason):
                    ask(wire, f"a.test:{server.port}")
        finally:
            wire.close()
    assert https.instruments_of(config).proxy is not None
