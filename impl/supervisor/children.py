"""Processes that are forked from the supervisor and started again when they end.

A child that fails right after its start is started again later and later; one that ran a while, at
once."""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable

from impl.supervisor.launching import die_with_parent

STEADY_S = 20.0
PAUSES_S = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)
# The supervisor has handlers for these, which mean nothing in a child.
_HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)

_log = logging.getLogger(__name__)


class Child:
    """A function that runs in a process of its own."""

    def __init__(self, name: str, function: Callable[[], None], death: signal.Signals) -> None:
        self.name = name
        self.pid = 0
        self.exit_status: int | None = None
        self._function = function
        self._death = death
        self._failures = 0
        self._started = 0.0
        self._start_again = 0.0

    def start(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        self._started = time.monotonic()
        # What is sent to the child at once waits until it has handlers of its own.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
        try:
            self.pid = os.fork()
            if self.pid == 0:
                self._run(parent, before)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def send(self, number: signal.Signals) -> None:
        if self.pid:
            os.kill(self.pid, number)

    def has_ended(self) -> bool:
        """Looks, once: True when the process has just been found dead."""
        if not self.pid:
            return False
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if not pid:
            return False
        self.pid = 0
        self.exit_status = os.waitstatus_to_exitcode(status)
        steady = time.monotonic() - self._started > STEADY_S
        self._failures = 0 if steady else self._failures + 1
        pause = PAUSES_S[min(self._failures, len(PAUSES_S) - 1)]
        self._start_again = time.monotonic() + pause
        return True

    def start_if_due(self) -> None:
        """After a death: start again when the pause is over."""
        if not self.pid and time.monotonic() >= self._start_again:
            _log.warning("%s is started again", self.name)
            self.start()

    def stop(self, timeout_s: float) -> None:
        """SIGTERM, and SIGKILL when it takes too long."""
        if not self.pid:
            return
        self.send(signal.SIGTERM)
        deadline = time.monotonic() + timeout_s
        while not self.has_ended():
            if time.monotonic() > deadline:
                _log.error("%s did not stop within %.0f s: killed", self.name, timeout_s)
                self.send(signal.SIGKILL)
                deadline += timeout_s
            time.sleep(0.02)

    def _run(self, parent: int, mask: Iterable[int]) -> None:
        """In the child; does not return."""
        status = 1
        try:
            # A group of its own: Ctrl-C is for the supervisor, which stops us in order.
            os.setsid()
            die_with_parent(self._death, parent)
            signal.set_wakeup_fd(-1)
            for number in _HANDLED:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            self._function()
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        except BaseException:
            _log.exception("%s failed", self.name)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status & 0xFF)
