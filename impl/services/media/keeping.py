"""How a file becomes one that is kept, and ceases to be one. For uploads and what comes from other
servers alike.

The bytes are put in place first, and the row is written then, so that there never is a row without
its bytes; what is deleted loses its row first. A note (storage/loose_files.py) says which files may
be there without a row, wherever the process is killed."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import gevent

from impl import errors
from impl.app import App
from impl.received_file import ReceivedFile
from impl.storage import loose_files, media
from impl.storage.loose_files import LooseFile
from impl.storage.media import Media

_log = logging.getLogger(__name__)


def keep(
    app: App,
    received: ReceivedFile,
    origin: str,
    file_id: str,
    write_row: Callable[[Any], bool],
) -> bool:
    """Keep a file that is finished under a file id that is new. `write_row(txn)` writes its row, or
    returns False or raises a MatrixError if there shall be none: then the file is gone again.
    """
    file = LooseFile(origin, file_id)
    with app.database.at_once() as txn:
        loose_files.insert(txn, file, app.now_ms())
    _place(app, received, file)
    try:
        with app.database.transaction() as txn:
            if not loose_files.delete(txn, file):
                raise errors.Unavailable("the file was not put in its place in time")
            is_kept = write_row(txn)
            if not is_kept:
                loose_files.doom(txn, [file], app.now_ms())
    except errors.MatrixError:
        # Nothing was written. Of another error that cannot be said: the note says it.
        with app.database.transaction() as txn:
            loose_files.doom(txn, [file], app.now_ms())
        delete_doomed(app, [file])
        raise
    if not is_kept:
        delete_doomed(app, [file])
    return is_kept


def forget(txn: Any, files: Sequence[Media], now_ms: int) -> list[LooseFile]:
    """Take the rows of files, and doom their bytes: for `delete_doomed`, after the commit."""
    deleted = [LooseFile(file.origin, file.file_id) for file in media.delete(txn, files)]
    loose_files.doom(txn, deleted, now_ms)
    return deleted


def delete_doomed(app: App, files: Sequence[LooseFile]) -> None:
    """The bytes of what is doomed, and the notes of them. What the disk does not let go keeps its
    note, and is tried again.
    """
    deleted = []
    for file in files:
        error = _in_thread(app.media_files.delete, *file)
        if error is None:
            deleted.append(file)
        else:
            _log.warning("a file of %s cannot be deleted: %s", file.origin, error)
    with app.database.transaction() as txn:
        loose_files.delete_doomed(txn, deleted)


def _place(app: App, received: ReceivedFile, file: LooseFile) -> None:
    error = _in_thread(app.media_files.keep, received, app.media_files.path(*file))
    if error is not None:
        _log.error("a file cannot be kept: %s", error)
        raise errors.Unavailable("the disk does not take the file", status=507)


def _in_thread(work: Callable[..., object], *arguments: object) -> OSError | None:
    """Something that waits for the disk; returns what the disk has against it."""

    def attempt() -> OSError | None:
        try:
            work(*arguments)
        except OSError as error:
            return error
        return None

    return gevent.get_hub().threadpool.apply(attempt)  # type: ignore[no-any-return]
