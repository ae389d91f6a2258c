"""The rate limiter's arithmetic."""

from array import array
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from impl.core import rate_limit


@dataclass(frozen=True)
class Limit:
    per_second: float
    burst_count: float


def slots(count: int = 1024) -> array:
    return array("d", bytes(8 * count))


def test_a_burst_passes_and_the_next_must_wait() -> None:
    table = slots()
    limit = Limit(per_second=2, burst_count=5)
    assert [rate_limit.spend(table, limit, "a", 1000) for _ in range(6)] == [0] * 5 + [500]


def test_who_waits_as_long_as_was_said_may_go_on() -> None:
    table = slots()
    limit = Limit(per_second=0.3, burst_count=1)
    assert rate_limit.spend(table, limit, "a", 1000) == 0
    wait = rate_limit.spend(table, limit, "a", 1000)
    assert rate_limit.spend(table, limit, "a", 1000 + wait - 1) > 0
    assert rate_limit.spend(table, limit, "a", 1000 + wait) == 0


def test_to_look_costs_nothing() -> None:
    table = slots()
    limit = Limit(per_second=1, burst_count=1)
    assert [rate_limit.wait_ms(table, limit, "a", 0) for _ in range(3)] == [0, 0, 0]
    assert rate_limit.spend(table, limit, "a", 0) == 0
    assert rate_limit.wait_ms(table, limit, "a", 0) == 1000


def test_several_actions_pass_together_or_not_at_all() -> None:
    table = slots()
    limit = Limit(per_second=1, burst_count=5)
    assert rate_limit.wait_ms(table, limit, "a", 0, 6) == 1000
    assert rate_limit.spend(table, limit, "a", 0, 3) == 0
    assert rate_limit.spend(table, limit, "a", 0, 3) == 1000
    assert rate_limit.spend(table, limit, "a", 0, 2) == 0
    assert rate_limit.spend(table, limit, "a", 0) == 1000


def test_keys_do_not_pay_for_each_other() -> None:
    table = slots()
    limit = Limit(per_second=0.001, burst_count=1)
    for number in range(50):
        assert rate_limit.spend(table, limit, f"user {number}", 0) == 0


def test_a_limit_that_earns_nothing_gives_its_burst_once() -> None:
    table = slots()
    limit = Limit(per_second=0, burst_count=2)
    assert [rate_limit.spend(table, limit, "a", 0) > 0 for _ in range(3)] == [False, False, True]


def test_a_burst_of_nothing_refuses_all() -> None:
    assert rate_limit.spend(slots(), Limit(per_second=1, burst_count=0), "a", 0) > 0


def test_a_clock_that_was_set_back_refuses_for_a_burst_at_most() -> None:
    table = slots()
    limit = Limit(per_second=1, burst_count=3)
    assert rate_limit.spend(table, limit, "a", 1_000_000_000) == 0
    assert rate_limit.spend(table, limit, "a", 1000) <= 3000


@given(
    st.floats(0.01, 100),
    st.integers(1, 20),
    st.lists(st.integers(0, 5000), min_size=1, max_size=60),
)
def test_never_more_than_the_burst_and_what_was_earned(
    per_second: float, burst_count: int, pauses: list[int]
) -> None:
    table = slots(8)
    limit = Limit(per_second, burst_count)
    now, passed = 0, 0
    for pause in pauses:
        now += pause
        passed += rate_limit.spend(table, limit, "a", now) == 0
    assert passed <= burst_count + now * per_second / 1000 + 1e-6
