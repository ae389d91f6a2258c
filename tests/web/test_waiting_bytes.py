"""Who waits longest for most is given up where there is no space."""

from contextlib import ExitStack

import pytest

from impl.web.waiting_bytes import LARGE_BYTES, GivenUp, WaitingBytes

MIB = 1 << 20


class Waiters:
    def __init__(self, waiting: WaitingBytes, stack: ExitStack) -> None:
        self.waiting, self.stack = waiting, stack
        self.given_up: list[str] = []

    def hold(self, name: str, size: int) -> None:
        """`name`: an address and a number."""
        address = name.split()[0]
        self.stack.enter_context(
            self.waiting.hold(address, size, lambda: self.given_up.append(name))
        )


def test_nobody_is_given_up_while_there_is_space() -> None:
    waiting = WaitingBytes(10 * MIB)
    for _ in range(100):
        with ExitStack() as stack:
            waiters = Waiters(waiting, stack)
            for number in range(10):
                waiters.hold(f"a {number}", MIB)
                waiters.hold(f"b {number}", LARGE_BYTES)
            assert waiters.given_up == []
        assert waiting.total == 0


def test_whoever_has_most_waiting_makes_space() -> None:
    waiting = WaitingBytes(10 * MIB)
    with ExitStack() as stack:
        waiters = Waiters(waiting, stack)
        waiters.hold("honest 1", MIB)
        for number in range(9):
            waiters.hold(f"evil {number}", MIB)
        waiters.hold("honest 2", MIB)
        assert waiters.given_up == ["evil 0"]
        waiters.hold("evil 9", 3 * MIB)
        assert waiters.given_up == ["evil 0", "evil 1", "evil 2", "evil 3"]
        waiters.hold("late 1", 4 * MIB)
        assert waiters.given_up == [f"evil {number}" for number in range(8)]
        assert waiting.total <= 10 * MIB
    assert waiting.total == 0


def test_what_is_larger_than_all_space_gives_itself_up() -> None:
    waiting = WaitingBytes(10 * MIB)
    with ExitStack() as stack:
        waiters = Waiters(waiting, stack)
        waiters.hold("honest 1", MIB)
        with pytest.raises(GivenUp):
            waiters.hold("evil 1", 11 * MIB)
        assert waiters.given_up == ["evil 1"]
        assert waiting.total == MIB
    assert waiting.total == 0
