"""gunicorn, with its settings from ours. It keeps the workers: forks, watches, replaces and reloads them.

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
from impl.supervisor.launching import die_with_parent
from impl.supervisor.listening import BoundSocket

WORKER_CLASS = "impl.web.gunicorn_worker.MatrixWorker"
# Longer than anything may hold a worker's loop.
HEARTBEAT_S_MAX = 60
CONNECTIONS_MAX = 10_000
# Descriptors of a worker that are not connections of clients.
DESCRIPTORS_RESERVED = 256
BACKLOG = 2048
SHARED_MEMORY = "/dev/shm"

_log = logging.getLogger(__name__)


def slots_for(workers: int) -> int:
    """Slots of the worker page: while a reload goes on, old and new workers live side by side."""
    return 4 * workers + 8


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the supervisor does for gunicorn."""

    load_config: Callable[[], Config]
    make_site: Callable[[Config, int], Any]
    # Written to by each worker that is ready.
    ready_descriptor: int


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

    def __init__(
        self, config: Config, bound: list[BoundSocket], hooks: Hooks, slot_count: int
    ) -> None:
        self.config = config
        # In the order of the sockets.
        self.listeners: list[Listener] = [one.listener for one in bound]
        # gunicorn closes the descriptors that it is given, once it has its own.
        self._addresses = [f"fd://{one.socket.detach()}" for one in bound]
        self._hooks = hooks
        self._slot_count = slot_count
        self._taken: set[int] = set()
        super().__init__()

    @property
    def certificate(self) -> tuple[Path | None, Path | None]:
        return self.config.tls_certificate_path, self.config.tls_private_key_path

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
            "workers": min(self.config.soma.workers, self._slot_count // 2 - 1),
            "worker_class": WORKER_CLASS,
            "worker_connections": _connections_max(),
            "worker_tmp_dir": SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK) else None,
            "timeout": HEARTBEAT_S_MAX,
            "graceful_timeout": max(1, self.config.soma.shutdown_timeout // 1000),
            "preload_app": False,
            "control_socket_disable": True,
            "proc_name": "soma",
            "logger_class": GunicornLogger,
            "pre_fork": self._before_fork,
            "post_fork": self._after_fork,
            "post_worker_init": self._announce,
            "child_exit": self._free_slot,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def reload(self) -> None:
        """SIGHUP: the file is read again; a wrong one changes nothing."""
        try:
            self.config = self._hooks.load_config()
        except Exception as error:
            _log.error("the configuration stays as it was: %s", error)
        super().reload()

    def load_site(self, slot: int) -> Any:
        """In a worker: what answers requests."""
        return self._hooks.make_site(self.config, slot)

    def _before_fork(self, arbiter: Any, worker: Any) -> None:
        worker.slot = min(set(range(self._slot_count)) - self._taken)
        self._taken.add(worker.slot)
        gc.collect()
        gc.freeze()  # What is shared stays shared: the collector does not touch it.

    def _after_fork(self, arbiter: Any, worker: Any) -> None:
        die_with_parent(signal.SIGKILL, arbiter.pid)

    def _announce(self, worker: Any) -> None:
        # The first of them tells the supervisor that requests are answered.
        try:
            os.write(self._hooks.ready_descriptor, b"r")
        except OSError:
            pass

    def _free_slot(self, arbiter: Any, worker: Any) -> None:
        self._taken.discard(worker.slot)


def _connections_max() -> int:
    """As many as there may be descriptors for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS_MAX + DESCRIPTORS_RESERVED
    if soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
        soft = max(soft, most)
    return max(64, min(CONNECTIONS_MAX, soft - DESCRIPTORS_RESERVED))
