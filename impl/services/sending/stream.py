"""From rows of the stream to what goes over the wire, and to whom."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from impl.app import App
from impl.core import identifiers
from impl.core.rejection import Malformed
from impl.services import servers_of_room
from impl.services.sending import edus, newcomers, wire_forms
from impl.services.sending.parcels import Item
from impl.storage import arrivals, outgoing, rooms
from impl.storage.events import StoredEvent
from impl.storage.outgoing import StreamRow
from impl.storage.rooms import Room

ROWS_MAX = 500
# Those in a window who come into rooms: of more than these nobody is told that they are there.
ARRIVALS_MAX = 500

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Window:
    """What there is to tell up to a position."""

    items: list[Item]
    up_to: int
    # Who joined rooms: (room_nid, event_nid).
    came: list[tuple[int, int]]


def read(app: App, after: int, up_to: int) -> Window:
    """What happened after a position, or the first part of it."""
    with app.database.read() as txn:
        rows = outgoing.list_window(txn, after, up_to, app.server_name, ROWS_MAX)
        if len(rows) == ROWS_MAX:
            up_to = rows[-1].position
        came = arrivals.list_arrivals(txn, after, up_to, ARRIVALS_MAX)
        return Window(items_of(app, txn, rows), up_to, came)


def items_of(app: App, txn: Any, rows: Sequence[StreamRow]) -> list[Item]:
    """In the order of the rows. What is gone by now, or for nobody, is left out."""
    of_kind: dict[str, list[StreamRow]] = {}
    for row in rows:
        of_kind.setdefault(row.kind, []).append(row)
    items: list[Item] = []
    if events := of_kind.get(outgoing.EVENT):
        items += _events(app, txn, events)
    in_rooms = [*of_kind.get(outgoing.RECEIPT, ()), *of_kind.get(outgoing.TYPING, ())]
    if in_rooms:
        servers = _servers_now(app, txn, {row.room_nid for row in in_rooms})
        items += edus.in_rooms(app, in_rooms, servers)
    items += edus.of_users(app, txn, of_kind)
    items += map(edus.to_device, of_kind.get(outgoing.TO_DEVICE, ()))
    items.sort(key=lambda item: item.position)
    return items


def event_item(position: int, servers: frozenset[str], stored: StoredEvent) -> Item | None:
    """None for what cannot be sent."""
    try:
        form = wire_forms.pdu_of(stored)
    except Malformed as error:
        _log.warning("the event %s cannot be sent to other servers: %s", stored.event_id, error)
        return None
    return Item(position, servers, form, stored.event_id)


def _events(app: App, txn: Any, rows: Sequence[StreamRow]) -> list[Item]:
    known = app.rooms.get_by_nids(txn, list({row.room_nid for row in rows}))
    loaded = app.events.get_many(txn, [(row.room_nid, row.event_nid) for row in rows])
    items = []
    for row in rows:
        room, stored = known.get(row.room_nid), loaded.get(row.event_nid)
        if room is None or stored is None:
            continue  # It was purged.
        servers = servers_of_room.at(app, txn, room, row.number)
        if row.subject:
            servers |= {row.subject}
        # Whose event it is has it.
        sender_server = identifiers.server_name_of(stored.event.sender)
        if sender_server in servers:
            servers -= {sender_server}
        item = event_item(row.position, servers, stored) if servers else None
        if item is not None:
            items.append(item)
            items += newcomers.device_items(app, txn, row.position, servers, stored)
    return items


def _servers_now(
    app: App, txn: Any, room_nids: set[int]
) -> Mapping[int, tuple[Room, frozenset[str]]]:
    roots = rooms.get_state_roots(txn, sorted(room_nids))
    known = app.rooms.get_by_nids(txn, sorted(roots))
    return {
        nid: (room, servers_of_room.at(app, txn, room, roots[nid])) for nid, room in known.items()
    }
