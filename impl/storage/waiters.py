"""The greenlets of a worker that wait for users and rooms to move.

Whoever polls waits for their own user and for every room they are in, which may be thousands, and
polls again right after. So a user is entered under the rooms once, and stays there between two
polls: the next one brings the same set of rooms, the very same object, and then there is nothing
to do. Only a user who joined or left a room since is entered anew, under what is different."""

from collections.abc import Iterable, Iterator
from typing import Any

from gevent.event import Event

# Users who stay entered though they do not wait.
WATCHED_MAX = 20_000

_NOTHING: frozenset[int] = frozenset()


class Waiters:
    """Who waits for what."""

    def __init__(self) -> None:
        self.all: set[Event] = set()
        self._of_user: dict[str, set[Event]] = {}
        # Those who wait for rooms that are not all of the user's.
        self._of_room: dict[int, set[Event]] = {}
        # The rooms under which a user is entered, and the users under each room.
        self._watched: dict[str, frozenset[int]] = {}
        self._watchers: dict[int, set[str]] = {}

    def add(self, user_id: str, room_nids: Iterable[int]) -> Event:
        """An event that is set when one of these moves. A frozenset are all rooms of the user."""
        event = Event()
        self.all.add(event)
        self._of_user.setdefault(user_id, set()).add(event)
        if isinstance(room_nids, frozenset):
            self._watch(user_id, room_nids)
        else:
            for room_nid in room_nids:
                self._of_room.setdefault(room_nid, set()).add(event)
        return event

    def remove(self, event: Event, user_id: str, room_nids: Iterable[int]) -> None:
        """It waits no more."""
        self.all.discard(event)
        _discard(self._of_user, user_id, event)
        if not isinstance(room_nids, frozenset):
            for room_nid in room_nids:
                _discard(self._of_room, room_nid, event)

    def of_user(self, user_id: str) -> Iterable[Event]:
        return self._of_user.get(user_id, ())

    def of_room(self, room_nid: int) -> Iterator[Event]:
        yield from self._of_room.get(room_nid, ())
        for user_id in self._watchers.get(room_nid, ()):
            yield from self._of_user.get(user_id, ())

    def _watch(self, user_id: str, room_nids: frozenset[int]) -> None:
        before = self._watched.get(user_id, _NOTHING)
        if before is room_nids:
            return
        self._watched[user_id] = room_nids
        for room_nid in before - room_nids:
            _discard(self._watchers, room_nid, user_id)
        for room_nid in room_nids - before:
            self._watchers.setdefault(room_nid, set()).add(user_id)
        if len(self._watched) > WATCHED_MAX:
            self._forget_idle()

    def _forget_idle(self) -> None:
        for user_id in [one for one in self._watched if one not in self._of_user]:
            for room_nid in self._watched.pop(user_id):
                _discard(self._watchers, room_nid, user_id)


def _discard(sets: dict[Any, set[Any]], key: object, value: object) -> None:
    values = sets.get(key)
    if values is not None:
        values.discard(value)
        if not values:
            del sets[key]
