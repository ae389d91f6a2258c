"""What others are told again before they take it to be over.

COMPAT(Synapse 1.163): it takes a user of ours to type for a minute, and to be online for half an
hour, unless it is told again. So who goes on typing is told of every half minute or so, and who
goes on being there every 25 minutes, each minute a few of all."""

from impl.app import App
from impl.storage import outgoing
from impl.storage.destinations import name_hash
from impl.storage.outgoing import StreamRow

TYPING_LOOKED_MS = 10_000
TYPING_AGAIN_MS = 30_000
PRESENCE_AGAIN_MINUTES = 25

_MINUTE_MS = 60_000


class Reminders:
    def __init__(self, app: App) -> None:
        self._app = app
        self._typing_looked_ts = app.now_ms()
        # (room_nid, user_id) -> when it was told last.
        self._typing: dict[tuple[int, str], int] = {}
        self._minute = app.now_ms() // _MINUTE_MS

    def due(self) -> list[StreamRow]:
        """What is to be told again now."""
        now_ms = self._app.now_ms()
        rows: list[StreamRow] = []
        if now_ms - self._typing_looked_ts >= TYPING_LOOKED_MS:
            self._typing_looked_ts = now_ms
            rows += self._typing_due(now_ms)
        minute = now_ms // _MINUTE_MS
        if minute != self._minute:
            self._minute = minute
            if self._app.config.presence.enabled:
                rows += self._presence_due(minute)
        return rows

    def _typing_due(self, now_ms: int) -> list[StreamRow]:
        with self._app.database.read() as txn:
            found = outgoing.list_typing(txn, now_ms, self._app.server_name)
        # Whoever was not there the last time was told of in between.
        told = {
            (row.room_nid, row.subject): self._typing.get((row.room_nid, row.subject), now_ms)
            for row in found
        }
        due = [row for row in found if now_ms - told[row.room_nid, row.subject] >= TYPING_AGAIN_MS]
        for row in due:
            told[row.room_nid, row.subject] = now_ms
        self._typing = told
        return due

    def _presence_due(self, minute: int) -> list[StreamRow]:
        with self._app.database.read() as txn:
            present = outgoing.list_present(txn, self._app.server_name)
        turn = minute % PRESENCE_AGAIN_MINUTES
        return [
            StreamRow(0, outgoing.PRESENCE, 0, 0, user_id, "", "", 0)
            for user_id in present
            if name_hash(user_id) % PRESENCE_AGAIN_MINUTES == turn
        ]
