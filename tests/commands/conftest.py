"""`soma room` as it is typed, on the database of a test's App."""

from collections.abc import Callable
from pathlib import Path

import psycopg2.extensions
import pytest
import yaml

from impl.app import App
from tests.builders import SERVER_NAME
from tests.commands.room_shell import RoomShell


@pytest.fixture
def new_shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[App], RoomShell]:
    """Makes shells: one looks at the database of one App."""

    def make(app: App) -> RoomShell:
        config = tmp_path / f"{len(list(tmp_path.iterdir()))}.yaml"
        args = psycopg2.extensions.parse_dsn(app.database.dsn)
        database = {"name": "psycopg2", "args": args}
        config.write_text(yaml.safe_dump({"server_name": SERVER_NAME, "database": database}))
        return RoomShell(config, capsys)

    return make


@pytest.fixture
def shell(app: App, new_shell: Callable[[App], RoomShell]) -> RoomShell:
    return new_shell(app)
