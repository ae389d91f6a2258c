"""The worker's queue in front of persist.py: group commit.

One greenlet, with a database connection of its own, takes whatever waits and makes one transaction
of it. There is no timer: a lone message goes at once, and under load the batches grow by themselves
while the last one commits.

A second, patient greenlet takes the submissions for rooms that somebody else holds: it may wait for
a lock, while the first one never does, so that a busy room holds up nobody but itself. A third one
takes what is much work: many events at once, and states as another server tells them, which may
have to be resolved with ours. Whatever somebody may send there, other rooms go on."""

import logging
from collections.abc import Sequence
from typing import Any

import gevent
from gevent.event import AsyncResult
from gevent.queue import SimpleQueue

from impl import errors
from impl.app import App
from impl.services.room_events import persist
from impl.services.room_events.submission import Submission
from impl.storage.database import DatabaseUnavailable, StatementError

BATCH_EVENTS_MAX = 100

_log = logging.getLogger(__name__)

__all__ = ["Submission", "submit", "submit_all"]

Item = tuple[Submission, AsyncResult]


def submit(app: App, submission: Submission) -> list[str]:
    """Append to a room and return the event ids, in the order of the drafts, once they are
    committed.

    Raises Forbidden for what the room's rules refuse, BadJson and TooLarge for what cannot be an
    event, NotFound for an unknown room, Unavailable when the database is away: then it is not known
    whether the events were written."""
    return app.part(Persister, Persister).submit(submission)


def submit_all(app: App, submissions: Sequence[Submission]) -> list[list[str] | Exception]:
    """The same for several at once, most likely in one transaction: what became of each, its event
    ids or what `submit` would have raised.
    """
    return app.part(Persister, Persister).submit_all(submissions)


class Persister:
    """The three greenlets of a worker and their queues."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._quick: SimpleQueue = SimpleQueue()
        self._patient: SimpleQueue = SimpleQueue()
        self._heavy: SimpleQueue = SimpleQueue()
        self._greenlets = [
            gevent.spawn(self._run, self._quick, True),
            gevent.spawn(self._run, self._patient, False),
            gevent.spawn(self._run, self._heavy, False),
        ]

    def submit(self, submission: Submission) -> list[str]:
        result = AsyncResult()
        self._queue_for(submission).put((submission, result))
        return result.get()

    def submit_all(self, submissions: Sequence[Submission]) -> list[list[str] | Exception]:
        results = [AsyncResult() for _ in submissions]
        for submission, result in zip(submissions, results, strict=True):
            self._queue_for(submission).put((submission, result))
        gevent.wait(results)
        return [one.value if one.exception is None else one.exception for one in results]

    def stop(self) -> None:
        gevent.killall(self._greenlets)

    def _queue_for(self, submission: Submission) -> SimpleQueue:
        received = submission.received
        is_heavy = len(received) > BATCH_EVENTS_MAX or any(
            one.state_before is not None for one in received
        )
        return self._heavy if is_heavy else self._quick

    def _run(self, queue: SimpleQueue, skip_locked: bool) -> None:
        connection: Any = None
        while True:
            batch = _take(queue)
            try:
                if connection is None or connection.closed:
                    connection = self._app.database.connect()
                self._persist(connection, batch, skip_locked)
            except (DatabaseUnavailable, StatementError) as error:
                _log.warning("a batch of %d failed: the database is away: %s", len(batch), error)
                connection = _discard(connection)
                _fail(batch, errors.Unavailable("the database is not available"))
            except Exception as error:
                # A bug of ours must fail what met it, not end the greenlet that everybody waits
                # for.
                _log.exception("a batch of %d failed", len(batch))
                connection = _discard(connection)
                _fail(batch, error)
            if queue is self._heavy and queue.empty():
                connection = _discard(connection)  # It is seldom needed.

    def _persist(self, connection: Any, batch: list[Item], skip_locked: bool) -> None:
        try:
            self._transact(connection, batch, skip_locked, look_up=False)
            return
        except StatementError as error:
            if connection.closed:
                raise
            _log.info("a batch of %d is tried one by one: %s", len(batch), error)
        except Exception:
            if connection.closed or len(batch) == 1:
                raise
            _log.exception("a batch of %d is tried one by one", len(batch))
        for item in batch:
            try:
                self._transact(connection, [item], skip_locked, look_up=True)
            except Exception as error:
                # What is wrong with one, a bug of ours included, is no reason to fail the others.
                if connection.closed:
                    raise
                _log.exception("a submission failed")
                _fail([item], error)

    def _transact(
        self, connection: Any, batch: Sequence[Item], skip_locked: bool, *, look_up: bool
    ) -> None:
        app = self._app
        with app.database.transaction_on(connection) as txn:
            outcome = persist.persist(
                app,
                txn,
                [submission for submission, _ in batch],
                skip_locked=skip_locked,
                look_up_transactions=look_up,
            )
        try:
            persist.after_commit(app, outcome)
        except Exception:
            # What is committed is not to be tried again, whatever becomes of the caches.
            _log.exception("what was committed is not in the caches")
            app.events.clear()
        for place, (submission, result) in enumerate(batch):
            if place in outcome.event_ids:
                result.set(outcome.event_ids[place])
            elif place in outcome.failures:
                result.set_exception(outcome.failures[place])
            else:
                self._patient.put((submission, result))


def _take(queue: SimpleQueue) -> list[Item]:
    batch = [queue.get()]
    size = _size(batch[0])
    while size < BATCH_EVENTS_MAX and not queue.empty():
        batch.append(queue.get())
        size += _size(batch[-1])
    return batch


def _size(item: Item) -> int:
    return len(item[0].drafts) + len(item[0].received)


def _fail(batch: Sequence[Item], error: Exception) -> None:
    for _, result in batch:
        if not result.ready():
            result.set_exception(error)


def _discard(connection: Any) -> None:
    if connection is not None:
        connection.close()
