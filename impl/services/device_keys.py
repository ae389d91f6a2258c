"""The keys of devices: upload, query, claim. C-S API, "Key Distribution".

Keys are passed through: what one device uploads, another must be able to verify. So they are
written once in their canonical form, and leave as this text."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from impl import errors
from impl.app import App
from impl.core import identifiers, signed_keys
from impl.core.rejection import Malformed
from impl.requester import Requester
from impl.services import published_keys
from impl.services.published_keys import Published
from impl.services.remote_devices import asking
from impl.services.sync.key_counts import NONE_LEFT
from impl.storage import cross_signing, device_keys, device_lists
from impl.storage.device_keys import KeyOfDevice, Wanted

# Clients keep fifty or a hundred.
ONE_TIME_KEYS_MAX = 1_000
FALLBACK_KEYS_MAX = 20
KEY_BYTES_MAX = 8_192
DEVICE_KEYS_BYTES_MAX = 65_536
NAME_MAX = 255

Keys = Mapping[str, str | dict[str, Any]]

_write_key = msgspec.json.Encoder(order="sorted").encode


@dataclass(frozen=True, slots=True)
class NewKeys:
    """Keys of a device that were looked at, each by itself."""

    identity: dict[str, Any] | None
    one_time: list[KeyOfDevice]
    fallback: list[KeyOfDevice]


def upload(
    app: App,
    requester: Requester,
    identity: dict[str, Any] | None,
    one_time: Keys | None,
    fallback: Keys | None,
) -> dict[str, int]:
    """Publish keys of the requester's device; how many one-time keys it has then, by algorithm."""
    user_id, device_id = requester.user_id, requester.device_id
    if device_id is None:
        raise errors.MissingParam("device_id is missing: keys are those of a device")
    keys = read(user_id, device_id, identity, one_time, fallback)
    with app.database.transaction() as txn:
        if not device_keys.lock_device(txn, user_id, device_id):
            raise errors.UnknownToken("the device was logged out")
        counts = put(txn, user_id, device_id, keys)
    if keys.one_time or keys.fallback:
        app.page.move_keys()
    return NONE_LEFT | counts


def read(
    user_id: str,
    device_id: str,
    identity: dict[str, Any] | None,
    one_time: Keys | None,
    fallback: Keys | None,
) -> NewKeys:
    """What somebody would publish for a device. Raises InvalidParam, InvalidSignature, TooLarge."""
    if identity is not None:
        _check_identity(identity, user_id, device_id)
    one_time_keys = _read_keys("one_time_keys", one_time or {})
    fallback_keys = _read_keys("fallback_keys", fallback or {})
    if len({one.algorithm for one in fallback_keys}) < len(fallback_keys):
        raise errors.InvalidParam("fallback_keys has two keys of one algorithm")
    return NewKeys(identity, one_time_keys, fallback_keys)


def put(txn: Any, user_id: str, device_id: str, keys: NewKeys) -> dict[str, int]:
    """Publish keys of a device that is locked; how many one-time keys it has then. Raises
    InvalidParam for what does not go with the keys that it has.
    """
    if keys.identity is not None:
        _put_identity(txn, user_id, device_id, keys.identity)
    if keys.one_time:
        _put_one_time(txn, user_id, device_id, keys.one_time)
    if keys.fallback:
        device_keys.put_fallback(txn, user_id, device_id, keys.fallback)
        if device_keys.count_fallback(txn, user_id, device_id) > FALLBACK_KEYS_MAX:
            raise errors.InvalidParam("fallback_keys are of too many algorithms")
    counts = device_keys.count(txn, user_id, device_id)
    if sum(counts.values()) > ONE_TIME_KEYS_MAX and keys.one_time:
        raise errors.InvalidParam(
            f"one_time_keys would become more than {ONE_TIME_KEYS_MAX} for the device"
        )
    return counts


def _check_identity(identity: dict[str, Any], user_id: str, device_id: str) -> None:
    try:
        signed_keys.check_device_keys(identity, user_id, device_id)
        size = len(signed_keys.write(identity))
    except Malformed as error:
        raise errors.InvalidParam(f"device_keys: {error}") from error
    if size > DEVICE_KEYS_BYTES_MAX:
        raise errors.TooLarge(f"device_keys is larger than {DEVICE_KEYS_BYTES_MAX} bytes")
    # What is not of Ed25519 is for other devices to judge; what is must be right.
    public_key = signed_keys.device_public_key(identity, device_id)
    key_id = f"{signed_keys.ED25519}:{device_id}"
    signature = signed_keys.signatures_of(identity, user_id).get(key_id)
    if public_key is None or not signed_keys.is_signature(signature):
        return
    if not signed_keys.is_signed(identity, user_id, key_id, public_key):
        raise errors.InvalidSignature(f"device_keys: the signature by {key_id} is wrong")


def _read_keys(field: str, keys: Keys) -> list[KeyOfDevice]:
    found = []
    for name, value in keys.items():
        try:
            algorithm, key_id = signed_keys.read_name(name)
        except Malformed as error:
            raise errors.InvalidParam(f"{field}: {error}") from error
        written = _write_key(value)
        if len(name) > NAME_MAX or len(written) > KEY_BYTES_MAX:
            raise errors.TooLarge(f"{field}: a key is larger than {KEY_BYTES_MAX} bytes")
        found.append(KeyOfDevice(algorithm, key_id, written.decode()))
    if len(found) > ONE_TIME_KEYS_MAX:
        raise errors.InvalidParam(f"{field} has more than {ONE_TIME_KEYS_MAX} keys")
    return found


def _put_identity(txn: Any, user_id: str, device_id: str, identity: dict[str, Any]) -> None:
    stored = device_keys.lock(txn, user_id, [device_id]).get(device_id)
    if stored is not None:
        old = msgspec.json.decode(stored)
        if signed_keys.signed_part(old) == signed_keys.signed_part(identity):
            # The device does not know what others of the user's keys have signed since.
            own = signed_keys.signatures_of(old, user_id)
            own |= signed_keys.signatures_of(identity, user_id)
            identity = signed_keys.with_signatures(identity, user_id, own)
    key_json = signed_keys.write(identity)
    if key_json != stored:
        device_keys.put(txn, user_id, device_id, key_json)
        device_lists.put(txn, user_id, [device_id])


def _put_one_time(txn: Any, user_id: str, device_id: str, keys: Sequence[KeyOfDevice]) -> None:
    device_keys.put_one_time(txn, user_id, device_id, keys)
    other = device_keys.find_other(txn, user_id, device_id, keys)
    if other is not None:
        raise errors.InvalidParam(f"one_time_keys: {other} is there already, and is another key")


def query(
    app: App,
    requester: Requester,
    wanted: Mapping[str, Sequence[str]],
    timeout_ms: int | None = None,
) -> dict[str, dict[str, Any]]:
    """The keys of users' devices, all or some, with the users' cross-signing keys."""
    local, others = _sort_out(app, wanted, "device_keys")
    viewer = requester.user_id
    asked = asking.Asked()
    if others:
        asked = asking.query(app, {user_id: wanted[user_id] for user_id in others}, timeout_ms)
    published = asked.published | published_keys.of(app).get_many({*local, viewer})
    shown = [user_id for user_id in wanted if user_id in published]
    vouched = _vouched_for(app, viewer, shown, published)
    found: dict[str, dict[str, Any]] = {
        "failures": asked.failures,
        "device_keys": {},
        "master_keys": {},
        "self_signing_keys": {},
        "user_signing_keys": {},
    }
    for user_id in shown:
        keys, named = published[user_id], wanted[user_id]
        devices = keys.devices
        if named:
            devices = {device_id: devices[device_id] for device_id in named if device_id in devices}
        found["device_keys"][user_id] = devices
        if keys.master is not None:
            master = keys.master.as_json(viewer, vouched.get(user_id, {}))
            found["master_keys"][user_id] = master
        if keys.self_signing is not None:
            found["self_signing_keys"][user_id] = keys.self_signing
        if keys.user_signing is not None and user_id == viewer:
            found["user_signing_keys"][user_id] = keys.user_signing.as_json
    return found


def _vouched_for(
    app: App, viewer: str, user_ids: Sequence[str], published: Mapping[str, Published]
) -> dict[str, dict[str, str]]:
    """The signature by which the viewer vouches for another's master key, with its key id. One by
    or of a key that was replaced is without effect.
    """
    own = published[viewer].user_signing
    if own is None:
        return {}
    with app.database.read() as txn:
        signatures = cross_signing.list_user_signatures(txn, viewer, own.public_key, user_ids)
    key_id = f"{signed_keys.ED25519}:{own.public_key}"
    return {
        one.target_user_id: {key_id: one.signature}
        for one in signatures
        if (master := published[one.target_user_id].master) is not None
        and master.public_key == one.target_key
    }


def claim(
    app: App, wanted: Mapping[str, Mapping[str, str]], timeout_ms: int | None = None
) -> tuple[dict[str, dict[str, dict[str, Any]]], dict[str, Any]]:
    """A key for each device: user -> device -> name -> key; and the servers that do not answer."""
    local, others = _sort_out(app, wanted, "one_time_keys")
    found: dict[str, dict[str, dict[str, Any]]] = {}
    failures: dict[str, Any] = {}
    if others:
        chosen = {user_id: wanted[user_id] for user_id in others}
        found, failures = asking.claim(app, chosen, timeout_ms)
    return found | claim_own(app, {user_id: wanted[user_id] for user_id in local}), failures


def claim_own(
    app: App, wanted: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, dict[str, msgspec.Raw]]]:
    """The same of users of ours."""
    claims = [
        Wanted(user_id, device_id, algorithm)
        for user_id, devices in wanted.items()
        for device_id, algorithm in devices.items()
        if "\0" not in device_id and "\0" not in algorithm
    ]
    if not claims:
        return {}
    with app.database.at_once() as txn:
        taken = device_keys.claim_one_time(txn, claims, app.now_ms())
        missing = [one for one in claims if one not in taken]
        if missing:
            taken |= device_keys.claim_fallback(txn, missing)
    if taken:
        app.page.move_keys()
    found: dict[str, dict[str, dict[str, msgspec.Raw]]] = {}
    for one, key in taken.items():
        name = f"{key.algorithm}:{key.key_id}"
        keys = {name: msgspec.Raw(key.key_json.encode())}
        found.setdefault(one.user_id, {})[one.device_id] = keys
    return found


def _sort_out(app: App, user_ids: Iterable[str], field: str) -> tuple[list[str], list[str]]:
    """Users of ours, and of other servers."""
    local, others = [], []
    for user_id in user_ids:
        if not identifiers.is_user_id(user_id):
            raise errors.InvalidParam(f"{field} names {user_id!r}, which is not a user id")
        is_ours = identifiers.server_name_of(user_id) == app.server_name
        (local if is_ours else others).append(user_id)
    return local, others
