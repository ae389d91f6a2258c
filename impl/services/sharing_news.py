"""Whose something moved, in this worker's memory, where it concerns all who share a room with them:
presence, keys.

To move all of a user's rooms in the news would have their timelines looked at. So it has a place of
its own here: the news say which users moved, the rooms that they are in are looked up once for each
change, and a poll compares the rooms of its user with these.

The rooms of our users are known from the news. Of others these do not tell, so the rooms that they
were in are kept with their change: whoever comes to share a room later is told for that reason."""

from collections import OrderedDict
from collections.abc import Collection, Sequence

import gevent

from impl.app import App
from impl.core import identifiers
from impl.storage import device_lists
from impl.storage.streams import NewsRow

# Changes that are remembered; whoever asks for older ones is answered by the database.
MOVES_KEPT_MAX = 20_000


class SharingNews:
    """One of each kind per App. What the kind is, `is_about` says."""

    def __init__(self, app: App) -> None:
        self._app = app
        # How often something was heard.
        self.heard = 0
        # user_id -> newest position, in the order of the positions.
        self._moved: OrderedDict[str, int] = OrderedDict()
        # Up to here nothing is remembered.
        self.floor = app.news.position
        # Users whose rooms are not looked up yet.
        self._unresolved: dict[str, int] = {}
        self._rooms: dict[int, int] = {}
        # The rooms of users of other servers who moved, as they were then.
        self._rooms_of_others: dict[str, frozenset[int]] = {}
        self._greenlet: gevent.Greenlet | None = None
        app.news.listeners.append(self._hear)

    def is_about(self, row: NewsRow) -> bool:
        """Whether a row says that `about` moved."""
        raise NotImplementedError

    def hear_other(self, row: NewsRow) -> None:
        """A row that is about something else."""

    def forget(self, user_id: str) -> None:
        """What is kept of a user is old."""

    def forget_all(self) -> None:
        """Changes were missed: whatever is kept may be old."""

    def rooms_of(self, user_id: str, position: int) -> Collection[int]:
        """The rooms whose members are concerned by a change of a user of ours at a position."""
        return self._app.news.joined_rooms(user_id)

    def known_rooms_of(self, user_id: str) -> frozenset[int]:
        """The rooms of a user who moved."""
        if self._is_ours(user_id):
            return self._app.news.joined_rooms(user_id)
        while self._unresolved:
            self._resolve()
        return self._rooms_of_others.get(user_id, frozenset())

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

    def list_recent(self, since: int, up_to: int) -> list[str]:
        """Who moved last in (since, up_to], in that order; `since` is not below the floor."""
        recent = []
        for other, position in reversed(self._moved.items()):
            if position <= since:
                break
            if position <= up_to:
                recent.append(other)
        return recent[::-1]

    def _hear(self, rows: Sequence[NewsRow] | None) -> None:
        self.heard += 1
        if rows is None:
            self.forget_all()
            self._moved.clear()
            self._rooms.clear()
            self._unresolved.clear()
            self._rooms_of_others.clear()
            self.floor = self._app.news.position
            return
        for row in rows:
            if row.about is not None and self.is_about(row):
                self._learn(row.position, row.about)
            else:
                self.hear_other(row)

    def _learn(self, position: int, user_id: str) -> None:
        self.forget(user_id)
        self._moved[user_id] = position
        self._moved.move_to_end(user_id)
        if len(self._moved) > MOVES_KEPT_MAX:
            oldest, self.floor = self._moved.popitem(last=False)
            self._rooms_of_others.pop(oldest, None)
        self._unresolved[user_id] = position
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._wake)

    def _resolve(self) -> None:
        """Look up the rooms of those who moved."""
        unresolved = list(self._unresolved.items())
        concerned = self._look_up(unresolved)
        for user_id, position in unresolved:
            # It may have moved again, or been resolved, while we looked.
            if self._unresolved.get(user_id) != position:
                continue
            del self._unresolved[user_id]
            rooms = concerned[user_id]
            if not self._is_ours(user_id) and user_id in self._moved:
                self._rooms_of_others[user_id] = frozenset(rooms)
            for room_nid in rooms:
                self._rooms[room_nid] = max(position, self._rooms.get(room_nid, 0))

    def _look_up(self, moved: Sequence[tuple[str, int]]) -> dict[str, Collection[int]]:
        others = [user_id for user_id, _ in moved if not self._is_ours(user_id)]
        found: dict[str, Collection[int]] = {}
        if others:
            with self._app.database.read() as txn:
                found |= device_lists.list_rooms_of(txn, others)
        for user_id, position in moved:
            if self._is_ours(user_id):
                found[user_id] = self.rooms_of(user_id, position)
        return found

    def _is_ours(self, user_id: str) -> bool:
        return identifiers.server_name_of(user_id) == self._app.server_name

    def _wake(self) -> None:
        """Let those who wait look whether it is for them."""
        try:
            while self._unresolved:
                moved = list(self._unresolved)
                self._resolve()
                for user_id in moved:
                    self._app.news.wake(user_id, self.known_rooms_of(user_id))
        finally:
            self._greenlet = None
