"""An App whose time stands still, made-up servers around it, and senders."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from impl.app import App
from impl.config import Config
from impl.services.sending.sender import Sender
from impl.storage.worker_page import WorkerPage
from tests import builders
from tests.federation.fake_wire import Network
from tests.services.sending.world import Clock, Receiver, World


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(clock: Clock) -> World:
    return World(Network(), clock)


@pytest.fixture
def far(world: World) -> Receiver:
    return world.receiver("far.example")


@pytest.fixture
def third(world: World) -> Receiver:
    return world.receiver("third.example")


@pytest.fixture
def new_worker(
    world: World,
    clock: Clock,
    new_database: Callable[[], str],
    config: Config,
    tmp_path: Path,
) -> Iterator[Callable[..., App]]:
    """Makes workers of one server: `new_worker(**changes of the configuration)`."""
    page = tmp_path / "workers"
    WorkerPage.create(page, 8)
    dsn = new_database()
    apps: list[App] = []

    def make(**changes: object) -> App:
        app = App(
            replace(config, **changes),  # type: ignore[arg-type]
            dsn,
            builders.a_signing_key(),
            WorkerPage(page, len(apps)),
            clock,
            wire=world.network.wire_of(builders.SERVER_NAME),
        )
        apps.append(app)
        app.start()
        return app

    yield make
    for app in apps:
        app.stop()


@pytest.fixture
def app(new_worker: Callable[..., App]) -> App:
    return new_worker()


@pytest.fixture
def new_sender() -> Iterator[Callable[[App], Sender]]:
    senders: list[Sender] = []

    def make(app: App) -> Sender:
        sender = Sender(app)
        senders.append(sender)
        sender.turn()
        return sender

    yield make
    for sender in senders:
        sender.stop(5.0)


@pytest.fixture
def sender(app: App, new_sender: Callable[[App], Sender]) -> Sender:
    return new_sender(app)
