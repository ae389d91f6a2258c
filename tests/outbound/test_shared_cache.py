"""What is found out once for all, and kept no longer than it is of use."""

import gevent
import pytest

from impl.outbound.shared_cache import Entry, Found, SharedCache
from tests.outbound.conftest import Clock


def test_what_is_of_no_use_any_more_is_dropped_as_others_come(clock: Clock) -> None:
    cache: SharedCache[int] = SharedCache(1000, clock)
    for number in range(100):
        cache.get(f"a{number}", lambda _: Found(1, 10.0))
    clock.now_s += 11
    for number in range(60):
        cache.get(f"b{number}", lambda _: Found(1, 1000.0))
    # Those that were looked at first are gone first.
    assert set(cache._entries) == {f"b{number}" for number in range(60)}


def test_what_is_stale_is_kept_for_who_has_a_use_for_it(clock: Clock) -> None:
    cache: SharedCache[int] = SharedCache(1000, clock, stale_s=100.0)
    seen: list[Entry[int] | None] = []

    def find(last: Entry[int] | None) -> Found[int]:
        seen.append(last)
        return Found(len(seen), 10.0)

    assert cache.get("a", find) == 1
    clock.now_s += 50
    cache.get("b", lambda _: Found(0, 10.0))
    assert cache.get("a", find) == 2
    assert seen[0] is None and seen[1] is not None and seen[1].found.value == 1


def test_a_failure_that_nobody_foresaw_is_told_to_all_and_not_kept(clock: Clock) -> None:
    cache: SharedCache[int] = SharedCache(1000, clock)

    def fail(_: Entry[int] | None) -> Found[int]:
        gevent.sleep(0)
        raise ZeroDivisionError

    jobs = [gevent.spawn(cache.get, "a", fail) for _ in range(3)]
    gevent.joinall(jobs)
    assert all(isinstance(job.exception, ZeroDivisionError) for job in jobs)
    assert cache.get("a", lambda _: Found(1, 1.0)) == 1


def test_a_failure_that_is_kept_does_not_keep_who_got_it(clock: Clock) -> None:
    cache: SharedCache[int] = SharedCache(1000, clock)
    failure = ValueError("no")
    for _ in range(3):
        with pytest.raises(ValueError, match="no"):
            cache.get("a", lambda _: Found(None, 10.0, failure))
    assert failure.__traceback__ is None
