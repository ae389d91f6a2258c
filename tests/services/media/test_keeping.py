"""Whenever a process is killed: no row without its bytes, and no bytes that nobody knows of."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gevent
import pytest

from impl import errors
from impl.app import App
from impl.received_file import ReceivedFile
from impl.services.media import keeping, upkeep
from impl.storage import loose_files, media_files
from tests.services.media.files import ask, download, keep_promise, on_disk, promise, upload

HOUR_MS = 3_600_000

# A worker of its own, that dies without a word when it comes to what it is told.
UPLOADER = """
from gevent import monkey
monkey.patch_all()
import os, sys
from pathlib import Path
from impl.app import App
from impl.services.media import keeping
from impl.storage.worker_page import WorkerPage
from impl.storage.media_files import MediaFiles
from impl.storage import media
from tests import builders
from tests.services.media import files

directory, dsn, dies = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
page = directory / "other workers"
WorkerPage.create(page, 1)
app = App(builders.a_config(directory), dsn, builders.a_signing_key(), WorkerPage(page, 0))
app.start()

def dying(function, *, before):
    def call(*arguments):
        if not before:
            function(*arguments)
        os._exit(9)
    return call

if dies == "before it is in place":
    MediaFiles.keep = dying(MediaFiles.keep, before=True)
elif dies == "once it is in place":
    MediaFiles.keep = dying(MediaFiles.keep, before=False)
elif dies == "before the commit":
    media.insert = dying(media.insert, before=False)
elif dies == "once it is committed":
    keeping.keep = dying(keeping.keep, before=False)
files.upload(app, b"of the dead")
"""


@pytest.fixture
def a_clock(app: App) -> Callable[[int], None]:
    """Moves the App's clock on."""
    now = [app.now_ms()]
    app.now_ms = lambda: now[0]

    def move(by_ms: int) -> None:
        now[0] += by_ms

    return move


def names(app: App) -> list[Path]:
    return [path for path in on_disk(app) if path.parent != app.media_files.incoming]


@pytest.mark.parametrize(
    "dies", ["before it is in place", "once it is in place", "before the commit"]
)
def test_what_a_killed_process_leaves_of_an_upload_is_swept_away(
    app: App, a_clock: Callable[[int], None], tmp_path: Path, dies: str
) -> None:
    kept = upload(app, b"kept")
    arguments = [sys.executable, "-c", UPLOADER, str(tmp_path), app.database.dsn, dies]
    assert subprocess.run(arguments, timeout=60).returncode == 9
    assert ask(app, "SELECT media_id FROM media") == [(kept,)]
    assert len(names(app)) == (1 if dies == "before it is in place" else 2)

    # It might be under way still.
    upkeep.sweep(app, 10)
    assert len(names(app)) == (1 if dies == "before it is in place" else 2)

    # The clock stood while the other worker lived.
    a_clock(2 * upkeep.ABANDONED_MS)
    upkeep.sweep(app, 10)
    assert names(app) == [app.media_files.path(app.server_name, kept)]
    assert ask(app, "SELECT 1 FROM media_loose_files") == []
    assert download(app, kept) == b"kept"


def test_what_was_committed_before_the_process_was_killed_is_there(
    app: App, a_clock: Callable[[int], None], tmp_path: Path
) -> None:
    arguments = [sys.executable, "-c", UPLOADER, str(tmp_path), app.database.dsn]
    died = subprocess.run([*arguments, "once it is committed"], timeout=60)
    assert died.returncode == 9
    a_clock(2 * upkeep.ABANDONED_MS)
    upkeep.sweep(app, 10)
    [(media_id,)] = ask(app, "SELECT media_id FROM media")
    assert download(app, media_id) == b"of the dead"


def test_what_came_half_way_is_swept_when_nothing_was_added_for_long(app: App) -> None:
    left = ReceivedFile(app.media_files.incoming, 100)
    left.write(b"half")
    under_way = ReceivedFile(app.media_files.incoming, 100)
    long_ago = media_files.time.time() - upkeep.ABANDONED_MS / 1000 - 1
    media_files.os.utime(left.path, (long_ago, long_ago))
    upkeep.sweep(app, 10)
    assert on_disk(app) == [under_way.path]


def test_who_was_taken_for_dead_may_not_write_a_row(
    app: App, a_clock: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = app.media_files.keep

    def slow(*arguments: Any) -> None:
        keep(*arguments)
        a_clock(upkeep.ABANDONED_MS + 1)

    def swept(*arguments: Any) -> None:
        placed(*arguments)
        upkeep.sweep(app, 10)

    placed = keeping._place
    monkeypatch.setattr(app.media_files, "keep", slow)
    monkeypatch.setattr(keeping, "_place", swept)
    with pytest.raises(errors.Unavailable):
        upload(app, b"slow")
    assert on_disk(app) == []
    assert ask(app, "SELECT 1 FROM media") == ask(app, "SELECT 1 FROM media_loose_files") == []


def test_nor_may_they_while_their_file_is_being_deleted(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = keeping._place

    def doomed(*arguments: Any) -> None:
        placed(*arguments)
        with app.database.transaction() as txn:
            loose_files.doom_old(txn, app.now_ms() + 1)

    with monkeypatch.context() as patch:
        patch.setattr(keeping, "_place", doomed)
        with pytest.raises(errors.Unavailable):
            upload(app, b"slow")
    assert ask(app, "SELECT 1 FROM media") == []
    upkeep.sweep(app, 10)
    assert on_disk(app) == []


def test_a_disk_that_is_full_is_said_so_and_nothing_is_promised(
    app: App, a_clock: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    media_id = promise(app)

    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(app.media_files, "keep", full)
        for attempt in (
            lambda: upload(app, b"x"),
            lambda: keep_promise(app, media_id, b"x"),
        ):
            with pytest.raises(errors.Unavailable, match="disk"):
                attempt()
    assert on_disk(app) == []
    keep_promise(app, media_id, b"now it goes")
    assert download(app, media_id) == b"now it goes"
    a_clock(upkeep.ABANDONED_MS + 1)
    upkeep.sweep(app, 10)
    assert download(app, media_id) == b"now it goes"
    assert ask(app, "SELECT 1 FROM media_loose_files") == []


def test_a_commit_whose_outcome_is_not_known_takes_no_bytes_away(
    app: App, a_clock: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    transaction = app.database.transaction

    class Lost(Exception):
        pass

    @contextmanager
    def cut_off() -> Iterator[Any]:
        with transaction() as txn:
            yield txn
        # It is committed, and nobody here has heard of it.
        raise Lost

    with monkeypatch.context() as patch:
        patch.setattr(app.database, "transaction", cut_off)
        with pytest.raises(Lost):
            upload(app, b"there")
    a_clock(upkeep.ABANDONED_MS + 1)
    upkeep.sweep(app, 10)
    [(media_id,)] = ask(app, "SELECT media_id FROM media")
    assert download(app, media_id) == b"there"


def test_what_the_disk_does_not_let_go_is_tried_again(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    media_id = upload(app, b"x")
    with app.database.transaction() as txn:
        file = keeping.media.get(txn, app.server_name, media_id)
        assert file is not None
        doomed = keeping.forget(txn, [file], app.now_ms())

    def stuck(*arguments: Any) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(app.media_files, "delete", stuck)
        keeping.delete_doomed(app, doomed)
        with gevent.Timeout(10):
            upkeep.sweep(app, 1)
    assert len(on_disk(app)) == 1
    with pytest.raises(errors.NotFound):
        download(app, media_id)
    upkeep.sweep(app, 1)
    assert on_disk(app) == []
    assert ask(app, "SELECT 1 FROM media_loose_files") == []
