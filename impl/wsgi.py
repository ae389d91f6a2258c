"""gunicorn's entry point in a worker: configuration -> App -> WSGI callable."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impl.app import App
from impl.config import Config
from impl.core.signing import read_signing_keys
from impl.services import accounts, https, presence, typing
from impl.services.sending import reachability
from impl.storage.worker_page import WorkerPage
from impl.web import matrix_api
from impl.web.application import Application
from impl.web.matrix_api import MatrixApi


@dataclass(frozen=True, slots=True)
class Site:
    """The server in one process: what answers requests, and how it is stopped."""

    app: App
    application: Callable[..., Any]

    def begin_shutdown(self) -> None:
        """Long polls are answered now."""
        self.app.begin_shutdown()

    def stop(self) -> None:
        self.app.stop()


def load_api() -> MatrixApi:
    """What all workers share: done once, before they are forked."""
    return matrix_api.load()


def make_site(config: Config, dsn: str, page: Path, slot: int, api: MatrixApi) -> Site:
    """The site of one worker; `slot` is its own in the worker page."""
    signing_keys = read_signing_keys(config.signing_key_path.read_text())
    app = App(
        config,
        dsn,
        signing_keys[0],
        WorkerPage(page, slot),
        wire=https.wire_of(config),
        more_signing_keys=signing_keys[1:],
    )
    app.start()
    typing.watch(app)
    presence.watch(app)
    reachability.watch(app)
    app.spawn(accounts.finish_deactivations, app)
    return Site(app, Application(app, api.root))
