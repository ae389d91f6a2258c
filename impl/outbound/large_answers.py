"""Large answers take turns, so that what this process holds of them at once has a bound, whoever
sends them: the state of a large room is hundreds of megabytes, and more once it is read."""

from collections.abc import Callable

from gevent.lock import BoundedSemaphore

# What is larger than most answers, and than the rooms of some thousand members.
LARGE_BYTES = 8 << 20
AT_ONCE = 2


class LargeAnswers:
    """Those of one process."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._turns = BoundedSemaphore(at_once)

    def begin(self) -> Callable[[], None]:
        """Wait for a turn; what is returned ends it."""
        self._turns.acquire()
        is_over = False

        def done() -> None:
            nonlocal is_over
            if not is_over:
                is_over = True
                self._turns.release()

        return done
