"""A cache of what is slow to find out: bounded, each entry for a time of its own, and found out
once however many ask for it at the same moment.

The finding out is a greenlet of its own, so that whoever loses patience leaves the others their
answer. What fails is an entry like any other: the failure is remembered, and raised to all.
"""

import copy
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import gevent

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """A value, or a failure in its place, and how long it stands."""

    value: T | None
    ttl_s: float
    failure: Exception | None = None


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    found: Found[T]
    since_s: float

    def is_fresh(self, now_s: float) -> bool:
        return now_s - self.since_s < self.found.ttl_s


class SharedCache(Generic[T]):
    """`now_s` is a clock that never jumps; `stale_s` is for how long an entry that is no longer
    fresh is of use to whoever finds out again.
    """

    def __init__(self, entries_max: int, now_s: Callable[[], float], stale_s: float = 0.0) -> None:
        self._entries: OrderedDict[str, Entry[T]] = OrderedDict()
        self._entries_max = entries_max
        self._now_s = now_s
        self._stale_s = stale_s
        self._running: dict[str, gevent.Greenlet] = {}

    def get(self, key: str, find: Callable[[Entry[T] | None], Found[T]]) -> T:
        """The value; raises the failure. `find` is given the entry that is no longer fresh."""
        entry = self._entries.get(key)
        if entry is not None and entry.is_fresh(self._now_s()):
            self._entries.move_to_end(key)
            return _value_of(entry.found)
        running = self._running.get(key)
        if running is None:
            running = self._running[key] = gevent.spawn(self._find, key, find, entry)
        return _value_of(running.get())

    def forget(self, key: str, older_than_s: float = 0.0) -> bool:
        """Drop an entry that is at least so old; says whether there was one."""
        entry = self._entries.get(key)
        if entry is None or self._now_s() - entry.since_s < older_than_s:
            return False
        del self._entries[key]
        return True

    def _find(
        self, key: str, find: Callable[[Entry[T] | None], Found[T]], entry: Entry[T] | None
    ) -> Found[T]:
        try:
            found = find(entry)
        except Exception as failure:
            # Nothing that we foresaw: all who wait get to see it, and it is not remembered.
            return Found(None, 0.0, failure)
        finally:
            del self._running[key]
        self._entries[key] = Entry(found, self._now_s())
        self._entries.move_to_end(key)
        self._make_room()
        return found

    def _make_room(self) -> None:
        """Two are looked at for each that is added: what is of no use goes, sooner or later."""
        now_s = self._now_s()
        for _ in range(min(2, len(self._entries))):
            key, entry = next(iter(self._entries.items()))
            if entry.is_fresh(now_s - self._stale_s) and len(self._entries) <= self._entries_max:
                return
            del self._entries[key]


def _value_of(found: Found[T]) -> T:
    if found.failure is not None:
        # A copy: an exception that is raised holds on to where it went.
        raise copy.copy(found.failure)
    return found.value  # type: ignore[return-value]
