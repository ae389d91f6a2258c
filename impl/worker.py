"""The background process: configuration -> App -> job loops, until it is told to stop.

Every loop is a greenlet of its own. One that fails is started again, later each time; that it
failed is logged. What a loop was doing is a lease in the database, and falls free with our
connection."""

import importlib
import logging
import signal
from collections.abc import Callable, Iterable
from pathlib import Path

import gevent
from gevent.event import Event

from impl import jobs
from impl.app import App
from impl.config import Config
from impl.core.signing import read_signing_keys
from impl.services import https
from impl.services.sending import reachability
from impl.storage.worker_page import WorkerPage

RETRY_S_MAX = 60.0
STOP_S_MAX = 10.0

_log = logging.getLogger(__name__)


def main(config: Config, dsn: str, page: Path, slot: int) -> None:
    """The whole life of the process; `slot` is its own in the worker page."""
    signing_keys = read_signing_keys(config.signing_key_path.read_text())
    app = App(
        config,
        dsn,
        signing_keys[0],
        WorkerPage(page, slot),
        wire=https.wire_of(config),
        more_signing_keys=signing_keys[1:],
    )
    reachability.watch(app)
    run(app, [importlib.import_module(name).run for name in jobs.LOOPS])


def run(app: App, functions: Iterable[Callable[[App], None]]) -> None:
    """Run the loops; returns after SIGTERM, when they have."""
    stopping = Event()
    numbers = (signal.SIGTERM, signal.SIGINT)
    watchers = [gevent.signal_handler(number, stopping.set) for number in numbers]
    app.start()
    greenlets = [gevent.spawn(_keep_running, app, function) for function in functions]
    stopping.wait()
    app.begin_shutdown()
    gevent.joinall(greenlets, timeout=STOP_S_MAX)
    gevent.killall(greenlets)
    app.stop()
    for watcher in watchers:
        watcher.cancel()


def _keep_running(app: App, function: Callable[[App], None]) -> None:
    pause = 1.0
    while not app.is_stopping:
        try:
            function(app)
            pause = 1.0
            gevent.sleep(0 if app.is_stopping else pause)
        except Exception:
            _log.exception("the job loop %s failed; again in %.0f s", function.__module__, pause)
            gevent.sleep(pause)
            pause = min(2 * pause, RETRY_S_MAX)
