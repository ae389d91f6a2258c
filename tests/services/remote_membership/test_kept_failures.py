"""One server after the other fails with an answer of hundreds of megabytes: by the time that the
next one is asked nothing of it is there any more.
"""

import gc
import weakref
from collections.abc import Callable, Iterator

import pytest

from impl import errors
from impl.app import App
from impl.outbound.failures import BadAnswer, FederationFailure, Unreachable
from impl.services.incoming.asking import Source
from impl.services.remote_membership import asking
from impl.storage.rooms import Room

SERVERS = [f"{number}.test" for number in range(5)]


class Read:
    """What was made of an answer."""


@pytest.fixture
def without_gc() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def failing(failure: type[FederationFailure], there: list[int]) -> Callable[[str], None]:
    """A question whose answer is no good; notes how many are there when it is asked."""
    answers: list[weakref.ref[Read]] = []

    def read(server: str) -> None:
        held = Read()
        answers.append(weakref.ref(held))
        raise KeyError("create")

    def ask(server: str) -> None:
        there.append(sum(one() is not None for one in answers))
        try:
            read(server)
        except KeyError as error:
            raise failure(server, "it tells of no room") from error

    return ask


@pytest.mark.usefixtures("without_gc")
def test_who_is_asked_for_a_membership() -> None:
    there: list[int] = []
    with pytest.raises(errors.MatrixError):
        asking.first(SERVERS, "joining", failing(BadAnswer, there))
    assert there == [0] * len(SERVERS)


@pytest.mark.usefixtures("without_gc")
@pytest.mark.parametrize("failure", [BadAnswer, Unreachable])
def test_who_is_asked_for_what_is_missing(app: App, failure: type[FederationFailure]) -> None:
    there: list[int] = []
    room = Room(1, "!room:0.test", "11")
    source = Source(app, room, SERVERS)
    with pytest.raises(failure):
        source.ask(failing(failure, there))
    assert there == [0] * len(SERVERS)
