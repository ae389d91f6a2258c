"""The outboxes, and what becomes of what is in them."""

import logging
from collections import OrderedDict
from dataclasses import replace

from gevent.event import Event

from impl.app import App
from impl.outbound.failures import FederationFailure
from impl.services.sending import backoff
from impl.services.sending.catch_up import CatchUp
from impl.services.sending.delivery import Delivery
from impl.services.sending.outbox import Outbox, State
from impl.services.sending.parcels import Item, Parcel
from impl.services.sending.shards import Shards
from impl.storage import outgoing
from impl.storage.database import DatabaseUnavailable
from impl.storage.destinations import Destination

# Servers of which it is known whether they lag.
KNOWN_MAX = 50_000
# Those that failed just now and are tried again soon, with what they were sent in memory.
PAUSING_MAX = 200
# Where so many have something to be told, each may have so much: the memory is for all.
CROWD = 1_000
QUEUED_MAX_IN_CROWD = 50

_log = logging.getLogger(__name__)


class Post:
    """Of all servers in this process's shards."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.shards = Shards(app)
        self.delivery = Delivery(app, self)
        self.woken = Event()
        # Something could not be written: what is in memory may not agree with the database.
        self.must_begin_anew = False
        self.known: OrderedDict[str, Outbox] = OrderedDict()
        # Those with something in them, and those whose rows say what is not so any more.
        self.active: set[Outbox] = set()
        self.caught_up: set[Outbox] = set()
        self._pausing: set[Outbox] = set()
        self._unhurried: set[Outbox] = set()

    def outbox(self, server_name: str) -> Outbox:
        found = self.known.get(server_name)
        if found is None:
            found = Outbox(server_name, self.shards.of(server_name))
            self.known[server_name] = found
        return found

    def settle(self, outbox: Outbox, row: Destination | None) -> None:
        """Know how it stands, by its row."""
        outbox.has_row = row is not None
        outbox.retry_ts = 0
        if row is not None:
            outbox.failing_since_ts = row.failing_since_ts
            outbox.retry_interval_ms = row.retry_interval_ms
        if row is not None and row.served_position is not None:
            outbox.state = State.AWAY
        elif row is not None and row.retry_ts > self.app.now_ms():
            outbox.state = State.DOUBTFUL
            outbox.retry_ts = row.retry_ts
        else:
            outbox.state = State.LIVE

    def put(self, outbox: Outbox, item: Item) -> None:
        """There is something for a server that was looked up."""
        if outbox.state is State.DOUBTFUL and not item.key:
            # It fails, and from here on it misses something.
            self._put_away(outbox, item.position - 1)
        if outbox.state is not State.LIVE:
            return
        self.active.add(outbox)
        has_room = outbox.add(item, self.app.now_ms())
        if len(self.active) > CROWD:
            has_room = has_room and outbox.queued <= QUEUED_MAX_IN_CROWD
        if not has_room:
            _log.info("%s is not told so fast: it will be caught up with", outbox.server_name)
            self._put_away(outbox, outbox.served_position())
        elif item.is_unhurried:
            self._unhurried.add(outbox)
        elif outbox not in self._pausing:
            self.delivery.add(outbox)

    def begin_catch_up(self, outbox: Outbox, row: Destination, catch_up: CatchUp) -> None:
        """From now on it is told what it missed, and then what is new."""
        outbox.clear()
        self.settle(outbox, row)
        outbox.state = State.LIVE
        outbox.row_place = None
        outbox.catch_up = catch_up
        outbox.since_ts = self.app.now_ms()
        self.active.add(outbox)
        self.delivery.add(outbox)

    def hurry(self) -> None:
        """Send what waits for others to go with."""
        for outbox in self._unhurried - self._pausing:
            if outbox.state is State.LIVE:
                self.delivery.add(outbox)
        self._unhurried.clear()

    def end_pauses(self) -> None:
        """Try again those that failed just now."""
        now_ms = self.app.now_ms()
        for outbox in [one for one in self._pausing if one.retry_ts <= now_ms]:
            self._pausing.discard(outbox)
            self.delivery.add(outbox)

    def drop(self, shards: frozenset[int] | None) -> None:
        """Those of some shards are somebody else's now; all are begun with anew."""
        if shards is not None and not shards:
            return
        for name, outbox in list(self.known.items()):
            if shards is None or outbox.shard in shards:
                outbox.clear()
                outbox.state = State.GONE
                del self.known[name]
                for some in (self.active, self.caught_up, self._pausing, self._unhurried):
                    some.discard(outbox)

    def forget_some(self) -> None:
        """Those that were heard of first, if there is nothing for them."""
        while len(self.known) > KNOWN_MAX:
            name, outbox = self.known.popitem(last=False)
            if outbox.is_sending or outbox in self.active or outbox in self.caught_up:
                self.known[name] = outbox
                return

    def row_of(self, outbox: Outbox, served: int | None = None) -> Destination:
        """What is to be written of it while it is served."""
        served = outbox.served_position() if served is None else served
        span = outbox.catch_up.span if outbox.catch_up is not None else None
        return Destination(
            outbox.server_name,
            served if span is None else span.served,
            None if span is None else span.up_to,
            None if span is None else span.room_nid,
            outbox.failing_since_ts,
            retry_interval_ms=outbox.retry_interval_ms,
        )

    # For the delivery.

    def next_parcel(self, outbox: Outbox) -> Parcel | None:
        """What comes next for it."""
        if not outbox.parcels:
            parcel = None
            if outbox.catch_up is not None:
                parcel = outbox.catch_up.next(self.app, self.delivery.txn_ids)
                if parcel is None:
                    outbox.catch_up = None
            parcel = parcel or outbox.take(self.delivery.txn_ids)
            outbox.parcels = () if parcel is None else (parcel,)
        if outbox.parcels:
            return outbox.parcels[0]
        self.active.discard(outbox)
        if outbox.has_row:
            self.caught_up.add(outbox)
        return None

    def arrived(self, outbox: Outbox, parcel: Parcel) -> None:
        """A server has taken a transaction."""
        outbox.is_proven = True
        outbox.failing_since_ts, outbox.retry_interval_ms = None, 0
        self._done_with(outbox, parcel)

    def failed(self, outbox: Outbox, parcel: Parcel, failure: FederationFailure) -> bool:
        """A transaction was not taken; says whether to go on at once."""
        if outbox.state is not State.LIVE:
            return False
        _log.info("%s was not told: %s", outbox.server_name, failure.reason)
        if backoff.refuses_content(failure):
            self._refused(outbox, parcel)
            return True
        outbox.attempts += 1
        delay_ms = 0
        if outbox.is_proven and len(self._pausing) < PAUSING_MAX:
            times = self.app.config.federation
            delay_ms = backoff.quick_delay_ms(times, outbox.attempts, failure)
        if delay_ms:
            outbox.retry_ts = self.app.now_ms() + delay_ms
            self._pausing.add(outbox)
        else:
            self._put_away(outbox, outbox.served_position(), failure)
            self.shards.write_rows()
        return False

    def broke(self, outbox: Outbox, error: Exception) -> None:
        """Something of ours failed on the way."""
        if isinstance(error, DatabaseUnavailable):
            _log.warning("sending to other servers begins anew: %s", error)
            self.must_begin_anew = True
            self.woken.set()
            return
        _log.error("sending to %s failed", outbox.server_name, exc_info=error)
        if outbox.state is State.LIVE:
            failure = FederationFailure(outbox.server_name, f"an error of this server: {error}")
            self._put_away(outbox, outbox.served_position(), failure)

    def _done_with(self, outbox: Outbox, parcel: Parcel) -> None:
        if outbox.state is State.GONE:
            return
        stored = [item.position for item in parcel.edus if item.is_stored]
        if stored:
            with self.app.database.at_once() as txn:
                outgoing.delete_to_device(txn, outbox.server_name, stored)
        self.shards.has_moved = True
        outbox.attempts = outbox.retry_ts = 0
        outbox.since_ts = self.app.now_ms()
        outbox.parcels = tuple(one for one in outbox.parcels if one is not parcel)
        if outbox.catch_up is not None:
            outbox.catch_up.note_progress(parcel)

    def _refused(self, outbox: Outbox, parcel: Parcel) -> None:
        """Find what it is that the server does not take, and go on without that."""
        if len(parcel.pdus) + len(parcel.edus) > 1:
            outbox.parcels = (*parcel.halves(self.delivery.txn_ids), *outbox.parcels[1:])
        else:
            what = parcel.pdus[0].event_id if parcel.pdus else "an EDU"
            _log.warning("%s does not take %s", outbox.server_name, what)
            self._done_with(outbox, parcel)

    def _put_away(
        self, outbox: Outbox, served: int | None, failure: FederationFailure | None = None
    ) -> None:
        """Keep nothing for it here: its row says how far it is served, and when it is tried."""
        now_ms, times = self.app.now_ms(), self.app.config.federation
        row = self.row_of(outbox, served)
        retry_ts = outbox.retry_ts if outbox.state is State.DOUBTFUL else 0
        if failure is not None:
            pause = backoff.next_pause(times, outbox.retry_interval_ms, now_ms, failure)
            retry_ts = pause.until_ts
            outbox.failing_since_ts = outbox.failing_since_ts or now_ms
            outbox.retry_interval_ms = pause.interval_ms
            outbox.is_proven = False
        self.shards.put_row(
            replace(
                row,
                failing_since_ts=outbox.failing_since_ts,
                failure=None if failure is None else failure.reason,
                retry_ts=retry_ts,
                retry_interval_ms=outbox.retry_interval_ms,
            )
        )
        outbox.clear()
        outbox.has_row = True
        outbox.row_place = None
        outbox.state = State.AWAY
        if row.served_position is None:
            # It misses nothing yet.
            outbox.state, outbox.retry_ts = State.DOUBTFUL, retry_ts
        self.active.discard(outbox)
        self._pausing.discard(outbox)
