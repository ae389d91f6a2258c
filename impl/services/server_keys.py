"""By which keys has a server signed, and is it so? S-S API, "Validating hashes and signatures on
received events", "Request Authentication".

Keys that are not known are fetched from other servers (server_key_sources.py): nobody may have a
transaction open meanwhile."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from impl import breath, errors
from impl.app import App
from impl.core import policy_server, server_keys, signing
from impl.core.rejection import Malformed
from impl.core.request_auth import Credentials
from impl.core.room_version import RoomVersion
from impl.core.unpadded_base64 import decode_base64
from impl.services import own_keys
from impl.services.known_server_keys import KnownKeys, Needs
from impl.services.server_key_sources import KeySources
from impl.storage.server_keys import KeyName, StoredKey

Json = dict[str, Any]
# Server name -> ids of the keys by which it has signed something, it says there.
Claims = dict[str, list[str]]

# How long events wait for the keys that they were signed with.
FIND_S = 45.0
# Of one server on one event; to check one takes 60 microseconds.
SIGNATURES_MAX = 8
# After so many events the worker's other requests have their turn.
BREATH_EVENTS = 50


class Signer(NamedTuple):
    """A key that is good for requests now, and the signature that is said to be by it."""

    verify_key: bytes
    signature: bytes


def find_signers(app: App, given: Sequence[Credentials], address: str = "") -> list[Signer]:
    """The keys by which a request from some address is signed, it says: those that are good. Raises
    Unauthorized where there is none.
    """
    signers = []
    for one in given:
        verify_key = _request_key(app, (one.origin, one.key_id), address)
        if verify_key is not None:
            try:
                signers.append(Signer(verify_key, decode_base64(one.signature)))
            except Malformed as error:
                raise errors.Unauthorized(f"the signature cannot be read: {error}") from None
    if not signers:
        raise errors.Unauthorized("the request's key is not known to be one of the origin's now")
    return signers


def check_event_signatures(
    app: App, pdus: Sequence[Json], room_version: RoomVersion, timeout_s: float = FIND_S
) -> list[str | None]:
    """Of each PDU, whose format was checked: why its signatures are no good, or None. One good
    signature of each server that is required will do.

    The keys of all are fetched together. What is not there after `timeout_s` is not known."""
    claims = [_claims(app, pdu, room_version) for pdu in breath.between(pdus)]
    needs: dict[KeyName, int] = {}
    for pdu, claimed in breath.between(zip(pdus, claims, strict=True)):
        if not isinstance(claimed, str):
            until_ts = pdu["origin_server_ts"] if room_version.enforce_key_validity else 0
            for name in _names(claimed):
                needs[name] = max(needs.get(name, 0), until_ts)
    keys = _find(app, needs, timeout_s)
    now_ms = app.now_ms()
    faults: list[str | None] = []
    for number, (pdu, claimed) in enumerate(zip(pdus, claims, strict=True), 1):
        if isinstance(claimed, str):
            faults.append(claimed)
        else:
            faults.append(_fault(pdu, room_version, claimed, keys, now_ms))
        if number % BREATH_EVENTS == 0:
            breath.take()
    return faults


def _claims(app: App, pdu: Json, room_version: RoomVersion) -> Claims | str:
    """Who has to have signed an event, and by which keys they did; or what is wrong already."""
    try:
        required = signing.required_servers(pdu, room_version)
    except Malformed as error:
        return str(error)
    now_ms = app.now_ms()
    horizon_ts = now_ms + signing.KEY_VALIDITY_MAX_MS
    if not signing.is_key_valid(room_version, pdu["origin_server_ts"], horizon_ts, now_ms):
        return "it is dated further ahead than any key is good for"
    signatures = pdu.get("signatures")
    claims: Claims = {}
    for server_name in sorted(required):
        given = signatures.get(server_name) if isinstance(signatures, dict) else None
        ids = [one for one in given if _is_published(one)] if isinstance(given, dict) else []
        if not ids:
            return f"{server_name} has not signed it"
        claims[server_name] = ids[:SIGNATURES_MAX]
    return claims


def _is_published(key_id: str) -> bool:
    # That of a policy server stands in its rooms, and nobody could find it elsewhere.
    return server_keys.is_key_id(key_id) and key_id != policy_server.KEY_ID


def _names(claims: Claims) -> list[KeyName]:
    return [(server_name, key_id) for server_name, ids in claims.items() for key_id in ids]


def _fault(
    pdu: Json,
    room_version: RoomVersion,
    claims: Claims,
    keys: Mapping[KeyName, StoredKey],
    now_ms: int,
) -> str | None:
    for server_name, ids in claims.items():
        reason: str | None = None
        for key_id in ids:
            reason = _fault_of_one(pdu, room_version, (server_name, key_id), keys, now_ms)
            if reason is None:
                break
        if reason is not None:
            return reason
    return None


def _fault_of_one(
    pdu: Json,
    room_version: RoomVersion,
    name: KeyName,
    keys: Mapping[KeyName, StoredKey],
    now_ms: int,
) -> str | None:
    server_name, key_id = name
    key = keys.get(name)
    if key is None:
        return f"the key {key_id} of {server_name} is not known"
    signed_ts = pdu["origin_server_ts"]
    if not signing.is_key_valid(room_version, signed_ts, key.valid_until_ts, now_ms):
        return f"the key {key_id} of {server_name} is not known to have been good at the time"
    try:
        signing.verify_event(pdu, room_version, server_name, key_id, key.verify_key)
    except Malformed as error:
        return str(error)
    return None


def _find(app: App, needs: Needs, timeout_s: float) -> dict[KeyName, StoredKey]:
    """What can be known of keys, whether it meets the needs or not."""
    known = app.part(KnownKeys, KnownKeys)
    others = {name: until_ts for name, until_ts in needs.items() if name[0] != app.server_name}
    if unmet := known.unmet(others):
        known.load(unmet)
        if unmet := known.unmet(unmet):
            app.part(KeySources, KeySources).fetch(unmet, timeout_s)
    found = {name: key for name in others if (key := known.get(name)) is not None}
    for name in needs.keys() - others.keys():
        own = own_keys.get(app, name[1])
        if own is not None:
            found[name] = StoredKey(own.verify_key, own.valid_until_ts, own.is_old, 0)
    return found


def _request_key(app: App, name: KeyName, address: str) -> bytes | None:
    """The key, if the server may sign requests with it now."""
    if not server_keys.is_key_id(name[1]):
        return None
    known = app.part(KnownKeys, KnownKeys)
    sources = app.part(KeySources, KeySources)
    needs = {name: app.now_ms()}
    if known.unmet(needs):
        known.load(needs)
        if known.unmet(needs):
            sources.fetch_for_request(name, address)
    key = known.get(name)
    now_ms = app.now_ms()
    if key is None or key.is_old or key.valid_until_ts < now_ms:
        return None
    if now_ms - key.fetched_ts > key.valid_until_ts - now_ms:
        # More than half of its time is over.
        sources.refresh(name, key.fetched_ts)
    return key.verify_key
