"""What is missing of a room's history is fetched, when somebody comes there. S-S API, "Backfilling
and retrieving missing events".

Of each room one page at a time: who comes to the same place meanwhile waits for it. A page is some
hundred events that lead back from what is missing, of whoever in the room has them. It is bounded
in all that it may cost, whatever other servers answer, and what nobody has is not asked for again
for a while."""

import logging
from collections.abc import Callable, Sequence

import gevent
from gevent.event import AsyncResult

from impl import errors
from impl.app import App
from impl.core.event import Event
from impl.outbound.failures import BadAnswer, FederationFailure
from impl.services.incoming.asking import Source
from impl.services.remote_history import answers, servers, taking_in
from impl.services.remote_history.gaps import Gap, Pauses
from impl.storage.database import DatabaseUnavailable
from impl.storage.rooms import Room

# So long somebody waits who reads, and so long it may take in all.
WAIT_S = 20.0
SECONDS_MAX = 60.0

_log = logging.getLogger(__name__)


def fill(app: App, room: Room, gaps: Sequence[Gap], wait_s: float = WAIT_S) -> bool:
    """Ask for what is missing in a room; whether something came in time. What nobody has is not
    asked for again soon.
    """

    def work() -> bool:
        return ask_for(app, room, [gap.event_id for gap in gaps], gaps)

    def give_up() -> None:
        app.part(Pauses, Pauses).begin(room.room_nid, [gap.event_id for gap in gaps])

    return app.part(Fillers, Fillers).run(room, work, give_up, wait_s)


class Fillers:
    """What this worker is fetching, of each room one page at a time."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._running: dict[int, AsyncResult] = {}

    def run(
        self,
        room: Room,
        work: Callable[[], bool],
        give_up: Callable[[], None],
        wait_s: float = WAIT_S,
    ) -> bool:
        """Do some work for a room, or wait for what is done already; whether something came.
        `give_up` is called where nothing did.
        """
        result = self._running.get(room.room_nid)
        if result is None:
            result = self._running[room.room_nid] = AsyncResult()
            # It goes on when whoever came there gives up: they may come again.
            self._app.spawn(self._run, room, work, give_up, result)
        try:
            return bool(result.get(timeout=wait_s))
        except gevent.Timeout:
            return False

    def _run(
        self,
        room: Room,
        work: Callable[[], bool],
        give_up: Callable[[], None],
        result: AsyncResult,
    ) -> None:
        has_come = False
        timeout = gevent.Timeout(SECONDS_MAX)
        try:
            with timeout:
                has_come = work()
        except gevent.Timeout as error:
            if error is not timeout:
                raise
            _log.warning("history of %s took more than %.0f s", room.room_id, SECONDS_MAX)
        except (DatabaseUnavailable, errors.Unavailable) as error:
            _log.warning("history of %s is not filled: %s", room.room_id, error)
        except Exception:
            _log.exception("history of %s is not filled", room.room_id)
        finally:
            if not has_come:
                give_up()
            del self._running[room.room_nid]
            result.set(has_come)


def ask_for(app: App, room: Room, wanted: Sequence[str], gaps: Sequence[Gap] = ()) -> bool:
    """Ask the servers of a room in turn for events and those before them; whether some came."""
    to_ask = servers.list_to_ask(app, room, gaps)
    for server in to_ask:
        # Whoever has the events has what they cite, and knows the states.
        source = Source(app, room, [server, *(one for one in to_ask if one != server)])
        try:
            events = fetch(app, room, server, wanted)
            if events and taking_in.take_in(source, events):
                return True
            _log.info("%s has nothing of what is missing in %s", server, room.room_id)
        except FederationFailure as failure:
            _log.info("%s gives no history of %s: %s", server, room.room_id, failure)
    return False


def fetch(app: App, room: Room, server: str, wanted: Sequence[str]) -> list[Event]:
    """GET /backfill: events and those before them that have no place here, the newest first."""
    answer = app.federation.backfill_room(server, room.room_id, wanted, answers.EVENTS_MAX)
    pdus = answer.get("pdus")
    if not isinstance(pdus, list):
        raise BadAnswer(server, "pdus is not a list")
    return answers.read(app, room, server, pdus, wanted)
