"""A server of two workers, and for each of two people a door that leads to one worker only.

One server for all dialogues: people and rooms of a dialogue are its own.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop import npm
from tests.interop.pinned import Door
from tests.served import Served


@pytest.fixture(scope="package")
def server() -> Iterator[Served]:
    with Served.new(workers=2) as server:
        yield server


@pytest.fixture(scope="package")
def doors(server: Served) -> Iterator[tuple[str, str]]:
    """Two URLs: one worker answers what comes in at the first, another at the second."""
    first = Door(server.port, other_than=None)
    second = Door(server.port, other_than=first.worker)
    assert first.worker != second.worker
    yield first.url, second.url
    first.close()
    second.close()


@pytest.fixture(scope="package")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the dialogues in JavaScript and what they need."""
    return npm.install(tmp_path_factory.mktemp("js"))
