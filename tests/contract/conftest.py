"""One server for all operations, in this process: to make one for each would take longer than to
ask them."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg2
import psycopg2.extensions
import pytest

from impl.app import App
from impl.config.settings import TurnServer
from impl.storage.worker_page import WorkerPage
from impl.web import matrix_api
from tests import builders
from tests.api.api_client import Api
from tests.contract import another_server

# Without one there is nothing that the specification has an answer for.
TURN = TurnServer(uris=("turn:turn.soma.test",), username="soma", password="secret")


@pytest.fixture(scope="package")
def dsn(postgres_dsn: str, template: str) -> Iterator[str]:
    """A database of its own."""
    name = f"soma_contract_{os.getpid()}"
    connection = psycopg2.connect(postgres_dsn)
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield psycopg2.extensions.make_dsn(postgres_dsn, dbname=name)
    cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
    connection.close()


@pytest.fixture(scope="package")
def contract_api(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    directory = tmp_path_factory.mktemp("contract")
    page: Path = directory / "workers"
    WorkerPage.create(page, 1)
    config = replace(builders.a_config(directory), turn=TURN)
    app = App(config, dsn, builders.a_signing_key(), WorkerPage(page, 0))
    app.start()
    another_server.introduce(app)
    yield Api(matrix_api.build(app))
    app.stop()
