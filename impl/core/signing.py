"""Ed25519 signatures of JSON and of events. Appendices, "Signing JSON"; S-S API, "Signing Events".

The file of signing keys has a line for each key, `ed25519 VERSION SEED` with the seed of 32 bytes
in unpadded Base64, as Synapse writes it, so that a server can move here with its name.
"""

from dataclasses import dataclass
from typing import Any

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey as NaclSigningKey
from nacl.signing import VerifyKey as NaclVerifyKey

from impl.core import canonical_json, event_hash, identifiers, redaction
from impl.core.rejection import Malformed
from impl.core.room_version import RoomVersion
from impl.core.unpadded_base64 import decode_base64, encode_base64

ALGORITHM = "ed25519"
KEY_VALIDITY_MAX_MS = 7 * 24 * 60 * 60 * 1000

_VOUCHING = "join_authorised_via_users_server"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with its name, `ed25519:VERSION`."""

    key_id: str
    key: NaclSigningKey

    @property
    def verify_key(self) -> bytes:
        """The public half: 32 bytes."""
        return bytes(self.key.verify_key)

    def sign(self, message: bytes) -> bytes:
        return self.key.sign(message).signature

    def __repr__(self) -> str:
        return f"<SigningKey {self.key_id}>"


def new_signing_key(seed: bytes, version: str) -> SigningKey:
    """From 32 random bytes."""
    return SigningKey(f"{ALGORITHM}:{version}", NaclSigningKey(seed))


def read_signing_keys(text: str) -> list[SigningKey]:
    """The keys of a key file. Raises Malformed."""
    keys = []
    for line in text.splitlines():
        if not line.strip():
            continue
        parts = line.split()
        if len(parts) != 3 or parts[0] != ALGORITHM:
            raise Malformed(f"a line of a key file is not '{ALGORITHM} VERSION SEED'")
        seed = decode_base64(parts[2])
        if len(seed) != 32:
            raise Malformed("a seed in a key file is not of 32 bytes")
        keys.append(new_signing_key(seed, parts[1]))
    if not keys:
        raise Malformed("the key file holds no key")
    return keys


def write_signing_key(key: SigningKey) -> str:
    """The line of a key file."""
    version = key.key_id.partition(":")[2]
    return f"{ALGORITHM} {version} {encode_base64(bytes(key.key))}\n"


def sign_json(value: dict[str, Any], server_name: str, key: SigningKey) -> dict[str, Any]:
    """A copy with our signature added to `signatures`."""
    signature = encode_base64(key.sign(_signed_bytes(value, strict=True)))
    return {**value, "signatures": _with_signature(value, server_name, key, signature)}


def verify_json(
    value: dict[str, Any], server_name: str, key_id: str, verify_key: bytes, *, strict: bool = True
) -> None:
    """Raise Malformed unless the JSON bears a server's signature by that key."""
    signatures = value.get("signatures")
    of_server = signatures.get(server_name) if isinstance(signatures, dict) else None
    signature = of_server.get(key_id) if isinstance(of_server, dict) else None
    if not isinstance(signature, str):
        raise Malformed(f"there is no signature of {server_name} by {key_id}")
    message = _signed_bytes(value, strict=strict)
    if not is_signed(message, decode_base64(signature), verify_key):
        raise Malformed(f"the signature of {server_name} by {key_id} is wrong")


def is_signed(message: bytes, signature: bytes, verify_key: bytes) -> bool:
    """Whether that is a signature of a message."""
    try:
        NaclVerifyKey(verify_key).verify(message, signature)
    except (BadSignatureError, ValueError, TypeError):
        return False
    return True


def sign_event(
    pdu: dict[str, Any], room_version: RoomVersion, server_name: str, key: SigningKey
) -> dict[str, Any]:
    """A copy with its content hash and our signature. S-S API, "Signing Events"."""
    hashes = pdu.get("hashes", {})
    if not isinstance(hashes, dict):
        raise Malformed("hashes is not an object")
    hashed = {
        **pdu,
        "hashes": {**hashes, "sha256": event_hash.content_hash(pdu, room_version)},
    }
    return countersign_event(hashed, room_version, server_name, key)


def countersign_event(
    pdu: dict[str, Any], room_version: RoomVersion, server_name: str, key: SigningKey
) -> dict[str, Any]:
    """A copy with our signature besides those that it has: all else stays as it is.

    What is signed is what a redaction leaves, so that signatures hold for redacted events.
    """
    redacted = redaction.redact(pdu, room_version)
    message = _signed_bytes(redacted, strict=room_version.strict_canonical_json)
    signature = encode_base64(key.sign(message))
    return {**pdu, "signatures": _with_signature(pdu, server_name, key, signature)}


def verify_event(
    pdu: dict[str, Any],
    room_version: RoomVersion,
    server_name: str,
    key_id: str,
    verify_key: bytes,
) -> None:
    """Raise Malformed unless the event bears a server's signature by that key."""
    redacted = redaction.redact(pdu, room_version)
    verify_json(
        redacted, server_name, key_id, verify_key, strict=room_version.strict_canonical_json
    )


def required_servers(pdu: dict[str, Any], room_version: RoomVersion) -> frozenset[str]:
    """The servers that must have signed an event. Raises Malformed where it names none.

    S-S API, "Validating hashes and signatures on received events"; Rooms, "Authorisation rules".
    """
    content = pdu["content"]
    is_member = pdu["type"] == "m.room.member"
    servers = set()
    # A third-party invite is sent by whichever server came to know of it; its rule asks for another
    # signature.
    is_invite = is_member and content.get("membership") == "invite"
    if not (is_invite and "third_party_invite" in content):
        servers.add(identifiers.server_name_of(pdu["sender"]))
    # Until version 2 also the server that made the event's id.
    if not room_version.event_id_is_hash:
        servers.add(identifiers.server_name_of(pdu["event_id"]))
    # Since version 8 also the server of the user who vouches for a join.
    if room_version.restricted_join and is_member and _VOUCHING in content:
        if not identifiers.is_user_id(content[_VOUCHING]):
            raise Malformed(f"{_VOUCHING} is not a user id")
        servers.add(identifiers.server_name_of(content[_VOUCHING]))
    return frozenset(servers)


def is_key_valid(
    room_version: RoomVersion, origin_server_ts: int, valid_until_ts: int, now_ms: int
) -> bool:
    """May a key that was fetched just now, and says until when it is valid, have signed an event?

    Rooms, "Signing key validity period".
    """
    # Until version 4 nobody asks.
    if not room_version.enforce_key_validity:
        return True
    # Nobody can promise for longer than a week, so that a stolen key's promise ends.
    return origin_server_ts <= min(valid_until_ts, now_ms + KEY_VALIDITY_MAX_MS)


def _with_signature(
    value: dict[str, Any], server_name: str, key: SigningKey, signature: str
) -> dict[str, dict[str, Any]]:
    signatures = value.get("signatures", {})
    if not isinstance(signatures, dict) or not all(
        isinstance(by_key, dict) for by_key in signatures.values()
    ):
        raise Malformed("signatures is not an object of objects")
    of_server = {**signatures.get(server_name, {}), key.key_id: signature}
    return {**signatures, server_name: of_server}


def _signed_bytes(value: dict[str, Any], *, strict: bool) -> bytes:
    signed = {key: inner for key, inner in value.items() if key not in ("signatures", "unsigned")}
    return canonical_json.encode(signed, strict=strict)
