"""Files on their way in, as web/ hands them over."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from impl.app import App
from impl.received_file import ReceivedFile
from impl.services.media import downloads, uploads
from impl.services.media.downloads import Asked
from tests.builders import ALICE, a_requester


@contextmanager
def received(app: App, content: bytes, content_type: str | None = None) -> Iterator[ReceivedFile]:
    """A file that has come, and is not kept yet."""
    with ReceivedFile(app.media_files.incoming, 1 << 20) as file:
        file.content_type = content_type
        file.write(content)
        file.finish()
        yield file


def upload(app: App, content: bytes, user_id: str = ALICE, **more: Any) -> str:
    """Upload something; its media id."""
    file_name = more.pop("file_name", None)
    with received(app, content, **more) as file:
        return uploads.upload(app, a_requester(user_id), file, file_name).rpartition("/")[2]


def promise(app: App, user_id: str = ALICE) -> str:
    """Promise a file; its media id."""
    return uploads.promise(app, a_requester(user_id)).mxc_uri.rpartition("/")[2]


def keep_promise(app: App, media_id: str, content: bytes, user_id: str = ALICE) -> None:
    with received(app, content) as file:
        requester = a_requester(user_id)
        uploads.keep_promise(app, requester, app.server_name, media_id, file, None)


def asked(app: App, media_id: str, timeout_ms: int = 0, user_id: str | None = ALICE) -> Asked:
    return Asked(app.server_name, media_id, timeout_ms, user_id)


def download(app: App, media_id: str, timeout_ms: int = 0) -> bytes:
    content = downloads.find(app, asked(app, media_id, timeout_ms))
    with content.file:
        found = content.file.read()
    assert len(found) == content.size
    return found


def on_disk(app: App) -> list[Path]:
    """All files of media that lie there."""
    return sorted(path for path in app.media_files.root.rglob("*") if path.is_file())


def ask(app: App, sql: str) -> list[Any]:
    with app.database.read() as txn:
        txn.execute(sql)
        return list(txn.fetchall())
