"""`soma serve`, whole: its processes die one by one and all at once, and the server goes on."""

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from tests.supervisor.soma_process import STOP_S_MAX, SomaServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SomaServer]:
    running = SomaServer(tmp_path)
    yield running
    if running.process is not None:
        running.stop()


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def wait_until_gone(processes: Iterable[int]) -> None:
    wait_until(lambda: not any(is_alive(pid) for pid in processes))


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# gunicorn, its two workers, and the background process.
PYTHONS = 4


def pythons(server: SomaServer) -> list[int]:
    return sorted(pid for pid, line in server.descendants().items() if "impl.commands" in line)


def all_run(server: SomaServer) -> bool:
    return len(pythons(server)) == PYTHONS


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def workers(server: SomaServer) -> list[int]:
    assert server.process is not None
    return [pid for pid in pythons(server) if parent_of(pid) != server.process.pid]


def background(server: SomaServer) -> int:
    (found,) = set(pythons(server)) - {*workers(server), parent_of(workers(server)[0])}
    return found


def postmaster(server: SomaServer) -> int:
    # Not by the command line: until a backend has set its title, it has the postmaster's.
    return int((server.directory / "data/postgres/data/postmaster.pid").read_text().split()[0])


def test_it_starts_says_where_things_are_and_stops_without_a_trace(server: SomaServer) -> None:
    server.start()
    wait_until(lambda: "listening" in server.out)
    assert f"http://127.0.0.1:{server.port}" in server.out
    assert str(server.directory / "data") in server.out
    assert "soma register --config-path" in server.out
    wait_until(lambda: all_run(server))
    processes = server.descendants()
    assert server.stop() < STOP_S_MAX
    assert server.process is not None and server.process.returncode == 0
    assert not [pid for pid in processes if is_alive(pid)]


def test_it_keeps_its_key_and_its_data(server: SomaServer) -> None:
    server.start()
    key = (server.directory / "data" / "signing.key").read_text()
    assert key.startswith("ed25519 a_")
    assert (server.directory / "data" / "signing.key").stat().st_mode & 0o077 == 0
    server.stop()
    server.start()
    assert (server.directory / "data" / "signing.key").read_text() == key
    assert "up to date" in server.out


def test_a_killed_worker_is_replaced(server: SomaServer) -> None:
    server.start()
    wait_until(lambda: all_run(server))
    victim = workers(server)[-1]
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: all_run(server) and not is_alive(victim))
    assert server.answers()


def test_a_killed_gunicorn_is_replaced_and_its_workers_go_with_it(server: SomaServer) -> None:
    server.start()
    wait_until(lambda: all_run(server))
    before = workers(server)
    gunicorn = parent_of(before[0])
    os.kill(gunicorn, signal.SIGKILL)
    wait_until_gone([gunicorn, *before])
    wait_until(lambda: all_run(server))
    assert server.answers()


def test_a_killed_background_process_is_replaced(server: SomaServer) -> None:
    server.start()
    wait_until(lambda: all_run(server))
    victim = background(server)
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: all_run(server) and not is_alive(victim))
    wait_until(lambda: "the background process ended with status -9" in server.log)


def test_a_killed_postgresql_is_started_again(server: SomaServer) -> None:
    server.start()
    first = postmaster(server)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: "PostgreSQL ended" in server.log)
    wait_until(lambda: server.log_in("nobody", "x") == 403)
    assert postmaster(server) != first


def test_a_killed_supervisor_takes_everything_with_it(server: SomaServer) -> None:
    server.start()
    processes = server.descendants()
    server.stop(signal.SIGKILL)
    wait_until_gone(processes)
    server.start()
    assert server.answers()


def test_it_starts_after_everything_was_killed_at_once(server: SomaServer) -> None:
    server.start()
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGSTOP)
    for pid in server.descendants():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    server.stop(signal.SIGKILL)
    server.start()
    assert server.answers()


def test_a_second_server_on_the_same_data_is_refused(server: SomaServer) -> None:
    server.start()
    second = SomaServer(server.directory)
    second.write_config(listeners=server.values["listeners"])
    second.start(wait=False)
    assert second.process is not None
    assert second.process.wait(30) == 1
    assert "another soma serve uses" in server.log
    assert server.answers()


def test_a_port_that_is_taken_is_named(server: SomaServer) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", server.port))
        other.listen()
        server.start(wait=False)
        assert server.process is not None
        assert server.process.wait(30) == 1
    assert "listeners[0].port cannot listen on 127.0.0.1" in server.log


def test_another_server_name_on_the_same_data_is_refused(server: SomaServer) -> None:
    server.start()
    server.stop()
    server.write_config(server_name="other.test")
    server.start(wait=False)
    assert server.process is not None
    assert server.process.wait(30) == 1
    assert "server_name is 'other.test', but the data" in server.log


def test_a_reload_brings_new_workers_with_the_new_configuration(server: SomaServer) -> None:
    server.start()
    wait_until(lambda: "listening" in server.out and all_run(server))
    before = pythons(server)
    server.write_config(enable_registration=True, enable_registration_without_verification=True)
    assert server.process is not None
    server.process.send_signal(signal.SIGHUP)
    answered = []

    def all_are_new() -> bool:
        answered.append(server.answers())
        now = set(pythons(server))
        return len(now) == PYTHONS and not now & set(before)

    wait_until(all_are_new, seconds=60)
    assert all(answered)
    status, _ = server.post(
        "/_matrix/client/v3/register",
        {"username": "new", "password": "some words", "auth": {"type": "m.login.dummy"}},
    )
    assert status == 200


def test_a_reload_of_a_wrong_file_changes_nothing(server: SomaServer) -> None:
    server.start()
    wait_until(lambda: "listening" in server.out and all_run(server))
    before = pythons(server)
    server.write_config(max_upload_size="huge")
    assert server.process is not None
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "max_upload_size must be a size" in server.log)
    assert pythons(server) == before
    assert server.answers()


def test_a_stop_while_it_starts_leaves_nothing(server: SomaServer) -> None:
    for pause in (0.1, 0.4, 0.8, 1.2):
        server.start(wait=False)
        time.sleep(pause)
        processes = server.descendants()
        assert server.stop() < STOP_S_MAX
        # What a tool of PostgreSQL's had started itself ends a moment after it.
        wait_until_gone(processes)
    server.start()
    assert server.answers()
