"""Transactions on their way: one at a time to each server, to many servers at once.

Those that have answered, those that were not asked yet, and those that did not answer have places
of their own, so that thousands of servers that are not there cannot keep those waiting that are."""

import enum
import logging
import secrets
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Protocol

import gevent
from gevent.pool import Group

from impl.app import App
from impl.outbound.failures import BadAnswer, FederationFailure
from impl.services.sending import wire_forms
from impl.services.sending.outbox import Outbox, State
from impl.services.sending.parcels import PDUS_MAX, Parcel


class Standing(enum.Enum):
    ANSWERS = enum.auto()
    UNKNOWN = enum.auto()
    FAILS = enum.auto()


# Transactions at once.
PLACES = {Standing.ANSWERS: 100, Standing.UNKNOWN: 100, Standing.FAILS: 40}
# So many transactions in a row, and then somebody else who waits.
TURN_PARCELS = 10

_log = logging.getLogger(__name__)


class Supply(Protocol):
    """Who has something to send."""

    def next_parcel(self, outbox: Outbox) -> Parcel | None:
        """What comes next for the server, until it has arrived or failed."""

    def arrived(self, outbox: Outbox, parcel: Parcel) -> None: ...

    def failed(self, outbox: Outbox, parcel: Parcel, failure: FederationFailure) -> bool:
        """Says whether to go on at once."""

    def broke(self, outbox: Outbox, error: Exception) -> None:
        """It could not even be tried: something of ours failed."""


class Delivery:
    """What comes next, and what becomes of what was sent, is for `supply` to say."""

    def __init__(self, app: App, supply: Supply) -> None:
        self._app = app
        self._supply = supply
        # Whom it is worth to ask is decided here, not by those who keep count of that for others.
        self.federation = app.new_federation_client(app.federation.wire)
        self._ready: dict[Standing, deque[Outbox]] = {one: deque() for one in Standing}
        self._active = dict.fromkeys(Standing, 0)
        self._greenlets = Group()
        self.txn_ids = _txn_ids()
        self.is_stopping = False

    def add(self, outbox: Outbox) -> None:
        """There is something for the server: it has its turn, unless it is having it."""
        if not outbox.is_ready and not outbox.is_sending and not self.is_stopping:
            outbox.is_ready = True
            standing = _standing_of(outbox)
            self._ready[standing].append(outbox)
            self._fill(standing)

    def free_places(self) -> int:
        """For how many more that did not answer there is a place."""
        standing = Standing.FAILS
        return PLACES[standing] - self._active[standing] - len(self._ready[standing])

    def join(self, timeout_s: float | None = None) -> None:
        """Until nothing is on its way, and nobody waits for a turn."""
        self._greenlets.join(timeout=timeout_s)

    def stop(self, timeout_s: float) -> None:
        """What is on its way may arrive; then no more."""
        self.is_stopping = True
        for ready in self._ready.values():
            ready.clear()
        self._greenlets.join(timeout=timeout_s)
        self._greenlets.kill()

    def _fill(self, standing: Standing) -> None:
        ready = self._ready[standing]
        while ready and self._active[standing] < PLACES[standing]:
            outbox = ready.popleft()
            outbox.is_ready, outbox.is_sending = False, True
            self._active[standing] += 1
            self._greenlets.add(gevent.spawn(self._run, outbox, standing))

    def _run(self, outbox: Outbox, standing: Standing) -> None:
        goes_on = False
        try:
            goes_on = self._deliver(outbox, standing)
        except Exception as error:
            self._supply.broke(outbox, error)
        finally:
            outbox.is_sending = False
            self._active[standing] -= 1
            if goes_on:
                self.add(outbox)
            self._fill(standing)

    def _deliver(self, outbox: Outbox, standing: Standing) -> bool:
        """Send until there is no more; True if there is, and others have their turn first."""
        sent = 0
        while outbox.state is State.LIVE and not self.is_stopping:
            # Who answers now goes on among those who do.
            if sent and (_standing_of(outbox) is not standing or self._must_yield(sent, standing)):
                return True
            parcel = self._supply.next_parcel(outbox)
            if parcel is None:
                return False
            sent += 1
            try:
                self._send(outbox.server_name, parcel)
            except FederationFailure as failure:
                if not self._supply.failed(outbox, parcel, failure):
                    return False
            else:
                self._supply.arrived(outbox, parcel)
        return False

    def _must_yield(self, sent: int, standing: Standing) -> bool:
        return sent >= TURN_PARCELS and bool(self._ready[standing])

    def _send(self, server_name: str, parcel: Parcel) -> None:
        if not parcel.body:
            parcel.body = wire_forms.transaction(
                self._app.server_name,
                self._app.now_ms(),
                [item.form for item in parcel.pdus],
                [item.form for item in parcel.edus],
            )
        try:
            answer = self.federation.send_transaction(server_name, parcel.txn_id, parcel.body)
        except BadAnswer:
            return  # It has taken it, whatever it says.
        _log_refusals(server_name, answer.get("pdus"))


def _standing_of(outbox: Outbox) -> Standing:
    if outbox.is_proven:
        return Standing.ANSWERS
    return Standing.UNKNOWN if outbox.failing_since_ts is None else Standing.FAILS


def _log_refusals(server_name: str, pdus: object) -> None:
    """An event that a server does not take it will not take a second time."""
    for event_id, result in islice(pdus.items() if isinstance(pdus, dict) else (), PDUS_MAX):
        if isinstance(result, dict) and result.get("error"):
            _log.info("%s does not take %.255r: %.200r", server_name, event_id, result["error"])


def _txn_ids() -> Iterator[str]:
    """No other process has made them, nor will."""
    start, number = secrets.token_urlsafe(9), 0
    while True:
        number += 1
        yield f"{start}-{number}"
