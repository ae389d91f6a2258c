"""Whose bytes have stood still for longest is given up where there is no space."""

from contextlib import ExitStack

import pytest

from impl.web.waiting_bytes import LARGE_BYTES, PIECE_BYTES, GivenUp, Share, WaitingBytes

MIB = 1 << 20


class Waiters:
    def __init__(self, waiting: WaitingBytes, stack: ExitStack) -> None:
        self.waiting, self.stack = waiting, stack
        self.given_up: list[str] = []

    def hold(self, name: str, size: int) -> Share:
        """`name`: an address and a number."""
        address = name.split()[0]
        return self.stack.enter_context(
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


def test_what_moves_is_not_given_up_for_others() -> None:
    """Though it be the largest of all, and whoever else there is has many addresses."""
    waiting = WaitingBytes(10 * MIB)
    with ExitStack() as stack:
        waiters = Waiters(waiting, stack)
        moving = waiters.hold("honest 1", 2 * MIB)
        for number in range(40):
            waiters.hold(f"evil{number} 1", MIB)
            moving.move()
        assert waiters.given_up == [f"evil{number} 1" for number in range(32)]
        waiters.hold("late 1", 8 * MIB)
        assert "honest 1" not in waiters.given_up and "late 1" not in waiters.given_up
    assert waiting.total == 0


@pytest.mark.parametrize("addresses", [("proxy", "proxy"), ("honest", "evil")])
def test_of_one_address_it_is_who_stands_still(addresses: tuple[str, str]) -> None:
    waiting = WaitingBytes(10 * MIB)
    with ExitStack() as stack:
        waiters = Waiters(waiting, stack)
        moving = waiters.hold(f"{addresses[0]} honest", 3 * MIB)
        for number in range(20):
            waiters.hold(f"{addresses[1]} {number}", MIB)
            moving.move()
        assert waiters.given_up == [f"{addresses[1]} {number}" for number in range(13)]


def test_one_that_is_most_of_all_is_not_given_up_for_that() -> None:
    waiting = WaitingBytes(10 * MIB)
    with ExitStack() as stack:
        waiters = Waiters(waiting, stack)
        waiters.hold("evil 1", 2 * MIB)
        waiters.hold("honest 1", 8 * MIB)
        waiters.hold("evil 2", 2 * MIB)
        assert waiters.given_up == ["evil 1"]


def test_what_comes_takes_space_as_it_comes() -> None:
    waiting = WaitingBytes(10 * MIB)
    with ExitStack() as stack:
        waiters = Waiters(waiting, stack)
        coming = [waiters.hold(f"some{number} 1", 0) for number in range(100)]
        for one in coming:
            one.grow(LARGE_BYTES)
        assert waiting.total == 0
        waiters.hold("other 1", 8 * MIB)
        for _ in range(16):
            coming[0].grow(PIECE_BYTES)
        assert waiting.total == 8 * MIB + MIB + LARGE_BYTES and waiters.given_up == []
    assert waiting.total == 0


def test_who_was_given_up_does_not_go_on() -> None:
    waiting = WaitingBytes(10 * MIB)
    with ExitStack() as stack:
        waiters = Waiters(waiting, stack)
        coming = waiters.hold("some 1", 0)
        coming.grow(MIB)
        waiters.hold("other 1", 10 * MIB)
        assert waiters.given_up == ["some 1"]
        with pytest.raises(GivenUp):
            coming.grow(1)
        coming.move()
        assert waiting.total == 10 * MIB
    assert waiting.total == 0


def test_what_is_larger_than_all_space_gives_itself_up() -> None:
    """And nobody else."""
    waiting = WaitingBytes(10 * MIB)
    with ExitStack() as stack:
        waiters = Waiters(waiting, stack)
        waiters.hold("honest 1", MIB)
        for number in range(4):
            waiters.hold(f"evil {number}", MIB)
        with pytest.raises(GivenUp):
            waiters.hold("evil 9", 11 * MIB)
        growing = waiters.hold("some 1", 0)
        with pytest.raises(GivenUp):
            growing.grow(11 * MIB)
        assert waiters.given_up == ["evil 9", "some 1"]
        assert waiting.total == 5 * MIB
    assert waiting.total == 0
