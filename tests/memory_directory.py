"""A directory in memory for the tests' PostgreSQL: a database is some three hundred files, and to
make and drop one for each test takes ten times as long on a disk.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

MEMORY = Path("/dev/shm")
PREFIX = "soma-tests-"
FREE_BYTES_LEAST = 1 << 30


@contextlib.contextmanager
def memory_directory(otherwise: Path) -> Iterator[Path]:
    """A new directory; `otherwise` where there is no memory for it."""
    if not _has_room():
        yield otherwise
        return
    _remove_left_behind()
    directory = MEMORY / f"{PREFIX}{os.getpid()}"
    directory.mkdir(mode=0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _has_room() -> bool:
    try:
        return shutil.disk_usage(MEMORY).free >= FREE_BYTES_LEAST
    except OSError:
        return False


def _remove_left_behind() -> None:
    """What a run left that was killed: nobody else would give that memory back."""
    for path in MEMORY.glob(f"{PREFIX}*"):
        if not Path(f"/proc/{path.name.removeprefix(PREFIX)}").exists():
            shutil.rmtree(path, ignore_errors=True)
