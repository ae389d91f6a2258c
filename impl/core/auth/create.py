"""m.room.create. Rooms, "Authorisation rules"."""

from impl.core import identifiers
from impl.core.event import Event
from impl.core.rejection import Rejected
from impl.core.room_version import ROOM_VERSIONS


def check(event: Event) -> None:
    """Raise Rejected for a create event that cannot begin a room."""
    version = event.room_version
    content = event.content

    # Nothing comes before it.
    if event.prev_event_ids:
        raise Rejected("m.room.create has prev_events")

    if version.room_id_is_create_hash:
        # Since version 12: it does not say a room id, being it.
        if "room_id" in event.pdu:
            raise Rejected("m.room.create has a room_id")
    elif identifiers.server_name_of(event.room_id) != identifiers.server_name_of(event.sender):
        # Before: the room id is of the sender's server.
        raise Rejected("the room id and the sender are of different servers")

    # A version that is known.
    if "room_version" in content and not _is_known(content["room_version"]):
        raise Rejected("the room version is not known")

    # Until version 10: `creator` says who made it.
    if not version.creator_is_sender and "creator" not in content:
        raise Rejected("m.room.create has no creator")

    # Since version 12: additional creators are user ids.
    if version.creators_outrank_all and "additional_creators" in content:
        names = content["additional_creators"]
        if not isinstance(names, list) or not all(map(identifiers.is_user_id, names)):
            raise Rejected("additional_creators is not a list of user ids")


def _is_known(name: object) -> bool:
    return isinstance(name, str) and name in ROOM_VERSIONS
