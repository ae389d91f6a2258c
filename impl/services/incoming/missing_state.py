"""What an event cites, and the state that it stands on, where they are not here. S-S API,
"Retrieving event authorisation information", "Retrieving events".

Both come in as outliers: events that are wanted for what cites them, in no place of the graph. An
outlier needs what it cites in its turn, so they go in from the oldest on; what comes without that
is left out.

Theory. A state is asked for by its ids. Nearly all of a room's state is here already, so what is
missing is fetched event by event; only where much is missing the whole state is."""

import logging
from collections.abc import Collection, Iterable, Sequence

from gevent.pool import Pool

from impl import errors
from impl.core.event import Event
from impl.outbound.failures import BadAnswer, FederationFailure, Unreachable
from impl.services.incoming.asking import Source
from impl.services.room_events import batching
from impl.services.room_events.submission import MissingEvents, Received, Submission
from impl.storage import event_graph

# The state of a room of 100,000 members, and what its events cite.
STATE_MAX = 250_000
AUTH_CHAIN_MAX = 50_000
# Few, in number and against the whole, are fetched one by one, so many at once.
SINGLY_MAX = 500
SINGLY_MIN = 10
SINGLY_SHARE = 0.1
AT_ONCE = 10
# To fetch what an event cites: so many one by one, and from those on so many steps.
CITED_SINGLY_MAX = 10
STEPS_MAX = 3
# What goes into the room in one submission: the room is locked that long.
PIECE_EVENTS = 500
AUTH_CHAINS_MAX = 3
# Something may be left out: who signed an old event may be gone, and nobody knows the key. With
# less than this share of it a state is none.
SHARE_MIN = 0.5

_log = logging.getLogger(__name__)


def fetch_cited(source: Source, events: Sequence[Event]) -> set[str]:
    """Bring in what the events cite, but for each other; returns the ids of those of which
    something is missing all the same.

    Raises Unreachable where somebody may have it later."""
    own = {one.event_id for one in events}
    missing = _unknown(source, _cited(events) - own)
    if missing:
        fetched = _fetch_step_by_step(source, missing, own)
        missing -= put_outliers(source, fetched)
    lacking: set[str] = set()
    asked = 0
    for one in events:
        # Those that cite one another come one after the other.
        cited = _cited([one])
        if not missing.isdisjoint(cited) and asked < AUTH_CHAINS_MAX:
            asked += 1
            if _fetch_auth_chain(source, one):
                missing = _unknown(source, missing)
        if not cited.isdisjoint(missing | lacking):
            lacking.add(one.event_id)
    return lacking


def fetch_state(source: Source, event_id: str) -> list[str]:
    """The ids of the state before an event, as another server tells it, once all of it is here.

    Raises FederationFailure, Unreachable where it may be had later."""
    state, auth_chain = source.state_ids(event_id, STATE_MAX)
    missing = _unknown(source, {*state, *auth_chain})
    if len(missing) > min(SINGLY_MAX, max(SINGLY_MIN, SINGLY_SHARE * len(state))):
        put_outliers(source, source.state(event_id, STATE_MAX, lambda ids: _unknown(source, ids)))
    elif missing:
        put_outliers(source, fetch_singly(source, missing))
    gone = _unknown(source, state) if missing else set()
    here = [one for one in state if one not in gone]
    if not here or len(here) < SHARE_MIN * len(state):
        raise BadAnswer("all servers", f"of the state before {event_id} too much is not to be had")
    if gone:
        _log.warning(
            "%d events of the state before %s in %s are not to be had",
            len(gone),
            event_id,
            source.room.room_id,
        )
    return here


def fetch_singly(source: Source, event_ids: Collection[str]) -> list[Event]:
    """Those that somebody has."""

    def fetch(event_id: str) -> Event | None:
        try:
            return source.event(event_id)
        except Unreachable:
            raise
        except FederationFailure as failure:
            _log.info("%s is not to be had: %s", event_id, failure)
            return None

    pool = Pool(AT_ONCE)
    fetching = pool.imap(fetch, sorted(event_ids))
    try:
        return [one for one in fetching if one is not None]
    finally:
        # Where one of them failed, or the time is over, nobody asks for the others.
        fetching.kill()
        pool.kill()


def _cited(events: Iterable[Event]) -> set[str]:
    return {cited for one in events for cited in one.auth_event_ids}


def _unknown(source: Source, event_ids: Collection[str]) -> set[str]:
    if not event_ids:
        return set()
    with source.app.database.read() as txn:
        return set(event_ids) - event_graph.list_here(txn, source.room.room_nid, event_ids).keys()


def _fetch_step_by_step(source: Source, missing: set[str], own: set[str]) -> list[Event]:
    """Some events, and what they cite: nothing, where that is much."""
    fetched: dict[str, Event] = {}
    for _ in range(STEPS_MAX):
        if not missing:
            return list(fetched.values())
        if len(missing) > CITED_SINGLY_MAX:
            return []
        new = {one.event_id: one for one in fetch_singly(source, missing)}
        fetched |= new
        missing = _unknown(source, _cited(new.values()) - fetched.keys() - own)
    return list(fetched.values())


def _fetch_auth_chain(source: Source, event: Event) -> bool:
    """Bring in what leads to an event; whether anything came."""
    try:
        chain = source.auth_chain(event.event_id, AUTH_CHAIN_MAX, lambda ids: _unknown(source, ids))
    except Unreachable:
        raise
    except FederationFailure as failure:
        _log.info("the auth chain of %s is not to be had: %s", event.event_id, failure)
        return False
    return bool(put_outliers(source, chain))


def put_outliers(source: Source, events: Sequence[Event]) -> set[str]:
    """Make outliers of the events, as far as what they cite is here; returns their ids."""
    wanted = {one.event_id: one for one in events}
    elsewhere = _cited(wanted.values()) - wanted.keys()
    known = elsewhere - _unknown(source, elsewhere)
    ordered = _in_order(wanted, known)
    for start in range(0, len(ordered), PIECE_EVENTS):
        piece = [Received(one, is_outlier=True) for one in ordered[start : start + PIECE_EVENTS]]
        try:
            batching.submit(source.app, Submission(source.room.room_id, [], received=piece))
        except MissingEvents as error:
            # What was here is gone, and the room with it.
            raise errors.NotFound("the room was purged") from error
    return {one.event_id for one in ordered}


def _in_order(events: dict[str, Event], known: set[str]) -> list[Event]:
    """Each after what it cites; without those that cite what is neither here nor among them, or
    each other in a circle.
    """
    ordered: list[Event] = []
    done = set(known)
    # An event is looked at twice: what it cites comes in between.
    waiting = [(event_id, False) for event_id in reversed(events)]
    seen: set[str] = set()
    while waiting:
        event_id, is_second = waiting.pop()
        cited = events[event_id].auth_event_ids
        if is_second:
            if done.issuperset(cited):
                done.add(event_id)
                ordered.append(events[event_id])
        elif event_id not in seen:
            seen.add(event_id)
            waiting.append((event_id, True))
            waiting.extend((one, False) for one in cited if one in events and one not in seen)
    return ordered
