"""Join the branches of rooms that have many: see services/dummy_events.py."""

from impl.app import App
from impl.jobs.schedule import in_batches
from impl.services import dummy_events
from impl.storage import branching_rooms

BATCH_ROOMS = 5
# Where nobody of ours may send, somebody may be given the power, or join.
PUT_OFF_MS = 7 * 86_400_000


def join_branches(app: App) -> bool:
    """One turn; True if it was not enough."""
    few = app.config.dummy_events_threshold
    return few is not None and in_batches(app, lambda: _batch(app, few))


def _batch(app: App, few: int) -> bool:
    now_ms = app.now_ms()
    with app.database.read() as txn:
        room_nids = branching_rooms.list_due(txn, now_ms, BATCH_ROOMS)
    for room_nid in room_nids:
        with app.database.transaction() as txn:
            branching_rooms.delete(txn, room_nid)
        if not dummy_events.join_branches(app, room_nid, few):
            with app.database.transaction() as txn:
                branching_rooms.put_off(txn, room_nid, now_ms + PUT_OFF_MS)
    return len(room_nids) == BATCH_ROOMS
