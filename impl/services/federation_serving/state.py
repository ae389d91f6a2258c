"""The state of a room at an event, and what it rests on. S-S API, "Retrieving events", "Retrieving
event authorisation information".

States may have a hundred thousand events. Which they are is in the nodes of the trie, their auth
chains are bitmaps, and their JSON goes from the database to the answer as text. A few such answers
are made at a time, so that the memory for them has a bound; more wait for their turn."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gevent.lock import BoundedSemaphore
from pyroaring import BitMap64

from impl import errors
from impl.app import App
from impl.core import state_trie
from impl.core.auth.selection import CREATE
from impl.services.federation_serving import asker, pdus
from impl.services.federation_serving.asker import Asker
from impl.services.room_events.auth_chains import AuthChains
from impl.storage import events
from impl.storage.events import StoredEvent
from impl.storage.state_nodes import RoomNodes

LARGE_ANSWERS_MAX = 2


class _Turns:
    """Who makes a large answer, in this worker."""

    def __init__(self, app: App) -> None:
        self.turns = BoundedSemaphore(LARGE_ANSWERS_MAX)


@contextmanager
def large_answer(app: App) -> Iterator[None]:
    """While an answer is made that may hold a whole state."""
    with app.part(_Turns, _Turns).turns:
        yield


def state_ids(app: App, origin: str, room_id: str, event_id: str) -> dict[str, Any]:
    """The ids of the state before an event, and of what that rests on."""
    with large_answer(app), app.database.read() as txn:
        asking, nids, chain = _state_before(app, txn, origin, room_id, event_id)
        room_nid = asking.room.room_nid
        return {
            "pdu_ids": pdus.write_ids(txn, room_nid, nids),
            "auth_chain_ids": pdus.write_ids(txn, room_nid, chain),
        }


def state(app: App, origin: str, room_id: str, event_id: str) -> dict[str, Any]:
    """The same with the events themselves."""
    with large_answer(app), app.database.read() as txn:
        asking, nids, chain = _state_before(app, txn, origin, room_id, event_id)
        room_nid = asking.room.room_nid
        return {
            "pdus": pdus.write_many(app, txn, room_nid, nids),
            "auth_chain": pdus.write_many(app, txn, room_nid, chain),
        }


def event_auth(app: App, origin: str, room_id: str, event_id: str) -> dict[str, Any]:
    """The auth chain of an event."""
    with large_answer(app), app.database.read() as txn:
        asking = asker.open_own_room(app, txn, origin, room_id)
        stored = _find(asking, event_id)
        room_nid = asking.room.room_nid
        chain = AuthChains(app, txn, room_nid, {}).union([stored.event_nid])
        add_create(asking, chain, stored)
        return {"auth_chain": pdus.write_many(app, txn, room_nid, chain)}


def chain_of_state(app: App, txn: Any, room_nid: int, root: int) -> BitMap64:
    """What all events of a state rest on together."""
    nodes = RoomNodes(txn, app.state_nodes, room_nid)
    return AuthChains(app, txn, room_nid, {}).union_of_state(nodes, root, ())


def add_create(asking: Asker, chain: BitMap64, stored: StoredEvent) -> None:
    """Rooms, version 12: nobody cites the create event, and all rest on it."""
    event = stored.event
    if event.room_version.room_id_is_create_hash and event.type != CREATE[0]:
        nid = events.get_nid(asking.txn, asking.room.room_nid, "$" + event.room_id[1:])
        if nid is not None:
            chain.add(nid)


def _state_before(
    app: App, txn: Any, origin: str, room_id: str, event_id: str
) -> tuple[Asker, list[int], BitMap64]:
    asking = asker.open_own_room(app, txn, origin, room_id)
    asker.check_whole(asking)
    root = _find(asking, event_id).state_before
    if root is None:
        raise errors.NotFound("the state at the event is not known here")
    room_nid = asking.room.room_nid
    nodes = RoomNodes(txn, app.state_nodes, room_nid)
    nids = [nid for _, nid in state_trie.items(nodes, root)]
    return asking, nids, chain_of_state(app, txn, room_nid, root)


def _find(asking: Asker, event_id: str) -> StoredEvent:
    """An event of the room that was not rejected."""
    room_nid = asking.room.room_nid
    nid = events.get_nid(asking.txn, room_nid, event_id)
    stored = asking.app.events.get(asking.txn, room_nid, nid) if nid is not None else None
    if stored is None or stored.rejected_reason is not None:
        raise errors.NotFound("there is no such event in the room")
    return stored
