"""How long something takes on this machine's processor, beside how long it may take."""

import time
from collections.abc import Callable

ROUNDS = 7


class Table:
    """Prints a line for each figure, and remembers whether one was beyond its limit."""

    def __init__(self) -> None:
        self.is_within = True

    def row(self, what: str, seconds: float, limit: float) -> None:
        mark = "" if seconds <= limit else "  BEYOND ITS LIMIT"
        self.is_within &= not mark
        print(f"{what:<60} {seconds * 1e6:>10.1f} µs of {limit * 1e6:>9.0f}{mark}")


def cpu_seconds(function: Callable[[], object], times: int) -> float:
    """The processor time of one call: the best of some rounds, since only others make it slower."""
    function()
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(times):
            function()
        best = min(best, (time.process_time() - began) / times)
    return best
