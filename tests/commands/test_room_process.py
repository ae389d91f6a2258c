"""`soma room` in a process of its own: beside a server that runs, without one, and with nothing to
look at.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from impl.commands.main import main
from tests.supervisor.soma_process import ROOT, SOMA, SomaServer, soma


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SomaServer]:
    server = SomaServer(tmp_path)
    yield server
    if server.process is not None:
        server.stop()


def a_room_of(server: SomaServer) -> str:
    """Made by the clients' API."""
    register = ("register", "--config-path", server.config, "-u", "alice", "-p", "wonderland")
    assert soma(*register, "--no-admin").returncode == 0
    status, login = server.post(
        "/_matrix/client/v3/login",
        {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": "alice"},
            "password": "wonderland",
        },
    )
    assert status == 200
    path = f"/_matrix/client/v3/createRoom?access_token={login['access_token']}"
    status, created = server.post(path, {"name": "Tea"})
    assert status == 200
    return created["room_id"]


def test_a_room_is_read_whether_the_server_runs_or_not(server: SomaServer) -> None:
    server.start()
    room_id = a_room_of(server)
    show = ("room", "show", "--config-path", server.config, room_id)
    running = soma(*show)
    assert (running.returncode, running.stderr) == (0, "")
    assert "  name                Tea\n" in running.stdout
    assert server.answers()
    server.stop()
    stopped = soma(*show, "--json")
    assert (stopped.returncode, stopped.stderr) == (0, "")
    assert json.loads(stopped.stdout)["values"]["name"] == "Tea"
    # A reader that goes away early is no failure; nor is a terminal without Unicode.
    piped = subprocess.run(
        ["sh", "-c", '"$@" | head -n 1', "sh", *SOMA, *map(str, show)],
        cwd=ROOT,
        env={**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (piped.returncode, piped.stdout, piped.stderr) == (0, room_id + "\n", "")


def test_without_more_words_it_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["room"]) == 2
    assert "where to begin:" in capsys.readouterr().out


def test_where_there_is_no_database_none_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    assert main(["room", "show", "--data-dir", str(data), "!room:soma.test"]) == 1
    assert "has no database: is it the right --config-path?" in capsys.readouterr().err
    assert not data.exists()


def test_a_database_that_is_away_or_empty_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], postgres_dsn: str
) -> None:
    config = tmp_path / "homeserver.yaml"
    for dsn, expected in (
        ("host=127.0.0.1 port=1 dbname=x", "cannot connect to the database"),
        (postgres_dsn, "is its schema of another version?"),
    ):
        args = {"name": "psycopg2", "args": {"dsn": dsn}}
        config.write_text(json.dumps({"server_name": "soma.test", "database": args}))
        assert main(["room", "show", "--config-path", str(config), "!room:soma.test"]) == 1
        error = capsys.readouterr().err
        assert error.startswith("soma: ") and expected in error
