"""What a worker writes: responses in one piece or in several, and header fields that come again."""

import socket
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import pytest

from tests.supervisor.test_http_connections import GET, Server, ask, read_response


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("server"), [{"resources": ["client"]}])
    yield running
    running.stop()


def read_to_the_end(connection: socket.socket) -> bytes:
    received = b""
    while piece := connection.recv(65_536):
        received += piece
    return received


def test_a_response_in_one_piece_has_a_length_and_a_date(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(GET % (b"/", b""))
        status, fields, body = read_response(connection)
    assert status == 200 and len(body) == int(fields["content-length"])
    assert parsedate_to_datetime(fields["date"]).tzinfo is not None
    assert "transfer-encoding" not in fields


def test_a_response_in_pieces_is_chunked(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(GET % (b"/pieces", b"Connection: close\r\n"))
        received = read_to_the_end(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head.lower()
    assert body.startswith(b"1\r\n{\r\n") and body.endswith(b"0\r\n\r\n")


def test_a_header_cannot_bring_another(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(GET % (b"/inject", b"Connection: close\r\n"))
        received = read_to_the_end(connection)
    assert received.startswith(b"HTTP/1.1 500 ") and b"Smuggled" not in received


def test_a_header_that_cannot_be_written_is_a_500(server: Server) -> None:
    assert ask(server, GET % (b"/foreign", b""))[0] == 500


@pytest.mark.parametrize("path", [b"/", b"/pieces"])
def test_a_head_request_gets_no_body(server: Server, path: bytes) -> None:
    request = (GET % (path, b"Connection: close\r\n")).replace(b"GET", b"HEAD")
    with server.connect() as connection:
        connection.sendall(request)
        received = read_to_the_end(connection)
    assert received.startswith(b"HTTP/1.1 200 ") and received.endswith(b"\r\n\r\n")


def test_an_old_client_is_told_that_the_connection_stays(server: Server) -> None:
    request = b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    with server.connect() as connection:
        for _ in range(2):
            connection.sendall(request)
            status, fields, _ = read_response(connection)
            assert (status, fields["connection"]) == (200, "keep-alive")


def test_fields_of_one_request_are_not_the_next_ones(server: Server) -> None:
    sent = [b"X-One: 1\r\n", b"X-One: 1\r\n", b"X-Two: 2\r\n", b"", b"X-One: 1\r\n"]
    with server.connect() as connection:
        for fields in sent:
            connection.sendall(GET % (b"/", fields))
            body = read_response(connection)[2]
            assert (b'"HTTP_X_ONE"' in body) is (fields == sent[0])
            assert (b'"HTTP_X_TWO"' in body) is (fields == sent[2])


def test_requests_that_come_together_are_answered_in_order(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(b"".join(GET % (b"/%d" % n, b"") for n in range(5)))
        for number in range(5):
            assert b'"RAW_URI": "/%d"' % number in read_response(connection)[2]


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\nHost: small.test\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: small.test\nX: y\r\n\r\n",
    ],
)
def test_line_ends_of_two_kinds_are_refused(server: Server, head: bytes) -> None:
    assert ask(server, head)[0] == 400


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\nHost: small.test\n\n",
        b"\r\nGET / HTTP/1.1\r\nHost: small.test\r\n\r\n",
    ],
)
def test_what_a_recipient_may_accept_is_accepted(server: Server, head: bytes) -> None:
    assert ask(server, head)[0] == 200


def test_an_early_empty_line_ends_the_head(server: Server) -> None:
    """What follows is the next request, whichever kind of line end came first."""
    smuggled = b"GET /second HTTP/1.1\r\nHost: small.test\r\n\r\n"
    with server.connect() as connection:
        connection.sendall(b"GET /first HTTP/1.1\nHost: small.test\n\r\n" + smuggled)
        assert b'"RAW_URI": "/first"' in read_response(connection)[2]
        assert b'"RAW_URI": "/second"' in read_response(connection)[2]
