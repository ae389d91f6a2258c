"""Large answers take turns, so that what this process holds of them at once has a bound, whoever
sends them: the state of a large room is hundreds of megabytes, and more once it is read.

A turn is for what has come, not for what is announced, and a destination has one at a time: who
says that much will come and then sends nothing keeps nobody waiting."""

from collections.abc import Callable
from dataclasses import dataclass, field

from gevent.event import Event

# What is larger than most answers, and than the rooms of some thousand members.
LARGE_BYTES = 8 << 20
AT_ONCE = 2
# As long as two may take one after the other, with what is made of them.
TURN_S_MAX = 240.0


class NoTurn(Exception):
    """None came, for which whoever answers is not to blame."""


@dataclass(eq=False, slots=True)
class _Place:
    """In the queue."""

    destination: str
    called: Event = field(default_factory=Event)


class LargeAnswers:
    """Those of one process."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._at_once = at_once
        self._queue: list[_Place] = []
        # Whose turn it is.
        self._held: set[str] = set()

    def begin(self, destination: str) -> Callable[[], None]:
        """Wait for a turn; what is returned ends it. Raises NoTurn."""
        place = _Place(destination)
        self._queue.append(place)
        self._call()
        is_ours = False
        try:
            is_ours = place.called.wait(TURN_S_MAX)
            if not is_ours:
                raise NoTurn(f"no turn for its large answer came in {TURN_S_MAX:.0f} s")
        finally:
            if not is_ours:
                self._leave(place)
        is_over = False

        def done() -> None:
            nonlocal is_over
            if not is_over:
                is_over = True
                self._end(destination)

        return done

    def _leave(self, place: _Place) -> None:
        if place in self._queue:
            self._queue.remove(place)
        else:  # It was called while it went.
            self._end(place.destination)

    def _end(self, destination: str) -> None:
        self._held.remove(destination)
        self._call()

    def _call(self) -> None:
        """Those that have waited longest, if they may."""
        for place in list(self._queue):
            if len(self._held) >= self._at_once:
                return
            if place.destination not in self._held:
                self._held.add(place.destination)
                self._queue.remove(place)
                place.called.set()
