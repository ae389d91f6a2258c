"""Bodies that are files: what is refused before it is read, and that nothing is left of them."""

import errno
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from impl import errors
from impl.app import App
from impl.config import Config, RateLimit
from impl.received_file import ReceivedFile
from impl.web import upload
from impl.web.application import Application
from impl.web.rate_limit import Spending
from tests.web.wsgi_call import application, call

SIZE_MAX = 200_000


@pytest.fixture
def app(new_app: Callable[..., App]) -> App:
    return new_app(max_upload_size=SIZE_MAX)


@pytest.fixture
def received() -> list[dict[str, Any]]:
    """What the operation was given."""
    return []


@pytest.fixture
def wsgi(app: App, received: list[dict[str, Any]]) -> Application:
    def store(app: App, body: ReceivedFile) -> dict[str, object]:
        received.append(
            {
                "bytes": body.path.read_bytes(),
                "size": body.size,
                "content_type": body.content_type,
                "path": body.path,
            }
        )
        return {}

    return application(app, store, "POST", takes_file=True)


class Source(io.BytesIO):
    """A body that says how much of it was asked for at once, and may fail at its end."""

    def __init__(self, data: bytes, error: Exception | None = None) -> None:
        super().__init__(data)
        self.asked = 0
        self._error = error

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        self.asked = max(self.asked, size)
        piece = super().read(size)
        if not piece and self._error is not None:
            raise self._error
        return piece


def post(wsgi: Any, data: bytes = b"", **environ: Any) -> tuple[int, str | None]:
    given = {"wsgi.input": Source(data), "CONTENT_LENGTH": str(len(data)), **environ}
    status, _, body = call(wsgi, method="POST", **given)
    return status, body.get("errcode")


def left_over(app: App) -> list[Path]:
    root = app.config.media_store_path
    return [path for path in root.rglob("*") if path.is_file()]


def test_a_body_lies_on_the_disk_while_the_function_runs(
    wsgi: Application, received: list[dict[str, Any]], app: App
) -> None:
    data = bytes(range(256)) * 700
    source = Source(data)
    assert post(wsgi, data, CONTENT_TYPE="image/png", **{"wsgi.input": source}) == (200, None)
    (found,) = received
    assert found["bytes"] == data and found["size"] == len(data)
    assert found["content_type"] == "image/png"
    assert source.asked <= 64 << 10
    assert left_over(app) == []


def test_what_the_function_keeps_stays(app: App, tmp_path: Path) -> None:
    def keep(app: App, body: ReceivedFile) -> dict[str, object]:
        body.path.rename(tmp_path / "kept")
        return {}

    assert post(application(app, keep, "POST", takes_file=True), b"kept")[0] == 200
    assert (tmp_path / "kept").read_bytes() == b"kept" and left_over(app) == []


@pytest.mark.parametrize("error", [errors.Forbidden("no"), OSError("no"), ValueError("no")])
def test_nothing_is_left_where_the_function_fails(app: App, error: Exception) -> None:
    def fail(app: App, body: ReceivedFile) -> None:
        raise error

    status, _ = post(application(app, fail, "POST", takes_file=True), b"data")
    assert status == (403 if isinstance(error, errors.Forbidden) else 500)
    assert left_over(app) == []


def test_a_body_in_chunks_needs_no_length(
    wsgi: Application, received: list[dict[str, Any]]
) -> None:
    data = b"x" * 100_000
    chunked = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}
    assert post(wsgi, data, **chunked) == (200, None)
    assert received[0]["bytes"] == data


@pytest.mark.parametrize("length", ["0", ""])
def test_a_file_may_be_empty(
    wsgi: Application, received: list[dict[str, Any]], length: str
) -> None:
    assert post(wsgi, CONTENT_LENGTH=length) == (200, None)
    assert (received[0]["bytes"], received[0]["content_type"]) == (b"", None)


def test_a_body_that_is_announced_too_large_is_not_read(wsgi: Application, app: App) -> None:
    source = Source(b"x")
    environ = {"CONTENT_LENGTH": str(SIZE_MAX + 1), "wsgi.input": source}
    assert post(wsgi, **environ) == (413, "M_TOO_LARGE")
    assert source.asked == 0 and left_over(app) == []


def test_a_body_that_becomes_too_large_is_refused(wsgi: Application, app: App) -> None:
    chunked = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}
    assert post(wsgi, b"x" * SIZE_MAX, **chunked) == (200, None)
    assert post(wsgi, b"x" * (SIZE_MAX + 1), **chunked) == (413, "M_TOO_LARGE")
    assert left_over(app) == []


@pytest.mark.parametrize("error", [None, ConnectionResetError(errno.ECONNRESET, "gone")])
def test_a_body_that_ends_early_is_no_file(
    wsgi: Application, app: App, received: list[dict[str, Any]], error: Exception | None
) -> None:
    environ = {"CONTENT_LENGTH": "100001", "wsgi.input": Source(b"x" * 100_000, error)}
    assert post(wsgi, **environ) == (400, "M_UNKNOWN")
    assert received == [] and left_over(app) == []


@pytest.mark.parametrize("given", ["text/plain\r\nX: y", "\xe9/plain", "a/" + "b" * 300, "a\tb"])
def test_a_type_that_could_not_be_sent_is_refused(wsgi: Application, app: App, given: str) -> None:
    status, _, body = call(wsgi, method="POST", CONTENT_LENGTH="0", CONTENT_TYPE=given)
    assert (status, body["errcode"]) == (400, "M_INVALID_PARAM")
    assert "Content-Type" in body["error"] and not app.config.media_store_path.exists()


@pytest.mark.parametrize("step", ["open", "write", "finish"])
def test_a_full_disk_is_told_and_leaves_nothing(
    wsgi: Application, app: App, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if step == "open":
        monkeypatch.setattr(upload, "ReceivedFile", full)
    else:
        monkeypatch.setattr(ReceivedFile, step, full)
    status, _, body = call(
        wsgi, method="POST", CONTENT_LENGTH="3", **{"wsgi.input": io.BytesIO(b"abc")}
    )
    assert (status, body["errcode"]) == (507, "M_UNKNOWN") and "disk" in body["error"]
    assert left_over(app) == []


def test_who_may_not_upload_writes_nothing(app: App) -> None:
    source = Source(b"data")
    environ = {"CONTENT_LENGTH": "4", "wsgi.input": source}
    function = application(app, lambda *_: {}, "POST", takes_file=True, caller="token")
    assert post(function, **environ) == (401, "M_MISSING_TOKEN")
    assert source.asked == 0 and not app.config.media_store_path.exists()


def test_who_is_over_a_limit_writes_nothing(new_app: Callable[..., App], config: Config) -> None:
    limits = replace(config.rate_limits, rc_media_create=RateLimit(1 / 3600, 1))
    wsgi = application(
        new_app(rate_limits=limits),
        lambda app, body: {},
        "POST",
        takes_file=True,
        spendings=(Spending("rc_media_create", "user"),),
    )
    assert post(wsgi, b"data")[0] == 200
    source = Source(b"data")
    environ = {"CONTENT_LENGTH": "4", "wsgi.input": source}
    assert post(wsgi, **environ) == (429, "M_LIMIT_EXCEEDED")
    assert source.asked == 0
