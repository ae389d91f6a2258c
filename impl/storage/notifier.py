"""What moved: a worker's memory of the stream, and the greenlets that wait for it.

Every commit that draws positions is followed by a NOTIFY with the newest one. Each worker LISTENs
on a connection of its own, and reads the rows of the stream since it last looked: rooms and users
with their newest position, nothing of what happened. That is enough to answer an idle poll without
asking the database, to know which of two thousand rooms changed, and to drop what caches hold of
them. A notification may be lost with its connection, so the stream is looked at every few seconds
besides.

`position` only moves once the news up to it is known here: what is read up to `position` agrees
with the caches."""

import itertools
import logging
from collections.abc import Callable, Collection, Iterable, Sequence, Set
from typing import Any

import gevent
import psycopg2
from gevent.event import Event
from gevent.lock import RLock
from gevent.socket import wait_read

from impl.storage import streams, sync_rooms
from impl.storage.database import Database, DatabaseUnavailable, StatementError
from impl.storage.waiters import Waiters
from impl.storage.worker_page import WorkerPage

POLL_SECONDS = 3.0
RECONNECT_SECONDS = 0.5
CACHED_USERS_MAX = 20_000
# Rooms and users whose position is known; beyond, all are taken to have moved just now.
KNOWN_MAX = 1_000_000

_log = logging.getLogger(__name__)


class News:
    """How far this worker has read the stream, and who is to be woken by what."""

    def __init__(self, database: Database, page: WorkerPage) -> None:
        self.position = 0
        self.is_stopping = False
        self.on_changed: Callable[[int], None] = lambda event_nid: None
        self.on_children_changed: Callable[[int], None] = lambda event_nid: None
        self.on_purged: Callable[[int], None] = lambda room_nid: None
        self.on_reset: Callable[[], None] = lambda: None
        # Those who keep something that rows of the stream make old; None: rows were skipped.
        self.listeners: list[Callable[[Sequence[streams.NewsRow] | None], None]] = []
        self._database = database
        self._page = page
        self._reading = RLock()
        # What has not moved since this worker began has no entry: it stands at the floor.
        self._floor = 0
        # In the order of the positions, the newest last.
        self._rooms: dict[int, int] = {}
        self._users: dict[str, int] = {}
        self.waiters = Waiters()
        self._joined: dict[str, frozenset[int]] = {}
        self._membership_moves = 0
        # What the page said before the news was read last.
        self._published = 0
        self._greenlets: list[gevent.Greenlet] = []

    def start(self) -> None:
        with self._database.read() as txn:
            self._floor = streams.current(txn)
        self._move_to(self._floor)
        self._greenlets = [gevent.spawn(self._listen), gevent.spawn(self._poll)]

    def stop(self) -> None:
        """Answer all that wait, and hear no more."""
        self.is_stopping = True
        for event in list(self.waiters.all):
            event.set()

    def close(self) -> None:
        self.stop()
        gevent.killall(self._greenlets)

    def catch_up_if_behind(self) -> None:
        """At the start of a request: see what any worker of this machine has answered for
        already.
        """
        if self._is_behind():
            self.catch_up()

    def catch_up(self) -> None:
        """Read the news up to the end of the stream."""
        seen = self.position
        with self._reading:
            if self.position > seen and not self._is_behind():
                return  # Somebody read it while we waited for our turn.
            while self._read_some():
                pass

    def _is_behind(self) -> bool:
        # What stood at the last position may be gone, deleted or moved on: then `position` does not
        # reach what was published.
        return self._page.newest() > max(self.position, self._published)

    def room_position(self, room_nid: int) -> int:
        """The newest position that touched the room; never too small."""
        return self._rooms.get(room_nid, self._floor)

    def user_position(self, user_id: str) -> int:
        """The newest position that is addressed to the user; never too small."""
        return self._users.get(user_id, self._floor)

    def changed_rooms(self, room_nids: Collection[int], since: int) -> list[int]:
        """Those of the rooms that may have moved after a position."""
        rooms, floor = self._rooms, self._floor
        if since >= floor and isinstance(room_nids, Set):
            # Somebody may be in thousands of rooms, and few have moved since they last asked.
            moved = itertools.takewhile(lambda item: item[1] > since, reversed(rooms.items()))
            recent = [nid for nid, _ in itertools.islice(moved, len(room_nids))]
            if len(recent) < len(room_nids):
                return [room_nid for room_nid in recent if room_nid in room_nids]
        return [room_nid for room_nid in room_nids if rooms.get(room_nid, floor) > since]

    def joined_rooms(self, user_id: str) -> frozenset[int]:
        """room_nids of the rooms that the user is in at `position`, as it is when this is called.

        Not at the end of the stream: who asks what happened up to `position` would miss what was
        said in a room before the user left it, if the leaving is committed but not heard of yet.
        """
        joined = self._joined.get(user_id)
        if joined is None:
            moves, position = self._membership_moves, self.position
            with self._database.read() as txn:
                joined = frozenset(sync_rooms.list_joined_at(txn, user_id, position))
            # What was read while memberships moved may be old already: good for this answer, not to
            # keep.
            if moves == self._membership_moves:
                if len(self._joined) >= CACHED_USERS_MAX:
                    self._joined.clear()
                self._joined[user_id] = joined
        return joined

    def wait(self, user_id: str, room_nids: Collection[int], since: int, timeout_s: float) -> bool:
        """Sleep until the user or one of the rooms moves beyond a position: True; False once the
        time is over, or when the server stops. A frozenset of rooms are all that the user is in.
        """
        event = self.waiters.add(user_id, room_nids)
        try:
            # Looked at after the registration: what moves in between sets the event.
            if self.user_position(user_id) > since or self.changed_rooms(room_nids, since):
                return True
            if self.is_stopping:
                return False
            return event.wait(timeout_s) and not self.is_stopping
        finally:
            self.waiters.remove(event, user_id, room_nids)

    def wake(self, user_id: str, room_nids: Iterable[int]) -> None:
        """Let those who wait for the user or the rooms look again."""
        woken = set(self.waiters.of_user(user_id))
        for room_nid in room_nids:
            woken.update(self.waiters.of_room(room_nid))
        for event in woken:
            event.set()

    def _read_some(self) -> bool:
        # Committed before it was published, so the statement that follows sees all up to it.
        published = self._page.newest()
        with self._database.read() as txn:
            rows = streams.list_news(txn, self.position)
        if len(rows) < streams.NEWS_MAX:
            self._learn(rows)
            self._published = published
            return False
        # Far behind, or the last position may be cut in two. To forget everything is right, and
        # soon mended.
        with self._database.read() as txn:
            newest = streams.current(txn)
        self._forget_all(newest)
        return True

    def _learn(self, rows: list[streams.NewsRow]) -> None:
        woken: set[Event] = set()
        for position, room_nid, user_id, changes_nid, parent_nid, is_membership, *_ in rows:
            if room_nid is not None:
                self._rooms.pop(room_nid, None)
                self._rooms[room_nid] = position
                woken.update(self.waiters.of_room(room_nid))
            if user_id is not None:
                self._users[user_id] = position
                woken.update(self.waiters.of_user(user_id))
            if is_membership and user_id is not None:
                self._membership_moves += 1
                self._joined.pop(user_id, None)
            elif is_membership and room_nid is not None:
                self._membership_moves += 1
                self._joined.clear()
                self.on_purged(room_nid)
            if changes_nid is not None:
                self.on_changed(changes_nid)
            if parent_nid is not None:
                self.on_children_changed(parent_nid)
        if rows:
            for listener in self.listeners:
                listener(rows)
            self._move_to(rows[-1].position)
        if len(self._rooms) + len(self._users) > KNOWN_MAX:
            self._rooms.clear()
            self._users.clear()
            self._floor = self.position
        for event in woken:
            event.set()

    def _forget_all(self, newest: int) -> None:
        self._rooms.clear()
        self._users.clear()
        self._joined.clear()
        self._membership_moves += 1
        self._floor = newest
        self._move_to(newest)
        self.on_reset()
        for listener in self.listeners:
            listener(None)
        for event in list(self.waiters.all):
            event.set()

    def _move_to(self, position: int) -> None:
        self.position = position
        # We may know of it before the worker that committed it has written it there. Whoever we
        # tell may ask another worker, which must know by then.
        self._page.advance(position)

    def _poll(self) -> None:
        while not self.is_stopping:
            gevent.sleep(POLL_SECONDS)
            try:
                self.catch_up()
            except (DatabaseUnavailable, StatementError) as error:
                # A statement that ran out of time or memory, say: this loop is what mends that.
                _log.warning("the stream cannot be read: %s", error)

    def _listen(self) -> None:
        while not self.is_stopping:
            try:
                connection = self._database.connect()
                try:
                    with connection.cursor() as cursor:
                        cursor.execute(f"LISTEN {streams.CHANNEL}")
                    self.catch_up()  # Nobody told us while there was no connection.
                    self._hear(connection)
                finally:
                    connection.close()
            except (DatabaseUnavailable, psycopg2.Error, OSError):
                _log.warning("the connection for notifications was lost")
                gevent.sleep(RECONNECT_SECONDS)

    def _hear(self, connection: Any) -> None:
        while True:
            wait_read(connection.fileno())
            connection.poll()
            newest = max((int(notice.payload) for notice in connection.notifies), default=0)
            connection.notifies.clear()
            if newest > self.position:
                self.catch_up()
