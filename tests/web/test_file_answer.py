"""Files as answers: header fields that nobody can abuse, and files that are closed in the end."""

import email
import email.policy
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.app import App
from impl.services.media.content import Content, FederatedContent
from impl.web import file_answer
from impl.web.file_body import FileBody, FileLost
from tests.web.wsgi_call import application, call_for_bytes

DATA = bytes(range(256)) * 1000


def content(
    content_type: str = "image/png", file_name: str | None = None, file: BinaryIO | None = None
) -> Content:
    return Content(file or io.BytesIO(DATA), len(DATA), content_type, file_name)


def headers_of(content_type: str, file_name: str | None = None) -> dict[str, str]:
    return dict(file_answer.answer(content(content_type, file_name), "").headers)


def disposition(file_name: str | None, content_type: str = "image/png") -> str:
    return headers_of(content_type, file_name)["Content-Disposition"]


def serving(made: list[Content]) -> Callable[[App], Content]:
    def function(app: App) -> Content:
        made.append(content())
        return made[-1]

    return function


def test_a_file_is_sent_with_all_that_the_specification_wants(app: App) -> None:
    made: list[Content] = []
    status, headers, body = call_for_bytes(application(app, serving(made)))
    assert (status, body) == (200, DATA)
    assert headers["Content-Type"] == "image/png"
    assert headers["Content-Length"] == str(len(DATA))
    assert headers["Content-Disposition"] == "inline"
    assert headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'; script-src")
    assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "noindex" in headers["X-Robots-Tag"]
    assert made[0].file.closed


def test_a_head_request_is_answered_without_the_file(app: App) -> None:
    made: list[Content] = []
    status, headers, body = call_for_bytes(application(app, serving(made)), method="HEAD")
    assert (status, headers["Content-Length"], body) == (200, str(len(DATA)), b"")
    assert made[0].file.closed


def test_a_file_is_closed_when_the_client_goes_away(app: App) -> None:
    made: list[Content] = []
    environ = {"REQUEST_METHOD": "GET", "RAW_URI": "/x", "wsgi.input": io.BytesIO()}
    result: Any = application(app, serving(made))(environ, lambda *_: None)
    assert next(iter(result)) == DATA[: 60 << 10]
    result.close()
    assert made[0].file.closed


def test_a_file_is_closed_when_the_head_cannot_be_sent(app: App) -> None:
    def refuse(*_: object) -> None:
        raise OSError("gone")

    made: list[Content] = []
    environ = {"REQUEST_METHOD": "GET", "RAW_URI": "/x", "wsgi.input": io.BytesIO()}
    with pytest.raises(OSError):
        application(app, serving(made))(environ, refuse)
    assert made[0].file.closed


@pytest.mark.parametrize("tag", ['W/"1"', '"1"', "1", '"0", W/"1"', "*"])
def test_who_has_a_file_is_not_sent_it_again(app: App, tag: str) -> None:
    made: list[Content] = []
    wsgi = application(app, serving(made))
    _, first, _ = call_for_bytes(wsgi)
    status, headers, body = call_for_bytes(wsgi, HTTP_IF_NONE_MATCH=tag)
    assert (status, body) == (304, b"") and made[1].file.closed
    for name in ("ETag", "Cache-Control", "Access-Control-Allow-Origin"):
        assert headers[name] == first[name]
    assert "Content-Length" not in headers and "Content-Type" not in headers


@pytest.mark.parametrize("tag", ["", '"2"', '"11"', "W/", ","])
def test_who_has_something_else_is_sent_the_file(app: App, tag: str) -> None:
    wsgi = application(app, serving([]))
    assert call_for_bytes(wsgi, HTTP_IF_NONE_MATCH=tag)[::2] == (200, DATA)


def test_what_is_cached_is_asked_for_again_by_those_who_share_it(app: App) -> None:
    _, headers, _ = call_for_bytes(application(app, serving([])))
    kept = headers["Cache-Control"].split(", ")
    assert {"public", "max-age=86400", "s-maxage=0", "proxy-revalidate"} == set(kept)


@pytest.mark.parametrize("data", [b"", b"x", DATA])
def test_a_server_gets_a_file_in_parts(app: App, data: bytes) -> None:
    file = io.BytesIO(data)
    found = FederatedContent(Content(file, len(data), "text/html", 'a"b'))
    status, headers, body = call_for_bytes(application(app, lambda app: found))
    assert status == 200 and len(body) == int(headers["Content-Length"]) and file.closed
    head = f"Content-Type: {headers['Content-Type']}\r\nMIME-Version: 1.0\r\n\r\n"
    message = email.message_from_bytes(head.encode() + body, policy=email.policy.HTTP)
    assert message.get_content_type() == "multipart/mixed" and not message.defects
    first, second = message.iter_parts()
    assert (first.get_content_type(), first.get_payload(decode=True)) == ("application/json", b"{}")
    assert second.get_content_type() == "text/html"
    assert second.get_content_disposition() == "attachment" and second.get_filename() == 'a"b'
    boundary = message.get_boundary().encode()
    assert body.endswith(b"\r\n\r\n" + data + b"\r\n--" + boundary + b"--\r\n")


def test_no_two_answers_have_one_boundary(app: App) -> None:
    def function(app: App) -> FederatedContent:
        return FederatedContent(content())

    wsgi = application(app, function)
    assert call_for_bytes(wsgi)[1]["Content-Type"] != call_for_bytes(wsgi)[1]["Content-Type"]


def test_a_server_that_has_a_file_is_not_sent_it_again(app: App) -> None:
    file = io.BytesIO(DATA)
    found = FederatedContent(Content(file, len(DATA), "image/png"))
    wsgi = application(app, lambda app: found)
    assert call_for_bytes(wsgi, HTTP_IF_NONE_MATCH='W/"1"')[::2] == (304, b"") and file.closed


def test_no_more_is_sent_than_was_announced() -> None:
    assert b"".join(FileBody(io.BytesIO(DATA), 100)) == DATA[:100]


def test_a_file_that_has_become_shorter_is_not_taken_for_whole() -> None:
    with pytest.raises(FileLost):
        list(FileBody(io.BytesIO(DATA), len(DATA) + 1))


def can_be_read_at_once(path: Path) -> bool:
    """Whether the system says of this disk what it has in memory."""
    try:
        with path.open("rb") as file:
            return os.preadv(file.fileno(), [bytearray(1)], 0, os.RWF_NOWAIT) == 1
    except (OSError, AttributeError):
        return False


def test_a_file_is_sent_whatever_threads_wait_for(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(DATA)
    if not can_be_read_at_once(path):
        pytest.skip("the system does not say what it has in memory")
    pool = gevent.get_hub().threadpool
    reader, writer = os.pipe()
    waiting = [pool.spawn(os.read, reader, 1) for _ in range(pool.maxsize)]
    try:
        with path.open("rb") as file, gevent.Timeout(10):
            assert b"".join(FileBody(file, len(DATA), b"<", b">")) == b"<" + DATA + b">"
        assert not any(one.ready() for one in waiting)
    finally:
        os.close(writer)
        gevent.wait(waiting, timeout=10)
        os.close(reader)


def test_others_have_their_turn_while_a_file_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(DATA)
    turns: list[int] = []
    pieces: list[bytes] = []
    other = gevent.spawn_later(1e-6, lambda: turns.append(len(pieces)))
    with path.open("rb") as file:
        for piece in FileBody(file, len(DATA)):
            pieces.append(piece)
    other.join()
    assert turns[0] < len(pieces) and b"".join(pieces) == DATA


def test_a_disk_that_does_not_read_is_not_taken_for_a_client_that_went_away() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError("input/output error")

    with pytest.raises(FileLost):
        list(FileBody(Broken(), 1))


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("image/jpeg", "inline"),
        ("Text/Plain; charset=utf-16", "inline"),
        ("audio/x-flac", "inline"),
        ('video/mp4; codecs="avc1.42E01E, mp4a.40.2"', "inline"),
        ("image/svg+xml", "attachment"),
        ("text/html", "attachment"),
        ("application/pdf", "attachment"),
        ("", "attachment"),
        ("image/png\r\nX: y", "attachment"),
        # Browsers read these as a list, of which the last counts.
        ("image/png;,text/html", "attachment"),
        ("image/png; a=b, text/html", "attachment"),
        ('image/png; a="\\",text/html', "attachment"),
    ],
)
def test_only_what_a_browser_does_not_run_is_shown_by_it(content_type: str, expected: str) -> None:
    assert disposition(None, content_type) == expected


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("text/plain", "text/plain; charset=UTF-8"),
        ("text/plain; charset=utf-16", "text/plain; charset=utf-16"),
        ("image/png", "image/png"),
        ("image/svg+xml", "image/svg+xml; charset=UTF-8"),
        ("", "application/octet-stream"),
        ("text/html\r\nSet-Cookie: x", "application/octet-stream"),
        ("im\xe4ge/png", "application/octet-stream"),
        ("a/" + "b" * 300, "application/octet-stream"),
    ],
)
def test_a_type_is_sent_as_it_came_if_it_can_be(given: str, sent: str) -> None:
    assert headers_of(given)["Content-Type"] == sent


@pytest.mark.parametrize(
    ("file_name", "expected"),
    [
        ("cat.png", "inline; filename=cat.png"),
        ("a cat.png", "inline; filename*=utf-8''a%20cat.png"),
        ("Käse.png", "inline; filename*=utf-8''K%C3%A4se.png"),
        ('a";x="y', "inline; filename*=utf-8''a%22%3Bx%3D%22y"),
        ("a\r\nSet-Cookie: x", "inline; filename*=utf-8''a%0D%0ASet-Cookie%3A%20x"),
        ("../../etc/passwd", "inline; filename*=utf-8''..%2F..%2Fetc%2Fpasswd"),
        ("", "inline"),
        (None, "inline"),
    ],
)
def test_a_name_is_a_token_or_encoded(file_name: str | None, expected: str) -> None:
    assert disposition(file_name) == expected


@given(st.text())
def test_no_name_ends_its_field_or_takes_much_room(file_name: str) -> None:
    sent = disposition(file_name)
    assert sent.isascii() and sent.isprintable() and len(sent) < 1000
    assert sent.count(";") <= 1
    if "*=" in sent and len(file_name.encode()) <= 255:
        assert unquote(sent.partition("''")[2]) == file_name


def test_a_long_name_keeps_its_ending() -> None:
    sent = disposition("ä" * 10_000 + ".pdf")
    assert sent.endswith(".pdf") and len(sent) < 1000
    assert set(unquote(sent.partition("''")[2])) == set("ä.pdf")
    assert len(disposition("x" * 10_000)) < 1000
    assert len(disposition("x." * 10_000)) < 1000
    assert len(disposition("x." + "y" * 10_000)) < 1000
