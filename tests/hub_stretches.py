"""How long greenlets hold the hub of this process at a stretch, while all others wait.

    with hub_stretches.watching() as stretches:
        ...
    assert not stretches.longer_than(0.05)

What counts is the processor time of this thread from one switch to the next: what else the machine
does makes it no longer. Nor does the garbage collector, which is kept out of it: when it goes
through everything depends on what else the process has."""

import gc
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import greenlet

# Of shorter ones the place is not noted, for that takes time as well.
NOTED_S_MIN = 0.01
FRAMES = 6


@dataclass
class Stretches:
    """Seconds of long ones, and where each ended, from the innermost function outwards."""

    noted: list[tuple[float, str]] = field(default_factory=list)
    _began_s: float = 0.0

    def longer_than(self, seconds: float) -> list[tuple[float, str]]:
        return sorted((one for one in self.noted if one[0] > seconds), reverse=True)

    @contextmanager
    def left_out(self) -> Iterator[None]:
        """What is done within does not count; it does not switch."""
        began_s = time.thread_time()
        yield
        self._began_s += time.thread_time() - began_s

    def on_switch(self, event: str, switched: tuple[Any, Any]) -> None:
        seconds = time.thread_time() - self._began_s
        frame = switched[0].gr_frame
        if seconds > NOTED_S_MIN and frame is not None:
            frames = traceback.extract_stack(frame, FRAMES)
            place = " < ".join(f"{one.name}:{one.lineno}" for one in reversed(frames))
            self.noted.append((seconds, place))
        self._began_s = time.thread_time()


@contextmanager
def watching() -> Iterator[Stretches]:
    stretches = Stretches()
    gc.collect()
    gc.disable()
    before = greenlet.settrace(stretches.on_switch)
    stretches._began_s = time.thread_time()
    try:
        yield stretches
    finally:
        greenlet.settrace(before)
        gc.enable()
