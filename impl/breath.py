"""A breath: who computes for long gives the worker's other requests their turn.

`gevent.sleep(0)` lets those go on who are ready, and nobody else becomes so: sockets and times are
looked at only when the loop goes round, for which it takes a thousand such sleeps."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import gevent

# Of what takes some microseconds each.
EVERY = 500

_MOMENT_S = 1e-6

T = TypeVar("T")


def take() -> None:
    """Let all others go on, those as well who wait for a socket or a time that is over."""
    gevent.sleep(_MOMENT_S)


def between(items: Iterable[T], every: int = EVERY) -> Iterator[T]:
    """The items one after the other, with a breath after so many."""
    for number, item in enumerate(items, 1):
        yield item
        if number % every == 0:
            take()


def pieces(items: Sequence[T], size: int = EVERY) -> Iterator[Sequence[T]]:
    """The items some at a time, with a breath in between."""
    for start in range(0, len(items), size):
        if start:
            take()
        yield items[start : start + size]
