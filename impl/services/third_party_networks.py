"""Other networks that application services bridge to. C-S API, "Third-party Networks".

Who knows of them are the application services, and nothing asks these yet: as long as that is so,
this server knows no protocol, and finds nothing."""

from typing import Any, NoReturn

from impl import errors
from impl.core import identifiers


def protocols() -> dict[str, Any]:
    """By name."""
    return {}


def protocol(name: str) -> NoReturn:
    """One of them. Raises NotFound for a protocol that is not known."""
    raise errors.NotFound("this server does not know the protocol")


def locations(protocol_name: str) -> NoReturn:
    """The portal rooms of a place in a network."""
    protocol(protocol_name)


def users(protocol_name: str) -> NoReturn:
    """The Matrix users who stand for somebody in a network."""
    protocol(protocol_name)


def locations_of_alias(room_alias: str) -> NoReturn:
    """The places that a room stands for."""
    if not identifiers.is_room_alias(room_alias):
        raise errors.InvalidParam("alias is not a room alias")
    raise errors.NotFound("the room is a portal to no other network")


def users_of_id(user_id: str) -> NoReturn:
    """Whom a user stands for."""
    if not identifiers.is_user_id(user_id):
        raise errors.InvalidParam("userid is not a user id")
    raise errors.NotFound("the user is of no other network")
