"""What is given out, to whom, and how long one waits for what was promised."""

import time
from collections.abc import Callable
from typing import Any

import gevent
import pytest

from impl import errors
from impl.app import App
from impl.config.media import Media as Settings
from impl.core.thumbnails import Form
from impl.services.media import access, downloads, thumbnails
from impl.services.media.downloads import Asked
from impl.storage import media
from impl.storage.database import Transaction
from impl.storage.media import Media
from tests.builders import ALICE
from tests.services.media import pictures
from tests.services.media.files import (
    ask,
    asked,
    download,
    keep_promise,
    on_disk,
    promise,
    upload,
)

HOUR_MS = 3_600_000
# What a test may wait at most.
LONG_MS = 20_000

NewApp = Callable[..., App]


def put(app: App, sql: str) -> None:
    with app.database.transaction() as txn:
        txn.execute(sql)


def waiting(app: App, media_id: str, timeout_ms: int = LONG_MS) -> gevent.Greenlet:
    """Somebody who waits for a file, and has begun to."""
    one = gevent.spawn(download, app, media_id, timeout_ms)
    with gevent.Timeout(10):
        while not app.part(downloads.Promises, downloads.Promises)._waiting:
            gevent.sleep(0.001)
    return one


def test_who_waits_gets_it_when_another_worker_has_it(new_app: NewApp) -> None:
    first = new_app()
    second = new_app(first.database.dsn)
    media_id = promise(first)
    here = [waiting(first, media_id) for _ in range(3)]
    there = [waiting(second, media_id) for _ in range(3)]
    keep_promise(first, media_id, b"it came")
    gevent.joinall(here + there, timeout=10)
    assert [one.value for one in here + there] == [b"it came"] * 6


def test_nobody_holds_a_connection_while_they_wait(app: App) -> None:
    media_id = promise(app)
    many = [waiting(app, media_id) for _ in range(50)]
    with gevent.Timeout(10):
        for _ in range(20):
            ask(app, "SELECT 1")
        keep_promise(app, media_id, b"x")
    gevent.joinall(many, timeout=10)
    assert [one.value for one in many] == [b"x"] * 50
    assert app.part(downloads.Promises, downloads.Promises)._waiting == {}


def test_one_waits_as_long_as_one_says(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    media_id = promise(app)
    waits_s = []
    real = downloads.Promises.wait

    def wait(promises: downloads.Promises, media_id: str, timeout_s: float) -> None:
        waits_s.append(timeout_s)
        real(promises, media_id, timeout_s)

    monkeypatch.setattr(downloads.Promises, "wait", wait)
    started = time.monotonic()
    with pytest.raises(errors.NotYetUploaded) as raised:
        download(app, media_id, 700)
    # Not on the clock: what else the machine does may take as long.
    assert time.monotonic() - started >= 0.7
    assert 0 < max(waits_s) <= 0.7
    assert waits_s == sorted(waits_s, reverse=True)
    assert (raised.value.status, raised.value.errcode) == (504, "M_NOT_YET_UPLOADED")


@pytest.mark.parametrize("timeout_ms", [0, -1, -(2**53)])
def test_who_does_not_want_to_wait_does_not(app: App, timeout_ms: int) -> None:
    media_id = promise(app)
    with gevent.Timeout(5), pytest.raises(errors.NotYetUploaded):
        download(app, media_id, timeout_ms)


def test_nobody_waits_longer_than_a_request_may_take(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert downloads.WAIT_MS_MAX < 60_000
    monkeypatch.setattr(downloads, "WAIT_MS_MAX", 10)
    media_id = promise(app)
    with gevent.Timeout(5), pytest.raises(errors.NotYetUploaded):
        download(app, media_id, 2**53 - 1)


def test_when_the_server_stops_nobody_waits(app: App) -> None:
    media_id = promise(app)
    one = waiting(app, media_id)
    app.begin_shutdown()
    one.join(timeout=10)
    assert isinstance(one.exception, errors.NotYetUploaded)


def test_what_goes_while_one_waits_is_not_there(app: App) -> None:
    media_id = promise(app)
    one = waiting(app, media_id)
    put(app, "DELETE FROM media")
    one.join(timeout=10)
    assert isinstance(one.exception, errors.NotFound)


@pytest.mark.parametrize(
    "media_id",
    ["unknown", "", ".", "..", "../../etc/passwd", "%2e%2e", "a/b", "a b", "é", "x" * 10_000],
)
def test_what_is_not_there_is_not_found(app: App, media_id: str) -> None:
    with pytest.raises(errors.NotFound):
        download(app, media_id)


@pytest.mark.parametrize(
    "server_name", ["", ".", "..", "../..", "a b", "a/b", "é.test", "x" * 10_000, "a:b:c", "a\nb"]
)
def test_what_is_no_server_is_refused_by_name(app: App, server_name: str) -> None:
    with pytest.raises(errors.InvalidParam, match="server_name"):
        downloads.find(app, Asked(server_name, "abc", 0, ALICE))


def test_what_is_under_quarantine_nobody_gets(app: App) -> None:
    media_id = upload(app, b"x")
    put(app, "UPDATE media SET quarantined_by = '@admin:soma.test'")
    with pytest.raises(errors.NotFound):
        download(app, media_id)


def test_what_came_after_the_freeze_is_for_users_only(new_app: NewApp) -> None:
    free = new_app(media=Settings(enable_authenticated_media=False))
    frozen = new_app(free.database.dsn)
    old, new, promised = upload(free, b"old"), upload(frozen, b"new"), promise(free)
    keep_promise(frozen, promised, b"late")

    def anybody(app: App, media_id: str) -> bytes:
        content = downloads.find(app, asked(app, media_id, user_id=None))
        with content.file:
            return content.file.read()

    assert anybody(frozen, old) == b"old"
    for media_id in (new, promised):
        with pytest.raises(errors.NotFound):
            anybody(frozen, media_id)
        # The freeze was taken back.
        assert anybody(free, media_id) in (b"new", b"late")
    assert download(frozen, old) == b"old" and download(frozen, new) == b"new"


def test_who_may_not_have_it_does_not_learn_that_it_was_promised(app: App) -> None:
    media_id = promise(app)
    with gevent.Timeout(5), pytest.raises(errors.NotFound):
        downloads.find(app, asked(app, media_id, LONG_MS, user_id=None))


def test_it_may_be_called_otherwise(app: App) -> None:
    media_id = upload(app, b"x", file_name="a.txt")
    for wanted, called in (("b.txt", "b.txt"), (None, "a.txt"), ("", "a.txt")):
        content = downloads.find(app, asked(app, media_id), wanted)
        content.file.close()
        assert content.file_name == called


def test_bytes_that_are_gone_or_cut_off_are_not_found(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    cut, gone = upload(app, b"12345"), upload(app, b"x")
    app.media_files.path(app.server_name, cut).write_bytes(b"123")
    app.media_files.path(app.server_name, gone).unlink()
    for media_id in (cut, gone):
        with pytest.raises(errors.NotFound):
            download(app, media_id)
    assert caplog.text.count("are not there") == 2


def remote(app: App, media_id: str, content: bytes, **changes: object) -> Media:
    """A file of another server that is kept here."""
    file = Media(
        "other.test", media_id, f"{media_id}Id", None, 1, 1, len(content), b"", None, None, None,
        True, None,
    )._replace(**changes)  # fmt: skip
    path = app.media_files.path(file.origin, file.file_id)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with app.database.transaction() as txn:
        assert media.insert(txn, file)
    return file


def of_other(media_id: str, **changes: object) -> Asked:
    return Asked("other.test", media_id, 0, ALICE)._replace(**changes)


def test_what_is_kept_of_other_servers_is_given_out(new_app: NewApp) -> None:
    app = new_app()
    remote(app, "kept", b"of another")
    for allow_remote in (True, False):
        content = downloads.find(app, of_other("kept", allow_remote=allow_remote))
        with content.file:
            assert content.file.read() == b"of another"
    remote(app, "bad", b"x", quarantined_by="@admin:soma.test")
    for refused in (
        of_other("kept", user_id=None),
        of_other("bad"),
        of_other("not_kept", user_id=None),
        of_other("not_kept", allow_remote=False),
    ):
        with pytest.raises(errors.NotFound):
            downloads.find(app, refused)


def test_servers_that_we_do_not_talk_to_and_those_whose_files_we_prevent(new_app: NewApp) -> None:
    app = new_app(media=Settings(prevent_media_downloads_from=frozenset({"other.test"})))
    remote(app, "kept", b"x")
    with pytest.raises(errors.NotFound):
        downloads.find(app, of_other("kept"))
    with pytest.raises(errors.Forbidden):
        alone = new_app(app.database.dsn, federation_domain_whitelist=frozenset())
        downloads.find(alone, of_other("kept"))


def test_that_a_file_was_asked_for_is_noted_by_the_hour(app: App) -> None:
    now = [app.now_ms()]
    app.now_ms = lambda: now[0]
    media_id = upload(app, b"x")
    notes = app.part(access.Accesses, access.Accesses)

    def accessed_after(ms: int) -> int:
        now[0] += ms
        download(app, media_id)
        notes._write()
        return int(ask(app, "SELECT accessed_ts FROM media")[0][0])

    started = now[0]
    assert accessed_after(HOUR_MS - 1) == started
    assert accessed_after(1) == started + HOUR_MS
    download(app, media_id)
    now[0] += 2 * HOUR_MS
    # A smaller form of it is as good.
    with pytest.raises(errors.Unknown):
        thumbnails.ask(app, asked(app, media_id), Form(32, 32, "crop", False))
    # What is not written when the server stops is written then.
    notes.stop()
    assert ask(app, "SELECT accessed_ts FROM media") == [(started + 3 * HOUR_MS,)]
    assert len(on_disk(app)) == 1


def test_what_was_made_of_a_file_is_found_with_one_question(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    media_id = upload(app, pictures.encoded(pictures.quadrants(600, 400), "JPEG"))
    statements = []
    real = Transaction.execute

    def execute(txn: Transaction, sql: str, *given: Any) -> None:
        statements.append(sql)
        real(txn, sql, *given)

    monkeypatch.setattr(Transaction, "execute", execute)
    for _ in range(2):
        statements.clear()
        content = thumbnails.ask(app, asked(app, media_id), Form(32, 32, "crop"))
        with content.file as file:
            assert pictures.read(file.read()).size == (32, 32)
    assert len([sql for sql in statements if "media" in sql]) == 1
