"""The wire: what carries a request to another server and brings its answer.

HttpsWire (https_wire.py) is the real one. Tests put another in its place, which leads to another
App in the same process, and which drops, delays and reorders."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from impl.outbound.failures import Unreachable

# Of an answer that is an error: more than an errcode, and what is to be said about it, takes.
ERROR_BYTES_MAX = 64 << 10


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class WireResponse:
    """An answer, whatever its status. The names of the headers are in lower case. The body of an
    error is left out where it is of more than ERROR_BYTES_MAX.

    Of the large ones there are few at a time: whoever has got one calls `done` when nothing of it
    is needed any more."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    done: Callable[[], None] = field(default=_nothing, compare=False)

    @property
    def is_error(self) -> bool:
        return not 200 <= self.status < 300


class Wire(Protocol):
    def request(
        self,
        destination: str,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout_s: float,
        bytes_max: int,
    ) -> WireResponse:
        """Send to the server of that name. `timeout_s` is for all of it, from its name to the last
        byte of its answer.

        Raises Unreachable, also for an answer of more than `bytes_max`."""
        ...

    def close(self) -> None:
        """Nothing will be sent any more."""
        ...


class NoWire:
    """For an App that is not to talk to anybody: nobody can be reached."""

    def request(
        self, destination: str, method: str, target: str, **options: object
    ) -> WireResponse:
        raise Unreachable(destination, "this process sends no requests to other servers")

    def close(self) -> None:
        pass
