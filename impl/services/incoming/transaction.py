"""PUT /send: what another server tells us, at most 50 PDUs and 100 EDUs at a time. S-S API,
"Transactions".

Theory. The answer is a promise: what is answered with `{}` is committed, in the room's graph or
among what waits for it (staging.py). Most PDUs refer only to what is here: these go straight to the
rooms' one door, in one submission a room, and many rooms in one database transaction; nothing of
them is written twice. What refers to something that is not here is staged, and looked after later.

What is wrong with one PDU is said of that one. Only when we cannot do our part, as the database is
away, the whole request fails, and the other server sends it again.

A transaction that comes again is answered as it was, also while the first is under way. Should two
workers have it at the same time, both do the work, which comes to the same (an event is in a room
once, a message to a device is delivered once), and one of the two answers is given by both."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import msgspec
from gevent.event import AsyncResult

from impl import errors
from impl.app import App
from impl.core import identifiers
from impl.core.event import Event
from impl.core.room_version import ROOM_VERSIONS
from impl.services import out_of_band, policy_server
from impl.services.incoming import edu, receive_pdu, shared_rooms, staging
from impl.services.incoming.receive_pdu import Dropped
from impl.services.incoming.shared_rooms import Shared
from impl.services.room_events import batching
from impl.services.room_events.submission import MissingEvents, Received, Submission
from impl.storage import received_transactions
from impl.storage.database import DatabaseUnavailable
from impl.storage.rooms import Room

PDUS_MAX = 50
EDUS_MAX = 100
TXN_ID_BYTES_MAX = 255
MEMBER = "m.room.member"

Json = dict[str, Any]
# event_id -> {} or {"error": ...}
Answers = dict[str, Json]

_log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict).decode


def receive(app: App, origin: str, txn_id: str, pdus: Sequence[Json], edus: Sequence[Json]) -> Json:
    """Take in a transaction of a server that has shown who it is; returns what it is answered.

    Raises InvalidParam for more than a transaction may hold, and Unavailable."""
    if len(pdus) > PDUS_MAX:
        raise errors.InvalidParam(f"pdus: a transaction holds at most {PDUS_MAX}")
    if len(edus) > EDUS_MAX:
        raise errors.InvalidParam(f"edus: a transaction holds at most {EDUS_MAX}")
    if "\0" in txn_id or len(txn_id.encode(errors="surrogatepass")) > TXN_ID_BYTES_MAX:
        raise errors.InvalidParam("txnId is too long or holds a NUL")
    under_way = app.part(_UnderWay, _UnderWay)
    return under_way.once((origin, txn_id), lambda: _receive(app, origin, txn_id, pdus, edus))


class _UnderWay:
    """The transactions that this worker is working on."""

    def __init__(self, app: App) -> None:
        self._results: dict[tuple[str, str], AsyncResult] = {}

    def once(self, key: tuple[str, str], work: Callable[[], Json]) -> Json:
        """What the work comes to; who comes with the same key meanwhile waits for it."""
        result = self._results.get(key)
        if result is not None:
            return result.get()  # type: ignore[no-any-return]
        result = self._results[key] = AsyncResult()
        try:
            answer = work()
        except BaseException as error:
            # Whoever waits need not die of what killed this one.
            gave_up = errors.Unavailable("the transaction was given up")
            result.set_exception(error if isinstance(error, Exception) else gave_up)
            raise
        finally:
            del self._results[key]
        result.set(answer)
        return answer


def _receive(
    app: App, origin: str, txn_id: str, pdus: Sequence[Json], edus: Sequence[Json]
) -> Json:
    room_ids = {one["room_id"] for one in pdus if isinstance(one.get("room_id"), str)}
    with app.database.read() as txn:
        before = received_transactions.get_answer(txn, origin, txn_id)
        if before is not None:
            return _decode(before)
        shared = shared_rooms.look_up(app, txn, origin, room_ids)
    answers: Answers = {}
    events = _read(app, pdus, shared, answers)
    _submit(app, origin, shared, events, answers)
    edu.receive(app, origin, edus)
    answer = {"pdus": answers}
    with app.database.at_once() as txn:
        encoded = _encode(answer).decode()
        if received_transactions.insert_answer(txn, origin, txn_id, encoded, app.now_ms()):
            return answer
        return _decode(received_transactions.get_answer(txn, origin, txn_id) or encoded)


def _read(
    app: App, pdus: Sequence[Json], shared: Shared, answers: Answers
) -> dict[str, list[Event]]:
    """The first three checks: room_id -> its events in their order, each once. Of the others it is
    answered what is wrong with them.
    """
    of_version: dict[str, list[Json]] = {}
    for pdu in pdus:
        room_id = pdu.get("room_id")
        room = shared.rooms.get(room_id) if isinstance(room_id, str) else None
        if room is None:
            _refuse(app, pdu, shared, answers)
        else:
            of_version.setdefault(room.room_version, []).append(pdu)
    events: dict[str, dict[str, Event]] = {}
    for version, candidates in of_version.items():
        for one in receive_pdu.read_pdus(app, candidates, ROOM_VERSIONS[version]):
            if isinstance(one, Dropped):
                _note(answers, one.event_id, one.reason)
            else:
                events.setdefault(one.room_id, {}).setdefault(one.event_id, one)
    return {room_id: list(of_room.values()) for room_id, of_room in events.items()}


def _refuse(app: App, pdu: Json, shared: Shared, answers: Answers) -> None:
    """Of a room that the server may not tell of. Its id can be worked out only if the room is
    known.
    """
    room_id = pdu.get("room_id")
    if not isinstance(room_id, str):
        _note(answers, pdu.get("event_id"), "room_id is not a string")
        return
    reason, room = shared.refused[room_id], shared.known.get(room_id)
    if room is None:
        _note(answers, pdu.get("event_id"), reason)
        return
    version = ROOM_VERSIONS[room.room_version]
    (one,) = receive_pdu.parse([pdu], version, room_id)
    if reason == shared_rooms.NOT_IN_IT and isinstance(one, Event) and one.type == MEMBER:
        # Nobody of ours is in the room, but somebody may be invited to it, or knock.
        (one,) = receive_pdu.check(app, [one], version)
        with suppress(errors.InvalidParam):
            if isinstance(one, Event) and out_of_band.rescind(app, one):
                answers[one.event_id] = {}
                return
    _note(answers, one.event_id, one.reason if isinstance(one, Dropped) else reason)


def _note(answers: Answers, event_id: object, reason: str) -> None:
    # What is no id cannot be answered for.
    if isinstance(event_id, str) and identifiers.is_event_id(event_id):
        answers[event_id] = {"error": reason}


def _submit(
    app: App,
    origin: str,
    shared: Shared,
    events: Mapping[str, Sequence[Event]],
    answers: Answers,
) -> None:
    if not events:
        return
    arrivals = [
        (shared.rooms[room_id], [Received(one) for one in of_room])
        for room_id, of_room in events.items()
    ]
    submissions = [
        submission
        for (room, _), received in zip(arrivals, policy_server.judge(app, arrivals), strict=True)
        for submission in _submissions(room, received, is_strange=room.room_id in shared.strange)
    ]
    outcomes = batching.submit_all(app, submissions)
    for submission, outcome in zip(submissions, outcomes, strict=True):
        sent = [one.event for one in submission.received]
        reasons: Mapping[str, str] = {}
        if isinstance(outcome, Exception):
            reasons = _failed(app, origin, shared, sent, outcome)
        elif submission.room_id in shared.waiting:
            staging.resume_above(app, shared.rooms[submission.room_id], outcome)
        for event in sent:
            reason = reasons.get(event.event_id)
            answers[event.event_id] = {} if reason is None else {"error": reason}


def _submissions(room: Room, received: Sequence[Received], *, is_strange: bool) -> list[Submission]:
    """Of a server that is not in the room what the rules refuse is not kept: of the others it is,
    since somebody may stand on it.
    """
    if not is_strange:
        return [Submission(room.room_id, [], received=received)]
    alone = [replace(one, must_be_allowed=True) for one in received]
    return [Submission(room.room_id, [], received=[one]) for one in alone]


def _failed(
    app: App, origin: str, shared: Shared, events: Sequence[Event], failure: Exception
) -> Mapping[str, str]:
    """The events of one submission had no place, or all of them are kept from it by one: event_id
    -> why one is not taken in.
    """
    if isinstance(failure, errors.Unavailable | DatabaseUnavailable):
        raise failure
    room_id = events[0].room_id
    if isinstance(failure, errors.NotFound | errors.Forbidden):
        return dict.fromkeys([one.event_id for one in events], failure.message)
    if not isinstance(failure, MissingEvents):
        # What one of them meets is found out one by one.
        _log.error("events of %s in %s failed", origin, room_id, exc_info=failure)
    is_strange = room_id in shared.strange
    return staging.stage(app, origin, shared.rooms[room_id], events, is_strange=is_strange)
