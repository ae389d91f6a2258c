"""What is done every so often, by one process at a time, in turns of bounded length."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from impl.app import App

# A job that has more to do than this gives way to the others, and is asked again soon.
TURN_S_MAX = 5.0
# Between two batches, so that who waits for the database is served in between.
BREATH_S = 0.02


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do, and how often. `run` returns True if its turn ended before its work."""

    run: Callable[[App], bool | None]
    interval_s: float

    @property
    def name(self) -> str:
        return f"{self.run.__module__}.{self.run.__name__}"


def in_batches(app: App, batch: Callable[[], bool]) -> bool:
    """Call `batch` until it returns False: there is no more. True: the turn or the server ended
    before.
    """
    ends = time.monotonic() + TURN_S_MAX
    while batch():
        if time.monotonic() >= ends or not app.pause(BREATH_S):
            return True
    return False
