"""People with real keys: what their devices upload, and what they sign."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from impl.core import signing
from impl.core.signing import SigningKey
from impl.core.unpadded_base64 import encode_base64

Json = dict[str, Any]


def key_of(name: str) -> SigningKey:
    """The same for the same name."""
    return signing.new_signing_key(hashlib.sha256(name.encode()).digest(), name)


def public(key: SigningKey) -> str:
    return encode_base64(key.verify_key)


def sign(value: Json, user_id: str, key: SigningKey, key_id: str | None = None) -> Json:
    """A copy with the user's signature, by the name under which the key is known."""
    named = SigningKey(key_id or f"ed25519:{public(key)}", key.key)
    return signing.sign_json(value, user_id, named)


@dataclass
class Device:
    user_id: str
    device_id: str = "DEVICE"
    key: SigningKey = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.key = key_of(f"{self.user_id} {self.device_id}")

    @property
    def key_id(self) -> str:
        return f"ed25519:{self.device_id}"

    def sign(self, value: Json) -> Json:
        return sign(value, self.user_id, self.key, self.key_id)

    def keys(self, **more: object) -> Json:
        """Its identity keys."""
        value = {
            "user_id": self.user_id,
            "device_id": self.device_id,
            "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
            "keys": {self.key_id: public(self.key), f"curve25519:{self.device_id}": "x" * 43},
            **more,
        }
        return self.sign(value)

    def one_time(self, *names: str, **more: object) -> Json:
        return {
            f"signed_curve25519:{name}": self.sign({"key": f"public half of {name}", **more})
            for name in names
        }

    def fallback(self, name: str) -> Json:
        return self.one_time(name, fallback=True)


@dataclass
class Identity:
    """A user's three cross-signing keys; `generation` tells sets of them apart."""

    user_id: str
    generation: int = 1

    def key(self, usage: str) -> SigningKey:
        return key_of(f"{self.user_id} {usage} {self.generation}")

    def public(self, usage: str) -> str:
        return public(self.key(usage))

    def unsigned_object(self, usage: str) -> Json:
        name = self.public(usage)
        return {"user_id": self.user_id, "usage": [usage], "keys": {f"ed25519:{name}": name}}

    def object(self, usage: str) -> Json:
        value = self.unsigned_object(usage)
        return value if usage == "master" else self.sign(value, "master")

    def upload(self, *usages: str) -> Json:
        wanted = usages or ("master", "self_signing", "user_signing")
        return {f"{usage}_key": self.object(usage) for usage in wanted}

    def sign(self, value: Json, usage: str) -> Json:
        return sign(value, self.user_id, self.key(usage))
