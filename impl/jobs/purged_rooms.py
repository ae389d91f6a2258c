"""Sweep once more where a room was: see services/room_purge.py."""

from impl.app import App
from impl.jobs.schedule import in_batches
from impl.services import room_purge


def sweep(app: App) -> bool:
    """One turn; True if it was not enough."""
    room = room_purge.next_to_sweep(app)
    if room is None:
        return False
    batches = room_purge.sweep(app, room)
    if not in_batches(app, lambda: next(batches, None) is not None):
        room_purge.finish(app, room)
    return True
