"""Events that say nothing and join a room's branches, so that these stay few.

Theory. Each event names as its prev_events what no other has named yet. Where the servers of a room
are often apart, more branches come up than messages of ours join, and with each of them the state
where they meet costs more to work out. So a user of ours who may says nothing on top of them. What
is sent is what Synapse sends (`org.matrix.dummy_event`); clients are shown it nowhere
(visibility.py). The room's policy server is, like everything that our users send."""

from collections.abc import Iterator
from typing import Any

from impl import errors
from impl.app import App
from impl.core.event_builder import Draft
from impl.core.power_levels import PowerLevels
from impl.services import posting, room_reading
from impl.services.room_events.submission import Submission
from impl.services.visibility import DUMMY_EVENT
from impl.storage import memberships, rooms
from impl.storage.rooms import Room

# An event joins ten branches and is one: with so many, a hundred become few.
EVENTS_MAX = 12
# So many of those who seem to have the power are asked.
SENDERS_MAX = 10


def join_branches(app: App, room_nid: int, few: int) -> bool:
    """Send until no more than `few` branches are left. False: nobody of ours can.

    Raises MatrixError, with 502, where the room's policy server does not answer."""
    for _ in range(EVENTS_MAX):
        with app.database.read() as txn:
            room = app.rooms.get_by_nids(txn, [room_nid]).get(room_nid)
            if room is None or len(rooms.list_forward_extremities(txn, room_nid)) <= few:
                return True
            senders = _senders(app, txn, room)
        if not _send(app, room, senders):
            return False
    return True


def _send(app: App, room: Room, senders: list[str]) -> bool:
    for sender in senders:
        try:
            posting.submit(app, Submission(room.room_id, [Draft(DUMMY_EVENT, sender, {})]))
            return True
        except errors.MatrixError as refusal:
            # What they were allowed has changed in between, the room is gone, or its policy server
            # does not want it of them.
            if refusal.status >= 500:
                raise
    return False


def _senders(app: App, txn: Any, room: Room) -> list[str]:
    """Users of ours who are in the room and have the power to send."""
    levels = room_reading.levels(app, txn, room)
    needed = levels.event(DUMMY_EVENT, is_state=False)
    ours = ":" + app.server_name
    named = [one for one in _named(levels) if one.endswith(ours) and levels.user(one) >= needed]
    found = memberships.list_joined_among(txn, room.room_nid, named) if named else []
    if not found and levels.named("users_default") >= needed:
        some = memberships.list_joined_of_server(txn, room.room_nid, app.server_name, SENDERS_MAX)
        found = [one for one in some if levels.user(one) >= needed]
    return found[:SENDERS_MAX]


def _named(levels: PowerLevels) -> Iterator[str]:
    """Those who have a level of their own."""
    yield from levels.creators
    users = levels.content.get("users") if levels.content is not None else None
    if isinstance(users, dict):
        yield from (one for one in users if "\0" not in one)
