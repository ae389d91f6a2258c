"""The members of a room that we came into without knowing them all are fetched. S-S API, PUT
/send_join, `omit_members`.

The worker that made the join begins at once; the background process looks for what a worker left,
killed or not, and for what is due again. Of each room one fetches at a time (a lease that falls
free with its holder). What was fetched stays: who goes on fetches the rest."""

import logging
from collections import deque

import gevent
from gevent.event import Event

from impl import errors
from impl.app import App
from impl.outbound.failures import FederationFailure
from impl.services import room_reading
from impl.services.incoming import missing_state
from impl.services.incoming.asking import Source
from impl.services.remote_history import servers
from impl.services.room_events import completing
from impl.services.room_events.submission import MissingEvents
from impl.storage import partial_rooms
from impl.storage.database import DatabaseUnavailable
from impl.storage.leases import Leases
from impl.storage.partial_rooms import PartialRoom
from impl.storage.rooms import Room

# Rooms that a worker fetches at once: each takes some memory. Others wait.
ROOMS_AT_ONCE = 3
# Of what is due, so many are taken up, whoever else sees to some of them.
DUE_MAX = 20
RETRY_MS = 15_000
RETRY_MS_MAX = 3_600_000

_log = logging.getLogger(__name__)


def begin(app: App, room_nid: int) -> None:
    """See to a room, unless somebody does."""
    app.part(Completers, Completers).start(room_nid)


def wait(app: App, room_nid: int, seconds: float) -> None:
    """Until what was begun here for a room has come to an end, good or bad, but no longer."""
    app.part(Completers, Completers).wait_for(room_nid, seconds)


def take_up(app: App) -> None:
    """See to what is due."""
    with app.database.read() as txn:
        due = partial_rooms.list_due(txn, app.now_ms(), DUE_MAX)
    for room_nid in due:
        begin(app, room_nid)


class Completers:
    """This worker's greenlets, one for each room that it sees to."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._leases = Leases(app.database, "partial rooms")
        self._running: dict[int, gevent.Greenlet] = {}
        self._queue: deque[int] = deque()
        # Of those that run or wait: set when it is over.
        self._ends: dict[int, Event] = {}

    def start(self, room_nid: int) -> None:
        if room_nid not in self._ends:
            self._ends[room_nid] = Event()
            self._queue.append(room_nid)
            self._run_more()

    @property
    def under_way(self) -> list[int]:
        """The rooms that are seen to here, or wait for it."""
        return list(self._ends)

    def stop(self) -> None:
        """Others go on with it."""
        for room_nid in self._queue:
            self._ends.pop(room_nid).set()
        self._queue.clear()
        gevent.killall(list(self._running.values()))
        self._leases.close()

    def wait_for(self, room_nid: int, seconds: float | None = None) -> None:
        """Until nothing is under way for a room."""
        end = self._ends.get(room_nid)
        if end is not None:
            end.wait(seconds)

    def wait(self) -> None:
        """Until nothing is under way here."""
        for room_nid in self.under_way:
            self.wait_for(room_nid)

    def _run_more(self) -> None:
        while self._queue and len(self._running) < ROOMS_AT_ONCE and not self._app.is_stopping:
            room_nid = self._queue.popleft()
            self._running[room_nid] = gevent.spawn(self._run, room_nid)

    def _run(self, room_nid: int) -> None:
        try:
            if not self._leases.take(room_nid):
                return
            try:
                _complete(self._app, room_nid)
            finally:
                self._leases.give(room_nid)
        except (DatabaseUnavailable, errors.Unavailable) as error:
            _log.warning("the members of the room %d wait: %s", room_nid, error)
        except Exception as error:
            # A bug of ours: with a pause, or it would be met all the time.
            _log.exception("the members of the room %d wait", room_nid)
            _put_off(self._app, room_nid, str(error))
        finally:
            del self._running[room_nid]
            self._ends.pop(room_nid).set()
            self._run_more()


def _complete(app: App, room_nid: int) -> None:
    with app.database.read() as txn:
        partial = partial_rooms.get(txn, room_nid)
        room = app.rooms.get_by_nids(txn, [room_nid]).get(room_nid)
        is_ours = room is not None and room_reading.is_resident(txn, room)
    if partial is None or room is None:
        return  # Somebody else was faster, or it was purged.
    if not is_ours:
        # Who comes back is told all of it.
        with app.database.transaction() as txn:
            partial_rooms.delete(txn, room_nid)
        return
    try:
        _fetch(app, room, partial)
    except (FederationFailure, MissingEvents, errors.Forbidden) as error:
        _put_off(app, room_nid, str(error))


def _fetch(app: App, room: Room, partial: PartialRoom) -> None:
    # Who told us the rest knows what it left out.
    to_ask = dict.fromkeys([partial.via, *servers.list_to_ask(app, room)])
    source = Source(app, room, [name for name in to_ask if name != app.server_name])
    state_ids = missing_state.fetch_state(source, partial.event_id)
    if completing.complete(app, room.room_nid, state_ids):
        _log.info("all members of %s are known", room.room_id)


def _put_off(app: App, room_nid: int, reason: str) -> None:
    with app.database.read() as txn:
        partial = partial_rooms.get(txn, room_nid)
    if partial is None:
        return
    _log.info("the members of the room %d are asked for again later: %s", room_nid, reason)
    pause_ms = min(RETRY_MS << min(partial.attempts, 20), RETRY_MS_MAX)
    with app.database.at_once() as txn:
        partial_rooms.put_off(txn, room_nid, app.now_ms() + pause_ms)
