"""The background process's loops."""

import os
import signal
from collections.abc import Callable

import gevent

from impl import worker
from impl.app import App


def test_a_loop_that_fails_is_run_again_and_sigterm_ends_all(new_app: Callable[..., App]) -> None:
    app = new_app()
    calls: list[str] = []

    def failing(app: App) -> None:
        calls.append("failing")
        if len(calls) > 1:
            os.kill(os.getpid(), signal.SIGTERM)
        raise RuntimeError("once more")

    def waiting(app: App) -> None:
        while not app.is_stopping:
            gevent.sleep(0.01)
        calls.append("waited")

    with gevent.Timeout(20):
        worker.run(app, [failing, waiting])
    assert calls[:2] == ["failing", "failing"]
    assert "waited" in calls
