"""What requests bring up and none of them waits for: it is kept in the worker's memory, and written
some time later, all of it in few statements. Who dies before that loses what is not written."""

import abc
import logging
from collections.abc import Sequence
from typing import Generic, TypeVar

import gevent

from impl.storage.database import DatabaseUnavailable

# In one statement.
ROWS_MAX = 1000

Key = TypeVar("Key")
Value = TypeVar("Value")

_log = logging.getLogger(__name__)


class WrittenLater(abc.ABC, Generic[Key, Value]):
    """The newest value of each key that this worker has not written yet."""

    # For the log.
    what = ""

    def __init__(self) -> None:
        self._unwritten: dict[Key, Value] = {}
        self._greenlet: gevent.Greenlet | None = None

    @abc.abstractmethod
    def _put(self, rows: Sequence[tuple[Key, Value]]) -> None:
        """Write some, in a transaction."""

    def _keep(self, key: Key, value: Value, seconds: float) -> None:
        """Until it is written, in so many seconds at most."""
        self._unwritten[key] = value
        if self._greenlet is None:
            self._greenlet = gevent.spawn_later(seconds, self._write_later)

    def stop(self) -> None:
        """Write what is left."""
        if self._greenlet is not None:
            self._greenlet.kill()
        self._write()

    def _write_later(self) -> None:
        self._greenlet = None
        self._write()

    def _write(self) -> None:
        unwritten, self._unwritten = self._unwritten, {}
        rows = list(unwritten.items())
        try:
            for start in range(0, len(rows), ROWS_MAX):
                self._put(rows[start : start + ROWS_MAX])
        except DatabaseUnavailable:
            # Whatever is brought up next brings this up again.
            self._unwritten = {**unwritten, **self._unwritten}
        except Exception:
            _log.exception("%s cannot be written", self.what)
