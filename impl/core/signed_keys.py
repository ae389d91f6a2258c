"""The keys that devices and people publish, and the signatures on them. C-S API, "Device keys",
"Cross-signing".

A key object is JSON that its owner signed. It is kept whole: what we do not know of it is covered
by the signatures. Two things are done to it here: `unsigned` is taken out, which is ours to say,
and signatures are put in, which others make later.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from impl.core import canonical_json, signing
from impl.core.rejection import Malformed
from impl.core.unpadded_base64 import decode_base64

ED25519 = signing.ALGORITHM
ED25519_BYTES = 32
SIGNATURE_BYTES = 64

MASTER = "master"
SELF_SIGNING = "self_signing"
USER_SIGNING = "user_signing"
USAGES = (MASTER, SELF_SIGNING, USER_SIGNING)

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CrossSigningKey:
    """One of the three keys of a user. `public_key` is in Base64; `value` the object as it came."""

    usage: str
    public_key: str
    value: Json

    @property
    def key_id(self) -> str:
        return f"{ED25519}:{self.public_key}"


def read_name(name: str) -> tuple[str, str]:
    """`<algorithm>:<key id>`."""
    algorithm, colon, key_id = name.partition(":")
    if not algorithm or not colon or not key_id or "\0" in name:
        raise Malformed(f"{name!r} is not <algorithm>:<key id>")
    return algorithm, key_id


def check_device_keys(value: Json, user_id: str, device_id: str) -> None:
    """Raise Malformed unless these can be the keys of a device."""
    for field, expected in (("user_id", user_id), ("device_id", device_id)):
        if value.get(field) != expected:
            raise Malformed(f"{field} is not that of the device that uploads")
    algorithms = value.get("algorithms")
    if not isinstance(algorithms, list) or not all(isinstance(one, str) for one in algorithms):
        raise Malformed("algorithms is not a list of strings")
    if not _is_map_of_strings(value.get("keys")):
        raise Malformed("keys is not an object of strings")
    for name in value["keys"]:
        read_name(name)
    signatures_of(value, user_id)


def read_cross_signing_key(value: object, user_id: str, usage: str) -> CrossSigningKey:
    """A key that a user publishes as theirs for some use. Raises Malformed."""
    if not isinstance(value, dict):
        raise Malformed("it is not an object")
    if value.get("user_id") != user_id:
        raise Malformed("user_id is not that of the user who uploads")
    usages = value.get("usage")
    if not isinstance(usages, list) or usage not in usages:
        raise Malformed(f"usage does not name {usage}")
    keys = value.get("keys")
    if not isinstance(keys, dict) or not _is_map_of_strings(keys) or len(keys) != 1:
        raise Malformed("keys is not an object of one string")
    ((name, public_key),) = keys.items()
    if name != f"{ED25519}:{public_key}":
        raise Malformed(f"the name of the key is not {ED25519}:<public key>")
    if read_public_key(public_key) is None:
        raise Malformed(f"the key is not of {ED25519_BYTES} bytes in Base64")
    signatures_of(value, user_id)
    return CrossSigningKey(usage, public_key, value)


def read_public_key(text: object) -> bytes | None:
    """An Ed25519 key; None for what is none."""
    return _decode(text, ED25519_BYTES)


def device_public_key(device_keys: Json, device_id: str) -> bytes | None:
    """The key that a device signs with; None if it has none that we can read."""
    keys = device_keys.get("keys")
    return read_public_key(keys.get(f"{ED25519}:{device_id}")) if isinstance(keys, dict) else None


def signatures_of(value: Json, user_id: str) -> dict[str, str]:
    """Key id -> signature, of one user. Raises Malformed."""
    signatures = value.get("signatures", {})
    if not isinstance(signatures, dict) or not all(map(_is_map_of_strings, signatures.values())):
        raise Malformed("signatures is not an object of objects of strings")
    found: dict[str, str] = signatures.get(user_id, {})
    return found


def is_signature(text: object) -> bool:
    """Whether it can be one of Ed25519."""
    return _decode(text, SIGNATURE_BYTES) is not None


def is_signed(value: Json, user_id: str, key_id: str, public_key: bytes) -> bool:
    """Whether the object has a user's signature by a key."""
    try:
        signing.verify_json(value, user_id, key_id, public_key)
    except Malformed:
        return False
    return True


def with_signatures(value: Json, user_id: str, more: Mapping[str, str]) -> Json:
    """A copy with more signatures of a user."""
    signatures = value.get("signatures", {})
    return {**value, "signatures": {**signatures, user_id: {**signatures.get(user_id, {}), **more}}}


def without_signatures(value: Json, user_id: str, key_ids: Iterable[str]) -> Json:
    """A copy without some signatures of a user."""
    gone = frozenset(key_ids)
    signatures = dict(value.get("signatures", {}))
    kept = {name: one for name, one in signatures.pop(user_id, {}).items() if name not in gone}
    if kept:
        signatures[user_id] = kept
    return {**value, "signatures": signatures}


def signed_part(value: Json) -> Json:
    """What the signatures cover."""
    return {key: one for key, one in value.items() if key not in ("signatures", "unsigned")}


def write(value: Json) -> str:
    """As it is stored, without `unsigned`; equal for what is equal. Raises Malformed."""
    kept = {key: one for key, one in value.items() if key != "unsigned"}
    return canonical_json.encode(kept).decode()


def _is_map_of_strings(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())


def _decode(text: object, length: int) -> bytes | None:
    if not isinstance(text, str):
        return None
    try:
        decoded = decode_base64(text)
    except Malformed:
        return None
    return decoded if len(decoded) == length else None
