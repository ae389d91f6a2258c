"""Soma and Synapse on one network: this machine's loopback, with TLS by a certificate authority of
the test's own. `tox -e synapse` has an environment with Synapse in it; where Synapse is not
installed there is nothing to collect here.

SOMA_TEST_SYNAPSE names the Python of another environment with Synapse in it."""

import importlib.util
import os
from collections.abc import Iterator

import pytest
import trustme

from tests.synapse.certificates import Certificates
from tests.synapse.homeservers import Homeserver, SomaServer, SynapseServer

HAS_SYNAPSE = bool(os.environ.get("SOMA_TEST_SYNAPSE")) or bool(importlib.util.find_spec("synapse"))
collect_ignore_glob = [] if HAS_SYNAPSE else ["test_*.py"]


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
    with SynapseServer(certificates, tmp_path_factory.mktemp("synapse")) as server:
        yield server


@pytest.fixture(scope="session")
def other_synapse(
    certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Homeserver]:
    with SynapseServer(certificates, tmp_path_factory.mktemp("other-synapse")) as server:
        yield server


@pytest.fixture(params=["soma first", "synapse first"])
def pair(
    request: pytest.FixtureRequest, soma: Homeserver, synapse: Homeserver
) -> tuple[Homeserver, Homeserver]:
    """Both, in either order: a dialogue in which the first one makes the room."""
    return (soma, synapse) if request.param == "soma first" else (synapse, soma)
