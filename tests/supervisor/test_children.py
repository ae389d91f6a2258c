"""Processes that are forked from the supervisor: what is sent to them right after the fork."""

import signal
import time
from types import FrameType

import pytest

from impl.supervisor.children import Child


class _Stopped(BaseException):
    """What the supervisor's handler raises while it starts."""


def _stop(number: int, frame: FrameType | None) -> None:
    raise _Stopped


def test_a_stop_right_after_the_fork_ends_the_child_without_the_parents_handler(
    capfd: pytest.CaptureFixture[str],
) -> None:
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        for _ in range(30):
            child = Child("the child", lambda: time.sleep(60), signal.SIGKILL)
            child.start()
            child.stop(30)
            assert child.exit_status == -signal.SIGTERM
    finally:
        signal.signal(signal.SIGTERM, before)
    assert "Traceback" not in capfd.readouterr().err
