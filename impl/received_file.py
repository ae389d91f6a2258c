"""A file on its way in: what a client uploads, or another server answers with.

It is written as it comes, so that a worker's memory holds a piece of it and never the whole, and is
hashed on the way. It lies beside the files that are kept: to keep it is to rename it
(storage/media_files.py), which is all or nothing. Nobody finds it before; what a killed process
leaves of one is swept away later."""

import hashlib
import os
import secrets
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import gevent


class FileTooLarge(Exception):
    """It has more bytes than it may have."""


class ReceivedFile:
    """One file, to be used in a `with`: after it, what nobody has renamed is gone.

    `write` and `finish` raise OSError where the disk does not take it, and `write` FileTooLarge.
    """

    def __init__(self, directory: Path, bytes_max: int) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = directory / secrets.token_hex(16)
        self.size = 0
        # As its sender has it; None: they do not say.
        self.content_type: str | None = None
        self.file_name: str | None = None
        self.bytes_max = bytes_max
        self._hash = hashlib.sha256()
        self._file = self.path.open("xb", buffering=0)

    @property
    def sha256(self) -> bytes:
        """Of what was written so far."""
        return self._hash.digest()

    def write(self, piece: bytes) -> None:
        """A piece more: some tens of kilobytes, to let others go on in between."""
        self.size += len(piece)
        if self.size > self.bytes_max:
            raise FileTooLarge
        self._hash.update(piece)
        view = memoryview(piece)
        while view:
            view = view[self._file.write(view) :]

    def finish(self) -> None:
        """It is whole, and on the disk. In a thread: to wait for a disk would hold up everybody."""
        gevent.get_hub().threadpool.apply(os.fsync, (self._file.fileno(),))
        self._file.close()

    def __enter__(self) -> "ReceivedFile":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()
        with suppress(FileNotFoundError):
            self.path.unlink()
