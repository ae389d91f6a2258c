"""Whom to ask for a room's history: those who are likely to have it."""

from collections.abc import Sequence

from impl.app import App
from impl.core import identifiers
from impl.services import room_reading
from impl.services.remote_history.gaps import Gap
from impl.storage import event_graph, room_servers
from impl.storage.rooms import Room

SERVERS_MAX = 6
# Of those who have most to say in the room.
LEADERS_MAX = 20


def list_to_ask(app: App, room: Room, gaps: Sequence[Gap] = ()) -> list[str]:
    """The servers that are in the room: first those whose users wrote what stands on a gap, and so
    knew what it stands on; then those of its leaders, who have been there for long.
    """
    room_nid = room.room_nid
    with app.database.read() as txn:
        there = room_servers.list_of_room(txn, room_nid)
        rows = event_graph.list_following(txn, room_nid, [gap.event_id for gap in gaps])
        above = app.events.get_many(txn, [(room_nid, nid) for _, nid in rows])
        levels = room_reading.levels(app, txn, room)
    writers = [one.event.sender for one in sorted(above.values(), key=_newest_first)]
    users = levels.content.get("users") if levels.content is not None else None
    named = [one for one in users if isinstance(one, str)] if isinstance(users, dict) else []
    leaders = sorted({*named, *levels.creators}, key=lambda one: (-levels.user(one), one))
    likely = [identifiers.server_name_of(one) for one in (*writers, *leaders[:LEADERS_MAX])]
    names = dict.fromkeys(name for name in (*likely, *there) if name in set(there))
    return list(names)[:SERVERS_MAX]


def _newest_first(one: object) -> int:
    return -one.event.depth  # type: ignore[attr-defined, no-any-return]
