"""Join the branches of rooms that have many: see services/dummy_events.py."""

import logging

from impl import errors
from impl.app import App
from impl.jobs.schedule import in_batches
from impl.services import dummy_events
from impl.storage import branching_rooms

BATCH_ROOMS = 5
# Where nobody of ours may send, somebody may be given the power, or join.
PUT_OFF_MS = 7 * 86_400_000
# Where the room's policy server was to be asked, and could not.
ASK_AGAIN_MS = 3_600_000

_log = logging.getLogger(__name__)


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
        pause_ms = _join(app, room_nid, few)
        if pause_ms:
            with app.database.transaction() as txn:
                branching_rooms.put_off(txn, room_nid, now_ms + pause_ms)
    return len(room_nids) == BATCH_ROOMS


def _join(app: App, room_nid: int, few: int) -> int:
    """Returns for how long it is put off, 0 if it is done."""
    try:
        return 0 if dummy_events.join_branches(app, room_nid, few) else PUT_OFF_MS
    except errors.MatrixError as failure:
        if failure.status != 502:
            raise
        _log.info("the branches of room %d are not joined: %s", room_nid, failure.message)
        return ASK_AGAIN_MS
