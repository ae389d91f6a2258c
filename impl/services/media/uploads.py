"""Files that users upload, at once or under a name that they had promised them before. C-S API,
"Content repository"."""

import secrets
import string
from typing import NamedTuple

from impl import errors
from impl.app import App
from impl.received_file import ReceivedFile
from impl.requester import Requester
from impl.services.media import keeping, limits
from impl.services.media.promises import Promises
from impl.storage import media
from impl.storage.media import Media

MEDIA_ID_LETTERS = 24
DEFAULT_TYPE = "application/octet-stream"
# It becomes a header field of whoever downloads it.
FILE_NAME_BYTES_MAX = 1024


class Promise(NamedTuple):
    """A name for a file that will be uploaded, until when."""

    mxc_uri: str
    unused_expires_ts: int


def upload(app: App, requester: Requester, received: ReceivedFile, file_name: str | None) -> str:
    """Keep a file; its mxc:// URI."""
    media_id = _new_id()
    file = _describe(app, requester, media_id, received, file_name)
    limits.check_upload(app, requester, received.size)

    def write_row(txn: object) -> bool:
        limits.spend_upload(app, txn, requester, received.size)
        return media.insert(txn, file)

    if not keeping.keep(app, received, file.origin, file.file_id, write_row):
        raise errors.Unavailable("two files got the same name: upload it again")
    return f"mxc://{app.server_name}/{media_id}"


def promise(app: App, requester: Requester) -> Promise:
    """A name for a file to come."""
    media_id, now_ms = _new_id(), app.now_ms()
    expires_ts = now_ms + app.config.media.unused_expiration_time
    file = Media(
        app.server_name,
        media_id,
        file_id=media_id,
        user_id=requester.user_id,
        created_ts=now_ms,
        accessed_ts=now_ms,
        size=None,
        sha256=None,
        content_type=None,
        file_name=None,
        unused_expires_ts=expires_ts,
        is_authenticated=app.config.media.enable_authenticated_media,
        quarantined_by=None,
    )
    with app.database.transaction() as txn:
        limits.spend_promise(app, txn, requester)
        media.insert(txn, file)
    return Promise(f"mxc://{app.server_name}/{media_id}", expires_ts)


def keep_promise(
    app: App,
    requester: Requester,
    server_name: str,
    media_id: str,
    received: ReceivedFile,
    file_name: str | None,
) -> None:
    """The file that was promised. "PUT /_matrix/media/v3/upload/{serverName}/{mediaId}"."""
    if server_name != app.server_name:
        raise errors.NotFound("server_name is not this server: no file was promised there")
    _check_promised(app, requester, media_id)
    # Under a file id of its own: should the same be uploaded twice at once, the one does not write
    # over what the other has said is there.
    file = _describe(app, requester, media_id, received, file_name)._replace(file_id=_new_id())
    limits.check_upload(app, requester, received.size)

    def write_row(txn: object) -> bool:
        limits.spend_upload(app, txn, requester, received.size)
        return media.put_upload(txn, file)

    if not keeping.keep(app, received, file.origin, file.file_id, write_row):
        _check_promised(app, requester, media_id)
        raise errors.Unavailable("the file could not be kept: upload it again")
    app.part(Promises, Promises).wake(media_id)


def _check_promised(app: App, requester: Requester, media_id: str) -> None:
    with app.database.read() as txn:
        promised = media.get(txn, app.server_name, media_id)
    if promised is None:
        raise errors.NotFound("media_id was not promised")
    if promised.user_id != requester.user_id:
        raise errors.Forbidden("media_id was promised to somebody else")
    if promised.size is not None:
        raise errors.CannotOverwriteMedia("media_id has been uploaded already")
    if promised.unused_expires_ts is None or promised.unused_expires_ts <= app.now_ms():
        raise errors.NotFound("media_id was promised too long ago")


def _describe(
    app: App, requester: Requester, media_id: str, received: ReceivedFile, file_name: str | None
) -> Media:
    now_ms = app.now_ms()
    return Media(
        app.server_name,
        media_id,
        file_id=media_id,
        user_id=requester.user_id,
        created_ts=now_ms,
        accessed_ts=now_ms,
        size=received.size,
        sha256=received.sha256,
        content_type=received.content_type or DEFAULT_TYPE,
        file_name=_checked_name(file_name),
        unused_expires_ts=None,
        is_authenticated=app.config.media.enable_authenticated_media,
        quarantined_by=None,
    )


def _checked_name(file_name: str | None) -> str | None:
    if not file_name:
        return None
    if "\0" in file_name or len(file_name.encode(errors="replace")) > FILE_NAME_BYTES_MAX:
        raise errors.InvalidParam(f"filename is longer than {FILE_NAME_BYTES_MAX} bytes")
    return file_name


def _new_id() -> str:
    return "".join(secrets.choice(string.ascii_letters) for _ in range(MEDIA_ID_LETTERS))
