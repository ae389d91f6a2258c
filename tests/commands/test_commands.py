"""The commands, as they are typed."""

from pathlib import Path

import pytest

from impl.config import load
from tests.supervisor.soma_process import SECRET, SomaServer, soma


@pytest.fixture
def stopped(tmp_path: Path) -> SomaServer:
    return SomaServer(tmp_path)


@pytest.mark.parametrize(
    "command", ["serve", "register", "room", "federation", "migrate", "generate-config"]
)
def test_every_command_explains_itself(command: str) -> None:
    result = soma(command, "--help")
    assert result.returncode == 0
    assert f"usage: soma {command}" in result.stdout


def test_help_lists_the_commands() -> None:
    result = soma("--help")
    assert result.returncode == 0
    for command in ("serve", "register", "room", "federation", "migrate", "generate-config"):
        assert command in result.stdout
    assert soma().returncode == 2


def test_a_generated_configuration_is_read_without_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "homeserver.yaml"
    result = soma("generate-config", "--server-name", "soma.test:8448", "-o", path)
    assert result.returncode == 0
    config, warnings = load(path)
    assert warnings == []
    assert config.server_name == "soma.test:8448"
    assert len(config.registration_shared_secret or "") > 30
    assert path.stat().st_mode & 0o077 == 0


def test_a_generated_configuration_replaces_nothing(tmp_path: Path) -> None:
    path = tmp_path / "homeserver.yaml"
    path.write_text("mine")
    result = soma("generate-config", "--server-name", "soma.test", "-o", path)
    assert result.returncode == 1
    assert path.read_text() == "mine"


def test_a_wrong_server_name_is_refused() -> None:
    assert soma("generate-config", "--server-name", "not/one").returncode == 2


def test_a_wrong_configuration_stops_the_start_with_the_key(tmp_path: Path) -> None:
    path = tmp_path / "homeserver.yaml"
    path.write_text("server_name: soma.test\nlisteners: [{port: x, type: http}]")
    result = soma("serve", "--config-path", path)
    assert result.returncode == 1
    assert result.stderr == "soma: listeners[0].port must be a whole number, not text\n"


def test_migrate_brings_a_new_database_up_and_then_finds_nothing(stopped: SomaServer) -> None:
    first = soma("migrate", "--config-path", stopped.config)
    assert first.returncode == 0, first.stderr
    assert "applied 0001_accounts.sql" in first.stdout
    assert soma("migrate", "--config-path", stopped.config).stdout == "nothing to do\n"


def test_a_database_that_cannot_be_reached_is_said_without_a_traceback(
    stopped: SomaServer,
) -> None:
    args = {"host": "127.0.0.1", "port": 1, "user": "x", "password": "hush", "dbname": "x"}
    stopped.write_config(database={"name": "psycopg2", "args": args})
    for command in ("serve", "migrate"):
        result = soma(command, "--config-path", stopped.config)
        assert result.returncode == 1
        assert "cannot connect to the database" in result.stderr
        assert "Traceback" not in result.stderr
        assert "hush" not in result.stderr


def test_register_writes_into_the_database_of_a_server_that_does_not_run(
    stopped: SomaServer,
) -> None:
    register = ("register", "--config-path", stopped.config)
    result = soma(*register, "-u", "alice", "-p", "wonderland", "--admin")
    assert result.returncode == 0, result.stderr
    assert result.stdout == "Registered @alice:soma.test as an administrator.\n"
    again = soma(*register, "-u", "alice", "-p", "wonderland", "--no-admin")
    assert again.returncode == 1
    assert "taken" in again.stderr
    wrong = soma(*register, "-u", "Ä", "-p", "wonderland", "--no-admin")
    assert wrong.returncode == 1
    stopped.start()
    assert stopped.log_in("alice", "wonderland") == 200
    stopped.stop()


def test_register_asks_a_server_that_runs(stopped: SomaServer, tmp_path: Path) -> None:
    stopped.start()
    url = f"http://127.0.0.1:{stopped.port}"
    try:
        by_config = soma(
            "register", "--config-path", stopped.config, "-u", "bob", "-p", "builder", "--no-admin"
        )
        assert by_config.stdout == "Registered @bob:soma.test.\n", by_config.stderr
        assert stopped.log_in("bob", "builder") == 200
        by_url = soma(
            *("register", "--data-dir", tmp_path / "none", "-k", SECRET),
            *("-u", "carol", "-p", "singer", "--admin", url),
        )
        assert by_url.returncode == 0, by_url.stderr
        assert stopped.log_in("carol", "singer") == 200
        wrong = soma("register", "-k", "wrong", "-u", "dan", "-p", "x", "--no-admin", url)
        assert wrong.returncode == 1
        assert wrong.stderr.startswith("soma: ")
    finally:
        stopped.stop()


def test_register_without_a_secret_goes_through_the_database_of_the_running_server(
    stopped: SomaServer,
) -> None:
    stopped.write_config(registration_shared_secret=None)
    stopped.start()
    try:
        result = soma(
            "register", "--config-path", stopped.config, "-u", "eve", "-p", "apple", "--no-admin"
        )
        assert result.returncode == 0, result.stderr
        assert stopped.log_in("eve", "apple") == 200
    finally:
        stopped.stop()


def test_register_with_nobody_to_ask_says_so(stopped: SomaServer) -> None:
    result = soma("register", "--config-path", stopped.config)
    assert result.returncode != 0
    assert "there is nobody to ask" in result.stderr


def test_without_a_file_a_secret_is_made_and_kept(tmp_path: Path) -> None:
    # `soma serve` makes it; here it is enough that `register` works without one.
    data = tmp_path / "data"
    result = soma("register", "--data-dir", data, "-u", "alice", "-p", "wonderland", "--admin")
    assert result.stdout == "Registered @alice:localhost as an administrator.\n", result.stderr
