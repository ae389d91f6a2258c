"""The keys about signing keys -> settings: those that this server once had, those that it uses
as a notary, and whom it asks for those of others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from impl.config.section import Section
from impl.core.identifiers import is_server_name
from impl.core.rejection import Malformed
from impl.core.signing import SigningKey, read_signing_keys
from impl.core.unpadded_base64 import decode_base64

_ED25519_BYTES = 32


@dataclass(frozen=True, slots=True)
class TrustedKeyServer:
    """A server that may tell us other servers' signing keys."""

    server_name: str
    # Key id -> key in Base64; without any, the TLS certificate vouches for its answers.
    verify_keys: Mapping[str, str] = field(default_factory=dict)
    accept_keys_insecurely: bool = False


@dataclass(frozen=True, slots=True)
class OldSigningKey:
    """A key that this server signed with once: what it signed stays valid."""

    key_id: str
    verify_key: bytes
    expired_ts: int


def read(root: Section) -> dict[str, object]:
    """The fields of `Config` that are about signing keys."""
    return {
        "trusted_key_servers": _read_trusted_key_servers(root),
        "old_signing_keys": _read_old_signing_keys(root),
        "key_refresh_interval": root.duration("key_refresh_interval", 86_400_000),
        "key_server_signing_keys": _read_notary_keys(root),
    }


def _read_trusted_key_servers(root: Section) -> tuple[TrustedKeyServer, ...]:
    key = "trusted_key_servers"
    is_checked = root.boolean("federation_verify_certificates", True)
    if key not in root:
        root.accept(key)
        if not is_checked:
            raise root.error(
                key, "is not given, and matrix.org is nobody to trust without its certificate"
            )
        return (TrustedKeyServer("matrix.org"),)
    servers = []
    for section in root.sections(key):
        name = section.required_string("server_name")
        if not is_server_name(name):
            raise section.error("server_name", f"is not a server name: {name!r}")
        keys = section.mapping("verify_keys")
        for key_id, verify_key in keys.items():
            _decode_key(section, f"verify_keys.{key_id}", key_id, verify_key)
        is_accepted = section.boolean("accept_keys_insecurely", False)
        if not (is_checked or keys or is_accepted):
            raise section.error(
                "verify_keys", "is missing: without a certificate its keys must vouch for it"
            )
        verify_keys = {key_id: str(verify_key) for key_id, verify_key in keys.items()}
        servers.append(TrustedKeyServer(name, verify_keys, is_accepted))
        section.finish()
    return tuple(servers)


def _read_old_signing_keys(root: Section) -> tuple[OldSigningKey, ...]:
    section = root.section("old_signing_keys")
    keys = []
    for key_id in root.mapping("old_signing_keys"):
        one = section.section(key_id)
        verify_key = _decode_key(section, key_id, key_id, one.required_string("key"))
        if one.raw("expired_ts") is None:
            raise one.error("expired_ts", "is missing: when it was last signed with, in ms")
        keys.append(OldSigningKey(key_id, verify_key, one.integer("expired_ts", 0)))
        one.finish()
    return tuple(keys)


def _read_notary_keys(root: Section) -> tuple[SigningKey, ...]:
    key = "key_server_signing_keys_path"
    path = root.path(key)
    if path is None:
        return ()
    try:
        return tuple(read_signing_keys(path.read_text()))
    except OSError as error:
        raise root.error(key, f"names {path}, which cannot be read: {error.strerror}") from None
    except (Malformed, UnicodeDecodeError):
        raise root.error(key, f"names {path}, which holds no signing key") from None


def _decode_key(section: Section, place: str, key_id: str, key: object) -> bytes:
    try:
        decoded = decode_base64(key) if isinstance(key, str) else b""
    except Malformed:
        decoded = b""
    if not key_id.startswith("ed25519:") or len(decoded) != _ED25519_BYTES:
        raise section.error(place, "must be an ed25519 key in base64")
    return decoded
