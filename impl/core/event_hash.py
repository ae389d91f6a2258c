"""The two hashes of an event. S-S API, "Calculating the content hash for an event", "Calculating
the reference hash for an event"; Rooms, "Event IDs".
"""

import hashlib
from typing import Any

from impl.core import canonical_json, redaction
from impl.core.rejection import Malformed
from impl.core.room_version import RoomVersion
from impl.core.unpadded_base64 import decode_base64, encode_base64

_NOT_IN_CONTENT_HASH = ("unsigned", "signatures", "hashes")
_NOT_IN_REFERENCE_HASH = ("unsigned", "signatures")
_URL_SAFE = str.maketrans("+/", "-_")


def content_hash(pdu: dict[str, Any], room_version: RoomVersion) -> str:
    """SHA-256 over the whole event, in unpadded Base64: what `hashes.sha256` must be."""
    return encode_base64(_content_digest(pdu, room_version))


def has_its_content(pdu: dict[str, Any], room_version: RoomVersion) -> bool:
    """Is the content hash right? If not, the event was redacted, or is to be taken as redacted.

    S-S API, "Validating hashes and signatures on received events".
    """
    # Compared as bytes: other servers may write the same hash in another alphabet or padded.
    try:
        claimed = decode_base64(pdu["hashes"]["sha256"])
    except Malformed:
        return False
    return claimed == _content_digest(pdu, room_version)


def _content_digest(pdu: dict[str, Any], room_version: RoomVersion) -> bytes:
    hashed = {key: value for key, value in pdu.items() if key not in _NOT_IN_CONTENT_HASH}
    encoded = canonical_json.encode(hashed, strict=room_version.strict_canonical_json)
    return hashlib.sha256(encoded).digest()


def reference_hash(pdu: dict[str, Any], room_version: RoomVersion) -> bytes:
    """SHA-256 over what a redaction leaves of the event: 32 bytes."""
    redacted = redaction.redact(pdu, room_version)
    for key in _NOT_IN_REFERENCE_HASH:
        redacted.pop(key, None)
    encoded = canonical_json.encode(redacted, strict=room_version.strict_canonical_json)
    return hashlib.sha256(encoded).digest()


def event_id_of(pdu: dict[str, Any], room_version: RoomVersion) -> str:
    """The event's id. Raises Malformed where the version has it as a key, and it is not there."""
    if not room_version.event_id_is_hash:
        event_id = pdu.get("event_id")
        if not isinstance(event_id, str):
            raise Malformed("event_id is not a string")
        return event_id
    digest = reference_hash(pdu, room_version)
    encoded = encode_base64(digest)
    return "$" + (encoded.translate(_URL_SAFE) if room_version.event_id_is_url_safe else encoded)
