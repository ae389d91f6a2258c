"""Where the bytes of media lie: files under `media_store_path`, in Synapse's layout, so that its
store can be taken over as it is.

    local_content/ab/cd/rest                       ours, by media id
    remote_content/<server>/ab/cd/rest             others', by a file id of ours
    local_thumbnails/ab/cd/rest/<thumbnail>        and the same under remote_thumbnail/<server>/
    incoming/<random>                              on its way in (received_file.py)

What names a path was checked before (C-S API, "Content repository", "Security considerations"); it
is checked once more here, since a slip would read any file."""

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from impl.received_file import ReceivedFile

_FILE_ID = re.compile(r"[A-Za-z0-9_-]{5,255}")
_SERVER_NAME = re.compile(r"[A-Za-z0-9.:\[\]-]{1,255}")
_DOTS = re.compile(r"\.+")
# Of so many directories a worker remembers that they are there for good.
_LASTING_MAX = 10_000


class MediaFiles:
    """All files of a server."""

    def __init__(self, root: Path, server_name: str) -> None:
        self.root = root
        self._server_name = server_name
        self._lasting: set[Path] = set()

    @property
    def incoming(self) -> Path:
        """The directory of what is on its way in."""
        return self.root / "incoming"

    def path(self, origin: str, file_id: str) -> Path:
        """Of a file. Raises ValueError for what may not name one."""
        return self._under("local_content", "remote_content", origin, file_id)

    def thumbnail_path(
        self,
        origin: str,
        file_id: str,
        width: int,
        height: int,
        content_type: str,
        method: str,
        is_animated: bool,
    ) -> Path:
        """Of one of its smaller forms. Raises ValueError for what may not name one."""
        kind, _, form = content_type.partition("/")
        name = f"{int(width)}-{int(height)}-{kind}-{form}-{method}"
        if not re.fullmatch(r"[A-Za-z0-9-]+", name):
            raise ValueError(f"a thumbnail cannot be called {name!r}")
        return self._thumbnails(origin, file_id) / (f"{name}-animated" if is_animated else name)

    def keep(self, received: ReceivedFile, path: Path) -> None:
        """Put a file that is finished where it is to stay, so that it is there after a crash."""
        self._make_directory(path.parent)
        received.path.rename(path)
        _sync_directory(path.parent)

    def delete(self, origin: str, file_id: str) -> None:
        """A file and its smaller forms, if they are there."""
        with suppress(FileNotFoundError):
            self.path(origin, file_id).unlink()
        with suppress(FileNotFoundError):
            shutil.rmtree(self._thumbnails(origin, file_id))

    def sweep_incoming(self, older_than_s: float) -> int:
        """Delete what was left half-way by processes that were killed; how many there were."""
        before_s = time.time() - older_than_s
        stale = [path for path in self._incoming() if _modified_s(path) < before_s]
        for path in stale:
            path.unlink(missing_ok=True)
        return len(stale)

    def _make_directory(self, directory: Path) -> None:
        """Under the root, which is there. What is new is written to the disk with its parent; so
        is what another may have made a moment ago, once.
        """
        if directory == self.root:
            return
        self._make_directory(directory.parent)
        try:
            directory.mkdir(mode=0o700)
        except FileExistsError:
            if directory in self._lasting:
                return
        _sync_directory(directory.parent)
        if len(self._lasting) >= _LASTING_MAX:
            self._lasting.clear()
        self._lasting.add(directory)

    def _incoming(self) -> Iterator[Path]:
        if self.incoming.is_dir():
            yield from self.incoming.iterdir()

    def _thumbnails(self, origin: str, file_id: str) -> Path:
        return self._under("local_thumbnails", "remote_thumbnail", origin, file_id)

    def _under(self, ours: str, others: str, origin: str, file_id: str) -> Path:
        if not _FILE_ID.fullmatch(file_id):
            raise ValueError(f"no file can be called {file_id!r}")
        pieces = (file_id[:2], file_id[2:4], file_id[4:])
        if origin == self._server_name:
            return self.root.joinpath(ours, *pieces)
        if not _SERVER_NAME.fullmatch(origin) or _DOTS.fullmatch(origin):
            raise ValueError(f"no directory can be called {origin!r}")
        return self.root.joinpath(others, origin, *pieces)


def _modified_s(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
