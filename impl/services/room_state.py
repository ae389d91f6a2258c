"""A room's state, read and set by clients. C-S API, "Getting events for a room", "Sending events to
a room".
"""

from collections.abc import Callable
from typing import Any

import msgspec

from impl import errors
from impl.app import App
from impl.core.event_builder import Draft
from impl.requester import Requester
from impl.services import (
    aliases,
    client_events,
    membership,
    posting,
    room_reading,
    state_content,
    suspension,
)
from impl.services.client_events import Viewer
from impl.services.remote_history import waiting
from impl.services.room_events.submission import Submission
from impl.storage.events import StoredEvent


def get_content(
    app: App, requester: Requester, room_id: str, event_type: str, state_key: str
) -> dict[str, Any]:
    """The content of the state event at a key, as far as the requester may see the room's state."""
    _wait_for(app, room_id, event_type)
    with app.database.read() as txn:
        return room_reading.content_of(_find(app, txn, requester, room_id, (event_type, state_key)))


def get_event(
    app: App, requester: Requester, room_id: str, event_type: str, state_key: str
) -> msgspec.Raw:
    """The state event at a key, as clients get events."""
    _wait_for(app, room_id, event_type)
    with app.database.read() as txn:
        found = _find(app, txn, requester, room_id, (event_type, state_key))
        return client_events.write_state(Viewer(app, requester), txn, [found])[0]


def get_all(app: App, requester: Requester, room_id: str) -> list[msgspec.Raw]:
    """All state events, as far as the requester may see the room's state."""
    waiting.until_whole(app, room_id)
    with app.database.read() as txn:
        room, root = room_reading.visible_root(app, txn, room_id, requester.user_id)
        stored = room_reading.whole_state_at(app, txn, room, root)
        return client_events.write_state(Viewer(app, requester), txn, stored)


def put(
    app: App,
    requester: Requester,
    room_id: str,
    event_type: str,
    state_key: str,
    content: dict[str, Any],
) -> str:
    """Set state and return the event's id."""
    suspension.check_state(requester, event_type, state_key, content)
    state_content.check(app, event_type, state_key, content)
    if event_type == "m.room.member":
        return membership.put_content(app, requester, room_id, state_key, content)

    named: set[str] = set()
    with app.database.read() as txn:
        if (event_type, state_key) == room_reading.CANONICAL_ALIAS:
            # First: what is wrong with the content would tell a stranger what stands there now.
            room = room_reading.get_joined(app, txn, room_id, requester.user_id)
            named = aliases.new_aliases(app, txn, room, content)
        elif room_reading.find(app, txn, room_id) is None:
            raise errors.Forbidden("you are not in this room")
    aliases.check_point_to(app, named, room_id)
    draft = Draft(event_type, requester.user_id, content, state_key=state_key)
    event_id = posting.submit(app, Submission(room_id, [draft]))[0]

    if follow_up := _FOLLOW_UPS.get((event_type, state_key)):
        follow_up(app, room_id)
    return event_id


_FOLLOW_UPS: dict[tuple[str, str], Callable[[App, str], None]] = {
    room_reading.GUEST_ACCESS: membership.remove_guests,
}


def _wait_for(app: App, room_id: str, event_type: str) -> None:
    if event_type == "m.room.member":
        waiting.until_whole(app, room_id)


def _find(
    app: App, txn: Any, requester: Requester, room_id: str, key: tuple[str, str]
) -> StoredEvent:
    room, root = room_reading.visible_root(app, txn, room_id, requester.user_id)
    found = (
        room_reading.state_at(app, txn, room, root, (key,))
        if state_content.can_be_key(*key)
        else {}
    )
    if key not in found:
        raise errors.NotFound("the room has no such state")
    return found[key]
