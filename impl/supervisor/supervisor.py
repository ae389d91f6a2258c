"""`soma serve`: start in order, watch, stop in order.

    data directory, listening sockets -> PostgreSQL -> migrations -> gunicorn -> background process

The supervisor itself only waits. SIGTERM and SIGINT stop everything in the reverse order, a second
one at once. SIGHUP reads the configuration again and starts a second gunicorn with it, beside the
first, which ends when the other answers; so does a new version of the code come into use. Whatever
dies is started again; should the supervisor be killed, the kernel ends the others."""

import contextlib
import importlib
import json
import logging
import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from impl import jobs
from impl.config import Config
from impl.storage.migrate import migrate
from impl.storage.worker_page import WorkerPage
from impl.supervisor import data_directory, gunicorn_process, listening
from impl.supervisor.children import Child
from impl.supervisor.embedded_postgres import EmbeddedPostgres
from impl.supervisor.gunicorn_app import slots_for
from impl.supervisor.gunicorn_process import Backend
from impl.supervisor.postgres_binaries import PostgresError
from impl.supervisor.terminal import Terminal

STOP_EXTRA_S = 5.0
POLL_S = 1.0
# Connections of a worker: its pool and one beside it, one that listens, two persisters. Twice, for
# a reload.
CONNECTIONS_PER_WORKER = 2 * 9
CONNECTIONS_OF_OTHERS = 24
# What a reload does not change.
FIXED = ("server_name", "listeners", "database", "signing_key_path")

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
        self._may_interrupt = True
        self._was_ready = False
        self._bound: list[listening.BoundSocket] = []
        self._postgres: EmbeddedPostgres | None = None
        self._backend: Backend | None = None
        self._slot_count = slots_for(config.soma.workers)
        # The gunicorn that answers; at a reload, the one that is to take over, and the one before.
        self._gunicorn: Child | None = None
        self._next: Child | None = None
        self._retired: Child | None = None
        self._background: Child | None = None
        self._generation = 0
        self._wants_reload = False
        self._ready_reader, self._ready_writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._wake_reader, self._wake_writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._backend_reader, self._backend_writer = os.pipe2(os.O_CLOEXEC)

    def run(self) -> int:
        """Until stopped; the exit status."""
        lock = data_directory.lock(self._config)
        self._catch_signals()
        try:
            self._start()
            self._may_interrupt = False
            return self._watch()
        except Stopped:
            return 0
        finally:
            self._may_interrupt = False
            self._stop()
            os.close(lock)

    # Start

    def _start(self) -> None:
        config = self._config
        self._terminal.begin(config)
        is_new_key = data_directory.ensure_signing_key(config)
        self._terminal.tell_key(config.signing_key_path, is_new_key)
        self._bound = listening.bind_all(config.listeners)
        self._gunicorn = self._new_gunicorn(config)
        self._gunicorn.start()
        dsn = self._start_database()
        self._terminal.tell_migrations(migrate(config.past_pooler or dsn))
        page = config.soma.data_dir / "run" / "workers"
        # Two gunicorns, in turn, and the background process.
        WorkerPage.create(page, 2 * self._slot_count + 1)
        self._backend = Backend(dsn, page)
        os.write(self._backend_writer, json.dumps([dsn, str(page)]).encode())
        if jobs.LOOPS:
            self._background = self._new_background()
            self._background.start()

    def _start_database(self) -> str:
        if self._config.database is not None:
            self._terminal.tell_database(self._config.database.where)
            return self._config.database.dsn
        started = time.monotonic()
        self._postgres = embedded(self._config)
        self._postgres.start()
        self._terminal.tell_postgres(self._postgres.directory, time.monotonic() - started)
        return self._postgres.dsn

    def _new_gunicorn(self, config: Config) -> Child:
        self._generation += 1
        first_slot = self._generation % 2 * self._slot_count
        slots = range(first_slot, first_slot + self._slot_count)
        ready_byte = bytes([self._generation % 256])

        def run() -> None:
            gunicorn_process.run(
                config, self._wait_for_backend, self._bound, slots, self._ready_writer, ready_byte
            )

        return Child("gunicorn", run, signal.SIGQUIT)

    def _wait_for_backend(self) -> Backend:
        """In the gunicorn that was forked before there was a database; the later ones know it."""
        if self._backend is None:
            dsn, page = json.loads(os.read(self._backend_reader, 65_536))
            return Backend(dsn, Path(page))
        return self._backend

    def _new_background(self) -> Child:
        backend = self._backend
        assert backend is not None

        def run() -> None:
            importlib.import_module("gevent.monkey").patch_all()
            worker = importlib.import_module("impl.worker")
            worker.main(self._config, backend.dsn, backend.page, 2 * self._slot_count)

        return Child("the background process", run, signal.SIGTERM)

    # Watch

    def _watch(self) -> int:
        while True:
            ready, _, _ = select.select([self._wake_reader, self._ready_reader], [], [], POLL_S)
            _drain(self._wake_reader)
            if self._ready_reader in ready:
                self._notice_ready(_drain(self._ready_reader))
            while self._signals:
                if self._signals.pop(0) != signal.SIGHUP:
                    return 0
                self._wants_reload = True
            if not self._look_after_children():
                return 1
            self._look_after_postgres()
            self._reload_if_wanted()
            _reap_orphans({child.pid for child in self._children()})

    def _children(self) -> list[Child]:
        every = (self._background, self._next, self._gunicorn, self._retired)
        return [child for child in every if child is not None]

    def _notice_ready(self, generations: bytes) -> None:
        if self._generation % 256 not in generations:
            return  # A worker of the gunicorn that is leaving.
        if self._next is not None:
            _log.info("the new workers answer; the old ones finish")
            self._retired, self._gunicorn, self._next = self._gunicorn, self._next, None
            if self._retired is not None:
                self._retired.send(signal.SIGTERM)
            if self._background is not None:
                self._background.send(signal.SIGTERM)  # It is started again with what is new.
        if not self._was_ready:
            self._was_ready = True
            self._terminal.tell_ready(self._config, [one.url for one in self._bound])

    def _look_after_children(self) -> bool:
        """False: it is of no use to go on."""
        if self._retired is not None and self._retired.has_ended():
            self._retired = None
        if self._next is not None and self._next.has_ended():
            _log.error("the new workers do not start: the old ones stay")
            self._next = None
            self._generation -= 1
        for child in (self._gunicorn, self._background):
            if child is None:
                continue
            if child.has_ended():
                _log.warning("%s ended with status %s", child.name, child.exit_status)
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

    def _reload_if_wanted(self) -> None:
        if not self._wants_reload or self._next is not None or self._retired is not None:
            return  # One after the other: there are slots for two.
        self._wants_reload = False
        try:
            config = self._load_config()
        except Exception as error:
            _log.error("the configuration stays as it was: %s", error)
            return
        changed = [name for name in FIXED if getattr(config, name) != getattr(self._config, name)]
        if changed:
            _log.error("%s cannot change while the server runs: restart it", ", ".join(changed))
            return
        self._config = config
        self._next = self._new_gunicorn(config)
        self._next.start()

    # Stop

    def _stop(self) -> None:
        children = self._children()
        if children:
            self._terminal.tell_stopping()
        listening.close_all(self._bound)
        grace = self._config.soma.shutdown_timeout / 1000 + STOP_EXTRA_S
        for child in children:
            child.send(signal.SIGTERM)
        for child in children:
            child.stop(grace)
        if self._postgres is not None:
            self._postgres.stop()
        if children:
            self._terminal.tell_stopped()

    # Signals

    def _catch_signals(self) -> None:
        signal.set_wakeup_fd(self._wake_writer, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # It only has to wake us.

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signals.append(number)
        if number == signal.SIGHUP:
            return
        if self._may_interrupt:
            raise Stopped
        if self._signals.count(number) > 1 or self._is_stopping():
            for child in self._children():
                child.send(signal.SIGQUIT)

    def _is_stopping(self) -> bool:
        return bool(self._bound) and self._bound[0].socket.fileno() < 0


def embedded(config: Config) -> EmbeddedPostgres:
    """The embedded PostgreSQL of a configuration."""
    connections = CONNECTIONS_PER_WORKER * config.soma.workers + CONNECTIONS_OF_OTHERS
    settings = {"max_connections": str(connections), **config.soma.postgres}
    return EmbeddedPostgres(config.soma.data_dir / "postgres", settings)


@contextlib.contextmanager
def a_database(config: Config) -> Iterator[str]:
    """A DSN for a command: of the configured database, of the server that runs, or of one for
    now.
    """
    if config.database is not None:
        yield config.database.dsn
        return
    postgres = embedded(config)
    postgres.start()
    try:
        yield postgres.dsn
    finally:
        postgres.stop()


def _drain(descriptor: int) -> bytes:
    """What can be read now."""
    read = b""
    with contextlib.suppress(BlockingIOError):
        while piece := os.read(descriptor, 4096):
            read += piece
    return read


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
