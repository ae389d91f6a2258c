"""Which servers are worth asking: what one worker found out, all know, and the sender too.

A server that did not answer has a row that says until when it is left alone (storage/
destinations.py). Whoever would ask it anything meanwhile is told at once that it cannot be reached,
unless a user waits for just that. A request of its own shows that it is there: then it is tried
again soon."""

import logging
import time
from collections import OrderedDict

from impl.app import App
from impl.outbound.failures import FederationFailure, Unreachable
from impl.services.sending import backoff
from impl.storage import destinations
from impl.storage.database import DatabaseUnavailable
from impl.storage.destinations import Destination

# What was looked up is believed for so long.
BELIEVED_S = 10.0
# Whom we hear is looked up so often.
HEARD_S = 5.0
NAMES_KEPT_MAX = 10_000

_log = logging.getLogger(__name__)


def watch(app: App) -> None:
    """From now on requests to other servers heed and tell who can be reached."""
    kept = app.part(Reachability, Reachability)
    app.federation.check_worth = kept.check_worth
    app.federation.note = kept.note


def note_alive(app: App, server_name: str) -> None:
    """A server has asked us something, and it was that server: its signature was checked."""
    app.part(Reachability, Reachability).note_alive(server_name)


class Reachability:
    """What this worker has looked up."""

    def __init__(self, app: App) -> None:
        self._app = app
        # Name -> until when that is believed, and the row.
        self._rows: OrderedDict[str, tuple[float, Destination | None]] = OrderedDict()
        self._heard: OrderedDict[str, float] = OrderedDict()

    def check_worth(self, server_name: str) -> None:
        """Raises Unreachable for a server that is left alone."""
        row = self._look_up(server_name)
        if row is not None and row.failing_since_ts and row.retry_ts > self._app.now_ms():
            wait_s = (row.retry_ts - self._app.now_ms()) // 1000 + 1
            raise Unreachable(
                server_name, f"it is not asked for another {wait_s} s, since: {row.failure}"
            )

    def note(self, server_name: str, failure: FederationFailure | None) -> None:
        """What became of a request."""
        try:
            if failure is not None:
                self._note_failure(server_name, failure)
            elif self._look_up(server_name) is not None:
                self._forget(server_name)
                with self._app.database.at_once() as txn:
                    destinations.delete_reached(txn, server_name)
                self._wake(server_name)
        except DatabaseUnavailable as error:
            _log.warning("that %s answers, or not, is not written down: %s", server_name, error)

    def note_alive(self, server_name: str) -> None:
        now = time.monotonic()
        heard = self._heard
        if heard.get(server_name, -HEARD_S) + HEARD_S > now:
            return
        heard[server_name] = now
        heard.move_to_end(server_name)
        if len(heard) > NAMES_KEPT_MAX:
            heard.popitem(last=False)
        try:
            self._wake(server_name)
        except DatabaseUnavailable as error:
            _log.warning("that %s is there is not written down: %s", server_name, error)

    def _wake(self, server_name: str) -> None:
        with self._app.database.at_once() as txn:
            if destinations.wake(txn, server_name, self._app.now_ms()):
                self._forget(server_name)

    def _note_failure(self, server_name: str, failure: FederationFailure) -> None:
        self._forget(server_name)
        row = self._look_up(server_name)
        now_ms = self._app.now_ms()
        pause = backoff.next_pause_of_asking(
            self._app.config.federation, row.retry_interval_ms if row else 0, now_ms
        )
        since_ts = (row.failing_since_ts if row else None) or now_ms
        with self._app.database.at_once() as txn:
            destinations.put_failing(
                txn,
                Destination(
                    server_name,
                    None,
                    failing_since_ts=since_ts,
                    failure=failure.reason,
                    retry_ts=pause.until_ts,
                    retry_interval_ms=pause.interval_ms,
                ),
            )
        self._forget(server_name)

    def _look_up(self, server_name: str) -> Destination | None:
        now = time.monotonic()
        until, row = self._rows.get(server_name, (0.0, None))
        if until <= now:
            with self._app.database.read() as txn:
                row = destinations.get(txn, server_name)
            self._rows[server_name] = (now + BELIEVED_S, row)
            self._rows.move_to_end(server_name)
            if len(self._rows) > NAMES_KEPT_MAX:
                self._rows.popitem(last=False)
        return row

    def _forget(self, server_name: str) -> None:
        self._rows.pop(server_name, None)
