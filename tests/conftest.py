"""What tests stand on: a real PostgreSQL, a database of its own for each test that asks, and an App
on it.

The server is the embedded one, started once for the whole run; SOMA_TEST_POSTGRES names another by
a DSN that may create databases. Each database is a copy of one that was migrated once, which takes
milliseconds. No test reaches the network."""

from gevent import monkey

monkey.patch_all()

import itertools
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg2
import psycopg2.extensions
import pytest

from impl.app import App
from impl.config import Config
from impl.storage import migrate
from impl.storage.worker_page import WorkerPage
from impl.supervisor import postgres_binaries
from impl.supervisor.embedded_postgres import EmbeddedPostgres
from tests import builders, network_guard
from tests.memory_directory import memory_directory

network_guard.install()

TEMPLATE = "soma_template"
# Nothing here has to survive a crash. With these settings, in memory and by FILE_COPY (which takes
# a checkpoint, but writes no log), a database takes 0.02 s; on a disk and by the log, 0.3 s.
POSTGRES_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "128MB",
    "autovacuum": "off",
    "max_connections": "200",
}
_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def _network_is_not_reached() -> Iterator[None]:
    yield
    reached, network_guard.refused = network_guard.refused, []
    assert reached == []


@pytest.fixture(scope="session")
def postgres_dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server whose user may create databases."""
    if dsn := os.environ.get("SOMA_TEST_POSTGRES"):
        yield dsn
        return
    with memory_directory(tmp_path_factory.mktemp("postgres")) as directory:
        server = EmbeddedPostgres(directory, settings=POSTGRES_SETTINGS)
        server.start()
        yield server.dsn
        server.stop()


def _administer(dsn: str, statement: str) -> None:
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()


def _of_database(dsn: str, name: str) -> str:
    return psycopg2.extensions.make_dsn(dsn, dbname=name)


def schema_dump(dsn: str) -> str:
    """The schema of a database, by the embedded server's pg_dump, without what differs from run to
    run.
    """
    program = postgres_binaries.find(None).program("pg_dump")
    dump = subprocess.run(
        [program, "--schema-only", "--no-owner", "--no-privileges", "--dbname", dsn],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    kept = [
        line
        for line in dump.splitlines()
        if line and not line.startswith(("--", "SET ", "SELECT pg_catalog", "\\"))
    ]
    return "\n".join(kept) + "\n"


@pytest.fixture(scope="session")
def template(postgres_dsn: str) -> str:
    """A migrated database, to be copied."""
    name = f"{TEMPLATE}_{os.getpid()}"
    _administer(postgres_dsn, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    migrate.migrate(_of_database(postgres_dsn, name))
    return name


@pytest.fixture
def new_database(postgres_dsn: str, template: str) -> Iterator[Callable[[], str]]:
    """Makes a fresh database and returns its DSN; all are dropped after the test."""
    names: list[str] = []

    def make() -> str:
        name = f"soma_test_{os.getpid()}_{next(_numbers)}"
        _administer(postgres_dsn, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        names.append(name)
        return _of_database(postgres_dsn, name)

    yield make
    for name in names:
        _administer(postgres_dsn, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return builders.a_config(tmp_path)


@pytest.fixture
def new_app(
    new_database: Callable[[], str], config: Config, tmp_path: Path
) -> Iterator[Callable[..., App]]:
    """Makes Apps: `new_app(dsn=..., page_slot=..., **changes of the configuration)`. Those of one
    test are the workers of one machine: they share a page, and a database where `dsn` says so.
    """
    apps: list[App] = []
    page = tmp_path / "workers"
    WorkerPage.create(page, 8)

    def make(dsn: str | None = None, **changes: object) -> App:
        app = App(
            replace(config, **changes),  # type: ignore[arg-type]
            dsn or new_database(),
            builders.a_signing_key(),
            WorkerPage(page, len(apps)),
        )
        apps.append(app)
        app.start()
        return app

    yield make
    for app in apps:
        app.stop()


@pytest.fixture
def app(new_app: Callable[..., App]) -> App:
    """One worker on a database of its own."""
    return new_app()
