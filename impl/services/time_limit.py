"""A time limit of one request for all that it does."""

import time


class TimeLimit:
    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + max(0.0, seconds)

    @property
    def left_s(self) -> float:
        return max(0.0, self._ends - time.monotonic())
