"""When files were last asked for: what is kept for how long is told by it (jobs/media.py).

Every answer says so, and none waits for it (written_later.py); and only for a file of which nothing
was written for an hour."""

from collections.abc import Sequence

from impl.app import App
from impl.services.written_later import WrittenLater
from impl.storage import media
from impl.storage.media import Media

WRITE_SECONDS = 60.0
# As exact as it is.
STEP_MS = 3_600_000


class Accesses(WrittenLater[tuple[str, str], int]):
    """What this worker has not written yet."""

    what = "when files were last asked for"

    def __init__(self, app: App) -> None:
        super().__init__()
        self._app = app

    def note(self, file: Media) -> None:
        """Somebody has asked for it."""
        now_ms = self._app.now_ms()
        if file.accessed_ts <= now_ms - STEP_MS:
            self._keep((file.origin, file.media_id), now_ms, WRITE_SECONDS)

    def _put(self, rows: Sequence[tuple[tuple[str, str], int]]) -> None:
        with self._app.database.transaction() as txn:
            media.put_accessed(txn, sorted((*name, at) for name, at in rows))
