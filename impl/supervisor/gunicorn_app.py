"""gunicorn, with its settings from ours. It keeps the workers: forks, watches, replaces and reloads
them.

gunicorn's `GUNICORN_CMD_ARGS`, its configuration files and its control socket are not used.
"""

import gc
import logging
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.errors import HaltServer
from gunicorn.glogging import Logger

from impl.config import Config, Listener
from impl.supervisor import logs
from impl.supervisor.launching import die_with_parent
from impl.supervisor.listening import BoundSocket

WORKER_CLASS = "impl.web.gunicorn_worker.MatrixWorker"
# Longer than anything may hold a worker's loop.
HEARTBEAT_S_MAX = 60
CONNECTIONS_MAX = 10_000
# Descriptors of a worker that are not connections of clients: most for those to other servers.
DESCRIPTORS_RESERVED = 1280
BACKLOG = 2048
SHARED_MEMORY = "/dev/shm"
SLOTS_SPARE = 4
STOP_SIGNALS = (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT)

_log = logging.getLogger(__name__)


def slots_for(workers: int) -> int:
    """How many slots of the worker page a gunicorn needs: one that dies may still hold its own."""
    return 2 * workers + SLOTS_SPARE


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the supervisor does for gunicorn."""

    # Called in a worker, with its slot in the worker page.
    make_site: Callable[[int], Any]
    # The slots that our workers may have.
    slots: range
    # Each worker writes the byte when it answers requests.
    ready_descriptor: int
    ready_byte: bytes = b"r"


class GunicornLogger(Logger):
    """gunicorn's messages, through our log; it writes no access log."""

    def setup(self, cfg: Any) -> None:
        self.loglevel = logging.INFO
        self.error_log.propagate = True
        self.error_log.handlers = []

    def access(self, *_: Any) -> None:
        pass


class GunicornApp(BaseApplication):
    """What gunicorn asks for settings, and its workers for the site."""

    def __init__(self, config: Config, bound: list[BoundSocket], hooks: Hooks) -> None:
        self._config = config
        # In the order of the sockets.
        self.listeners: list[Listener] = [one.listener for one in bound]
        # gunicorn closes the descriptors that it is given, once it has its own.
        self._addresses = [f"fd://{one.socket.detach()}" for one in bound]
        self._hooks = hooks
        self._taken: set[int] = set()
        super().__init__()

    @property
    def certificate(self) -> tuple[Path | None, Path | None]:
        return self._config.tls_certificate_path, self._config.tls_private_key_path

    def run(self) -> None:
        try:
            super().run()
        except HaltServer as halt:
            # While it stops because of one worker, gunicorn may find that another failed too.
            sys.exit(halt.exit_status)

    def load_config(self) -> None:
        settings = {
            "bind": self._addresses,
            "backlog": BACKLOG,
            # A reload may ask for more, but does not make the page longer.
            "workers": min(self._config.soma.workers, len(self._hooks.slots) - SLOTS_SPARE),
            "worker_class": WORKER_CLASS,
            "worker_connections": _connections_max(),
            "worker_tmp_dir": SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK) else None,
            "timeout": HEARTBEAT_S_MAX,
            "graceful_timeout": max(1, self._config.soma.shutdown_timeout // 1000),
            "preload_app": False,
            "control_socket_disable": True,
            "proc_name": "soma",
            "logger_class": GunicornLogger,
            "on_starting": self._prepare,
            "pre_fork": self._before_fork,
            "post_fork": self._after_fork,
            "post_worker_init": self._announce,
            "child_exit": self._free_slot,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load_site(self, slot: int) -> Any:
        """In a worker: what answers requests."""
        return self._hooks.make_site(slot)

    def _prepare(self, arbiter: Any) -> None:
        _let_young_workers_be_stopped()
        # The sockets are the supervisor's, as they might be systemd's: at a reload this gunicorn
        # ends, and the path of a Unix socket stays.
        arbiter.systemd = True

    def _before_fork(self, arbiter: Any, worker: Any) -> None:
        worker.slot = min(set(self._hooks.slots) - self._taken)
        self._taken.add(worker.slot)
        gc.collect()
        gc.freeze()  # What is shared stays shared: the collector does not touch it.

    def _after_fork(self, arbiter: Any, worker: Any) -> None:
        die_with_parent(signal.SIGKILL, arbiter.pid)

    def _announce(self, worker: Any) -> None:
        # The first of them tells the supervisor that requests are answered.
        try:
            os.write(self._hooks.ready_descriptor, self._hooks.ready_byte)
        except OSError:
            pass
        logs.hold_lines()

    def _free_slot(self, arbiter: Any, worker: Any) -> None:
        self._taken.discard(worker.slot)


def _let_young_workers_be_stopped() -> None:
    """A worker is born with gunicorn's own signal handlers, which would swallow a SIGTERM in it.

    Until it has set up its own, a signal ends it: those that come while it is forked wait.
    """

    def become_mortal() -> None:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        unblock()

    def block() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)

    def unblock() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)

    os.register_at_fork(before=block, after_in_parent=unblock, after_in_child=become_mortal)


def _connections_max() -> int:
    """As many as there may be descriptors for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS_MAX + DESCRIPTORS_RESERVED
    if soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
        soft = max(soft, most)
    return max(64, min(CONNECTIONS_MAX, soft - min(DESCRIPTORS_RESERVED, soft // 4)))
