"""A server of two workers, and for each of two people a door that leads to one worker only."""

from collections.abc import Iterator

import pytest

from tests.interop.pinned import Door
from tests.served import Served


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    with Served.new(workers=2) as server:
        yield server


@pytest.fixture(scope="module")
def doors(server: Served) -> Iterator[tuple[str, str]]:
    """Two URLs: one worker answers what comes in at the first, another at the second."""
    first = Door(server.port, other_than=None)
    second = Door(server.port, other_than=first.worker)
    assert first.worker != second.worker
    yield first.url, second.url
    first.close()
    second.close()
