"""PDUs that refer to what is not here wait in the database until that has come.

Theory. They were answered for, so they must not be lost: they are rows, and every worker can go on
with what another has left, killed or not. A room's are taken up in the order in which they came, by
one worker at a time (a lease that falls free with its holder); several rooms go on at once. The
worker that stages a PDU begins at once; the background process looks every few seconds for rooms
that nobody looks after (jobs/staged_pdus.py).

Those that refer only to what is here by now go in together. Only when there are none of these
something is asked for, for one of them, and then it is looked again: what that brings most often
serves the others too. A PDU leaves when it has its place, or when it is clear that it will have
none.

What cannot be had for one of an origin's cannot be had for its others in that room: all of them
wait, for longer each time, until the origin is heard of again, or what they wait for comes another
way. Of an origin that was of no help, or takes too much of it, nothing else is tried in that room
for a while, so that what it costs does not grow with what it sends."""

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence

import gevent
import msgspec

from impl import errors
from impl.app import App
from impl.core.event import Event
from impl.core.room_version import ROOM_VERSIONS
from impl.outbound.failures import Unreachable
from impl.services.incoming import missing_events, placing
from impl.services.incoming.placing import TooSlow, Unplaceable
from impl.services.room_events.submission import Received
from impl.storage import event_graph, memberships, staged_pdus
from impl.storage.database import DatabaseUnavailable
from impl.storage.leases import Leases
from impl.storage.rooms import Room
from impl.storage.staged_pdus import NewPdu, StagedPdu

# What may wait in a room, what servers that are not in it may add to, and what an origin may have
# waiting: in one room, so that it leaves space there for others, and in all.
OF_ROOM_MAX = 1_000
OF_STRANGERS_MAX = 50
OF_ORIGIN_IN_ROOM_MAX = 200
OF_ORIGIN_MAX = 5_000
# Where more of an origin's can be placed than that, it is answered so much later.
CALM_MAX = 100
LATER_S = 10.0
# Rooms that a worker looks after at once, and those of them whose first PDU is of one origin. An
# origin of which nothing is looked after has a place beyond these: there must be very many slow
# ones for the others to wait for them. Origins that are not in their rooms have few places.
ROOMS_AT_ONCE = 20
ROOMS_OF_ORIGIN_MAX = 5
ROOMS_MAX = 60
ROOMS_OF_STRANGERS_MAX = 5
BATCH_PDUS = 50
# How long until it is tried again where nobody could be asked, at first and at most; and with what
# has waited for so long it is not tried again.
RETRY_MS = 5_000
RETRY_MS_MAX = 3_600_000
WAITING_MS_MAX = 6 * 3_600_000
# What meets an error of ours is tried so often.
ATTEMPTS_MAX = 10
# Nothing is tried more often than so.
QUIET_MS = 2_000
# So long nobody is asked again who was of no help.
SHUNNED_MS = 60_000
HELD_MAX = 10_000
# As long, no more is tried of an origin for which so many states of the room were asked for: those
# of a large room hold everybody up.
STATES_MAX = 6

_log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict).decode


def stage(
    app: App, origin: str, room: Room, events: Sequence[Event], *, is_strange: bool
) -> Mapping[str, str]:
    """Keep events, which passed the first three checks, until they can be placed, and begin with
    it. Returns event_id -> why one is not kept. `is_strange`: their origin is not in the room.
    """
    room_nid, now_ms = room.room_nid, app.now_ms()
    is_worth_asking = _is_worth_asking(app, origin)
    with app.database.transaction() as txn:
        waiting = staged_pdus.count(txn, room_nid, origin)
        room_max = OF_STRANGERS_MAX if is_strange else OF_ROOM_MAX
        limits = (room_max, OF_ORIGIN_IN_ROOM_MAX, OF_ORIGIN_MAX)
        space = max(0, min(most - now for most, now in zip(limits, waiting, strict=True)))
        if space < len(events):
            # What it says last is what it does not say again: the rest is asked for with that.
            prevs = {prev for one in events for prev in one.prev_event_ids}
            surplus = len(events) - space
            space += staged_pdus.delete_below(txn, room_nid, origin, prevs, surplus)
        kept, left = events[:space], events[space:]
        due_ts = now_ms
        if is_worth_asking:
            staged_pdus.resume(txn, room_nid, origin, now_ms)
        else:
            due_ts = max(now_ms, staged_pdus.get_last_due(txn, room_nid, origin))
        rows = [NewPdu(one.event_id, _encode(one.pdu).decode(), one.prev_event_ids) for one in kept]
        staged_pdus.insert(txn, room_nid, origin, rows, now_ms, due_ts)
    wake(app, room_nid, origin, is_strange=is_strange)
    _take_time(app, room_nid, origin)
    return {one.event_id: "too much waits for what it refers to already" for one in left}


def _take_time(app: App, room_nid: int, origin: str) -> None:
    """Whoever sends faster than it can be placed is answered a little later: servers send one
    transaction at a time.
    """
    deadline = time.monotonic() + LATER_S
    while time.monotonic() < deadline:
        with app.database.read() as txn:
            due = staged_pdus.count_due(txn, room_nid, origin, app.now_ms())
        if due <= CALM_MAX:
            return
        gevent.sleep(LATER_S / 100)


def resume_above(app: App, room: Room, event_ids: Sequence[str]) -> None:
    """Some events have their places now: see to those that wait for them."""
    with app.database.at_once() as txn:
        origin = staged_pdus.resume_above(txn, room.room_nid, event_ids, app.now_ms())
    if origin is not None:
        wake(app, room.room_nid, origin)


def _is_worth_asking(app: App, origin: str) -> bool:
    try:
        app.federation.check_worth(origin)
    except Unreachable:
        return False
    return True


def wake(app: App, room_nid: int, origin: str, *, is_strange: bool = False) -> None:
    """See to a room in which something waits, unless somebody does, or this worker has its hands
    full.
    """
    app.part(Placers, Placers).start(room_nid, origin, is_strange=is_strange)


def take_up(app: App) -> None:
    """See to what nobody sees to."""
    placers = app.part(Placers, Placers)
    with app.database.read() as txn:
        due = staged_pdus.list_rooms_due(
            txn, app.now_ms(), list(placers.running), 10 * ROOMS_AT_ONCE
        )
    for room_nid, origin, is_strange in due:
        placers.start(room_nid, origin, is_strange=is_strange)


class Placers:
    """This worker's greenlets, one for each room that it sees to."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._leases = Leases(app.database, "staged PDUs")
        # room_nid -> the origin of what was first in it.
        self.running: dict[int, str] = {}
        self._greenlets: dict[int, gevent.Greenlet] = {}
        # Those of them whose origins are not in the rooms.
        self._strange: set[int] = set()
        # Rooms in which something came while they were seen to.
        self._again: set[int] = set()
        # (room_nid, origin) -> until when nothing is tried for it.
        self._held: dict[tuple[int, str], int] = {}
        # The same -> until when it is counted, and how many states it was asked for.
        self._states: dict[tuple[int, str], tuple[int, int]] = {}

    def start(self, room_nid: int, origin: str, *, is_strange: bool = False) -> None:
        if room_nid in self.running:
            self._again.add(room_nid)
            return
        if self._app.is_stopping or not self._has_place(origin, is_strange):
            return
        self.running[room_nid] = origin
        if is_strange:
            self._strange.add(room_nid)
        self._greenlets[room_nid] = gevent.spawn(self._run, room_nid)

    def _has_place(self, origin: str, is_strange: bool) -> bool:
        """A server that answers slowly must not keep all others waiting."""
        if is_strange and len(self._strange) >= ROOMS_OF_STRANGERS_MAX:
            return False
        of_origin = Counter(self.running.values())[origin]
        if not of_origin:
            return len(self.running) < ROOMS_MAX
        return of_origin < ROOMS_OF_ORIGIN_MAX and len(self.running) < ROOMS_AT_ONCE

    def held_until(self, room_nid: int, origin: str) -> int:
        """Until when nothing is to be tried for it; in the past if it may."""
        return self._held.get((room_nid, origin), 0)

    def hold(self, room_nid: int, origin: str, ms: int) -> None:
        """Nothing more is to be tried for so long."""
        if len(self._held) >= HELD_MAX:
            self._held.clear()
        self._held[room_nid, origin] = self._app.now_ms() + ms

    def note_states(self, room_nid: int, origin: str, number: int) -> None:
        """It took so many states to place an event."""
        now_ms, key = self._app.now_ms(), (room_nid, origin)
        until, before = self._states.get(key, (0, 0))
        if until <= now_ms:
            until, before = now_ms + SHUNNED_MS, 0
        if len(self._states) >= HELD_MAX:
            self._states.clear()
        self._states[key] = until, before + number
        if before + number >= STATES_MAX:
            _log.info("%s takes too much in the room %d: it has to wait", origin, room_nid)
            self.hold(room_nid, origin, SHUNNED_MS)

    def stop(self) -> None:
        """Others go on with it."""
        gevent.killall(list(self._greenlets.values()))
        self._leases.close()

    def wait(self) -> None:
        """Until nothing is under way here."""
        gevent.joinall(list(self._greenlets.values()))

    def _run(self, room_nid: int) -> None:
        try:
            while True:
                self._again.discard(room_nid)
                self._see_to(room_nid)
                # What came after the last look, and before the lease was given back.
                if room_nid not in self._again:
                    return
        except (DatabaseUnavailable, errors.Unavailable) as error:
            _log.warning("staged PDUs wait: %s", error)
        except Exception:
            _log.exception("staged PDUs of the room %d wait", room_nid)
        finally:
            self._again.discard(room_nid)
            self._strange.discard(room_nid)
            self.running.pop(room_nid, None)
            self._greenlets.pop(room_nid, None)

    def _see_to(self, room_nid: int) -> None:
        if not self._leases.take(room_nid):
            return
        try:
            while not self._app.is_stopping and _turn(self._app, self, room_nid):
                pass
        finally:
            self._leases.give(room_nid)


def _turn(app: App, placers: Placers, room_nid: int) -> bool:
    """Try some of what is due in a room; False if there is nothing. Of what it looks at at least
    one waits no more, or not now.
    """
    with app.database.read() as txn:
        room = app.rooms.get_by_nids(txn, [room_nid]).get(room_nid)
        due = staged_pdus.list_due(txn, room_nid, app.now_ms(), BATCH_PDUS)
        is_ours = bool(memberships.list_joined_here(txn, [room_nid]))
    if not due:
        return False
    if room is None:
        return False  # It was purged: they go with it.
    if not is_ours:
        _drop(app, room, due, "this server is not in the room any more")
        return True
    version = ROOM_VERSIONS[room.room_version]
    staged = {one.event_id: one for one in due}
    events = [Event(_decode(one.pdu), version, one.event_id) for one in due]
    ready = _ready(app, room, events)
    if ready:
        _submit(app, room, ready, staged)
    else:
        _fetch(app, placers, room, due[0], events[0])
    return True


def _ready(app: App, room: Room, events: Sequence[Event]) -> list[Event]:
    """Those that refer to nothing but what is here and each other, in an order in which they can be
    put.
    """
    ordered = missing_events.in_order(events)
    cited = {one for event in ordered for one in (*event.prev_event_ids, *event.auth_event_ids)}
    with app.database.read() as txn:
        here = event_graph.list_here(txn, room.room_nid, cited)
    known, placed = set(here), {event_id for event_id, has_place in here.items() if has_place}
    ready: list[Event] = []
    for event in ordered:
        if placed.issuperset(event.prev_event_ids) and known.issuperset(event.auth_event_ids):
            ready.append(event)
            placed.add(event.event_id)
            known.add(event.event_id)
    return ready


def _submit(app: App, room: Room, events: Sequence[Event], staged: Mapping[str, StagedPdu]) -> None:
    """What one of them meets is found out one by one."""
    try:
        placing.submit(app, room, [Received(one) for one in events])
        return
    except (DatabaseUnavailable, errors.Unavailable):
        raise
    except Exception as error:
        if len(events) == 1:
            _log.exception("%s in %s failed", events[0].event_id, room.room_id)
            _put_off(app, room, staged[events[0].event_id], str(error))
            return
        _log.warning("staged PDUs of %s go one by one", room.room_id, exc_info=True)
    for event in events:
        _submit(app, room, [event], staged)


def _fetch(app: App, placers: Placers, room: Room, staged: StagedPdu, event: Event) -> None:
    """Have what one refers to from others, and put it into the room with that."""
    room_nid, origin = room.room_nid, staged.origin
    held_until = placers.held_until(room_nid, origin)
    if held_until > app.now_ms():
        with app.database.at_once() as txn:
            staged_pdus.put_off_all(txn, room_nid, origin, staged.attempts, held_until)
        return
    try:
        states = placing.place(app, room, event, origin)
        if states:
            placers.note_states(room_nid, origin, states)
    except Unplaceable as reason:
        placers.hold(room_nid, origin, SHUNNED_MS)
        _drop(app, room, [staged], str(reason))
    except Unreachable as failure:
        is_slow = isinstance(failure, TooSlow)
        placers.hold(room_nid, origin, SHUNNED_MS if is_slow else QUIET_MS)
        _put_off_all(app, room, staged, failure)
    except (DatabaseUnavailable, errors.Unavailable):
        raise
    except Exception as error:
        _log.exception("%s in %s failed", event.event_id, room.room_id)
        _put_off(app, room, staged, str(error))


def _put_off_all(app: App, room: Room, staged: StagedPdu, failure: Unreachable) -> None:
    """What the origin of one has sent of the room: it was tried for all of that."""
    now_ms, origin = app.now_ms(), staged.origin
    pause_ms = _pause_ms(staged.attempts)
    with app.database.transaction() as txn:
        gone = staged_pdus.delete_old(txn, room.room_nid, origin, now_ms - WAITING_MS_MAX)
        number = staged_pdus.put_off_all(
            txn, room.room_nid, origin, staged.attempts + 1, now_ms + pause_ms
        )
    if gone:
        _log.warning("%d PDUs of %s have no place in %s: %s", gone, origin, room.room_id, failure)
    if number:
        _log.info(
            "%d PDUs of %s in %s wait for %.0f s: %s",
            number,
            origin,
            room.room_id,
            pause_ms / 1000,
            failure,
        )


def _put_off(app: App, room: Room, staged: StagedPdu, reason: str) -> None:
    if staged.attempts + 1 >= ATTEMPTS_MAX:
        _drop(app, room, [staged], reason)
        return
    due_ts = app.now_ms() + _pause_ms(staged.attempts)
    with app.database.at_once() as txn:
        staged_pdus.put_off(txn, room.room_nid, staged.event_id, due_ts)


def _pause_ms(attempts: int) -> int:
    return min(RETRY_MS << min(attempts, 20), RETRY_MS_MAX)


def _drop(app: App, room: Room, staged: Sequence[StagedPdu], reason: str) -> None:
    for one in staged:
        _log.warning(
            "%s of %s has no place in %s: %s", one.event_id, one.origin, room.room_id, reason
        )
    with app.database.transaction() as txn:
        staged_pdus.delete(txn, room.room_nid, [one.event_id for one in staged])
