"""Who asks for the members of a room waits until all are known; and who has joined one, a moment:
so most rooms are there with all their members once the join is answered.
"""

import time

import gevent

from impl import errors
from impl.app import App
from impl.services import room_reading
from impl.services.remote_history import completion
from impl.storage import partial_rooms, room_servers

# Less than a request may take.
WAIT_S = 50.0
LOOK_S = 0.25
# A room that is not whole by then is large, or its servers are slow; and of one that is on so many
# servers it is known before.
MOMENT_S = 1.0
SERVERS_OF_SMALL_MAX = 20


def for_a_moment(app: App, room_id: str) -> None:
    """Wait a little for the members of a room that this worker fetches."""
    with app.database.read() as txn:
        room = room_reading.find(app, txn, room_id)
        if room is None or not room.is_partial:
            return
        is_small = len(room_servers.list_of_room(txn, room.room_nid)) <= SERVERS_OF_SMALL_MAX
    if is_small:
        completion.wait(app, room.room_nid, MOMENT_S)


def until_whole(app: App, room_id: str, seconds: float = WAIT_S) -> bool:
    """Wait until all members of a room are known, if they are not and somebody fetches them;
    returns whether that was to be waited for. Raises Unavailable where it takes too long.
    """
    with app.database.read() as txn:
        room = room_reading.find(app, txn, room_id)
        if room is None or not room.is_partial:
            return False
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with app.database.read() as txn:
            if not partial_rooms.is_partial(txn, room.room_nid):
                return True
            if partial_rooms.get(txn, room.room_nid) is None:
                return True  # Nobody of ours is in it any more: it is as it was when we left.
        gevent.sleep(LOOK_S)
    raise errors.Unavailable("the members of the room are not all known yet")
