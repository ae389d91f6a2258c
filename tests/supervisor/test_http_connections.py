"""Connections to a real worker: bytes in, bytes out."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests import ports

ROOT = Path(__file__).parents[2]
GET = b"GET %s HTTP/1.1\r\nHost: small.test\r\n%s\r\n"
# How long a server would wait at its stop, and what is so much less that it did not.
PATIENCE_MS = 40_000
AT_ONCE_S = 20.0


class Server:
    """A small server in a process of its own."""

    def __init__(self, directory: Path, listeners: list[dict[str, Any]], **settings: Any) -> None:
        given = {"directory": str(directory), "listeners": listeners, **settings}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.supervisor.small_server", json.dumps(given)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=(directory / "log").open("wb"),
            text=True,
        )
        assert self.process.stdout is not None
        self.ports = json.loads(self.process.stdout.readline())
        assert self.process.stdout.readline() == "ready\n"

    def connect(self, place: int = 0) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.ports[place]), timeout=20)

    def wait_for(self, *paths: str) -> None:
        """Returns when requests for these have reached the application."""
        assert self.process.stdout is not None
        began = {self.process.stdout.readline() for _ in paths}
        assert began == {f"began {path}\n" for path in paths}

    def stop(self) -> float:
        """Ends it gracefully, and returns the seconds it took."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        return time.monotonic() - started


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    directory = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    issued = authority.issue_cert("small.test")
    authority.cert_pem.write_to_path(directory / "ca.pem")
    issued.private_key_pem.write_to_path(directory / "key.pem")
    issued.cert_chain_pems[0].write_to_path(directory / "cert.pem")
    return {
        "certificate": str(directory / "cert.pem"),
        "private_key": str(directory / "key.pem"),
        "authority": str(directory / "ca.pem"),
    }


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, certificate: dict[str, str]
) -> Iterator[Server]:
    listeners: list[dict[str, Any]] = [
        {"resources": ["client"]},
        {"x_forwarded": True, "resources": ["federation"], "request_id_header": "X-Request-Id"},
        {"tls": True},
    ]
    running = Server(tmp_path_factory.mktemp("server"), listeners, **certificate)
    yield running
    running.stop()


def read_response(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """One response with a Content-Length."""
    stream = connection.makefile("rb", buffering=0)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        piece = stream.read(1)
        assert piece, f"the connection ended after {head!r}"
        head += piece
    lines = head.decode().split("\r\n")
    fields = {n.lower(): v for n, _, v in (line.partition(": ") for line in lines[1:] if line)}
    body = b""
    while len(body) < int(fields.get("content-length", 0)):
        body += stream.read(int(fields["content-length"]) - len(body))
    return int(lines[0].split()[1]), fields, body


def ask(server: Server, request: bytes, place: int = 0) -> tuple[int, Any]:
    with server.connect(place) as connection:
        connection.sendall(request)
        status, _, body = read_response(connection)
        decoded = json.loads(body)
        return status, decoded.get("answer", decoded)


def test_a_path_is_handed_on_as_it_was_encoded(server: Server) -> None:
    status, answer = ask(server, GET % (b"/rooms/%21a%3Ab%2Fc?x=%20y", b""))
    assert status == 200
    assert answer["RAW_URI"] == "/rooms/%21a%3Ab%2Fc?x=%20y"
    assert answer["PATH_INFO"] == "/rooms/!a:b/c"
    assert answer["QUERY_STRING"] == "x=%20y"


def test_bytes_that_should_have_been_encoded_are(server: Server) -> None:
    _, answer = ask(server, GET % ("/é".encode(), b""))
    assert answer["RAW_URI"] == "/%C3%A9"


def test_an_absolute_target_is_its_path(server: Server) -> None:
    _, answer = ask(server, GET % (b"http://small.test/a?b", b""))
    assert answer["RAW_URI"] == "/a?b"


def test_each_listener_has_its_resources(server: Server) -> None:
    assert ask(server, GET % (b"/", b""), 0)[1]["resources"] == ["client"]
    assert ask(server, GET % (b"/", b""), 1)[1]["resources"] == ["federation"]


def test_only_a_listener_behind_a_proxy_believes_what_it_says(server: Server) -> None:
    fields = b"X-Forwarded-For: 203.0.113.9, 10.0.0.1\r\nX-Forwarded-Proto: https\r\n"
    _, direct = ask(server, GET % (b"/", fields), 0)
    assert (direct["REMOTE_ADDR"], direct["wsgi.url_scheme"]) == ("127.0.0.1", "http")
    _, proxied = ask(server, GET % (b"/", fields + b"X-Request-Id: 17\r\n"), 1)
    assert (proxied["REMOTE_ADDR"], proxied["wsgi.url_scheme"]) == ("203.0.113.9", "https")
    assert proxied["soma.request_id"] == "17"


def test_a_forwarded_address_that_is_none_is_ignored(server: Server) -> None:
    _, answer = ask(server, GET % (b"/", b"X-Forwarded-For: <script>\r\n"), 1)
    assert answer["REMOTE_ADDR"] == "127.0.0.1"


def test_a_tls_listener_speaks_tls_and_the_others_do_not(
    server: Server, certificate: dict[str, str]
) -> None:
    context = ssl.create_default_context(cafile=certificate["authority"])
    with context.wrap_socket(server.connect(2), server_hostname="small.test") as connection:
        assert connection.version() in ("TLSv1.2", "TLSv1.3")
        connection.sendall(GET % (b"/", b""))
        status, _, body = read_response(connection)
        assert status == 200
        assert json.loads(body)["answer"]["wsgi.url_scheme"] == "https"


def test_plain_http_to_a_tls_listener_ends(server: Server) -> None:
    with server.connect(2) as connection:
        connection.sendall(GET % (b"/", b""))
        try:
            assert not connection.recv(4096).startswith(b"HTTP/1.1 200")
        except ConnectionResetError:
            pass
    assert ask(server, GET % (b"/", b""))[0] == 200


def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(b"".join(GET % (b"/%d" % number, b"") for number in range(5)))
        paths = [json.loads(read_response(connection)[2])["answer"]["PATH_INFO"] for _ in range(5)]
    assert paths == ["/0", "/1", "/2", "/3", "/4"]


@pytest.mark.parametrize(
    "request_",
    [
        b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
        b"POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\nhe\r\n3;ext=1\r\nllo\r\n0\r\n\r\n",
    ],
    ids=["length", "chunked"],
)
def test_a_body_is_read_and_the_connection_goes_on(server: Server, request_: bytes) -> None:
    with server.connect() as connection:
        for _ in range(2):
            connection.sendall(request_)
            assert json.loads(read_response(connection)[2])["answer"] == {"body": "hello"}


def test_a_client_that_expects_100_continue_gets_it(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(
            b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        )
        assert read_response(connection)[0] == 100
        connection.sendall(b"hi")
        assert json.loads(read_response(connection)[2])["answer"] == {"body": "hi"}


def test_a_refused_client_that_expects_100_continue_is_not_waited_for(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(
            b"POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"
        )
        assert read_response(connection)[0] == 413
        assert connection.recv(1) == b""


def test_a_large_body_that_is_refused_does_not_lose_the_response(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(b"POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n")
        connection.sendall(b"x" * 8_000_000)
        assert read_response(connection)[0] == 413


def test_a_head_request_has_no_body(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" + GET % (b"/next", b""))
        stream = connection.makefile("rb")
        while stream.readline() != b"\r\n":
            pass
        assert stream.readline() == b"HTTP/1.1 200 OK\r\n"


def test_http_1_0_closes_unless_asked(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert read_response(connection)[0] == 200
        assert connection.recv(1) == b""


BAD = {
    "rubbish": (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400),
    "two parts": (b"GET /\r\n\r\n", 400),
    "two spaces": (b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "version 2": (b"PRI * HTTP/2.0\r\n\r\n", 505),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
    "no colon": (b"GET / HTTP/1.1\r\nHost x\r\n\r\n", 400),
    "space before colon": (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
    "folded": (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400),
    "CR in the request line": (b"GET / HTTP/1.1\r\r\nHost: x\r\n\r\n", 505),
    "CR in a field": (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\r\n\r\n", 400),
    "NUL in a field": (b"GET / HTTP/1.1\r\nHost: x\r\nA: \0\r\n\r\n", 400),
    "NUL in the target": (b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "not a path": (b"GET x HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "length -1": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
    "length 1_0": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1_0\r\n\r\n", 400),
    "two lengths": (
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        400,
    ),
    "length and coding": (
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        400,
    ),
    "other coding": (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
    "long line": (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    "many fields": (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431),
    "large field": (b"GET / HTTP/1.1\r\nA: " + b"b" * 70_000 + b"\r\n\r\n", 431),
    "bad chunk": (
        b"POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        400,
    ),
}


@pytest.mark.parametrize(("request_", "expected"), BAD.values(), ids=BAD)
def test_bad_http_is_refused_and_closed(server: Server, request_: bytes, expected: int) -> None:
    with server.connect() as connection:
        connection.sendall(request_)
        status, _, body = read_response(connection)
        assert status == expected
        assert json.loads(body)["errcode"] == "M_UNKNOWN"
        assert connection.recv(1) == b""


@pytest.mark.parametrize(
    "chunks",
    [b"zz\r\n", b"\r\n", b";ext\r\n", b"2\r\nhello\r\n", b"0\r\n: no name\r\n\r\n"],
)
def test_after_a_body_without_an_end_nothing_is_read(server: Server, chunks: bytes) -> None:
    head = b"POST /bad-body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with server.connect() as connection:
        connection.sendall(head + chunks + GET % (b"/smuggled", b""))
        status, fields, _ = read_response(connection)
        assert status == 400 and fields["connection"] == "close"
        assert connection.recv(1) == b""


def test_a_failure_of_the_application_is_a_500_with_an_errcode(server: Server) -> None:
    assert ask(server, GET % (b"/fail", b"")) == (
        500,
        {"errcode": "M_UNKNOWN", "error": "internal error"},
    )


def test_at_a_stop_polls_are_answered_and_the_rest_is_finished(tmp_path: Path) -> None:
    running = Server(tmp_path, [{}], workers=2, shutdown_timeout=PATIENCE_MS)
    idle, polling, working = (running.connect() for _ in range(3))
    idle.sendall(GET % (b"/", b""))
    read_response(idle)
    polling.sendall(GET % (b"/poll", b""))
    working.sendall(GET % (b"/last?1.5", b""))
    running.wait_for("/poll", "/last")
    assert running.stop() < AT_ONCE_S
    assert json.loads(read_response(polling)[2])["answer"] == {"woken": True}
    status, fields, body = read_response(working)
    assert (status, fields["connection"]) == (200, "close")
    assert json.loads(body)["answer"] == {"done": True}
    assert idle.recv(1) == b""


@pytest.mark.parametrize("tls", [False, True])
def test_a_stop_without_requests_does_not_wait_for_idle_connections(
    tmp_path: Path, tls: bool, certificate: dict[str, str]
) -> None:
    running = Server(tmp_path, [{"tls": tls}], shutdown_timeout=PATIENCE_MS, **certificate)
    context = ssl.create_default_context(cafile=certificate["authority"])
    connections = [running.connect() for _ in range(20)]
    if tls:
        connections = [context.wrap_socket(c, server_hostname="small.test") for c in connections]
    for connection in connections[:10]:
        connection.sendall(GET % (b"/", b""))
        read_response(connection)
    assert running.stop() < AT_ONCE_S
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_what_is_not_finished_in_time_is_ended(tmp_path: Path) -> None:
    running = Server(tmp_path, [{}], shutdown_timeout=1000)
    working = running.connect()
    working.sendall(GET % (b"/slow?50", b""))
    running.wait_for("/slow")
    assert running.stop() < AT_ONCE_S


def test_a_worker_that_is_killed_is_replaced_in_its_slot(tmp_path: Path) -> None:
    running = Server(tmp_path, [{}])
    with running.connect() as connection:
        connection.sendall(GET % (b"/", b""))
        first = json.loads(read_response(connection)[2])
    os.kill(first["pid"], signal.SIGKILL)
    with running.connect() as connection:
        connection.sendall(GET % (b"/", b""))
        second = json.loads(read_response(connection)[2])
    assert second["pid"] != first["pid"]
    assert second["slot"] == first["slot"] == 0
    running.stop()


def seconds_until_closed(running: Server, request: bytes, drip: bytes) -> float:
    """Sends a request and then a byte ten times a second, until the other side has had enough."""
    started = time.monotonic()
    connection = running.connect()
    connection.sendall(request)
    connection.setblocking(False)
    while time.monotonic() - started < AT_ONCE_S:
        time.sleep(0.1)
        try:
            connection.send(drip)
            if connection.recv(4096) == b"":
                break
        except BlockingIOError:
            continue
        except OSError:
            break
    return time.monotonic() - started


def test_slow_heads_slow_bodies_and_idle_connections_are_ended(tmp_path: Path) -> None:
    limits = {"IDLE_S": 3.0, "HEAD_S": 1.0, "BODY_S": 1.0}
    running = Server(tmp_path, [{}], limits=limits)
    idle = running.connect()
    head = b"GET / HTTP/1.1\r\nA: "
    assert 1 <= seconds_until_closed(running, head, b"a") < AT_ONCE_S
    body = b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n"
    assert 1 <= seconds_until_closed(running, body, b"a") < AT_ONCE_S
    assert idle.recv(1) == b""
    running.stop()


def test_a_connection_that_was_just_accepted_is_answered_at_a_stop(tmp_path: Path) -> None:
    limits = {"FRESH_S": 15.0}
    running = Server(tmp_path, [{}], limits=limits, shutdown_timeout=PATIENCE_MS)
    connections = [running.connect() for _ in range(5)]
    while ports.not_accepted(running.ports[0]):
        time.sleep(0.01)
    running.process.send_signal(signal.SIGTERM)
    time.sleep(0.1)
    for connection in connections:
        connection.sendall(GET % (b"/", b""))
        assert read_response(connection)[0] == 200
    running.stop()
