"""`soma federation check`, as it is typed."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from impl.commands import main as commands
from impl.core.signing import write_signing_key
from tests.outbound.homeserver import KEY, Homeserver
from tests.outbound.world import World, an_address
from tests.supervisor.soma_process import SomaServer, soma


@pytest.fixture
def world() -> Iterator[World]:
    world = World(trustme.CA())
    yield world
    world.close()


@pytest.fixture
def server(world: World) -> Homeserver:
    """Under the name that `config_file` has."""
    host = world.host("a.test", None)
    homeserver = Homeserver(f"a.test:{host.port}", time.time_ns() // 1_000_000)
    host.handler = homeserver
    return homeserver


@pytest.fixture
def config_file(world: World, server: Homeserver, tmp_path: Path) -> Path:
    world.authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    (tmp_path / "signing.key").write_text(write_signing_key(KEY))
    values: dict[str, Any] = {
        "server_name": server.keys["server_name"],
        "signing_key_path": "signing.key",
        "federation_custom_ca_list": ["ca.pem"],
        "ip_range_blacklist": [],
        "soma": {"federation": {"dns_servers": ["{}:{}".format(*world.dns.end)]}},
    }
    path = tmp_path / "homeserver.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def check(config_file: Path, *words: str) -> int:
    return commands.main(["federation", "check", "-c", str(config_file), *words])


def test_this_server_is_looked_at(config_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(config_file) == 0
    shown = capsys.readouterr().out
    assert "  ok       keys         127." in shown
    assert "All is well." in shown


def test_another_server_is_looked_at(
    world: World, config_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world.dns.add("b.test", "A", "127.80.0.5")
    assert check(config_file, "b.test:9") == 1
    shown = capsys.readouterr().out
    assert "  PROBLEM  connection   127.80.0.5:9: Connection refused\n" in shown
    assert "1 problem." in shown


def test_it_is_told_to_scripts_as_json(
    config_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(config_file, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["subject"] for one in found][:2] == ["name", "address"]
    assert {one["verdict"] for one in found} == {"ok"}


def test_a_server_cannot_write_to_the_terminal_as_it_likes(
    config_file: Path, server: Homeserver, capsys: pytest.CaptureFixture[str]
) -> None:
    server.version["server"]["name"] = "\x1b[2JAll is well.\n"
    check(config_file)
    assert "\x1b" not in capsys.readouterr().out


def test_a_signing_key_that_is_not_there_is_remarked(
    config_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (config_file.parent / "signing.key").unlink()
    assert check(config_file) == 0
    assert "signing_key_path" in capsys.readouterr().err


def test_it_runs_in_a_process_of_its_own(config_file: Path) -> None:
    # There, gevent has put nothing in the place of the standard library.
    result = soma("federation", "check", "-c", config_file)
    assert "All is well." in result.stdout, result.stdout + result.stderr
    assert result.returncode == 0
    assert result.stderr == ""


def test_a_server_that_was_just_started_is_well(world: World, tmp_path: Path) -> None:
    address = an_address()
    leaf = world.authority.issue_cert("soma.test")
    leaf.private_key_pem.write_to_path(tmp_path / "key.pem")
    leaf.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    world.authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    world.dns.add("soma.test", "A", address)
    server = SomaServer(
        tmp_path,
        tls_certificate_path="cert.pem",
        tls_private_key_path="key.pem",
        federation_custom_ca_list=["ca.pem"],
        ip_range_blacklist=[],
    )
    server.write_config(
        server_name=f"soma.test:{server.port}",
        soma={
            "data_dir": "data",
            "workers": 1,
            "federation": {"dns_servers": ["{}:{}".format(*world.dns.end)]},
        },
        listeners=[
            *server.values["listeners"],
            {
                "port": server.port,
                "type": "http",
                "tls": True,
                "bind_addresses": [address],
                "resources": [{"names": ["federation"]}],
            },
        ],
    )
    server.start()
    try:
        result = soma("federation", "check", "-c", server.config)
    finally:
        server.stop()
    assert "All is well." in result.stdout, result.stdout + result.stderr
    assert ": Soma " in result.stdout


def test_without_a_subcommand_it_explains_itself() -> None:
    result = soma("federation")
    assert result.returncode == 2
    assert "soma federation check" in result.stdout
