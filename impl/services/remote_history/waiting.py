"""Who asks for the members of a room waits until all are known."""

import time

import gevent

from impl import errors
from impl.app import App
from impl.services import room_reading
from impl.storage import partial_rooms

# Less than a request may take.
WAIT_S = 50.0
LOOK_S = 0.25


def until_whole(app: App, room_id: str) -> None:
    """Wait until all members of a room are known, if they are not and somebody fetches them.
    Raises Unavailable where that takes too long.
    """
    with app.database.read() as txn:
        room = room_reading.find(app, txn, room_id)
        if room is None or not room.is_partial:
            return
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        with app.database.read() as txn:
            if not partial_rooms.is_partial(txn, room.room_nid):
                return
            if partial_rooms.get(txn, room.room_nid) is None:
                return  # Nobody of ours is in it any more: it is as it was when we left.
        gevent.sleep(LOOK_S)
    raise errors.Unavailable("the members of the room are not all known yet")
