"""m.room.retention: what is a policy, and what is read of it."""

import pytest

from impl.core import retention
from impl.core.event import Event
from impl.core.rejection import Malformed
from impl.core.room_version import ROOM_VERSIONS


@pytest.mark.parametrize(
    ("content", "lifetime"),
    [
        ({}, None),
        ({"max_lifetime": None}, None),
        ({"min_lifetime": 5}, None),
        ({"max_lifetime": 0}, 0),
        ({"max_lifetime": 7, "min_lifetime": 7}, 7),
        ({"max_lifetime": 2**53 - 1, "min_lifetime": None}, 2**53 - 1),
    ],
)
def test_a_policy(content: dict[str, object], lifetime: int | None) -> None:
    retention.check(content)
    assert retention.read(content) == lifetime


@pytest.mark.parametrize("name", ["min_lifetime", "max_lifetime"])
@pytest.mark.parametrize("value", ["1d", 1.0, True, -1, 2**53, [], {}])
def test_what_is_no_lifetime_makes_it_none(name: str, value: object) -> None:
    content = {"max_lifetime": 7, name: value}
    with pytest.raises(Malformed, match=name):
        retention.check(content)
    assert retention.read(content) is None


def test_the_least_is_not_more_than_the_most() -> None:
    content = {"min_lifetime": 8, "max_lifetime": 7}
    with pytest.raises(Malformed, match="min_lifetime must not be greater"):
        retention.check(content)
    # What other servers let pass has an end all the same.
    assert retention.read(content) == 7


def test_of_a_message_that_was_dated_ahead_it_counts_when_it_came() -> None:
    now_ms = 1_000_000_000

    def came_ts(sent_ts: int, **more: object) -> int | None:
        pdu = {"type": "m.room.message", "content": {}, "origin_server_ts": sent_ts, **more}
        return retention.came_ts(Event(pdu, ROOM_VERSIONS["11"], "$x"), now_ms)

    assert came_ts(now_ms + retention.AHEAD_MS + 1) == now_ms
    assert came_ts(now_ms + retention.AHEAD_MS) is came_ts(now_ms - 1) is None
    # State is kept.
    assert came_ts(2 * now_ms, state_key="") is None
