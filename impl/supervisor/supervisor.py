"""`soma serve`: start in order, watch, stop in order.

    data directory, listening sockets  ->  PostgreSQL  ->  migrations  ->  gunicorn  ->  background process

The supervisor itself only waits. SIGTERM and SIGINT stop everything in the reverse order, the second one
at once; SIGHUP reads the configuration again. Whatever dies is started again; should the supervisor be
killed, the kernel ends the others.
"""

import contextlib
import importlib
import logging
import os
import select
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from impl import jobs
from impl.config import Config
from impl.storage.migrate import migrate
from impl.storage.worker_page import WorkerPage
from impl.supervisor import data_directory, listening
from impl.supervisor.children import Child
from impl.supervisor.embedded_postgres import EmbeddedPostgres
from impl.supervisor.gunicorn_app import GunicornApp, Hooks, slots_for
from impl.supervisor.postgres_binaries import PostgresError
from impl.supervisor.terminal import Terminal

STOP_EXTRA_S = 5.0
POLL_S = 1.0
# Connections of a worker: its pool, one that listens, two persisters. Twice, for a reload.
CONNECTIONS_PER_WORKER = 2 * 8
CONNECTIONS_OF_OTHERS = 24

_log = logging.getLogger(__name__)


class Stopped(BaseException):
    """A signal asked for the end while we were still starting."""


class Supervisor:
    """One run of `soma serve`. `load_config` reads the configuration afresh, for a reload."""

    def __init__(
        self, config: Config, load_config: Callable[[], Config], terminal: Terminal
    ) -> None:
        self._config = config
        self._load_config = load_config
        self._terminal = terminal
        self._signals: list[int] = []
        self._is_started = False
        self._was_ready = False
        self._bound: list[listening.BoundSocket] = []
        self._postgres: EmbeddedPostgres | None = None
        self._gunicorn: Child | None = None
        self._children: list[Child] = []
        self._ready_reader, self._ready_writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._wake_reader, self._wake_writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def run(self) -> int:
        """Until stopped; the exit status."""
        self._catch_signals()
        lock = data_directory.lock(self._config)
        try:
            self._start()
            self._is_started = True
            return self._watch()
        except Stopped:
            return 0
        finally:
            self._stop()
            os.close(lock)

    # Start

    def _start(self) -> None:
        config = self._config
        self._terminal.begin(config)
        is_new_key = data_directory.ensure_signing_key(config)
        self._terminal.tell_key(config.signing_key_path, is_new_key)
        self._bound = listening.bind_all(config.listeners)
        dsn = self._start_database()
        self._terminal.tell_migrations(migrate(dsn))
        slot_count = slots_for(config.soma.workers)
        page = config.soma.data_dir / "run" / "workers"
        WorkerPage.create(page, slot_count + 1)
        self._gunicorn = self._make_gunicorn(dsn, page, slot_count)
        self._children = [self._gunicorn]
        if jobs.LOOPS:
            self._children.append(self._make_background(dsn, page, slot_count))
        for child in self._children:
            child.start()

    def _start_database(self) -> str:
        if self._config.database is not None:
            self._terminal.tell_database(self._config.database.where)
            return self._config.database.dsn
        started = time.monotonic()
        self._postgres = embedded(self._config)
        self._postgres.start()
        self._terminal.tell_postgres(self._postgres.directory, time.monotonic() - started)
        return self._postgres.dsn

    def _make_gunicorn(self, dsn: str, page: Path, slot_count: int) -> Child:
        # Imported in a worker, after gevent has patched the standard library there.
        def make_site(config: Config, slot: int) -> object:
            return importlib.import_module("impl.wsgi").make_site(config, dsn, page, slot)

        hooks = Hooks(self._load_config, make_site, self._ready_writer)

        def run() -> None:
            GunicornApp(self._config, self._bound, hooks, slot_count).run()

        return Child("gunicorn", run, signal.SIGQUIT)

    def _make_background(self, dsn: str, page: Path, slot: int) -> Child:
        def run() -> None:
            importlib.import_module("gevent.monkey").patch_all()
            importlib.import_module("impl.worker").main(self._config, dsn, page, slot)

        return Child("the background process", run, signal.SIGTERM)

    # Watch

    def _watch(self) -> int:
        while True:
            ready, _, _ = select.select([self._wake_reader, self._ready_reader], [], [], POLL_S)
            for descriptor in ready:
                _drain(descriptor)
            if self._ready_reader in ready and not self._was_ready:
                self._was_ready = True
                self._terminal.tell_ready(self._config, [one.url for one in self._bound])
            while self._signals:
                number = self._signals.pop(0)
                if number in (signal.SIGTERM, signal.SIGINT):
                    return 0
                if number == signal.SIGHUP:
                    self._reload()
            if not self._look_after_children():
                return 1
            self._look_after_postgres()
            _reap_orphans({child.pid for child in self._children})

    def _look_after_children(self) -> bool:
        for child in self._children:
            if child.has_ended():
                _log.error("%s ended with status %s", child.name, child.exit_status)
                if child is self._gunicorn and not self._was_ready:
                    # It never worked: that is a mistake in the set-up, and would be one again.
                    self._terminal.tell_failure()
                    return False
            child.start_if_due()
        return True

    def _look_after_postgres(self) -> None:
        postgres = self._postgres
        if postgres is None or not postgres.has_ended():
            return
        _log.error("PostgreSQL ended: it is started again, and recovers by itself")
        try:
            postgres.start()
        except PostgresError as error:
            _log.error("PostgreSQL does not start: %s", error)

    def _reload(self) -> None:
        try:
            config = self._load_config()
        except Exception as error:
            _log.error("the configuration stays as it was: %s", error)
            return
        for name in ("server_name", "listeners", "database", "signing_key_path"):
            if getattr(config, name) != getattr(self._config, name):
                _log.warning("%s was changed: that takes effect at the next start", name)
        for child in self._children:
            child.send(signal.SIGHUP)

    # Stop

    def _stop(self) -> None:
        if self._children:
            self._terminal.tell_stopping()
        listening.close_all(self._bound)
        grace = self._config.soma.shutdown_timeout / 1000 + STOP_EXTRA_S
        self._is_started = True  # A further signal hurries gunicorn, and is no exception.
        for child in self._children:
            child.stop(grace)
        if self._postgres is not None:
            self._postgres.stop()
        if self._children:
            self._terminal.tell_stopped()

    # Signals

    def _catch_signals(self) -> None:
        signal.set_wakeup_fd(self._wake_writer, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signals.append(number)
        if number == signal.SIGHUP:
            return
        if not self._is_started:
            raise Stopped
        if len(self._signals) > 1 or self._is_stopping():
            for child in self._children:
                child.send(signal.SIGQUIT)

    def _is_stopping(self) -> bool:
        return bool(self._bound) and self._bound[0].socket.fileno() < 0


def embedded(config: Config) -> EmbeddedPostgres:
    """The embedded PostgreSQL of a configuration."""
    connections = CONNECTIONS_PER_WORKER * config.soma.workers + CONNECTIONS_OF_OTHERS
    settings = {"max_connections": str(connections), **config.soma.postgres}
    return EmbeddedPostgres(config.soma.data_dir / "postgres", settings)


@contextlib.contextmanager
def a_database(config: Config):  # type: ignore[no-untyped-def]
    """A DSN for a command: of the configured database, of the server that runs, or of one for now."""
    if config.database is not None:
        yield config.database.dsn
        return
    postgres = embedded(config)
    postgres.start()
    try:
        yield postgres.dsn
    finally:
        postgres.stop()


def _drain(descriptor: int) -> None:
    with contextlib.suppress(BlockingIOError):
        while os.read(descriptor, 4096):
            pass


def _reap_orphans(ours: set[int]) -> None:
    """As process 1 of a container we inherit whatever loses its parent."""
    if os.getpid() != 1:
        return
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in ours:
            continue
        with contextlib.suppress(OSError, ValueError, IndexError):
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            if state == "Z" and parent == "1":
                os.waitpid(int(entry.name), os.WNOHANG)
