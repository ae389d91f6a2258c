"""Writes that come often and matter for a moment: typing, receipts. DESIGN, "One stream".

They are coalesced: at most ten commits a second for each worker, the first at once when nothing is
going on. What is written twice before a commit is written once, as it was asked for last. Whoever
asked is answered after the commit. A commit that fails is tried again write by write, so that what
one of them meets is not the others'."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gevent
from gevent.event import AsyncResult

from impl.app import App
from impl.storage.database import DatabaseUnavailable

COMMIT_SECONDS = 0.1

Write = Callable[[Any], None]
# Names what is written, beginning with its kind. Those of one kind are run in the keys' order, in
# all workers, so that what begins a key ought to be what the write locks.
Key = tuple[Any, ...]


@dataclass(slots=True)
class _Waiting:
    write: Write
    rank: int
    result: AsyncResult = field(default_factory=AsyncResult)


class Ephemeral:
    """A worker's batch of short-lived writes."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._waiting: dict[Key, _Waiting] = {}
        self._greenlet: gevent.Greenlet | None = None
        self._last_commit = 0.0

    def add(self, key: Key, write: Write, rank: int) -> AsyncResult:
        """Run `write(txn)` in the next commit; the result is there when that is done.

        Of several with one key only one is run: the last of those of the highest rank.
        """
        waiting = self._waiting.setdefault(key, _Waiting(write, rank))
        if waiting.rank <= rank:
            waiting.write, waiting.rank = write, rank
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._run)
        return waiting.result

    def stop(self) -> None:
        """Write what is still waiting."""
        if self._greenlet is not None:
            self._greenlet.join(timeout=5)

    def _run(self) -> None:
        while self._waiting:
            pause = self._last_commit + COMMIT_SECONDS - time.monotonic()
            if pause > 0:
                gevent.sleep(pause)
            waiting, self._waiting = self._waiting, {}
            batch = [waiting[key] for key in sorted(waiting)]
            try:
                self._commit(batch)
            except DatabaseUnavailable as error:
                for one in batch:
                    one.result.set_exception(error)
            except Exception:
                self._commit_one_by_one(batch)
            self._last_commit = time.monotonic()
        self._greenlet = None

    def _commit_one_by_one(self, batch: list[_Waiting]) -> None:
        for one in batch:
            try:
                self._commit([one])
            except Exception as error:
                # It is for those who asked: each of them raises it.
                one.result.set_exception(error)

    def _commit(self, batch: list[_Waiting]) -> None:
        with self._app.database.transaction() as txn:
            for one in batch:
                one.write(txn)
        for one in batch:
            one.result.set()


def submit(app: App, key: Key, write: Write, rank: int = 0) -> None:
    """Hand a write to this worker's batch, and wait until it is committed."""
    submit_all(app, [(key, write, rank)])


def submit_all(app: App, writes: list[tuple[Key, Write, int]]) -> None:
    """The same for several, (key, write, rank), that go into one commit."""
    ephemeral = app.part(Ephemeral, Ephemeral)
    # Nothing waits in between: no commit can begin before all are there.
    for result in [ephemeral.add(*one) for one in writes]:
        result.get()
