"""How long a server that cannot be told is left alone.

The intervals are Synapse's and grow as there (`federation.destination_...`), each with some
chance in it, so that those that failed together are not tried together again. What failed for the
first time at a server that answered a moment ago is tried again a few times within a minute, since
servers restart; then the server is left alone."""

import random
from dataclasses import dataclass

from impl.config.federation import FederationTimes
from impl.outbound.failures import FederationFailure, Refused

JITTER = (0.8, 1.4)
_QUICK_BASE_MS = 4_000
# There is something in this transaction that it does not take: others it may.
_NOT_WITH_THIS = frozenset({400, 413, 422})
# So long is a server left alone that failed somebody who asked it something, at first: one blink is
# not held against it for long.
_ASKED_FIRST_MS = 30_000
_ASKED_MULTIPLIER = 4


def refuses_content(failure: FederationFailure) -> bool:
    """Whether the server is there and does not take what it was sent."""
    return isinstance(failure, Refused) and failure.status in _NOT_WITH_THIS


def quick_delay_ms(times: FederationTimes, attempts: int, failure: FederationFailure) -> int:
    """Before what was tried so many times is tried again soon; 0: it is not."""
    if attempts > times.max_long_retries:
        return 0
    delay = min(_QUICK_BASE_MS * 4 ** (attempts - 1), times.max_long_retry_delay)
    asked = retry_after_ms(failure)
    if asked > times.max_long_retry_delay:
        return 0
    return max(asked, int(delay * random.uniform(*JITTER)))


@dataclass(frozen=True, slots=True)
class Pause:
    """`interval_ms` is what the next one follows from."""

    interval_ms: int
    until_ts: int


def next_pause(
    times: FederationTimes, interval_ms: int, now_ms: int, failure: FederationFailure
) -> Pause:
    """After another failure; `interval_ms` is that of the last pause, 0 if there was none."""
    if interval_ms:
        grown = int(interval_ms * times.destination_retry_multiplier * random.uniform(*JITTER))
    else:
        grown = int(times.destination_min_retry_interval * random.uniform(*JITTER))
    grown = max(grown, retry_after_ms(failure))
    interval_ms = min(grown, times.destination_max_retry_interval)
    return Pause(interval_ms, now_ms + interval_ms)


def next_pause_of_asking(times: FederationTimes, interval_ms: int, now_ms: int) -> Pause:
    """The same after a failure of somebody who asked it something."""
    if interval_ms >= times.destination_min_retry_interval:
        grown = interval_ms * times.destination_retry_multiplier
    else:
        grown = interval_ms * _ASKED_MULTIPLIER or _ASKED_FIRST_MS
        grown = min(grown, times.destination_min_retry_interval)
    grown = max(interval_ms, int(grown * random.uniform(*JITTER)))
    interval_ms = min(grown, times.destination_max_retry_interval)
    return Pause(interval_ms, now_ms + interval_ms)


def retry_after_ms(failure: FederationFailure) -> int:
    """What a server that is asked too much says itself."""
    if isinstance(failure, Refused) and failure.status == 429:
        given = failure.body.get("retry_after_ms")
        if type(given) is int and given > 0:
            return given
    return 0
