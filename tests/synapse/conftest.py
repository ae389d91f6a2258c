"""Soma and Synapse on one network: this machine's loopback, with TLS by a certificate authority of
the test's own. `tox -e synapse` has an environment with Synapse in it; where Synapse is not
installed there is nothing to collect here.

SOMA_TEST_SYNAPSE names the Python of another environment with Synapse in it."""

import importlib.util
import itertools
import os
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest
import trustme

from tests.synapse.certificates import Certificates
from tests.synapse.homeservers import Homeserver, SomaServer, SynapseServer
from tests.synapse.people import Person

HAS_SYNAPSE = bool(os.environ.get("SOMA_TEST_SYNAPSE")) or bool(importlib.util.find_spec("synapse"))
collect_ignore_glob = [] if HAS_SYNAPSE else ["test_*.py"]

SERVERS = pytest.StashKey[dict[str, Homeserver]]()
LOG_CHARACTERS_MAX = 100_000

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(trustme.CA(), tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def soma(certificates: Certificates) -> Iterator[Homeserver]:
    """One Soma of two workers for all dialogues: people and rooms of a dialogue are its own."""
    with SomaServer.new(certificates) as server:
        yield server


@pytest.fixture(scope="session")
def synapse(
    certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Homeserver]:
    with SynapseServer(certificates, tmp_path_factory.mktemp("synapse"), "127.0.0.1") as server:
        yield server


@pytest.fixture(scope="session")
def other_synapse(
    certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Homeserver]:
    directory = tmp_path_factory.mktemp("other-synapse")
    with SynapseServer(certificates, directory, "127.0.0.2") as server:
        yield server


@pytest.fixture(params=["soma first", "synapse first"])
def pair(
    request: pytest.FixtureRequest, soma: Homeserver, synapse: Homeserver
) -> Iterator[tuple[Homeserver, Homeserver]]:
    """Both, in either order: a dialogue in which the first one makes the room. They are put in
    order again after it."""
    servers = (soma, synapse) if request.param == "soma first" else (synapse, soma)
    yield servers
    for one in servers:
        one.link.mend()
        if not one.is_running:
            one.start()


@pytest.fixture(autouse=True)
def _logs(request: pytest.FixtureRequest) -> None:
    """A test that fails shows what the servers logged meanwhile."""
    names = [one for one in ("soma", "synapse", "other_synapse") if one in request.fixturenames]
    servers = {name: request.getfixturevalue(name) for name in names}
    for one in servers.values():
        one.note_log()
    request.node.stash[SERVERS] = servers


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report = yield
    if report.failed:
        for name, server in item.stash.get(SERVERS, {}).items():
            report.sections.append((f"log of {name}", server.news[-LOG_CHARACTERS_MAX:]))
    return report


@pytest.fixture
def person() -> Callable[[Homeserver, str], Person]:
    """Makes people who are in no other dialogue, and have synced: `person(server, "alice")`."""

    def make(server: Homeserver, name: str) -> Person:
        made = server.register(f"{name}{next(_numbers)}")
        made.sync()
        return made

    return make


@pytest.fixture
def alice(pair: tuple[Homeserver, Homeserver], person: Callable[..., Person]) -> Person:
    """Is on the first server."""
    return person(pair[0], "alice")


@pytest.fixture
def bob(pair: tuple[Homeserver, Homeserver], person: Callable[..., Person]) -> Person:
    """Is on the second."""
    return person(pair[1], "bob")
