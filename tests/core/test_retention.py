"""m.room.retention: what is a policy, and what is read of it."""

import pytest

from impl.core import retention
from impl.core.rejection import Malformed


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
