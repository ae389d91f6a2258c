"""Ed25519 signatures of JSON and of events. Appendices, "Signing JSON"; S-S API, "Signing Events".

The file of signing keys has a line for each key, `ed25519 VERSION SEED` with the seed of 32 bytes
in unpadded Base64, as Synapse writes it, so that a server can move here with its name.
"""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from typing import Any

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey as NaclSigningKey
from nacl.signing import VerifyKey as NaclVerifyKey

from impl.core import canonical_json, event_hash, identifiers, redaction
from impl.core.rejection import Malformed
from impl.core.room_version import RoomVersion

ALGORITHM = "ed25519"


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


def encode_base64(data: bytes) -> str:
    """Unpadded Base64. Appendices, "Unpadded Base64"."""
    return b64encode(data).rstrip(b"=").decode()


def decode_base64(text: str) -> bytes:
    """Raises Malformed. Takes padding and the URL-safe alphabet as well."""
    try:
        standard = text.rstrip("=").replace("-", "+").replace("_", "/")
        return b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (Base64Error, ValueError) as error:
        raise Malformed(f"not Base64: {error}") from error


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
    try:
        NaclVerifyKey(verify_key).verify(
            _signed_bytes(value, strict=strict), decode_base64(signature)
        )
    except (BadSignatureError, ValueError, TypeError) as error:
        raise Malformed(f"the signature of {server_name} by {key_id} is wrong") from error


def sign_event(
    pdu: dict[str, Any], room_version: RoomVersion, server_name: str, key: SigningKey
) -> dict[str, Any]:
    """A copy with its content hash and our signature. S-S API, "Signing Events".

    What is signed is what a redaction leaves, so that signatures hold for redacted events.
    """
    hashes = pdu.get("hashes", {})
    if not isinstance(hashes, dict):
        raise Malformed("hashes is not an object")
    hashed = {
        **pdu,
        "hashes": {**hashes, "sha256": event_hash.content_hash(pdu, room_version)},
    }
    redacted = redaction.redact(hashed, room_version)
    message = _signed_bytes(redacted, strict=room_version.strict_canonical_json)
    signature = encode_base64(key.sign(message))
    hashed["signatures"] = _with_signature(pdu, server_name, key, signature)
    return hashed


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
    if room_version.restricted_join and is_member:
        vouching = content.get("join_authorised_via_users_server")
        if vouching is not None and not identifiers.is_user_id(vouching):
            raise Malformed("join_authorised_via_users_server is not a user id")
        if vouching is not None:
            servers.add(identifiers.server_name_of(vouching))
    return frozenset(servers)


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
