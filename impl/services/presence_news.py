"""Whose presence moved, in this worker's memory, and who is to hear of it. C-S API, "Presence".

A change of presence concerns whoever shares a room with the user: to move all of the user's rooms
in the news would have their timelines looked at. So it has a place of its own here: the news say
which users moved, the rooms that they are in are looked up once for each change, and a poll
compares the rooms of its user with these. What is told of a user is kept until it moves again, so
that what two hundred clients hear is read once."""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence

import gevent

from impl.app import App
from impl.storage import presence
from impl.storage.presence import Row
from impl.storage.streams import NewsRow

ROWS_KEPT_MAX = 20_000
# Changes that are remembered; whoever asks for older ones is answered by the database.
MOVES_KEPT_MAX = 20_000


class PresenceNews:
    """One per App."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._rows: dict[str, Row | None] = {}
        # user_id -> newest position, in the order of the positions.
        self._moved: OrderedDict[str, int] = OrderedDict()
        # Up to here nothing is remembered.
        self.floor = app.news.position
        # Users whose rooms are not looked up yet.
        self._unresolved: dict[str, int] = {}
        self._rooms: dict[int, int] = {}
        self._move_count = 0
        self._greenlet: gevent.Greenlet | None = None
        app.news.listeners.append(self._hear)

    def get_many(self, user_ids: Iterable[str]) -> dict[str, Row]:
        """What is told of the users now, of those who have ever been online."""
        wanted = list(user_ids)
        missing = [user_id for user_id in wanted if user_id not in self._rows]
        found: dict[str, Row | None] = {}
        if missing:
            moves = self._move_count
            with self._app.database.read() as txn:
                rows = presence.get_many(txn, missing)
            found = {user_id: rows.get(user_id) for user_id in missing}
            # What was read while something moved may be old: good for now, not to keep.
            if moves == self._move_count:
                if len(self._rows) + len(found) > ROWS_KEPT_MAX:
                    self._rows.clear()
                self._rows |= found
        chosen = {user_id: found.get(user_id, self._rows.get(user_id)) for user_id in wanted}
        return {user_id: row for user_id, row in chosen.items() if row is not None}

    def has_moved(self, user_id: str, room_nids: Collection[int], since: int) -> bool:
        """Whether there may be news, after a position, of the user or of whom they share a room
        with. Nothing waits between the last look and the answer.
        """
        if since < self.floor:
            return True
        while self._unresolved:
            self._resolve()
        if next(reversed(self._moved.values()), 0) <= since:
            return False
        if self._moved.get(user_id, 0) > since:
            return True
        rooms = self._rooms
        return any(rooms.get(room_nid, 0) > since for room_nid in room_nids)

    def list_moved(
        self, user_id: str, room_nids: Collection[int], since: int, up_to: int
    ) -> list[str]:
        """Of whom there is something to tell the user that was written in (since, up_to], in that
        order.
        """
        if since < self.floor:
            with self._app.database.read() as txn:
                return presence.list_changed_in(txn, list(room_nids), since, up_to)
        recent = []
        for other, position in reversed(self._moved.items()):
            if position <= since:
                break
            if position <= up_to:
                recent.append(other)
        joined = frozenset(room_nids)
        return [
            other
            for other in reversed(recent)
            if other == user_id or not joined.isdisjoint(self._app.news.joined_rooms(other))
        ]

    def _hear(self, rows: Sequence[NewsRow] | None) -> None:
        if rows is None:
            self._forget_all()
            return
        for row in rows:
            if row.room_nid is None and row.user_id is None and row.about is not None:
                self._learn(row.position, row.about)

    def _learn(self, position: int, user_id: str) -> None:
        self._move_count += 1
        self._rows.pop(user_id, None)
        self._moved[user_id] = position
        self._moved.move_to_end(user_id)
        if len(self._moved) > MOVES_KEPT_MAX:
            self.floor = self._moved.popitem(last=False)[1]
        self._unresolved[user_id] = position
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._wake)

    def _forget_all(self) -> None:
        self._move_count += 1
        self._rows.clear()
        self._moved.clear()
        self._rooms.clear()
        self._unresolved.clear()
        self.floor = self._app.news.position

    def _resolve(self) -> None:
        """Look up the rooms of those who moved."""
        unresolved = list(self._unresolved.items())
        joined = {user_id: self._app.news.joined_rooms(user_id) for user_id, _ in unresolved}
        for user_id, position in unresolved:
            # It may have moved again, or been resolved, while we looked.
            if self._unresolved.get(user_id) != position:
                continue
            del self._unresolved[user_id]
            for room_nid in joined[user_id]:
                self._rooms[room_nid] = max(position, self._rooms.get(room_nid, 0))

    def _wake(self) -> None:
        """Let those who wait look whether it is for them."""
        try:
            while self._unresolved:
                moved = list(self._unresolved)
                self._resolve()
                for user_id in moved:
                    self._app.news.wake(user_id, self._app.news.joined_rooms(user_id))
        finally:
            self._greenlet = None


def of(app: App) -> PresenceNews:
    """This worker's."""
    return app.part(PresenceNews, PresenceNews)
