"""Leaving a room through this server: declining an invite, taking back a knock. S-S API, "Leaving
Rooms (Rejecting Invites)".
"""

from typing import Any

from impl.app import App
from impl.services.federation_serving import asker, handshake


def make(app: App, origin: str, room_id: str, user_id: str) -> dict[str, Any]:
    """The template of a leave. Raises Forbidden for who is not in the room, nor invited to it, nor
    knocking.
    """
    asker.check_own_user(origin, user_id)
    with app.database.read() as txn:
        room = asker.open_whole_room(app, txn, origin, room_id).room
    return handshake.template(app, room, user_id, {"membership": "leave"})


def send(app: App, origin: str, room_id: str, event_id: str, pdu: dict[str, Any]) -> None:
    """Take a leave into the room."""
    with app.database.read() as txn:
        room = asker.open_whole_room(app, txn, origin, room_id).room
    event = handshake.parse(room, origin, event_id, pdu, "leave")
    handshake.append(app, room, handshake.check(app, event))
