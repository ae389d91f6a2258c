"""Whom it is not worth to ask again yet."""

import pytest

from impl.services import back_off
from impl.services.back_off import BackOff


def test_it_is_left_alone_for_longer_each_time_up_to_a_limit() -> None:
    some = BackOff(100, 500)
    now = 1000
    for pause in (100, 200, 400, 500, 500):
        assert not some.is_waiting("a", now)
        some.put_off("a", now)
        assert some.is_waiting("a", now + pause - 1)
        now += pause
    some.put_off("a", now)
    assert not some.is_waiting("a", now + 50, longest_ms=50)
    assert not some.is_waiting("b", now)
    some.forget("a")
    assert not some.is_waiting("a", now)
    some.put_off("a", now)
    assert not some.is_waiting("a", now + 100)


def test_it_does_not_matter_how_often() -> None:
    some = BackOff(1, 1 << 40)
    for _ in range(2000):
        some.put_off("a", 0)
    assert some.is_waiting("a", (1 << 32) - 1) and not some.is_waiting("a", 1 << 32)


def test_a_clock_that_was_set_back_is_no_reason_to_wait() -> None:
    some = BackOff(100, 500)
    some.put_off("a", 1_000_000)
    assert not some.is_waiting("a", 999_999)


def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(back_off, "ENTRIES_MAX", 10)
    some = BackOff(100, 500)
    for number in range(20):
        some.put_off("again", 0)
        some.put_off(number, 0)
    waiting = [number for number in range(20) if some.is_waiting(number, 50)]
    assert waiting == list(range(11, 20)) and some.is_waiting("again", 50)
