"""Events of history get their places, with what they cite and the states that nobody here knows.

What stands on an event often says what the state before it was, and so does what it stands on
(room_events/state_before.py). Only the oldest events that were fetched, and not always these, need
a state that is asked for: that costs most, so only for some of them. What has none stays out, and
is asked for again."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from impl import errors
from impl.core.event import Event
from impl.outbound.failures import FederationFailure
from impl.services.incoming import missing_state
from impl.services.incoming.asking import Source
from impl.services.room_events import batching
from impl.services.room_events.submission import MissingEvents, Received, Submission
from impl.storage import event_graph
from impl.storage.events import StoredEvent

STATES_MAX = 3

_log = logging.getLogger(__name__)


def take_in(source: Source, events: Sequence[Event]) -> int:
    """Keep events, which passed the first three checks, the newest first; returns how many have
    their places now.

    Raises FederationFailure where what they cite may be had another time."""
    lacking = missing_state.fetch_cited(source, events)
    kept = [one for one in events if one.event_id not in lacking]
    received = _Plan(source, kept).work_out()
    if not received:
        return 0
    cited = {cited for one in received for cited in one.event.auth_event_ids}
    missing_state.put_outliers(
        source, [one.event for one in received if one.event.event_id in cited]
    )
    try:
        batching.submit(source.app, Submission(source.room.room_id, [], received=received))
    except MissingEvents as error:
        # Somebody else has put some of it meanwhile, or the room was purged.
        _log.info("history of %s stays out: %s", source.room.room_id, error.event_ids)
        return 0
    except errors.NotFound:
        return 0
    return len(received)


@dataclass
class _Plan:
    """How each event comes to the state before it."""

    source: Source
    # The newest first.
    events: Sequence[Event]
    states_left: int = STATES_MAX
    # Events that have a place, or get one.
    placed: set[str] = field(default_factory=set)
    # Those that something stands on that has a place and stands on nothing else.
    below: set[str] = field(default_factory=set)
    told: dict[str, list[str]] = field(default_factory=dict)

    def work_out(self) -> list[Received]:
        self._look_up()
        left: list[Event] = []
        for one in self.events:
            if not one.is_state and one.event_id in self.below:
                self._place(one)
            else:
                left.append(one)
        for one in reversed(left):
            if self.placed.issuperset(one.prev_event_ids) or self._ask(one):
                self._place(one)
        return [
            Received(one, self.told.get(one.event_id), is_backfilled=True)
            for one in self.events
            if one.event_id in self.placed
        ]

    def _look_up(self) -> None:
        app, room_nid = self.source.app, self.source.room.room_nid
        own = {one.event_id for one in self.events}
        prevs = {prev for one in self.events for prev in one.prev_event_ids}
        with app.database.read() as txn:
            here = event_graph.list_here(txn, room_nid, prevs | own)
            rows = event_graph.list_following(txn, room_nid, own)
            above = app.events.get_many(txn, [(room_nid, nid) for _, nid in rows])
        # By now, some may have come another way.
        self.events = [one for one in self.events if not here.get(one.event_id)]
        self.placed = {event_id for event_id, has_place in here.items() if has_place}
        for stored in above.values():
            self._note(stored)

    def _place(self, event: Event) -> None:
        self.placed.add(event.event_id)
        if len(set(event.prev_event_ids)) == 1:
            self.below.update(event.prev_event_ids)

    def _note(self, stored: StoredEvent) -> None:
        prevs = set(stored.event.prev_event_ids)
        if stored.state_before is not None and len(prevs) == 1:
            self.below |= prevs

    def _ask(self, event: Event) -> bool:
        """Whether somebody tells the state before an event."""
        if not self.states_left:
            return False
        self.states_left -= 1
        try:
            self.told[event.event_id] = missing_state.fetch_state(self.source, event.event_id)
        except FederationFailure as failure:
            _log.info("%s stays out of %s: %s", event.event_id, self.source.room.room_id, failure)
            return False
        return True
