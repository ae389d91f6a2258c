"""An event that refers to what is not here gets its place, with what it takes fetched from other
servers. S-S API, "Checks performed on receipt of a PDU", "Backfilling and retrieving missing
events".

1. The gap between it and what we have is filled (missing_events.py).
2. What the events of the gap cite is brought in (missing_state.py).
3. Where the gap does not reach down to what is here, the state before its lowest events is asked
   for.

Everything that this may cost is bounded, whatever other servers answer: how many events, how many
states, how long. What cannot be placed within that has no place here, but for the time: what was
fetched stays, and the others in the room have to have their turn."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import gevent

from impl.app import App
from impl.core.event import Event
from impl.outbound.failures import FederationFailure, Unreachable
from impl.services import policy_server
from impl.services.incoming import missing_events, missing_state
from impl.services.incoming.asking import Source
from impl.services.room_events import batching
from impl.services.room_events.submission import MissingEvents, Received, Submission
from impl.storage import event_graph, staged_pdus
from impl.storage.rooms import Room

# To ask for a state is what costs most. The event itself has one beyond this.
STATES_MAX = 3
# And so many answers about all of a large room may take all the time that they have.
LONG_ANSWERS = 3

_log = logging.getLogger(__name__)


class Unplaceable(Exception):
    """It refers to what nobody gives us."""


class TooSlow(Unreachable):
    """It took longer than it may at a time."""


def submit(app: App, room: Room, received: Sequence[Received]) -> None:
    """Put events into the room, which wait no more then, nor does what waits for them. Raises
    MissingEvents.
    """
    event_ids = [one.event.event_id for one in received]
    (received,) = policy_server.judge(app, [(room, received)])

    def note(txn: Any, _: Room) -> None:
        staged_pdus.resume_above(txn, room.room_nid, event_ids, app.now_ms())
        staged_pdus.delete(txn, room.room_nid, event_ids)

    batching.submit(app, Submission(room.room_id, [], received=received, alongside=note))


def place(app: App, room: Room, event: Event, origin: str) -> int:
    """Fetch what is missing, and put it into the room with the event; returns how many states that
    took.

    Raises Unplaceable; Unreachable where another time it may be had, TooSlow where it took long."""
    source = Source.of(app, room, event, origin)
    seconds = seconds_max(app)
    timeout = gevent.Timeout(seconds)
    placing = _Placing(source, event)
    try:
        with timeout:
            submit(app, room, placing.work_out())
            return placing.states_asked
    except gevent.Timeout as error:
        if error is not timeout:
            raise
        raise TooSlow(origin, f"it took more than {seconds:.0f} s") from error
    except MissingEvents as error:
        raise Unplaceable(f"there is no {', '.join(error.event_ids) or 'place'}") from error
    except Unreachable:
        raise
    except FederationFailure as failure:
        raise Unplaceable(str(failure)) from failure


def seconds_max(app: App) -> float:
    """How long it may take to place an event, at a time."""
    return LONG_ANSWERS * app.federation.long_s


@dataclass
class _Placing:
    """What it takes to place one event."""

    source: Source
    event: Event
    states_asked: int = 0
    received: list[Received] = field(default_factory=list)
    # Events that have a place, or get one by `received`.
    placed: set[str] = field(default_factory=set)

    def work_out(self) -> list[Received]:
        gap = missing_events.fill(self.source, self.event)
        lacking = missing_state.fetch_cited(self.source, [*gap, self.event])
        if self.event.event_id in lacking:
            raise Unplaceable("what it cites is not to be had")
        self.placed = self._with_a_place([*gap, self.event])
        for one in gap:
            if one.event_id not in lacking:
                self._add(one)
        if self._missing(self.event):
            self._add_missing()
        state = None
        if self._missing(self.event):
            state = self._fetch_state(self.event)
        self._receive(self.event, state)
        return self.received

    def _add(self, event: Event) -> None:
        """An event of the gap, if it can have a place."""
        if not self._missing(event):
            self._receive(event, None)
        elif self.states_asked < STATES_MAX:
            try:
                self._receive(event, self._fetch_state(event))
            except Unreachable:
                raise
            except FederationFailure as failure:
                _log.info("%s stays out of %s: %s", event.event_id, self._room_id, failure)

    def _add_missing(self) -> None:
        """Where only part of what the event stands on is here: the rest of it, each with the state
        before it.

        What another server says of the state before the event itself would have to be weighed
        against what we know of it."""
        missing = self._missing(self.event)
        if len(missing) == len(self.event.prev_event_ids) or len(missing) > self._states_left:
            return
        fetched = missing_state.fetch_singly(self.source, missing)
        lacking = missing_state.fetch_cited(self.source, fetched)
        self.placed |= self._with_a_place(fetched)
        for one in fetched:
            if one.event_id not in lacking:
                self._add(one)

    def _fetch_state(self, event: Event) -> list[str]:
        self.states_asked += 1
        return missing_state.fetch_state(self.source, event.event_id)

    @property
    def _states_left(self) -> int:
        return STATES_MAX - self.states_asked

    def _missing(self, event: Event) -> list[str]:
        return [one for one in event.prev_event_ids if one not in self.placed]

    def _receive(self, event: Event, state_before: Sequence[str] | None) -> None:
        self.received.append(Received(event, state_before))
        self.placed.add(event.event_id)

    def _with_a_place(self, events: Collection[Event]) -> set[str]:
        prevs = {prev for one in events for prev in one.prev_event_ids}
        with self.source.app.database.read() as txn:
            here = event_graph.list_here(txn, self.source.room.room_nid, prevs)
        return {event_id for event_id, has_place in here.items() if has_place}

    @property
    def _room_id(self) -> str:
        return self.source.room.room_id
