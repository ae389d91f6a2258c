"""From what a user wants to say to an event that can be sent. S-S API, "PDUs", "Signing Events"."""

from dataclasses import dataclass
from typing import Any

from impl.core import event_format, event_hash, signing
from impl.core.event import Event
from impl.core.room_version import RoomVersion
from impl.core.signing import SigningKey

_URL_SAFE = str.maketrans("+/", "-_")


@dataclass(frozen=True, slots=True)
class Draft:
    """What a user wants to say; the rest of an event follows from the room. `redacts` is for
    m.room.redaction alone.
    """

    type: str
    sender: str
    content: dict[str, Any]
    state_key: str | None = None
    redacts: str | None = None
    origin_server_ts: int | None = None
    # S-S API, "Joining Rooms": what is sent through another server says who made it.
    names_origin: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a room's graph an event goes. `room_id` is None for a create event whose hash is to
    be the id.
    """

    room_id: str | None
    room_version: RoomVersion
    prev_event_ids: list[str]
    auth_event_ids: list[str]
    depth: int


def build(
    draft: Draft, place: Place, *, now_ms: int, server_name: str, signing_key: SigningKey
) -> Event:
    """The event, hashed and signed. Raises Malformed, or TooLarge, if the draft cannot be one."""
    version = place.room_version
    content = draft.content
    if draft.redacts is not None and version.redacts_in_content:
        content = {**content, "redacts": draft.redacts}
    pdu: dict[str, Any] = {
        "type": draft.type,
        "sender": draft.sender,
        "content": content,
        "depth": min(place.depth, event_format.depth_max(version)),
        "origin_server_ts": now_ms if draft.origin_server_ts is None else draft.origin_server_ts,
        "prev_events": _references(place.prev_event_ids, version),
        "auth_events": _references(place.auth_event_ids, version),
    }
    if place.room_id is not None:
        pdu["room_id"] = place.room_id
    if draft.names_origin:
        pdu["origin"] = server_name
    if draft.state_key is not None:
        pdu["state_key"] = draft.state_key
    if draft.redacts is not None and not version.redacts_in_content:
        pdu["redacts"] = draft.redacts
    if not version.event_id_is_hash:
        # Any name will do that is new on this server. The content hash covers the event's place in
        # the graph.
        name = event_hash.content_hash(pdu, version)[:24].translate(_URL_SAFE)
        pdu["event_id"] = f"${name}:{server_name}"
    signed = signing.sign_event(pdu, version, server_name, signing_key)
    event_format.check(signed, version)
    return Event(signed, version, event_hash.event_id_of(signed, version))


def _references(event_ids: list[str], version: RoomVersion) -> list[Any]:
    # Versions 1 and 2 pair the id with hashes of the event, which nobody checks.
    if version.event_id_is_hash:
        return event_ids
    return [[event_id, {}] for event_id in event_ids]
