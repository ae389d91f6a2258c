"""Whom it is not worth to ask again yet, in this worker's memory."""

from collections import OrderedDict
from collections.abc import Hashable

ENTRIES_MAX = 20_000


class BackOff:
    """What is put off is left alone for `first_ms`, and for twice as long each time that it is put
    off again, up to `longest_ms`.
    """

    def __init__(self, first_ms: int, longest_ms: int) -> None:
        self._first_ms = first_ms
        self._longest_ms = longest_ms
        # Since when, and how often so far.
        self._put_off: OrderedDict[Hashable, tuple[int, int]] = OrderedDict()

    def __contains__(self, key: Hashable) -> bool:
        """Whether it was put off, and not forgotten since."""
        return key in self._put_off

    def is_waiting(self, key: Hashable, now_ms: int, longest_ms: int | None = None) -> bool:
        """Whether to leave it alone, in any case not for longer than `longest_ms`."""
        found = self._put_off.get(key)
        if found is None:
            return False
        since_ts, count = found
        pause_ms = min(self._first_ms << min(count - 1, 32), self._longest_ms)
        if longest_ms is not None:
            pause_ms = min(pause_ms, longest_ms)
        # A clock that was set back must not make it wait until it is there again.
        return since_ts <= now_ms < since_ts + pause_ms

    def put_off(self, key: Hashable, now_ms: int) -> None:
        count = self._put_off.pop(key, (0, 0))[1]
        if len(self._put_off) >= ENTRIES_MAX:
            self._put_off.popitem(last=False)
        self._put_off[key] = now_ms, count + 1

    def forget(self, key: Hashable) -> None:
        self._put_off.pop(key, None)
