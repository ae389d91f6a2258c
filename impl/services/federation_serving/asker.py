"""Another server that asks about a room, and whether it may. S-S API, "Server Access Control Lists
(ACLs)", and what the endpoints say of who is refused."""

from dataclasses import dataclass
from typing import Any

from impl import errors
from impl.app import App
from impl.core import identifiers
from impl.services import room_reading, server_acl
from impl.storage import room_servers
from impl.storage.rooms import Room


@dataclass(frozen=True, slots=True)
class Asker:
    """A server, and a room that somebody of ours is in and whose access list lets the server in."""

    app: App
    txn: Any
    server_name: str
    room: Room
    # Whether somebody of theirs is in the room.
    is_in_room: bool


def open_room(app: App, txn: Any, origin: str, room_id: str) -> Asker:
    """Raises NotFound for a room that this server is not in, and Forbidden for a server that the
    room keeps out.
    """
    room = room_reading.find(app, txn, room_id)
    if room is None or not room_reading.is_resident(txn, room):
        raise errors.NotFound("this server is not in the room")
    server_acl.check(app, txn, room, origin)
    return Asker(app, txn, origin, room, room_servers.is_in_room(txn, room.room_nid, origin))


def open_own_room(app: App, txn: Any, origin: str, room_id: str) -> Asker:
    """Raises Forbidden besides where nobody of the server is in the room."""
    asker = open_room(app, txn, origin, room_id)
    if not asker.is_in_room:
        raise errors.Forbidden("your server is not in the room")
    return asker


def open_whole_room(app: App, txn: Any, origin: str, room_id: str) -> Asker:
    """Raises NotFound besides for a room whose members are not all known here yet: others can say
    more of it.
    """
    asking = open_room(app, txn, origin, room_id)
    check_whole(asking)
    return asking


def check_whole(asking: Asker) -> None:
    """Raises NotFound for a room whose members are not all known here yet."""
    if asking.room.is_partial:
        raise errors.NotFound("this server does not know all members of the room yet")


def check_own_user(origin: str, user_id: str) -> None:
    """Raises Forbidden for a user who is not the server's to speak for."""
    if not identifiers.is_user_id(user_id):
        raise errors.InvalidParam("userId is not a user id")
    if identifiers.server_name_of(user_id) != origin:
        raise errors.Forbidden("userId is not a user of your server")
