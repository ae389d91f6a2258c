"""How long a room wants its messages kept: m.room.retention. MSC1763.

Only `max_lifetime` has an effect; `min_lifetime` says before when nobody is to delete anything, and
is only read to see whether the two agree.

The time of a message is what its sender's clock said, but no later than when it came here: who
dates theirs ahead does not get round the policy."""

from collections.abc import Mapping
from typing import Any

from impl.core.canonical_json import INTEGER_MAX
from impl.core.event import Event
from impl.core.rejection import Malformed

RETENTION = ("m.room.retention", "")
# Clocks are not that exact.
AHEAD_MS = 60_000

_LIFETIMES = ("min_lifetime", "max_lifetime")


def check(content: Mapping[str, Any]) -> None:
    """Raises Malformed for what is no policy."""
    for name in _LIFETIMES:
        if not _is_lifetime(content.get(name)):
            raise Malformed(f"{name} must be a number of milliseconds from 0 to 2^53 - 1")
    shortest, longest = (content.get(name) for name in _LIFETIMES)
    if shortest is not None and longest is not None and shortest > longest:
        raise Malformed("min_lifetime must not be greater than max_lifetime")


def read(content: Mapping[str, Any]) -> int | None:
    """For how many milliseconds a message is to be seen; None where it is not said. What other
    servers let pass and makes no sense is no policy.
    """
    if not all(_is_lifetime(content.get(name)) for name in _LIFETIMES):
        return None
    longest: int | None = content.get("max_lifetime")
    return longest


def came_ts(event: Event, now_ms: int) -> int | None:
    """The time that counts of an event that comes, where it is not the one that it bears."""
    if event.origin_server_ts <= now_ms + AHEAD_MS or event.is_state:
        return None
    return now_ms


def _is_lifetime(value: object) -> bool:
    return value is None or (type(value) is int and 0 <= value <= INTEGER_MAX)
