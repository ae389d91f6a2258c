"""Who is there, for servers that could not know it: presence is told when it changes, and they came
later. S-S API, "Presence".

Whoever comes into a room brings a server that is told of our users there, or, being one of ours,
meets servers that are told of them. It does not matter through whom they came, so that this follows
the joins in the stream, not what we send.

They are told a little later: the server that comes has the room to take in first, and does not
believe anything of users whom it does not know."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from impl.app import App
from impl.core import identifiers
from impl.services import servers_of_room
from impl.services.sending import edus
from impl.services.sending.parcels import Item
from impl.storage import arrivals, memberships, room_servers
from impl.storage.events import StoredEvent
from impl.storage.rooms import Room

AFTER_MS = 5_000
# Whoever else comes in the meantime is told with what is told again (reminders.py).
WAITING_MAX = 5_000
AT_ONCE = 100
# Of our users in a room so many, who were heard of last.
USERS_MAX = 1_000


class Greetings:
    """Those that wait in this process."""

    def __init__(self, app: App) -> None:
        self._app = app
        # When, for which shards, who: room_nid and event_nid of the join.
        self._waiting: deque[tuple[int, frozenset[int], tuple[int, int]]] = deque(
            maxlen=WAITING_MAX
        )

    def note(self, came: Sequence[tuple[int, int]], shards: frozenset[int]) -> None:
        """The servers in some shards are to be told of these."""
        if self._app.config.presence.enabled:
            due_ts = self._app.now_ms() + AFTER_MS
            self._waiting.extend((due_ts, shards, one) for one in came)

    def due(self) -> Iterator[tuple[frozenset[int], list[Item]]]:
        """What is to be told now, and in which shards."""
        app, now_ms = self._app, self._app.now_ms()
        due: list[tuple[frozenset[int], tuple[int, int]]] = []
        while self._waiting and self._waiting[0][0] <= now_ms and len(due) < AT_ONCE:
            due.append(self._waiting.popleft()[1:])
        if not due:
            return
        with app.database.read() as txn:
            known = app.rooms.get_by_nids(txn, list({room_nid for _, (room_nid, _) in due}))
            loaded = app.events.get_many(txn, [place for _, place in due])
            made = [
                (shards, list(_items(app, txn, known[room_nid], loaded[event_nid])))
                for shards, (room_nid, event_nid) in due
                # It may have been purged.
                if room_nid in known and event_nid in loaded
            ]
        yield from made


def _items(app: App, txn: Any, room: Room, join: StoredEvent) -> Iterator[Item]:
    user_id = join.event.state_key or ""
    server_name = identifiers.server_name_of(user_id)
    if server_name != app.server_name:
        # Others of its users may have been here before.
        before = join.state_before
        is_new = before is None or server_name not in servers_of_room.at(app, txn, room, before)
        if is_new and room_servers.is_in_room(txn, room.room_nid, server_name):
            ours = arrivals.list_present_in(txn, room.room_nid, app.server_name, USERS_MAX)
            yield from edus.presence_of(app, txn, ours, frozenset((server_name,)))
    elif memberships.list_joined_among(txn, room.room_nid, [user_id]):
        known = room_servers.list_sharing_elsewhere(txn, user_id, room.room_nid)
        new = servers_of_room.now(app, txn, room) - known
        if new:
            yield from edus.presence_of(app, txn, [user_id], new)
