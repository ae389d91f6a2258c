"""What runs in gunicorn's process: load what the workers share, then gunicorn.

The code of the server is imported here and in no other process of the supervisor's, so that a
reload, which starts a process like this one anew, also takes up a new version of it."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from impl.config import Config
from impl.supervisor.gunicorn_app import GunicornApp, Hooks
from impl.supervisor.listening import BoundSocket

# gunicorn's arbiter waits, forks and handles signals with the real ones; the workers patch the
# rest.
NOT_PATCHED = {"os": False, "signal": False, "subprocess": False, "queue": False, "time": False}


@dataclass(frozen=True, slots=True)
class Backend:
    """What the supervisor found out, and a worker needs beside the configuration."""

    dsn: str
    page: Path


def run(
    config: Config,
    wait_for_backend: Callable[[], Backend],
    bound: list[BoundSocket],
    slots: range,
    ready_descriptor: int,
    ready_byte: bytes,
) -> None:
    """Does not return before gunicorn is done. Loads while the database starts, and then waits for
    it.
    """
    importlib.import_module("gevent.monkey").patch_all(**NOT_PATCHED)
    wsgi = importlib.import_module("impl.wsgi")
    api = wsgi.load_api()
    backend = wait_for_backend()

    def make_site(slot: int) -> object:
        return wsgi.make_site(config, backend.dsn, backend.page, slot, api)

    hooks = Hooks(make_site, slots, ready_descriptor, ready_byte)
    GunicornApp(config, bound, hooks).run()
