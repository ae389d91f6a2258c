"""Uploads: what is kept, what is promised, and what is there whenever the process is killed."""

from collections.abc import Callable

import gevent
import pytest

from impl import errors
from impl.app import App
from impl.config import ApplicationService
from impl.services import accounts
from impl.services.media import downloads, uploads
from tests.builders import ALICE, BOB, a_requester
from tests.services.media.files import (
    ask,
    asked,
    download,
    keep_promise,
    on_disk,
    promise,
    received,
    upload,
)

HOUR_MS = 3_600_000


@pytest.fixture
def a_clock(app: App) -> Callable[[int], None]:
    """Moves the App's clock on."""
    now = [app.now_ms()]
    app.now_ms = lambda: now[0]

    def move(by_ms: int) -> None:
        now[0] += by_ms

    return move


def test_what_was_uploaded_is_what_is_found(app: App) -> None:
    media_id = upload(app, b"hello", content_type="text/plain", file_name="ä b.txt")
    content = downloads.find(app, asked(app, media_id))
    with content.file:
        assert content.file.read() == b"hello"
    assert (content.size, content.content_type, content.file_name) == (5, "text/plain", "ä b.txt")
    assert len(media_id) == uploads.MEDIA_ID_LETTERS and media_id.isalpha() and media_id.isascii()
    assert on_disk(app) == [app.media_files.path(app.server_name, media_id)]
    assert ask(app, "SELECT 1 FROM media_loose_files") == []


def test_what_says_nothing_of_itself_is_bytes(app: App) -> None:
    content = downloads.find(app, asked(app, upload(app, b"", file_name="")))
    content.file.close()
    assert (content.size, content.content_type, content.file_name) == (
        0,
        "application/octet-stream",
        None,
    )


@pytest.mark.parametrize("file_name", ["x" * 1025, "é" * 513, "a\0b"])
def test_a_name_that_cannot_be_given_out_again_is_refused(app: App, file_name: str) -> None:
    with pytest.raises(errors.InvalidParam, match="filename"):
        upload(app, b"x", file_name=file_name)
    assert on_disk(app) == []


def test_a_promised_file_comes_later(app: App) -> None:
    media_id = promise(app)
    with pytest.raises(errors.NotYetUploaded):
        download(app, media_id)
    keep_promise(app, media_id, b"late")
    assert download(app, media_id) == b"late"


def test_only_who_promised_a_file_uploads_it_and_only_once(app: App) -> None:
    media_id = promise(app)
    with pytest.raises(errors.Forbidden):
        keep_promise(app, media_id, b"of bob", BOB)
    keep_promise(app, media_id, b"of alice")
    with pytest.raises(errors.CannotOverwriteMedia):
        keep_promise(app, media_id, b"again")
    # What was uploaded at once was never promised: there is nothing to keep.
    with pytest.raises(errors.CannotOverwriteMedia):
        keep_promise(app, upload(app, b"at once"), b"over it")
    assert download(app, media_id) == b"of alice"
    assert len(on_disk(app)) == 2


@pytest.mark.parametrize(
    ("server_name", "media_id"),
    [("other.test", ""), ("soma.test", "unknown"), ("soma.test", "../../etc"), ("..", "x")],
)
def test_what_nobody_promised_cannot_be_uploaded(app: App, server_name: str, media_id: str) -> None:
    media_id = media_id or promise(app)
    with received(app, b"x") as file, pytest.raises(errors.NotFound):
        uploads.keep_promise(app, a_requester(ALICE), server_name, media_id, file, None)
    assert on_disk(app) == []


def test_a_promise_ends(app: App, a_clock: Callable[[int], None]) -> None:
    media_id = promise(app)
    a_clock(24 * HOUR_MS - 1)
    with pytest.raises(errors.NotYetUploaded):
        download(app, media_id)
    a_clock(1)
    with pytest.raises(errors.NotFound):
        keep_promise(app, media_id, b"too late")
    with pytest.raises(errors.NotFound):
        download(app, media_id)
    assert on_disk(app) == []


def test_one_may_not_promise_too_many(app: App, a_clock: Callable[[int], None]) -> None:
    first = promise(app)
    a_clock(HOUR_MS)
    for _ in range(4):
        promise(app)
    with pytest.raises(errors.LimitExceeded) as raised:
        promise(app)
    assert raised.value.extra["retry_after_ms"] == 23 * HOUR_MS
    promise(app, BOB)
    # What has come is not promised any more, and neither is what may not come.
    keep_promise(app, first, b"x")
    promise(app)
    with pytest.raises(errors.LimitExceeded):
        promise(app)
    a_clock(24 * HOUR_MS)
    promise(app)


@pytest.mark.parametrize("is_limited", [True, False])
def test_a_service_without_limits_promises_as_many_as_it_likes(
    new_app: Callable[..., App], is_limited: bool
) -> None:
    service = ApplicationService(
        "irc", None, "as_token", "hs_token", "ircbot", {}, rate_limited=is_limited
    )
    app = new_app(application_services=(service,))
    requester = a_requester("@ircbot:soma.test", appservice_id="irc")
    for _ in range(5):
        uploads.promise(app, requester)
    if is_limited:
        with pytest.raises(errors.LimitExceeded):
            uploads.promise(app, requester)
    else:
        uploads.promise(app, requester)


def test_many_promises_at_once_are_not_too_many(new_app: Callable[..., App]) -> None:
    first = new_app()
    second = new_app(first.database.dsn)
    accounts.register_user(first, "alice", None)
    tries = [gevent.spawn(promise, app) for app in [first, second] * 8]
    gevent.joinall(tries)
    assert sum(one.successful() for one in tries) == 5
    assert all(one.successful() or is_limit(one.exception) for one in tries)


def is_limit(error: BaseException | None) -> bool:
    return isinstance(error, errors.LimitExceeded)


def test_of_two_uploads_of_one_promise_one_is_kept_and_whole(new_app: Callable[..., App]) -> None:
    first = new_app()
    second = new_app(first.database.dsn)
    for _ in range(5):
        media_id = promise(first)
        tries = {
            content: gevent.spawn(keep_promise, app, media_id, content)
            for app, content in ((first, b"one" * 20_000), (second, b"the other"))
        }
        gevent.joinall(list(tries.values()))
        kept = [content for content, one in tries.items() if one.successful()]
        refused = [one.exception for one in tries.values() if not one.successful()]
        assert [type(error) for error in refused] == [errors.CannotOverwriteMedia]
        assert [download(first, media_id)] == kept
    assert len(on_disk(first)) == 5
    assert ask(first, "SELECT 1 FROM media_loose_files") == []
