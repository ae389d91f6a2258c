"""What is to be believed of an answer with history: events of the room that are below what is
missing, as far as they hang together; the rest was not asked for."""

from collections.abc import Collection, Mapping, Sequence

from impl.app import App
from impl.core.event import Event
from impl.core.room_version import ROOM_VERSIONS
from impl.services.incoming import missing_events, receive_pdu
from impl.storage import event_graph
from impl.storage.rooms import Room

EVENTS_MAX = 100


def read(
    app: App, room: Room, server: str, pdus: Sequence[object], wanted: Collection[str]
) -> list[Event]:
    """Those of some PDUs that lead back from the wanted events and have no place here yet, checked,
    the newest first.
    """
    version = ROOM_VERSIONS[room.room_version]
    parsed = receive_pdu.parse(pdus[:EVENTS_MAX], version, room.room_id)
    events = {one.event_id: one for one in parsed if isinstance(one, Event)}
    with app.database.read() as txn:
        here = event_graph.list_here(txn, room.room_nid, events.keys())
    new = {event_id: one for event_id, one in events.items() if not here.get(event_id)}
    # Signatures are dear: nobody has us look at those of what is of no use.
    chosen = _leading_back(new, wanted)
    checked = receive_pdu.without_dropped(
        receive_pdu.check(app, list(chosen.values()), version), room.room_id, server
    )
    left = _leading_back({one.event_id: one for one in checked}, wanted)
    return _newest_first(left)


def _newest_first(events: Mapping[str, Event]) -> list[Event]:
    """Each before what it stands on. In versions 1 and 2 some may stand on each other."""
    ordered = missing_events.in_order(events.values())[::-1]
    in_circles = events.keys() - {one.event_id for one in ordered}
    return [*sorted((events[one] for one in in_circles), key=_height), *ordered]


def _height(event: Event) -> tuple[int, str]:
    return -event.depth, event.event_id


def _leading_back(events: Mapping[str, Event], wanted: Collection[str]) -> dict[str, Event]:
    found: dict[str, Event] = {}
    waiting = list(wanted)
    while waiting:
        event_id = waiting.pop()
        if event_id in events and event_id not in found:
            found[event_id] = events[event_id]
            waiting.extend(events[event_id].prev_event_ids)
    return found
