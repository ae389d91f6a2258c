"""The sender: follows the stream and tells other servers what is for them. DESIGN 6, "Federation".

Theory. What is for others stands in the stream, so nothing is written for each of them. The sender
reads it once, works out for each row whom it is for, and has what is on its way in memory. A shard
of the destinations has one position in the database: up to there they have everything, whoever is
killed. A destination that cannot keep up, or does not answer, gets a row of its own that says how
far it is served, and is forgotten here: nothing is kept for it, and it holds nobody back. When its
time has come, it is told what it missed (catch_up.py), and joins the others again.

In order: one transaction at a time to each server, and what comes next is made when the last has
arrived, so that it grows meanwhile. Positions are written down every second, where anything was
sent; what had arrived since the last one is sent again after a kill, and recognised by its ids.

One greenlet does all of this (`turn`), but for the transactions (delivery.py, post.py)."""

import logging
from collections.abc import Iterable, Sequence

from impl import breath
from impl.app import App
from impl.services.sending import stream
from impl.services.sending.catch_up import CatchUp, Span
from impl.services.sending.greetings import Greetings
from impl.services.sending.outbox import Outbox, State
from impl.services.sending.parcels import Item
from impl.services.sending.post import Post
from impl.services.sending.reminders import Reminders
from impl.storage import destinations
from impl.storage.database import DatabaseUnavailable
from impl.storage.destinations import Destination
from impl.storage.streams import NewsRow

# How many that lag are begun with at once, and how often it is looked for them.
LAGGING_AT_ONCE = 20
LAGGING_MS = 1_000
# What can wait for others to go with does so for so long.
UNHURRIED_MS = 1_000
CHECKPOINT_MS = 1_000
BREATH_PUTS = 2_000
# So long may the slowest hold back the position of its shard.
HELD_BACK_MS_MAX = 5_000

_log = logging.getLogger(__name__)


class Sender:
    """This process's part of all sending."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.post = Post(app)
        self.shards = self.post.shards
        # Set when there is something to read.
        self.woken = self.post.woken
        self._has_heard = True
        self._reminders = Reminders(app)
        self._greetings = Greetings(app)
        self._due: dict[str, int] = {}
        app.news.listeners.append(self._hear)

    def turn(self) -> None:
        """Do what there is to do now. Raises DatabaseUnavailable; then everything is begun anew."""
        if self.post.must_begin_anew:
            self._begin_anew()
        try:
            change = self.shards.keep()
            self._has_heard |= bool(change.gained)
            self.post.drop(change.lost)
            self._hand_out()
            self.post.end_pauses()
            if self._is_due("lagging", LAGGING_MS):
                self._begin_lagging()
            self._remind()
            if self._is_due("unhurried", UNHURRIED_MS):
                self.post.hurry()
            if self._is_due("checkpoint", CHECKPOINT_MS):
                self.checkpoint()
        except DatabaseUnavailable:
            self._begin_anew()
            raise

    def checkpoint(self) -> None:
        """Write down how far everybody is served. Raises DatabaseUnavailable."""
        held_back: dict[int, int] = {}
        for outbox in self.post.active:
            served = outbox.served_position()
            span = outbox.catch_up.span if outbox.catch_up is not None else None
            if span is not None:
                if outbox.row_place != (span.served, span.room_nid):
                    outbox.row_place = (span.served, span.room_nid)
                    self.shards.put_row(self.post.row_of(outbox))
            elif served is None:
                continue
            elif outbox.has_row or self.app.now_ms() - outbox.since_ts > HELD_BACK_MS_MAX:
                if outbox.row_place != (served, 0):
                    outbox.has_row, outbox.row_place = True, (served, 0)
                    self.shards.put_row(self.post.row_of(outbox))
            else:
                held_back[outbox.shard] = min(served, held_back.get(outbox.shard, served))
        done = [one for one in self.post.caught_up if one.is_empty and one.state is State.LIVE]
        self.post.caught_up.clear()
        self.shards.write_down(held_back, [one.server_name for one in done])
        for outbox in done:
            outbox.has_row, outbox.row_place = False, None

    def stop(self, timeout_s: float) -> None:
        """Finish what is on its way, and let others go on."""
        if self._hear in self.app.news.listeners:
            self.app.news.listeners.remove(self._hear)
        self.post.delivery.stop(timeout_s)
        try:
            if self.shards.positions and not self.post.must_begin_anew:
                self.shards.has_moved = True
                self.checkpoint()
        except DatabaseUnavailable as error:
            _log.warning("how far other servers are served is not written down: %s", error)
        self.shards.release()

    def _begin_anew(self) -> None:
        """With what is written down."""
        self.post.must_begin_anew = False
        self.post.drop(None)
        self.shards.release()
        self._has_heard = True

    def _hear(self, rows: Sequence[NewsRow] | None) -> None:
        if rows is None or any(row.is_outgoing for row in rows):
            self._has_heard = True
            self.woken.set()

    def _is_due(self, what: str, interval_ms: int) -> bool:
        now_ms = self.app.now_ms()
        if 0 <= now_ms - self._due.get(what, 0) < interval_ms:
            return False
        self._due[what] = now_ms
        return True

    # From the stream into the outboxes.

    def _hand_out(self) -> None:
        """Read the stream to its end."""
        if not self._has_heard:
            # What came since is for nobody else: it need not be looked at.
            self.shards.skip_to(self.app.news.position)
            return
        self._has_heard = False
        while (part := self.shards.next_part(self.app.news.position)) is not None:
            window = stream.read(self.app, part.after, part.up_to)
            self._dispatch(window.items, part.shards)
            self._greetings.note(window.came, part.shards)
            self.shards.move(part.shards, window.up_to, has_told=bool(window.items))

    def _dispatch(self, items: Sequence[Item], shards: frozenset[int]) -> None:
        # Most items are for the same servers as the one before.
        names: dict[int, list[str]] = {}
        durable: set[str] = set()
        for item in items:
            if id(item.servers) not in names:
                names[id(item.servers)] = self._mine(item.servers, shards)
            if not item.key:
                durable.update(names[id(item.servers)])
        self._look_up({name for some in names.values() for name in some}, durable)
        puts = 0
        for item in items:
            for name in names[id(item.servers)]:
                self.post.put(self.post.outbox(name), item)
            puts += len(names[id(item.servers)])
            if puts > BREATH_PUTS:
                # What is on its way goes on meanwhile.
                puts = 0
                breath.take()
        self.shards.write_rows()
        self.post.forget_some()

    def _mine(self, servers: Iterable[str], shards: frozenset[int]) -> list[str]:
        is_federated_with, shard_of = self.app.is_federated_with, self.shards.of
        return [one for one in servers if shard_of(one) in shards and is_federated_with(one)]

    def _look_up(self, names: Iterable[str], durable: set[str]) -> None:
        """Whether they lag or fail, of those of whom that is not known for sure. Who fails gets
        nothing short-lived until it is tried again.
        """
        now_ms = self.app.now_ms()
        doubtful = []
        for name in names:
            outbox = self.post.outbox(name)
            if outbox.state is State.DOUBTFUL and (outbox.retry_ts <= now_ms or name in durable):
                doubtful.append(outbox)
        if not doubtful:
            return
        with self.app.database.read() as txn:
            rows = destinations.get_many(txn, [one.server_name for one in doubtful])
        for outbox in doubtful:
            self.post.settle(outbox, rows.get(outbox.server_name))

    def _remind(self) -> None:
        """Tell again what others would take to be over, and newcomers what others know."""
        for shards, items in self._greetings.due():
            self._dispatch(items, shards & self.shards.positions.keys())
        rows = self._reminders.due()
        if rows:
            with self.app.database.read() as txn:
                items = stream.items_of(self.app, txn, rows)
            self._dispatch(items, frozenset(self.shards.positions))

    # Those that lag.

    def _begin_lagging(self) -> None:
        """Begin to catch up with some whose time has come."""
        limit = min(LAGGING_AT_ONCE, self.post.delivery.free_places())
        if not self.shards.positions or limit <= 0:
            return
        with self.app.database.read() as txn:
            rows = destinations.list_due(
                txn,
                self.shards.count,
                self.shards.positions,
                self.app.now_ms(),
                [one.server_name for one in self.post.active | self.post.caught_up],
                limit,
            )
        for row in rows:
            outbox = self.post.outbox(row.server_name)
            if not outbox.is_sending:
                self.post.begin_catch_up(outbox, row, self._missed_by(outbox, row))

    def _missed_by(self, outbox: Outbox, row: Destination) -> CatchUp:
        """All up to where its shard is: it hears of the rest by itself."""
        catch_up = CatchUp(row.server_name)
        served = row.served_position or 0
        if row.catch_up_position is not None:
            catch_up.add(Span(served, row.catch_up_position, row.catch_up_room_nid or 0))
            served = row.catch_up_position
        catch_up.add(Span(served, self.shards.positions[outbox.shard]))
        return catch_up
