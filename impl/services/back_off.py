"""Whom it is not worth to ask again yet, in this worker's memory."""

from collections import OrderedDict
from collections.abc import Hashable

ENTRIES_MAX = 20_000


class BackOff:
    """What failed is left alone for `first_ms`, and twice as long each time that it fails again, up
    to `longest_ms`.
    """

    def __init__(self, first_ms: int, longest_ms: int) -> None:
        self._first_ms = first_ms
        self._longest_ms = longest_ms
        # When it failed last, and how often.
        self._failed: OrderedDict[Hashable, tuple[int, int]] = OrderedDict()

    def is_waiting(self, key: Hashable, now_ms: int, longest_ms: int | None = None) -> bool:
        """Whether to leave it alone, in any case not for longer than `longest_ms`."""
        found = self._failed.get(key)
        if found is None:
            return False
        failed_ts, count = found
        pause_ms = min(self._first_ms << min(count - 1, 32), self._longest_ms)
        if longest_ms is not None:
            pause_ms = min(pause_ms, longest_ms)
        # A clock that was set back must not make it wait until it is there again.
        return failed_ts <= now_ms < failed_ts + pause_ms

    def failed(self, key: Hashable, now_ms: int) -> None:
        count = self._failed.pop(key, (0, 0))[1]
        if len(self._failed) >= ENTRIES_MAX:
            self._failed.popitem(last=False)
        self._failed[key] = now_ms, count + 1

    def succeeded(self, key: Hashable) -> None:
        self._failed.pop(key, None)
