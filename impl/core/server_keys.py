"""Documents of signing keys: what a server publishes of its own, and notaries pass on. S-S API,
"Publishing Keys", "Querying Keys Through Another Server".

A document bears the signatures of the keys that it is about, so that whoever has it can show it to
others. A key that did not sign it is not in it: nobody can publish a key that they do not have."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from impl.core import canonical_json, identifiers, signing
from impl.core.rejection import Malformed
from impl.core.signing import KEY_VALIDITY_MAX_MS, SigningKey
from impl.core.unpadded_base64 import decode_base64, encode_base64

Json = dict[str, Any]

DOCUMENT_BYTES_MAX = 65_536
# Current and old ones, each. A signature takes 60 microseconds to check.
KEYS_MAX = 64
KEY_ID_MAX = 255
VERIFY_KEY_BYTES = 32

_PREFIX = signing.ALGORITHM + ":"
# The secret halves of these are public: whoever signs with one may be anybody. COMPAT(Synapse,
# 1.139): it refuses the same, ELEMENTSEC-2025-1670.
_COMPROMISED = frozenset({decode_base64("l/O9hxMVKB6Lg+3Hqf0FQQZhVESQcMzbPN1Cz2nM3og")})


@dataclass(frozen=True, slots=True)
class ServerKey:
    """A public key of a server. `valid_until_ts`: of an old one, when it ended; of a current one,
    until when the document vouches for it. Requests are signed with current keys only.
    """

    verify_key: bytes
    valid_until_ts: int
    is_old: bool = False


@dataclass(frozen=True, slots=True)
class KeyDocument:
    """A document that was checked. `value` has the signatures of its server and no others;
    `good_until_ts` is how far one may rely on what it says of current keys.
    """

    server_name: str
    valid_until_ts: int
    good_until_ts: int
    keys: Mapping[str, ServerKey]
    value: Json


def is_key_id(key_id: object) -> bool:
    """Of an algorithm that we know. Servers have other versions than the specification has
    letters for, so all that can be stored and sent is taken."""
    return (
        isinstance(key_id, str)
        and key_id.startswith(_PREFIX)
        and len(_PREFIX) < len(key_id) <= KEY_ID_MAX
        and key_id.isprintable()
    )


def read(value: object, now_ms: int) -> KeyDocument:
    """Check a document that was fetched now. Raises Malformed.

    No key is good for longer than a week from now, whatever is said of it: so a stolen key is not
    good for ever.
    """
    if not isinstance(value, dict):
        raise Malformed("it is not an object")
    server_name = value.get("server_name")
    if not isinstance(server_name, str) or not identifiers.is_server_name(server_name):
        raise Malformed("server_name is not the name of a server")
    valid_until_ts = _timestamp(value.get("valid_until_ts"), "valid_until_ts")
    document = {**value, "signatures": {server_name: _signatures(value, server_name)}}
    document.pop("unsigned", None)
    if len(canonical_json.encode(document)) > DOCUMENT_BYTES_MAX:
        raise Malformed("it is too large")

    good_until_ts = min(valid_until_ts, now_ms + KEY_VALIDITY_MAX_MS)
    keys = {
        key_id: ServerKey(verify_key, good_until_ts)
        for key_id, (verify_key, _) in _read_keys(value, "verify_keys").items()
        if _is_signed(document, server_name, key_id, verify_key)
    }
    if not keys:
        raise Malformed("none of its keys has signed it")
    for key_id, (verify_key, entry) in _read_keys(value, "old_verify_keys").items():
        expired_ts = _timestamp(entry.get("expired_ts"), "old_verify_keys: expired_ts")
        keys[key_id] = ServerKey(verify_key, min(expired_ts, now_ms + KEY_VALIDITY_MAX_MS), True)
    return KeyDocument(server_name, valid_until_ts, good_until_ts, keys, document)


def write(
    server_name: str,
    signing_keys: Iterable[SigningKey],
    old_keys: Mapping[str, ServerKey],
    valid_until_ts: int,
) -> Json:
    """The document of a server's own keys, signed by all that are current."""
    signing_keys = list(signing_keys)
    document: Json = {
        "server_name": server_name,
        "valid_until_ts": valid_until_ts,
        "verify_keys": {key.key_id: {"key": encode_base64(key.verify_key)} for key in signing_keys},
        "old_verify_keys": {
            key_id: {"key": encode_base64(key.verify_key), "expired_ts": key.valid_until_ts}
            for key_id, key in old_keys.items()
        },
    }
    for key in signing_keys:
        document = signing.sign_json(document, server_name, key)
    return document


def _read_keys(value: Json, field: str) -> dict[str, tuple[bytes, Json]]:
    """Key id -> the key, and what is said of it. Of other algorithms we know nothing."""
    entries = value.get(field, {})
    if not isinstance(entries, dict) or len(entries) > KEYS_MAX:
        raise Malformed(f"{field} is not an object of at most {KEYS_MAX} keys")
    keys = {}
    for key_id, entry in entries.items():
        if not is_key_id(key_id):
            continue
        text = entry.get("key") if isinstance(entry, dict) else None
        verify_key = decode_base64(text) if isinstance(text, str) else b""
        if len(verify_key) != VERIFY_KEY_BYTES:
            raise Malformed(f"{field}: {key_id} is not a key of {VERIFY_KEY_BYTES} bytes")
        if verify_key not in _COMPROMISED:
            keys[key_id] = verify_key, entry
    return keys


def _signatures(value: Json, server_name: str) -> Json:
    signatures = value.get("signatures")
    of_server = signatures.get(server_name) if isinstance(signatures, dict) else None
    if not isinstance(of_server, dict):
        raise Malformed("its server has not signed it")
    return of_server


def _is_signed(document: Json, server_name: str, key_id: str, verify_key: bytes) -> bool:
    try:
        signing.verify_json(document, server_name, key_id, verify_key)
    except Malformed:
        return False
    return True


def _timestamp(value: object, field: str) -> int:
    if type(value) is not int or not 0 <= value <= canonical_json.INTEGER_MAX:
        raise Malformed(f"{field} is not a time in milliseconds")
    return value
