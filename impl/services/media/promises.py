"""Who waits for a file that was promised and has not come. C-S API, "Content repository",
"timeout_ms".

Whichever worker takes the upload, the others learn of it by asking the database now and then: one
question for all that wait in a worker, and nobody holds a connection meanwhile."""

import logging

import gevent
from gevent.event import Event

from impl.app import App
from impl.storage import media
from impl.storage.database import DatabaseUnavailable

POLL_S = 0.5

_log = logging.getLogger(__name__)


class Promises:
    """What this worker waits for."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._waiting: dict[str, set[Event]] = {}
        self._greenlet: gevent.Greenlet | None = None

    def wait(self, media_id: str, timeout_s: float) -> None:
        """Sleep until something has become of a promised file of ours, or the time is over, or the
        server stops.
        """
        event = Event()
        self._waiting.setdefault(media_id, set()).add(event)
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._poll)
        try:
            event.wait(timeout_s)
        finally:
            waiting = self._waiting.get(media_id, set())
            waiting.discard(event)
            if not waiting:
                self._waiting.pop(media_id, None)

    def wake(self, media_id: str) -> None:
        """It has come, to this worker."""
        for event in self._waiting.get(media_id, ()):
            event.set()

    def _poll(self) -> None:
        while self._app.pause(POLL_S) and self._waiting:
            try:
                self._look()
            except DatabaseUnavailable as error:
                _log.warning("who waits for a file waits on: %s", error)
            except Exception:
                _log.exception("what was uploaded cannot be asked")
        self._greenlet = None
        # The server stops: all go.
        for media_id in list(self._waiting):
            self.wake(media_id)

    def _look(self) -> None:
        awaited = list(self._waiting)
        with self._app.database.read() as txn:
            promised = media.list_promised(txn, self._app.server_name, awaited)
        for media_id in awaited:
            if media_id not in promised:
                self.wake(media_id)
