"""Where the history of a room that is here has gaps, or ends before the room begins."""

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from impl.app import App
from impl.services import retention, room_reading
from impl.storage import event_graph
from impl.storage.rooms import Room

# So many are asked for at once, those next to where somebody reads.
AT_ONCE = 20
# What nobody has is not asked for again at once; each time it takes longer.
PAUSE_MS = 60_000
PAUSE_MS_MAX = 24 * 3_600_000
PAUSES_KEPT_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Gap:
    """An event that is missing. `depth` is that of the event that stands on it."""

    event_id: str
    depth: int


class Pauses:
    """What this worker has asked for in vain, and until when it does not again."""

    def __init__(self, app: App) -> None:
        self._app = app
        # (room_nid, event_id) -> (how often, until when).
        self._pauses: OrderedDict[tuple[int, str], tuple[int, int]] = OrderedDict()

    def is_paused(self, room_nid: int, event_id: str) -> bool:
        return self._pauses.get((room_nid, event_id), (0, 0))[1] > self._app.now_ms()

    def begin(self, room_nid: int, event_ids: Collection[str]) -> None:
        """Nobody had them."""
        for event_id in event_ids:
            times = self._pauses.pop((room_nid, event_id), (0, 0))[0]
            pause_ms = min(PAUSE_MS << min(times, 20), PAUSE_MS_MAX)
            self._pauses[room_nid, event_id] = (times + 1, self._app.now_ms() + pause_ms)
        while len(self._pauses) > PAUSES_KEPT_MAX:
            self._pauses.popitem(last=False)


def between(
    app: App, txn: Any, room: Room, depths: tuple[int, int], *, is_back: bool = True
) -> list[Gap]:
    """The gaps below events of some depths, as far as it is worth asking: the deepest first, or
    last.
    """
    # What is below messages that have expired nobody would be shown.
    since_ts = retention.oldest_ts(app, txn, room.room_nid)
    found = event_graph.list_gaps(
        txn, room.room_nid, depths, 2 * AT_ONCE, is_back=is_back, since_ts=since_ts
    )
    if not found:
        return []
    pauses = app.part(Pauses, Pauses)
    open_gaps = [Gap(*one) for one in found if not pauses.is_paused(room.room_nid, one[0])]
    # Where nobody of ours is, nobody is told anything.
    if not open_gaps or not room_reading.is_resident(txn, room):
        return []
    return open_gaps[:AT_ONCE]
