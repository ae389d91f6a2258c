"""When files were last asked for: what is kept for how long is told by it (jobs/media.py).

Every answer says so, and none waits for it: what is new is kept in the worker's memory and written
later, and only for a file of which nothing was written for an hour. Who dies before that loses
these minutes."""

import logging

import gevent

from impl.app import App
from impl.storage import media
from impl.storage.database import DatabaseUnavailable
from impl.storage.media import Media

WRITE_SECONDS = 60.0
# As exact as it is.
STEP_MS = 3_600_000
# In one statement.
ROWS_MAX = 1000

_log = logging.getLogger(__name__)


class Accesses:
    """What this worker has not written yet."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._seen: dict[tuple[str, str], int] = {}
        self._greenlet: gevent.Greenlet | None = None

    def note(self, file: Media) -> None:
        """Somebody has asked for it."""
        now_ms = self._app.now_ms()
        if file.accessed_ts > now_ms - STEP_MS:
            return
        self._seen[file.origin, file.media_id] = now_ms
        if self._greenlet is None:
            self._greenlet = gevent.spawn_later(WRITE_SECONDS, self._write_later)

    def stop(self) -> None:
        """Write what is left."""
        if self._greenlet is not None:
            self._greenlet.kill()
        self._write()

    def _write_later(self) -> None:
        self._greenlet = None
        self._write()

    def _write(self) -> None:
        seen, self._seen = self._seen, {}
        rows = [(*name, at) for name, at in sorted(seen.items())]
        try:
            for start in range(0, len(rows), ROWS_MAX):
                with self._app.database.transaction() as txn:
                    media.put_accessed(txn, rows[start : start + ROWS_MAX])
        except DatabaseUnavailable:
            # Whoever asks for any of them next brings it up again.
            self._seen = {**seen, **self._seen}
        except Exception:
            _log.exception("when files were last asked for cannot be written")
