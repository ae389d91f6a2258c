"""Whom to ask for a membership, and what becomes of their refusals.

Any server in the room will do, and each may be away, behind, or unable to vouch. So they are asked
one after the other, until one has done it or a second one says that it is not allowed: what one
server does not know another may, but nobody asks twenty servers whether they are banned."""

import logging
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from gevent.event import AsyncResult

from impl import errors
from impl.app import App
from impl.core import identifiers
from impl.outbound.failures import FederationFailure, Refused
from impl.services import told_refusals

SERVERS_MAX = 20
REFUSALS_MAX = 2
# Nobody is asked any more after that: each may take minutes to answer nothing.
SECONDS_MAX = 240.0

# A refusal that says: not by me.
_ASK_ANOTHER = frozenset(
    {
        "M_NOT_FOUND",
        "M_UNRECOGNIZED",
        "M_UNKNOWN",
        "M_UNABLE_TO_AUTHORISE_JOIN",
        "M_UNABLE_TO_GRANT_JOIN",
        "M_LIMIT_EXCEEDED",
        "M_UNAUTHORIZED",
    }
)

_log = logging.getLogger(__name__)

T = TypeVar("T")


def in_order(app: App, *groups: Iterable[str]) -> list[str]:
    """The servers of some groups, each once, the first groups first; never ourselves."""
    names = dict.fromkeys(name for group in groups for name in group)
    others = [name for name in names if identifiers.is_server_name(name)]
    return [name for name in others if name != app.server_name][:SERVERS_MAX]


def first(servers: Iterable[str], what: str, ask: Callable[[str], T]) -> T:
    """What the first server answers that does it.

    Raises NotFound where there is nobody to ask; what the servers say, if that is a no; and a 502
    that names each server with its reason."""
    failures: list[FederationFailure] = []
    refusals: list[Refused] = []
    ends = time.monotonic() + SECONDS_MAX
    for server in servers:
        if failures and time.monotonic() > ends:
            break
        try:
            return ask(server)
        except FederationFailure as failure:
            _log.info("%s through %s failed: %s", what, server, failure.reason)
            failures.append(failure.bare())
            if isinstance(failure, Refused) and _is_a_no(failure):
                refusals.append(failure)
                if len(refusals) == REFUSALS_MAX:
                    break
    if not failures:
        raise errors.NotFound(f"this server does not know the room, nor whom to ask: {what} failed")
    if refusals:
        raise _as_error(refusals[0])
    reasons = "; ".join(str(failure) for failure in failures)
    raise errors.MatrixError(f"{what} failed through every server: {reasons}", status=502)


def to_its_end(app: App, work: Callable[[], T]) -> T:
    """What some work comes to, which is done even if whoever waits for it gives up: their time is
    over, or their connection. What another server has taken in must be taken in here."""
    result = AsyncResult()

    def run() -> None:
        try:
            result.set(work())
        except Exception as error:
            result.set_exception(error)

    app.spawn(run)
    return result.get()  # type: ignore[no-any-return]


def _is_a_no(failure: Refused) -> bool:
    return 400 <= failure.status < 500 and failure.errcode not in _ASK_ANOTHER


def _as_error(refusal: Refused) -> errors.MatrixError:
    extra = {}
    version = refusal.body.get("room_version")
    if refusal.errcode == "M_INCOMPATIBLE_ROOM_VERSION" and isinstance(version, str):
        extra["room_version"] = version
    message = f"{refusal.destination} refuses: {refusal.error or refusal.errcode}"
    return told_refusals.as_error(refusal, message, extra)
