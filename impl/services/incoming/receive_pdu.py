"""From a PDU that another server sent to an event: the first three checks. S-S API, "Checks
performed on receipt of a PDU", "Validating hashes and signatures on received events".

Whoever takes PDUs from others takes them through here, wherever they come from: transactions,
joins, states, history. What comes out has its format and its signatures; its id is worked out, not
believed; and of what its hash does not cover nothing is left: `unsigned` is what any server on the
way may say. The other checks take the room (room_events/receive.py).

    for one in read_pdus(app, pdus, room_version, room_id):
        Event, or Dropped with the reason

Who may have many of them already parses first, and has the rest checked: to work out an id costs a
third of what a signature does."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from impl import breath
from impl.app import App
from impl.core import event_format, event_hash, identifiers, redaction
from impl.core.event import Event
from impl.core.rejection import Malformed
from impl.core.room_version import RoomVersion
from impl.services import server_keys

# After so many the worker's other requests have their turn.
BREATH_PDUS = 50
# Of those of one answer that are dropped so many are logged.
LOGGED_MAX = 10
# Of one that is not read yet, with its unsigned parts and with spaces: more than any event has.
TEXT_BYTES_MAX = 4 * event_format.EVENT_BYTES_MAX

_log = logging.getLogger(__name__)
_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Dropped:
    """A PDU that is no event, and why. `event_id` is None where it could not be worked out."""

    event_id: str | None
    reason: str


def read_pdus(
    app: App, pdus: Sequence[object], room_version: RoomVersion, room_id: str | None = None
) -> list[Event | Dropped]:
    """What each PDU is; nothing is raised for any of them. How many there may be the caller says.

    With `room_id` those of other rooms are dropped. Keys that are not known yet are fetched from
    other servers: no transaction may be open."""
    return check(app, parse(pdus, room_version, room_id), room_version)


def read_events(
    app: App, pdus: Sequence[object], room_version: RoomVersion, room_id: str, source: str
) -> list[Event]:
    """The events of a room among some PDUs, each once. What is dropped is logged; `source` is the
    server that gave it.
    """
    return without_dropped(read_pdus(app, pdus, room_version, room_id), room_id, source)


def without_dropped(read: Sequence[Event | Dropped], room_id: str, source: str) -> list[Event]:
    """The events, each once; the others are logged."""
    events: dict[str, Event] = {}
    dropped: list[Dropped] = []
    for one in read:
        if isinstance(one, Dropped):
            dropped.append(one)
        else:
            events.setdefault(one.event_id, one)
    log_dropped(dropped, room_id, source)
    return list(events.values())


def log_dropped(dropped: Sequence[Dropped], room_id: str, source: str) -> None:
    """Of many only some: there may be hundreds of thousands."""
    for one in dropped[:LOGGED_MAX]:
        _log.info("%s of %s in %s was dropped: %s", one.event_id, source, room_id, one.reason)
    if len(dropped) > LOGGED_MAX:
        _log.info("and %d more of %s in %s", len(dropped) - LOGGED_MAX, source, room_id)


def parse(
    pdus: Sequence[object], room_version: RoomVersion, room_id: str | None = None
) -> list[Event | Dropped]:
    """The first check, and the id: nobody has vouched for these yet."""
    parsed: list[Event | Dropped] = []
    for number, pdu in enumerate(pdus, 1):
        parsed.append(_parse(pdu, room_version, room_id))
        if number % BREATH_PDUS == 0:
            breath.take()
    return parsed


def check(
    app: App, parsed: Sequence[Event | Dropped], room_version: RoomVersion
) -> list[Event | Dropped]:
    """The third and the second check of what was parsed.

    In this order, since who has to have signed an event depends on its content: what is taken for
    redacted has to be signed as it is then."""
    read: list[Event | Dropped] = []
    for number, one in enumerate(parsed, 1):
        read.append(with_its_content(one) if isinstance(one, Event) else one)
        if number % BREATH_PDUS == 0:
            breath.take()
    events = [one for one in read if isinstance(one, Event)]
    faults = iter(
        server_keys.check_event_signatures(app, [one.pdu for one in events], room_version)
    )
    return [_judged(one, next(faults)) if isinstance(one, Event) else one for one in read]


def _judged(event: Event, fault: str | None) -> Event | Dropped:
    return event if fault is None else _drop(event, fault)


def _parse(pdu: object, room_version: RoomVersion, room_id: str | None) -> Event | Dropped:
    if isinstance(pdu, msgspec.Raw):
        pdu = _read(pdu)
    if not isinstance(pdu, dict):
        return Dropped(None, "it is not an object")
    covered: dict[str, Any] = {key: value for key, value in pdu.items() if key != "unsigned"}
    event_id: str | None = None
    try:
        # The id first, so that whatever else is wrong can be told of this event.
        event_id = event_hash.event_id_of(covered, room_version)
        event_format.check(covered, room_version)
    except Malformed as error:
        return Dropped(event_id if identifiers.is_event_id(event_id) else None, str(error))
    event = Event(covered, room_version, event_id)
    if not room_version.can_have(event.room_id):
        return _drop(event, "room_id is not one of a room of this version")
    if room_id is not None and event.room_id != room_id:
        return _drop(event, "it is of another room")
    return event


def _read(text: msgspec.Raw) -> object:
    if len(memoryview(text)) > TEXT_BYTES_MAX:
        return None
    try:
        return _decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def with_its_content(event: Event) -> Event:
    """The third check: what has another hash was redacted, or counts as if it was."""
    if event_hash.has_its_content(event.pdu, event.room_version):
        return event
    pdu = redaction.redact(event.pdu, event.room_version)
    return Event(pdu, event.room_version, event.event_id)


def _drop(event: Event, reason: str) -> Dropped:
    return Dropped(event.event_id, reason)
