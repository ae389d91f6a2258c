"""A room as another server tells it to us: its state and the events that this rests on, checked and
kept. S-S API, "Joining Rooms".

The events of a state come first, as outliers, each after what it cites and in pieces, so that no
transaction holds the room for long; then our own event on top of that state, which makes the room
one that we are in. Whoever is killed in between has some events more and is in no room: the next
join finds them and goes on."""

import logging
import time
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from impl import breath
from impl.app import App
from impl.core import identifiers
from impl.core.auth import rules
from impl.core.auth.selection import CREATE
from impl.core.event import Event
from impl.core.rejection import Rejected
from impl.core.room_version import RoomVersion
from impl.outbound.failures import BadAnswer
from impl.services.incoming import receive_pdu
from impl.services.incoming.receive_pdu import Dropped
from impl.services.room_events import batching
from impl.services.room_events.submission import Received, Submission
from impl.storage import events, memberships, partial_rooms, room_servers, rooms
from impl.storage.rooms import Room

# Larger than any room.
EVENTS_MAX = 1_000_000
PIECE_EVENTS = 500
SERVERS_MAX = 20_000
# What our own event cites and the answer leaves out: so much is asked for, and so long.
CITED_MAX = 100
CITED_S = 20.0
# So long the background process leaves it to the worker that made the join to fetch the rest.
BEGIN_MS = 3_000

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ToldRoom:
    """What a server told of a room: the ids of the state before our event, and all events, in an
    order in which each comes after what it cites.
    """

    room_id: str
    version: RoomVersion
    state_ids: Sequence[str]
    events: Sequence[Event]
    # Whether many memberships are missing in the state; then the servers that are in the room.
    lacks_members: bool = False
    servers: Sequence[str] = ()


def read(
    app: App, server: str, room_id: str, version: RoomVersion, answer: Mapping[str, Any]
) -> ToldRoom:
    """Check what a server told: `state` and `auth_chain` of its answer.

    Raises BadAnswer where there is no room in it. Single events that are no good, or that rest on
    what is not there, are left out."""
    state, chain = answer.get("state"), answer.get("auth_chain")
    if not isinstance(state, list) or not isinstance(chain, list):
        raise BadAnswer(server, "state and auth_chain are not lists")
    if len(state) + len(chain) > EVENTS_MAX:
        raise BadAnswer(server, f"it tells of more than {EVENTS_MAX} events")
    found: dict[str, Event] = {}
    state_ids: list[str] = []
    dropped: list[Dropped] = []
    for number, one in enumerate(receive_pdu.read_pdus(app, [*state, *chain], version, room_id)):
        if not isinstance(one, Event):
            dropped.append(one)
            continue
        found.setdefault(one.event_id, one)
        if number < len(state) and one.is_state:
            state_ids.append(one.event_id)
    receive_pdu.log_dropped(dropped, room_id, server)
    ordered = _in_order(found)
    kept = {one.event_id for one in ordered}
    if len(kept) < len(found):
        _log.info("%s left %d events of %s unfounded", server, len(found) - len(kept), room_id)
    told = ToldRoom(
        room_id,
        version,
        [one for one in state_ids if one in kept],
        ordered,
        lacks_members=answer.get("members_omitted") is True,
        servers=_servers(server, answer),
    )
    _check_create(server, told, found)
    return told


def _servers(server: str, answer: Mapping[str, Any]) -> list[str]:
    """Who is in the room, where the answer does not say it by its members."""
    if answer.get("members_omitted") is not True:
        return []
    names = answer.get("servers_in_room")
    if not isinstance(names, list) or len(names) > SERVERS_MAX:
        raise BadAnswer(server, "it leaves out the members, and servers_in_room is no list")
    proper = [name for name in names if identifiers.is_server_name(name)]
    return list(dict.fromkeys([server, *proper]))


def take_in(app: App, server: str, told: ToldRoom, own: Event) -> int:
    """Keep a room with our own event on top of its state; returns its number.

    Raises BadAnswer where the room's rules do not allow our event: then we are not in it."""
    _check_own(server, told, own)
    with app.database.transaction() as txn:
        create = next(one for one in told.events if one.type == CREATE[0])
        rooms.insert(txn, told.room_id, told.version.version, create.origin_server_ts)
        known = app.rooms.get(txn, told.room_id)
    if known is not None and known.room_version != told.version.version:
        raise BadAnswer(server, "the room is of another version, as it is known here")
    for start in range(0, len(told.events), PIECE_EVENTS):
        piece = told.events[start : start + PIECE_EVENTS]
        _submit(app, told.room_id, [Received(one, is_outlier=True) for one in piece])
        breath.take()
    received = Received(
        own, state_before=told.state_ids, starts_anew=True, lacks_members=told.lacks_members
    )

    def write_whether_whole(txn: Any, room: Room) -> None:
        if told.lacks_members:
            due_ts = app.now_ms() + BEGIN_MS
            partial_rooms.begin(txn, room.room_nid, own.event_id, server, due_ts)
            others = [name for name in told.servers if name != app.server_name]
            room_servers.put_told(txn, room.room_nid, others)
        elif not memberships.list_joined_of_server(txn, room.room_nid, app.server_name, 1):
            # What others of ours are in, and not whole, will be: this is one event more there.
            partial_rooms.drop(txn, room.room_nid)

    batching.submit(
        app, Submission(told.room_id, [], received=[received], alongside=write_whether_whole)
    )
    with app.database.read() as txn:
        room = app.rooms.get(txn, told.room_id)
        stored = events.get_by_id(txn, room.room_nid, own.event_id) if room else None
    reason = "it is not there" if stored is None else stored.rejected_reason
    if reason is not None:
        raise BadAnswer(server, f"the room that it tells of does not allow our event: {reason}")
    return room.room_nid if room is not None else 0


def _submit(app: App, room_id: str, received: Sequence[Received]) -> None:
    batching.submit(app, Submission(room_id, [], received=received))


def with_cited(app: App, server: str, told: ToldRoom, own: Event) -> ToldRoom:
    """With what our own event cites, as `take_in` needs it. Raises BadAnswer where that is not to
    be had.

    COMPAT(Synapse): without the members it tells the chain of what it tells, and so not the
    membership of who vouches for us. And what was so when the template was made need not be in the
    state, nor be cited by it, a moment later."""
    known = {one.event_id for one in told.events}
    wanted = deque(one for one in own.auth_event_ids if one not in known)
    if not wanted:
        return told
    found: dict[str, Event] = {}
    ends = time.monotonic() + CITED_S
    while wanted:
        event_id = wanted.popleft()
        if event_id in found:
            continue
        if len(found) == CITED_MAX or time.monotonic() > ends:
            raise BadAnswer(server, "it does not tell what its own template cites")
        found[event_id] = _fetch(app, server, told, event_id)
        wanted.extend(one for one in found[event_id].auth_event_ids if one not in known)
    return replace(told, events=[*told.events, *_in_order(found, known)])


def _fetch(app: App, server: str, told: ToldRoom, event_id: str) -> Event:
    """One event of a room that we are in by now, as the server sees it."""
    pdus = app.federation.get_event(server, event_id).get("pdus")
    pdu = pdus[0] if isinstance(pdus, list) and pdus else None
    event = receive_pdu.read_pdus(app, [pdu], told.version, told.room_id)[0]
    if not isinstance(event, Event) or event.event_id != event_id:
        raise BadAnswer(server, f"it does not tell {event_id}, which its own template leads to")
    return event


def _check_create(server: str, told: ToldRoom, found: Mapping[str, Event]) -> None:
    creates = [found[one] for one in told.state_ids if found[one].key == CREATE]
    if len(creates) != 1:
        raise BadAnswer(server, "there is not one create event in the state")
    # Rooms are of version 1 that do not say so.
    if creates[0].content.get("room_version", "1") != told.version.version:
        raise BadAnswer(server, "the create event is of another room version")
    keys = [found[one].key for one in told.state_ids]
    if len(set(keys)) < len(keys):
        raise BadAnswer(server, "the state has a key twice")


def _check_own(server: str, told: ToldRoom, own: Event) -> None:
    """Before anything is written: whether our event can have a place in the room at all."""
    if told.lacks_members:
        return
    events = {one.event_id: one for one in told.events}
    state = {events[one].key: events[one] for one in told.state_ids}
    try:
        rules.check_state_dependent(own, state)
    except Rejected as rejected:
        raise BadAnswer(
            server, f"the state that it tells does not allow our event: {rejected}"
        ) from rejected


def _in_order(found: Mapping[str, Event], known: Collection[str] = ()) -> list[Event]:
    """Each after what it cites; without those that cite, however far, what is neither there nor
    known.
    """
    missing: dict[str, int] = {}
    citing: dict[str, list[str]] = {}
    for event_id, event in breath.between(found.items()):
        cited = {one for one in event.auth_event_ids if one not in known}
        missing[event_id] = len(cited)
        for one in cited:
            citing.setdefault(one, []).append(event_id)
    # A create event comes first: in room version 12 it is cited by the room's id alone.
    ready = deque(sorted((one for one in missing if not missing[one]), key=_is_no_create(found)))
    ordered: list[Event] = []
    while ready:
        event_id = ready.popleft()
        ordered.append(found[event_id])
        for one in citing.get(event_id, ()):
            missing[one] -= 1
            if not missing[one]:
                ready.append(one)
    return ordered


def _is_no_create(found: Mapping[str, Event]) -> Any:
    return lambda event_id: found[event_id].type != CREATE[0]
