"""`soma room` as it is typed, on the database of a test's App."""

from collections.abc import Callable
from pathlib import Path

import psycopg2.extensions
import pytest
import yaml

from impl.app import App
from impl.core.signing import write_signing_key
from tests.builders import SERVER_NAME, a_signing_key
from tests.commands.room_shell import RoomShell


@pytest.fixture
def new_shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[App], RoomShell]:
    """Makes shells: one looks at the database of one App."""

    def make(app: App) -> RoomShell:
        config = tmp_path / f"{len(list(tmp_path.iterdir()))}.yaml"
        args = psycopg2.extensions.parse_dsn(app.database.dsn)
        signing_key = config.with_suffix(".key")
        signing_key.write_text(write_signing_key(a_signing_key()))
        values = {
            "server_name": SERVER_NAME,
            "signing_key_path": str(signing_key),
            "database": {"name": "psycopg2", "args": args},
        }
        config.write_text(yaml.safe_dump(values))
        return RoomShell(config, capsys)

    return make


@pytest.fixture
def shell(app: App, new_shell: Callable[[App], RoomShell]) -> RoomShell:
    return new_shell(app)
