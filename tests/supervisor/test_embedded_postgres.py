"""The embedded PostgreSQL with real binaries: POSTGRES.md 1.3, case by case."""

import contextlib
import json
import os
import pwd
import shutil
import signal
import site
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from impl.supervisor.launching import Owner, can_execute

ROOT = Path(__file__).parents[2]
SYSTEM_PYTHON = "/usr/bin/python3"
NOBODY = pwd.getpwnam("nobody").pw_uid
is_root = pytest.mark.skipif(os.geteuid() != 0, reason="takes another user's identity")
has_python_for_all = pytest.mark.skipif(
    os.geteuid() != 0
    or not can_execute(SYSTEM_PYTHON, Owner(NOBODY, NOBODY))
    or not can_execute(str(ROOT / "tests"), Owner(NOBODY, NOBODY)),
    reason="needs a Python and a checkout that every user can read",
)


class Runner:
    """A process of postgres_process.py."""

    def __init__(self, directory: Path, uid: int | None = None) -> None:
        python, arguments = sys.executable, [str(directory)]
        if uid is not None:
            # Ours may lie where only we can go.
            python, arguments = SYSTEM_PYTHON, [*arguments, str(uid)]
        self.process = subprocess.Popen(
            [python, "-m", "tests.supervisor.postgres_process", *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *site.getsitepackages()])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def facts(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def stop(self) -> None:
        self.process.communicate(timeout=60)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def directory() -> Iterator[Path]:
    """A short path that every user can enter."""
    path = Path(tempfile.mkdtemp(prefix="soma-pg-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


def run(dsn: str, *statements: str) -> list[tuple[Any, ...]]:
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 20
    while not is_gone(pid):
        assert time.monotonic() < deadline, f"process {pid} lives on"
        time.sleep(0.05)


def processes_under(directory: Path) -> list[int]:
    """The PostgreSQL processes whose working directory is the data directory."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cwd").readlink() == directory / "data":
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_a_fresh_server_is_utf8_sorted_by_bytes_and_listens_on_no_port(directory: Path) -> None:
    runner = Runner(directory)
    dsn = runner.facts()["dsn"]
    assert run(dsn, "SHOW server_encoding") == [("UTF8",)]
    assert run(dsn, "SELECT datcollate FROM pg_database WHERE datname = 'soma'") == [("C",)]
    assert run(dsn, "SHOW listen_addresses") == [("",)]
    assert (directory / "data").stat().st_mode & 0o777 == 0o700
    runner.stop()
    assert processes_under(directory) == []


def test_a_restart_keeps_the_data(directory: Path) -> None:
    first = Runner(directory)
    run(first.facts()["dsn"], "CREATE TABLE kept (n INT)", "INSERT INTO kept VALUES (7)")
    first.stop()
    second = Runner(directory)
    facts = second.facts()
    assert run(facts["dsn"], "SELECT n FROM kept") == [(7,)]
    assert facts["is_ours"]
    second.stop()


def test_a_killed_parent_takes_the_server_with_it(directory: Path) -> None:
    runner = Runner(directory)
    facts = runner.facts()
    run(facts["dsn"], "CREATE TABLE kept (n INT)", "INSERT INTO kept VALUES (7)")
    runner.kill()
    wait_until_gone(facts["pid"])
    again = Runner(directory)
    assert run(again.facts()["dsn"], "SELECT n FROM kept") == [(7,)]
    again.stop()


def test_what_was_acknowledged_survives_the_death_of_everything(directory: Path) -> None:
    runner = Runner(directory)
    facts = runner.facts()
    connection = psycopg2.connect(facts["dsn"])
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE kept (n INT)")
    for number in range(200):
        cursor.execute("INSERT INTO kept VALUES (%s)", (number,))
    os.kill(runner.process.pid, signal.SIGSTOP)  # So that it cannot stop the server nicely.
    for pid in processes_under(directory):
        with contextlib.suppress(ProcessLookupError):  # Gone with the postmaster.
            os.kill(pid, signal.SIGKILL)
    runner.kill()
    again = Runner(directory)
    assert run(again.facts()["dsn"], "SELECT count(*) FROM kept") == [(200,)]
    again.stop()


def test_a_killed_initdb_is_done_again(directory: Path) -> None:
    runner = Runner(directory)
    while not (directory / "data" / "base").exists():
        assert runner.process.poll() is None
        time.sleep(0.005)
    runner.kill()
    assert not (directory / "initdb.ok").exists()
    again = Runner(directory)
    assert run(again.facts()["dsn"], "SELECT 1") == [(1,)]
    again.stop()


def test_a_stale_pid_file_that_names_a_living_process_does_not_matter(directory: Path) -> None:
    runner = Runner(directory)
    facts = runner.facts()
    runner.stop()
    owner = (directory / "data").stat()
    living = subprocess.Popen(["sleep", "60"], user=owner.st_uid if os.geteuid() == 0 else None)
    try:
        stale = f"{living.pid}\n{directory}/data\n1\n5432\n{directory}/run\n\n0 0\nready   \n"
        for path in (
            directory / "data" / "postmaster.pid",
            directory / "run" / ".s.PGSQL.5432.lock",
        ):
            path.write_text(stale)
            os.chown(path, owner.st_uid, owner.st_gid)
        again = Runner(directory)
        assert run(again.facts()["dsn"], "SELECT 1") == [(1,)]
        again.stop()
    finally:
        living.kill()
        living.wait()
    assert facts["is_ours"]


def test_of_three_starters_one_starts_and_the_others_find_it(directory: Path) -> None:
    runners = [Runner(directory) for _ in range(3)]
    facts = [runner.facts() for runner in runners]
    assert sorted(fact["is_ours"] for fact in facts) == [False, False, True]
    assert len({str(run(fact["dsn"], "SELECT pg_postmaster_start_time()")) for fact in facts}) == 1
    for runner, fact in zip(runners, facts, strict=True):
        if not fact["is_ours"]:
            runner.stop()
    owner = next(fact for fact in facts if fact["is_ours"])
    assert run(owner["dsn"], "SELECT 1") == [(1,)]
    for runner, fact in zip(runners, facts, strict=True):
        if fact["is_ours"]:
            runner.stop()


def test_a_path_too_long_for_a_socket_has_its_sockets_elsewhere(directory: Path) -> None:
    deep = directory / ("d" * 90) / "postgres"
    deep.parent.mkdir(mode=0o755)
    runner = Runner(deep)
    dsn = runner.facts()["dsn"]
    assert str(deep) not in dsn
    assert run(dsn, "SELECT 1") == [(1,)]
    runner.stop()


def test_a_path_with_odd_characters_works(directory: Path) -> None:
    runner = Runner(directory / "it's a \\ path")
    assert run(runner.facts()["dsn"], "SELECT 1") == [(1,)]
    runner.stop()


@is_root
def test_as_root_the_server_is_another_users(directory: Path) -> None:
    runner = Runner(directory)
    pid = runner.facts()["pid"]
    owner = Path(f"/proc/{pid}").stat().st_uid
    assert pwd.getpwuid(owner).pw_name in ("postgres", "nobody")
    runner.stop()


@is_root
def test_as_root_a_directory_that_only_root_can_enter_will_do(directory: Path) -> None:
    private = directory / "private"
    private.mkdir(mode=0o700)
    for _ in range(2):
        runner = Runner(private / "postgres")
        dsn = runner.facts()["dsn"]
        run(dsn, "CREATE TABLE IF NOT EXISTS kept (n INT)", "INSERT INTO kept VALUES (1)")
        runner.stop()
    assert private.stat().st_mode & 0o777 == 0o700
    runner = Runner(private / "postgres")
    assert run(runner.facts()["dsn"], "SELECT count(*) FROM kept") == [(2,)]
    runner.stop()


@has_python_for_all
def test_an_ordinary_user_runs_it_as_himself(directory: Path) -> None:
    os.chown(directory, NOBODY, NOBODY)
    runner = Runner(directory, NOBODY)
    facts = runner.facts()
    assert Path(f"/proc/{facts['pid']}").stat().st_uid == NOBODY
    runner.stop()
    again = Runner(directory, NOBODY)
    assert again.facts()["is_ours"]
    again.stop()


@has_python_for_all
def test_a_user_without_a_name_is_told_what_is_missing(directory: Path) -> None:
    os.chown(directory, 54321, 54321)
    runner = Runner(directory, 54321)
    assert "/etc/passwd" in runner.facts()["error"]
    runner.stop()


def test_data_of_another_major_version_is_not_touched(directory: Path) -> None:
    runner = Runner(directory)
    runner.facts()
    runner.stop()
    version = directory / "data" / "PG_VERSION"
    kept = version.read_text()
    version.write_text("9")
    refused = Runner(directory)
    assert "PostgreSQL 9" in refused.facts()["error"]
    refused.stop()
    version.write_text(kept)
    again = Runner(directory)
    assert again.facts()["is_ours"]
    again.stop()
