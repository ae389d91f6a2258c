"""The wire: what carries a request to another server and brings its answer.

HttpsWire (https_wire.py) is the real one. Tests put another in its place, which leads to another
App in the same process, and which drops, delays and reorders."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from impl.outbound.failures import Unreachable

# Of an answer that is an error: more than an errcode, and what is to be said about it, takes.
ERROR_BYTES_MAX = 64 << 10
NO_WIRE = "this process sends no requests to other servers"


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


class Sink(Protocol):
    """Takes an answer as it comes, so that nobody holds the whole of it. What it raises ends the
    answer, and is not OSError, which is the connection's.
    """

    def begin(self, headers: Mapping[str, str]) -> None:
        """It is no error, and these are its headers."""
        ...

    def write(self, piece: bytes) -> None: ...


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

    def download(
        self,
        destination: str,
        target: str,
        *,
        headers: Mapping[str, str],
        timeout_s: float,
        bytes_max: int,
        sink: Sink,
    ) -> WireResponse:
        """GET what may be large from the server of that name: its body goes to `sink`. It must
        begin to come in `timeout_s`, and then go on coming. `bytes_max` is about what `sink` will
        take: whether it is too much, `sink` says.

        Raises Unreachable, and what `sink` raises."""
        ...

    def download_url(
        self,
        url: str,
        *,
        timeout_s: float,
        bytes_max: int,
        sink: Sink,
    ) -> WireResponse:
        """The same from an `https://` URL that somebody names, who may redirect us."""
        ...

    def close(self) -> None:
        """Nothing will be sent any more."""
        ...


class NoWire:
    """For an App that is not to talk to anybody: nobody can be reached."""

    def request(
        self, destination: str, method: str, target: str, **options: object
    ) -> WireResponse:
        raise Unreachable(destination, NO_WIRE)

    def download(self, destination: str, target: str, **options: object) -> WireResponse:
        raise Unreachable(destination, NO_WIRE)

    def download_url(self, url: str, **options: object) -> WireResponse:
        raise Unreachable(url, NO_WIRE)

    def close(self) -> None:
        pass
