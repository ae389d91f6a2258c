"""What commands have in common that look into the database of a server, whether it runs or not."""

import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from impl.app import App
from impl.config import Config, ConfigError
from impl.core.signing import SigningKey
from impl.storage.worker_page import WorkerPage
from impl.supervisor import data_directory
from impl.supervisor.supervisor import a_database


@contextmanager
def database_of(config: Config) -> Iterator[str]:
    """That of the server that runs, or one for now; none is made."""
    directory = config.soma.data_dir
    if config.database is None and not (directory / "postgres").exists():
        raise ConfigError(
            "soma.data_dir", f"{directory} has no database: is it the right --config-path?"
        )
    if (directory / "server_name").exists():
        data_directory.check_server_name(config)
    with a_database(config) as dsn:
        yield dsn


@contextmanager
def an_app(config: Config, dsn: str, key: SigningKey) -> Iterator[App]:
    with tempfile.TemporaryDirectory() as temporary:
        page = Path(temporary) / "workers"
        WorkerPage.create(page, 1)
        app = App(config, dsn, key, WorkerPage(page, 0))
        try:
            yield app
        finally:
            app.stop()


def as_json(report: Any) -> str:
    return json.dumps(msgspec.to_builtins(report), indent=2)


def print_lines(lines: Iterable[str]) -> int:
    # A locale without Unicode is no reason to fail.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        for line in lines:
            print(line)
        sys.stdout.flush()
    except BrokenPipeError:
        # `| head` has seen enough. What is left in the buffer has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def fail(reason: str) -> int:
    print(f"soma: {reason}", file=sys.stderr)
    return 1
