"""Files through a real worker: large ones, with a small memory, whoever goes away in the middle."""

import contextlib
import hashlib
import json
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.supervisor.file_application import FILE
from tests.supervisor.test_http_connections import GET, Server, certificate, read_response

__all__ = ["certificate"]

MIB = 1 << 20
# The largest that may be uploaded.
LARGE = 50 * MIB
MEMORY_KIB = 16 * 1024
PATIENCE_S = 20.0
POST = b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%s\r\n"
CHUNKED = b"POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


class FileServer(Server):
    """A server that has a file, and what it does."""

    def __init__(
        self,
        directory: Path,
        size: int = LARGE,
        listeners: tuple[dict[str, Any], ...] = ({"resources": ["client"]},),
        **settings: Any,
    ) -> None:
        self.directory = directory
        self.data = os.urandom(MIB) * (size // MIB) + b"end"
        (directory / FILE).write_bytes(self.data)
        super().__init__(directory, list(listeners), files=True, **settings)

    def look(self) -> dict[str, Any]:
        with self.connect() as connection:
            connection.sendall(GET % (b"/worker", b""))
            found: dict[str, Any] = json.loads(read_response(connection)[2])
            return found

    def wait_until(self, is_so: Callable[[dict[str, Any]], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not is_so(found := self.look()):
            assert time.monotonic() < deadline, found
            time.sleep(0.02)

    def log(self) -> str:
        return (self.directory / "log").read_text()


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, certificate: dict[str, str]
) -> Iterator[FileServer]:
    listeners = ({"resources": ["client"]}, {"resources": ["client"], "tls": True})
    running = FileServer(tmp_path_factory.mktemp("server"), listeners=listeners, **certificate)
    yield running
    running.stop()


@pytest.fixture
def new_server(tmp_path: Path) -> Iterator[Callable[..., FileServer]]:
    """Makes a server with other settings."""
    servers: list[FileServer] = []

    def make(**settings: Any) -> FileServer:
        servers.append(FileServer(tmp_path, **settings))
        return servers[-1]

    yield make
    for running in servers:
        running.stop()


def post(connection: socket.socket, head: bytes, data: bytes = b"") -> tuple[int, Any]:
    connection.sendall(head)
    connection.sendall(data)
    status, _, body = read_response(connection)
    return status, json.loads(body)


def read_to_the_end(connection: socket.socket) -> bytes:
    pieces = []
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(MIB):
            pieces.append(piece)
    return b"".join(pieces)


def test_a_large_file_is_never_in_memory(server: FileServer) -> None:
    before = server.look()["peak_kib"]
    data = server.data[:LARGE]
    with server.connect() as connection:
        status, answer = post(connection, POST % (LARGE, b"Content-Type: video/mp4\r\n"), data)
        assert status == 200
        assert answer["size"] == answer["on_disk"] == LARGE
        assert answer["sha256"] == hashlib.sha256(data).hexdigest()
        assert answer["content_type"] == "video/mp4"
        for path in (b"/file", b"/parts"):
            connection.sendall(GET % (path, b""))
            status, _, body = read_response(connection)
            assert status == 200 and server.data in body
    after = server.look()
    assert after["peak_kib"] - before < MEMORY_KIB, (before, after)
    assert (after["incoming"], after["open"]) == (0, 0)


def test_a_large_file_comes_in_chunks_without_filling_memory(server: FileServer) -> None:
    before = server.look()["peak_kib"]
    chunk = server.data[:MIB]
    with server.connect() as connection:
        connection.sendall(CHUNKED)
        for _ in range(50):
            connection.sendall(b"%x\r\n" % MIB + chunk + b"\r\n")
        status, answer = post(connection, b"0\r\n\r\n")
        assert (status, answer["size"]) == (200, LARGE)
        assert answer["sha256"] == hashlib.sha256(chunk * 50).hexdigest()
        # And the connection goes on.
        assert post(connection, POST % (3, b""), b"abc")[1]["size"] == 3
    assert server.look()["peak_kib"] - before < MEMORY_KIB


def test_a_file_comes_and_goes_by_tls(server: FileServer, certificate: dict[str, str]) -> None:
    context = ssl.create_default_context(cafile=certificate["authority"])
    with context.wrap_socket(server.connect(1), server_hostname="small.test") as connection:
        status, answer = post(connection, POST % (len(server.data) - 3, b""), server.data[:-3])
        assert (status, answer["size"]) == (200, LARGE)
        connection.sendall(GET % (b"/file", b"Connection: close\r\n"))
        assert read_to_the_end(connection).endswith(b"\r\n\r\n" + server.data)


@pytest.mark.parametrize("head", [POST % (LARGE, b""), CHUNKED + b"%x\r\n" % LARGE])
def test_a_client_that_goes_away_leaves_no_file(server: FileServer, head: bytes) -> None:
    with server.connect() as connection:
        connection.sendall(head + server.data[:MIB])
        server.wait_until(lambda worker: worker["incoming"] == 1)
    server.wait_until(lambda worker: worker["incoming"] == 0)


def test_a_client_that_goes_away_leaves_no_file_open(server: FileServer) -> None:
    with server.connect() as connection:
        connection.sendall(GET % (b"/file", b""))
        assert connection.recv(1) == b"H"
        server.wait_until(lambda worker: worker["open"] == 1)
    server.wait_until(lambda worker: worker["open"] == 0)


def test_what_is_announced_too_large_need_not_be_sent(server: FileServer) -> None:
    expecting = POST % (LARGE + 1, b"Expect: 100-continue\r\n")
    with server.connect() as connection:
        status, answer = post(connection, expecting)
    assert (status, answer["errcode"]) == (413, "M_TOO_LARGE")


@pytest.mark.parametrize("is_chunked", [False, True])
def test_who_sends_too_much_is_told_so(server: FileServer, is_chunked: bool) -> None:
    size = LARGE + MIB
    head = CHUNKED + b"%x\r\n" % size if is_chunked else POST % (size, b"")
    with server.connect() as connection:
        status, answer = post(connection, head, (server.data + server.data)[:size])
    assert (status, answer["errcode"]) == (413, "M_TOO_LARGE")
    assert server.look()["incoming"] == 0


def test_an_old_client_uploads_and_downloads(server: FileServer) -> None:
    with server.connect() as connection:
        head = b"POST /upload HTTP/1.0\r\nContent-Length: 3\r\n\r\n"
        assert post(connection, head, b"abc")[1]["size"] == 3
    with server.connect() as connection:
        connection.sendall(b"GET /file HTTP/1.0\r\n\r\n")
        head, _, body = read_to_the_end(connection).partition(b"\r\n\r\n")
    assert b"Content-Length: %d" % len(server.data) in head and b"chunked" not in head
    assert body == server.data


@pytest.mark.parametrize("path", [b"/file", b"/parts"])
def test_after_what_has_no_body_the_connection_goes_on(server: FileServer, path: bytes) -> None:
    with server.connect() as connection:
        connection.sendall((GET % (path, b"")).replace(b"GET", b"HEAD"))
        connection.sendall(GET % (path, b'If-None-Match: W/"1"\r\n'))
        connection.sendall(GET % (b"/worker", b""))
        connection.sendall(GET % (path, b"Connection: close\r\n"))
        received = read_to_the_end(connection)
    heads = [piece.partition(b"\r\n\r\n")[0] for piece in received.split(b"HTTP/1.1 ")[1:5]]
    assert [head[:3] for head in heads] == [b"200", b"304", b"200", b"200"]
    assert b"Content-Length: %d" % len(server.data) in heads[0] or path == b"/parts"
    assert b"Content-Length" not in heads[1] and b"chunked" not in heads[1]
    assert server.data in received
    assert server.look()["open"] == 0


def test_a_file_that_was_lost_is_not_taken_for_whole(server: FileServer) -> None:
    with server.connect() as connection:
        connection.sendall(GET % (b"/lost", b""))
        head, _, body = read_to_the_end(connection).partition(b"\r\n\r\n")
    assert b"Content-Length: %d" % (len(server.data) + 1) in head and body == server.data
    assert "FileLost" in server.log()
    assert server.look()["open"] == 0


def test_a_full_disk_is_told_and_leaves_nothing(new_server: Callable[..., FileServer]) -> None:
    server = new_server(disk_bytes=2 * MIB, size=MIB)
    with server.connect() as connection:
        status, answer = post(connection, POST % (3 * MIB, b""), b"x" * (3 * MIB))
        assert (status, answer["errcode"]) == (507, "M_UNKNOWN")
    with server.connect() as connection:
        assert post(connection, POST % (MIB, b""), b"x" * MIB)[0] == 200
    assert server.look()["incoming"] == 0


def test_a_body_that_comes_slowly_in_all_is_given_up(new_server: Callable[..., FileServer]) -> None:
    """Each piece of it would come in time."""
    server = new_server(limits={"BODY_S": 0.5, "BODY_BYTES_PER_S": 4 * MIB}, size=MIB)
    sent = 0
    with server.connect() as connection, contextlib.suppress(OSError):
        connection.sendall(POST % (LARGE, b""))
        connection.settimeout(0.1)
        while sent < LARGE:
            connection.sendall(b"x" * (64 << 10))
            sent += 64 << 10
            with contextlib.suppress(TimeoutError):
                if not connection.recv(1024):
                    break
    assert sent < LARGE
    server.wait_until(lambda worker: worker["incoming"] == 0)


def test_who_takes_nothing_is_given_up_and_who_takes_it_in_time_is_not(
    new_server: Callable[..., FileServer],
) -> None:
    server = new_server(limits={"IDLE_S": 4.0, "SEND_BYTES_PER_S": 2 * MIB})
    with server.connect() as still, server.connect() as steady:
        for connection in (still, steady):
            connection.sendall(GET % (b"/file", b"Connection: close\r\n"))
        assert still.recv(1) == b"H"
        count = 0
        while piece := steady.recv(2 * MIB):
            count += len(piece)
            time.sleep(0.05)
        assert count > len(server.data)
        server.wait_until(lambda worker: worker["open"] == 0)
        assert len(read_to_the_end(still)) < len(server.data)


def test_a_download_is_finished_at_a_stop(tmp_path: Path) -> None:
    server = FileServer(tmp_path, shutdown_timeout=20_000)
    with server.connect() as connection:
        connection.sendall(GET % (b"/file", b""))
        received = connection.recv(1)
        server.process.terminate()
        received += read_to_the_end(connection)
    assert received.endswith(server.data)
    server.process.wait(PATIENCE_S)
