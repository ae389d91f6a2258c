"""Writes that come often and matter for a moment: typing, receipts. DESIGN, "One stream".

They are coalesced: at most ten commits a second for each worker, the first at once when nothing is
going on. What is written twice before a commit is written once, as it was asked for last. Whoever
asked is answered after the commit."""

import time
from collections.abc import Callable, Hashable
from typing import Any

import gevent
from gevent.event import AsyncResult

from impl.app import App

COMMIT_SECONDS = 0.1

Write = Callable[[Any], None]


class Ephemeral:
    """A worker's batch of short-lived writes."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._waiting: dict[Hashable, tuple[int, Write]] = {}
        self._result = AsyncResult()
        self._greenlet: gevent.Greenlet | None = None
        self._last_commit = 0.0

    def submit(self, key: Hashable, write: Write, rank: int = 0) -> None:
        """Run `write(txn)` in the next commit, and wait for it.

        Of several with one key only one is run: the last of those of the highest rank.
        """
        known = self._waiting.get(key)
        if known is None or known[0] <= rank:
            self._waiting[key] = (rank, write)
        result = self._result
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._run)
        result.get()

    def stop(self) -> None:
        """Write what is still waiting."""
        if self._greenlet is not None:
            self._greenlet.join(timeout=5)

    def _run(self) -> None:
        while self._waiting:
            pause = self._last_commit + COMMIT_SECONDS - time.monotonic()
            if pause > 0:
                gevent.sleep(pause)
            batch, self._waiting = self._waiting, {}
            result, self._result = self._result, AsyncResult()
            try:
                self._commit([write for _, write in batch.values()])
            except Exception as error:
                # It is for those who asked: each of them raises it.
                result.set_exception(error)
            else:
                result.set()
            self._last_commit = time.monotonic()
        self._greenlet = None

    def _commit(self, batch: list[Write]) -> None:
        with self._app.database.transaction() as txn:
            for write in batch:
                write(txn)


def submit(app: App, key: Hashable, write: Write, rank: int = 0) -> None:
    """Hand a write to this worker's batch, and wait until it is committed."""
    app.part(Ephemeral, Ephemeral).submit(key, write, rank)
