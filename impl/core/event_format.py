"""Is this JSON an event of the room version? S-S API, "PDUs"; C-S API, "Size limits"; Rooms, "Event
format".

Only what the specification asks for is checked: a server that is stricter than others splits rooms.
"""

from typing import Any

from impl.core import canonical_json, identifiers
from impl.core.rejection import Malformed, TooLarge
from impl.core.room_version import RoomVersion

EVENT_BYTES_MAX = 65_536
FIELD_BYTES_MAX = 255
PREV_EVENTS_MAX = 20
AUTH_EVENTS_MAX = 10
# In the definitions the time stamp has 64 bits, in all versions.
TIMESTAMP_MAX = 2**63 - 1


def check(pdu: dict[str, Any], room_version: RoomVersion) -> None:
    """Raise Malformed, or TooLarge, for a PDU that cannot be an event."""
    for name in ("type", "sender"):
        _check_text(pdu, name)
    if "state_key" in pdu:
        _check_text(pdu, "state_key")
    if not identifiers.is_user_id(pdu["sender"]):
        raise Malformed("sender is not a user id")
    _check_room_id(pdu, room_version)
    if not isinstance(pdu.get("content"), dict):
        raise Malformed("content is not an object")
    for name in ("origin_server_ts", "depth"):
        if type(pdu.get(name)) is not int:
            raise Malformed(f"{name} is not an integer")
    if not -TIMESTAMP_MAX <= pdu["origin_server_ts"] <= TIMESTAMP_MAX:
        raise Malformed("origin_server_ts is out of range")
    if not 0 <= pdu["depth"] <= depth_max(room_version):
        raise Malformed("depth is out of range")
    if not room_version.event_id_is_hash:
        _check_text(pdu, "event_id")
        if not identifiers.is_named_event_id(pdu["event_id"]):
            raise Malformed("event_id is not an event id")
    _check_envelope(pdu)
    _check_references(pdu, "prev_events", PREV_EVENTS_MAX, room_version)
    _check_references(pdu, "auth_events", AUTH_EVENTS_MAX, room_version)
    check_size(pdu, room_version)


def depth_max(room_version: RoomVersion) -> int:
    """What cannot go deeper stays at this depth."""
    return canonical_json.INTEGER_MAX if room_version.strict_canonical_json else 2**63 - 1


def check_size(pdu: dict[str, Any], room_version: RoomVersion) -> None:
    """Raise TooLarge for an event that is longer than 65,536 bytes in its canonical form."""
    encoded = canonical_json.encode(pdu, strict=room_version.strict_canonical_json)
    if len(encoded) > EVENT_BYTES_MAX:
        raise TooLarge(f"the event is longer than {EVENT_BYTES_MAX} bytes")


def _check_text(pdu: dict[str, Any], name: str) -> None:
    value = pdu.get(name)
    if not isinstance(value, str):
        raise Malformed(f"{name} is not a string")
    # Not in the specification: no server that keeps its events in PostgreSQL, as Synapse does, can
    # keep such a name, and what refers to events and users has no NUL by its grammar.
    if "\0" in value:
        raise Malformed(f"{name} holds a NUL")
    try:
        length = len(value.encode())
    except UnicodeEncodeError:
        raise Malformed(f"{name} holds a lone surrogate") from None
    if length > FIELD_BYTES_MAX:
        raise TooLarge(f"{name} is longer than {FIELD_BYTES_MAX} bytes")


def _check_envelope(pdu: dict[str, Any]) -> None:
    for name in ("hashes", "signatures"):
        if not isinstance(pdu.get(name), dict):
            raise Malformed(f"{name} is not an object")
    if not isinstance(pdu["hashes"].get("sha256"), str):
        raise Malformed("hashes.sha256 is not a string")
    if not isinstance(pdu.get("unsigned", {}), dict):
        raise Malformed("unsigned is not an object")
    if not all(isinstance(by_key, dict) for by_key in pdu["signatures"].values()):
        raise Malformed("signatures has an entry that is not an object")


def _check_room_id(pdu: dict[str, Any], room_version: RoomVersion) -> None:
    if room_version.room_id_is_create_hash and pdu["type"] == "m.room.create":
        # That it has none is a matter of the rules.
        if isinstance(pdu.get("room_id", ""), str):
            return
    if not identifiers.is_room_id(pdu.get("room_id")):
        raise Malformed("room_id is not a room id")


def _check_references(
    pdu: dict[str, Any], name: str, number_max: int, room_version: RoomVersion
) -> None:
    references = pdu.get(name)
    if not isinstance(references, list):
        raise Malformed(f"{name} is not a list")
    if len(references) > number_max:
        raise Malformed(f"{name} has more than {number_max} entries")
    for reference in references:
        if not room_version.event_id_is_hash:
            is_pair = isinstance(reference, list) and len(reference) == 2
            reference = reference[0] if is_pair else None
        if not identifiers.is_event_id(reference):
            raise Malformed(f"an entry of {name} is not a reference to an event")
