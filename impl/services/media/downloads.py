"""Files that are asked for: ours, and those of other servers. C-S API, "Content repository".

A path on the disk is made of what the database says, never of what was asked for; what can name a
file at all is checked besides. C-S API, "Content repository", "Security considerations"."""

import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

from impl import errors
from impl.app import App
from impl.core import identifiers
from impl.services.media import keeping, remote
from impl.services.media.access import Accesses
from impl.services.media.content import Content
from impl.services.media.promises import Promises
from impl.services.media.uploads import DEFAULT_TYPE
from impl.storage import media
from impl.storage.media import Media

# Shorter than any request may take.
WAIT_MS_MAX = 50_000

# How a file's row is found: in a transaction, by its origin and media id.
Look = Callable[[Any, str, str], Media | None]

_log = logging.getLogger(__name__)


class Asked(NamedTuple):
    """What somebody asks for."""

    server_name: str
    media_id: str
    timeout_ms: int
    # None: nobody knows who it is. They may have what anybody may.
    user_id: str | None
    # Whether another server may be asked for it.
    allow_remote: bool = True


def find(app: App, asked: Asked, file_name: str | None = None) -> Content:
    """The file, open. `file_name`: what it shall be called, whatever its uploader calls it."""
    content = with_bytes(app, asked, lambda file: open_content(app, file))
    return replace(content, file_name=file_name) if file_name else content


def with_bytes(
    app: App, asked: Asked, use: Callable[[Media], Content], look: Look = media.get
) -> Content:
    """What `use` makes of the file. It raises FileNotFoundError where the bytes are not there."""
    file = get(app, asked, look)
    app.part(Accesses, Accesses).note(file)
    with suppress(FileNotFoundError):
        return use(file)
    # It was deleted a moment ago, or somebody has cleared a part of the disk. What is another
    # server's is fetched again.
    if file.origin != app.server_name:
        _forget(app, file)
        file = get(app, asked, look)
        with suppress(FileNotFoundError):
            return use(file)
    raise _lost(app, file)


def get(app: App, asked: Asked, look: Look = media.get) -> Media:
    """The file's row, once its bytes are here."""
    _check_names(asked)
    is_authenticated = asked.user_id is not None
    if asked.server_name == app.server_name:
        timeout_ms = asked.timeout_ms
        return get_own(
            app, asked.media_id, timeout_ms, is_authenticated=is_authenticated, look=look
        )
    if asked.server_name in app.config.media.prevent_media_downloads_from:
        raise errors.NotFound("files of that server are not given out here")
    if not app.is_federated_with(asked.server_name):
        raise errors.Forbidden("this server does not talk to that one")
    with app.database.read() as txn:
        file = look(txn, asked.server_name, asked.media_id)
    if file is not None:
        _check_access(app, file, is_authenticated)
        return file
    is_fetched = is_authenticated or not app.config.media.enable_authenticated_media
    if not is_fetched or not asked.allow_remote:
        raise errors.NotFound("there is no such file")
    timeout_ms = _bounded_ms(asked.timeout_ms)
    return remote.fetch(app, asked.server_name, asked.media_id, timeout_ms, asked.user_id)


def get_own(
    app: App, media_id: str, timeout_ms: int, *, is_authenticated: bool, look: Look = media.get
) -> Media:
    """A file of ours that has come. Raises NotYetUploaded for one that was promised and does not
    come in time.
    """
    ends = time.monotonic() + _bounded_ms(timeout_ms) / 1000
    while True:
        with app.database.read() as txn:
            file = look(txn, app.server_name, media_id)
        if file is None:
            raise errors.NotFound("there is no such file")
        _check_access(app, file, is_authenticated)
        if file.size is not None:
            return file
        if file.unused_expires_ts is None or file.unused_expires_ts <= app.now_ms():
            raise errors.NotFound("the file was promised, and never came")
        left_s = ends - time.monotonic()
        if left_s <= 0 or app.is_stopping:
            raise errors.NotYetUploaded("the file has not been uploaded yet")
        app.part(Promises, Promises).wait(media_id, left_s)


def open_content(app: App, file: Media) -> Content:
    """Raises FileNotFoundError where the bytes are not there."""
    opened = app.media_files.path(file.origin, file.file_id).open("rb")
    size = os.fstat(opened.fileno()).st_size
    if size != file.size:
        opened.close()
        raise FileNotFoundError("the file is not as long as it was")
    return Content(opened, size, file.content_type or DEFAULT_TYPE, file.file_name)


def _bounded_ms(timeout_ms: int) -> int:
    return min(max(timeout_ms, 0), WAIT_MS_MAX)


def _check_names(asked: Asked) -> None:
    # "." and ".." are made of the right letters, and are other things on a disk.
    if not identifiers.is_server_name(asked.server_name) or not asked.server_name.strip("."):
        raise errors.InvalidParam("server_name is not a server's name")
    if not identifiers.is_mxc_uri(f"mxc://{asked.server_name}/{asked.media_id}"):
        raise errors.NotFound("media_id cannot be a file's name")


def _check_access(app: App, file: Media, is_authenticated: bool) -> None:
    is_frozen = app.config.media.enable_authenticated_media and file.is_authenticated
    if file.quarantined_by is not None or (is_frozen and not is_authenticated):
        raise errors.NotFound("there is no such file")


def _lost(app: App, file: Media) -> errors.NotFound:
    with app.database.read() as txn:
        if media.get(txn, file.origin, file.media_id) == file:
            _log.error("the bytes of the file %s are not there", file.file_id)
    return errors.NotFound("there is no such file")


def _forget(app: App, file: Media) -> None:
    """A file of another server whose bytes are not there: it can be fetched again."""
    with app.database.transaction() as txn:
        keeping.forget(txn, [file], app.now_ms())
