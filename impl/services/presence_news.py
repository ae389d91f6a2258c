"""Whose presence moved, in this worker's memory, and who is to hear of it. C-S API, "Presence".

What is told of a user is kept until it moves again, so that what two hundred clients hear is read
once. How it is known whom a change concerns: sharing_news.py."""

from collections.abc import Collection, Iterable

from impl.app import App
from impl.services.sharing_news import SharingNews
from impl.storage import presence
from impl.storage.presence import Row
from impl.storage.streams import NewsRow

ROWS_KEPT_MAX = 20_000


class PresenceNews(SharingNews):
    """One per App."""

    def __init__(self, app: App) -> None:
        super().__init__(app)
        self._rows: dict[str, Row | None] = {}
        self._move_count = 0

    def is_about(self, row: NewsRow) -> bool:
        return row.room_nid is None and row.user_id is None and not row.of_devices

    def forget(self, user_id: str) -> None:
        self._move_count += 1
        self._rows.pop(user_id, None)

    def forget_all(self) -> None:
        self._move_count += 1
        self._rows.clear()

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

    def list_moved(
        self, user_id: str, room_nids: Collection[int], since: int, up_to: int
    ) -> list[str]:
        """Of whom there is something to tell the user that was written in (since, up_to], in that
        order.
        """
        if since < self.floor:
            with self._app.database.read() as txn:
                return presence.list_changed_in(txn, list(room_nids), since, up_to)
        joined = frozenset(room_nids)
        return [
            other
            for other in self.list_recent(since, up_to)
            if other == user_id or not joined.isdisjoint(self.known_rooms_of(other))
        ]


def of(app: App) -> PresenceNews:
    """This worker's."""
    return app.part(PresenceNews, PresenceNews)
