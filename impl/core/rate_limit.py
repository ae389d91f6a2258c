"""How often is too often: the generic cell rate algorithm on a table of numbers. C-S API, "Rate
limiting".

For each key one number is kept: the time at which all that it has spent will have been earned back.
An action costs the time that earns one, and is refused where the debt would be more than the burst.
A refused action costs nothing.

The table has a fixed size and is shared by the workers of a machine, so keys meet in slots. Each
key has three slots and its debt is the least of the three: it is refused in another's stead only
where all three are taken by busier keys. Slots only ever grow, and what grew is over by itself, as
time passes.
"""

from dataclasses import dataclass
from hashlib import blake2b
from struct import Struct
from typing import Protocol

_THREE = Struct("<3Q").unpack
# What earns nothing is earned after so long.
_NEVER_MS = 1e12


class Slots(Protocol):
    """As many numbers as a power of two, all zero at first."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: int, /) -> float: ...

    def __setitem__(self, place: int, until: float, /) -> None: ...


class Limit(Protocol):
    """So many at once, and from then on so many a second."""

    @property
    def per_second(self) -> float: ...

    @property
    def burst_count(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Allowance:
    """A limit that is somebody's own."""

    per_second: float
    burst_count: float


def wait_ms(slots: Slots, limit: Limit, key: str, now_ms: int, actions: int = 1) -> int:
    """How long the key must wait before so many further actions; 0 if it need not. Nothing is
    spent."""
    until = _debt_until(slots, _places(slots, key), now_ms, limit)
    return _wait(until, limit, now_ms, actions)


def spend(slots: Slots, limit: Limit, key: str, now_ms: int, actions: int = 1) -> int:
    """Take so many actions from the key's allowance, and 0; or how long it must wait."""
    places = _places(slots, key)
    until = _debt_until(slots, places, now_ms, limit)
    wait = _wait(until, limit, now_ms, actions)
    if wait == 0:
        until += actions * _interval_ms(limit)
        for place in places:
            if slots[place] < until:
                slots[place] = until
    return wait


def _interval_ms(limit: Limit) -> float:
    return min(1000 / limit.per_second, _NEVER_MS) if limit.per_second > 0 else _NEVER_MS


def _places(slots: Slots, key: str) -> tuple[int, ...]:
    # The same in every process, which `hash` is not.
    mask = len(slots) - 1
    digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=24).digest()
    return tuple([number & mask for number in _THREE(digest)])


def _debt_until(slots: Slots, places: tuple[int, ...], now_ms: int, limit: Limit) -> float:
    until = max(min([slots[place] for place in places]), now_ms)
    # More than a full burst is another limit's debt, or a clock's that was set back.
    return min(until, now_ms + limit.burst_count * _interval_ms(limit))


def _wait(until: float, limit: Limit, now_ms: int, actions: int) -> int:
    over = until - now_ms - (limit.burst_count - actions) * _interval_ms(limit)
    return 0 if over <= 0 else max(1, -int(-over // 1))
