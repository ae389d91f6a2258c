"""Cross-signing: a user's three keys, and the signatures by which people and devices vouch for each
other. C-S API, "Cross-signing".

Theory. The master key signs the other two; the self-signing key signs the user's devices, the
user-signing key other users' master keys, and devices sign their user's master key. What a user's
own keys and devices say of each other everybody may see: it is put into the signed object when it
comes, so that a query passes on what is stored. What a user-signing key says of others is for its
owner alone, and has rows of its own.

A signature that we cannot verify is not kept."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from impl import errors
from impl.app import App
from impl.core import identifiers, signed_keys
from impl.core.rejection import Malformed
from impl.core.signed_keys import MASTER, SELF_SIGNING, USAGES, USER_SIGNING, CrossSigningKey
from impl.requester import Requester
from impl.services import user_interactive_auth
from impl.services.devices import is_service
from impl.services.remote_devices import asking
from impl.storage import cross_signing, device_keys, device_lists, devices
from impl.storage.cross_signing import StoredKey, UserSignature
from impl.storage.device_lists import CROSS_SIGNING

KEY_BYTES_MAX = 65_536
SIGNED_MAX = 1_000

Keys = Mapping[str, CrossSigningKey]
Failures = dict[str, dict[str, dict[str, Any]]]


def upload(app: App, requester: Requester, body: Mapping[str, Any]) -> None:
    """Publish keys, (usage)_key each, in place of older ones."""
    # The last step of an authentication may leave the keys out.
    is_step = body.get("auth") is not None and not any(body.get(f"{one}_key") for one in USAGES)
    if not is_step and _put(app, requester, body, is_proved=is_service(requester)):
        return
    proved = user_interactive_auth.authenticate_user(app, requester, "upload_cross_signing", body)
    _put(app, requester, proved, is_proved=True)


def _put(app: App, requester: Requester, body: Mapping[str, Any], *, is_proved: bool) -> bool:
    """False if it takes a proof of who asks: the keys are others than those that are there."""
    user_id = requester.user_id
    keys = _read(user_id, body)
    with app.database.transaction() as txn:
        cross_signing.lock_user(txn, user_id)
        stored = cross_signing.list_of_user(txn, user_id)
        new = {usage: one for usage, one in keys.items() if _is_new(stored, one)}
        if MASTER in new:
            # What the old one has signed counts no more.
            new = keys
        master = keys[MASTER].public_key if MASTER in keys else None
        if master is None and MASTER not in stored:
            raise errors.MissingParam("master_key is missing, and none is there")
        if not new:
            return True
        _check(txn, user_id, new, master or stored[MASTER].public_key)
        if MASTER in stored and not is_proved:
            return False
        if MASTER in new:
            cross_signing.delete(txn, user_id, [one for one in USAGES if one not in keys])
        cross_signing.put(txn, [_as_stored(user_id, one) for one in new.values()])
        device_lists.put(txn, user_id, [CROSS_SIGNING])
    return True


def _read(user_id: str, body: Mapping[str, Any]) -> dict[str, CrossSigningKey]:
    keys: dict[str, CrossSigningKey] = {}
    for usage in USAGES:
        field = f"{usage}_key"
        if body.get(field) is None:
            continue
        try:
            keys[usage] = key = signed_keys.read_cross_signing_key(body[field], user_id, usage)
            size = len(signed_keys.write(key.value))
        except Malformed as error:
            raise errors.InvalidParam(f"{field}: {error}") from error
        if size > KEY_BYTES_MAX:
            raise errors.TooLarge(f"{field} is larger than {KEY_BYTES_MAX} bytes")
    if len({one.public_key for one in keys.values()}) < len(keys):
        raise errors.InvalidParam("two of the keys are the same")
    return keys


def _is_new(stored: Mapping[str, StoredKey], key: CrossSigningKey) -> bool:
    return key.usage not in stored or stored[key.usage].public_key != key.public_key


def _check(txn: Any, user_id: str, keys: Keys, master: str) -> None:
    """Raises Forbidden, InvalidSignature. `master` is in Base64."""
    for usage, key in keys.items():
        if devices.get(txn, user_id, key.public_key) is not None:
            raise errors.Forbidden(f"{usage}_key: a device has this id")
    public_key = signed_keys.read_public_key(master) or b""
    key_id = f"{signed_keys.ED25519}:{master}"
    for usage, key in keys.items():
        if usage == MASTER:
            _check_own(txn, user_id, key)
        elif not signed_keys.is_signed(key.value, user_id, key_id, public_key):
            raise errors.InvalidSignature(f"{usage}_key is not signed by the master key")


def _check_own(txn: Any, user_id: str, master: CrossSigningKey) -> None:
    """A master key may come with signatures by devices and by itself."""
    signatures = signed_keys.signatures_of(master.value, user_id)
    public_keys = _device_public_keys(txn, user_id, signatures)
    public_keys[master.key_id] = signed_keys.read_public_key(master.public_key) or b""
    for key_id in signatures.keys() & public_keys.keys():
        if not signed_keys.is_signed(master.value, user_id, key_id, public_keys[key_id]):
            raise errors.InvalidSignature(f"master_key: the signature by {key_id} is wrong")


def _device_public_keys(txn: Any, user_id: str, key_ids: Mapping[str, str]) -> dict[str, bytes]:
    """Key id -> key, of those that are devices of the user's."""
    device_ids = [one.partition(":")[2] for one in key_ids if "\0" not in one]
    if not device_ids:
        return {}
    found = {}
    for device_id, key_json in device_keys.list_of_devices(txn, user_id, device_ids).items():
        public_key = signed_keys.device_public_key(msgspec.json.decode(key_json), device_id)
        if public_key is not None:
            found[f"{signed_keys.ED25519}:{device_id}"] = public_key
    return found


def _as_stored(user_id: str, key: CrossSigningKey) -> StoredKey:
    # What others would have said of the key is not for everybody to see.
    own = signed_keys.signatures_of(key.value, user_id)
    value = {name: one for name, one in key.value.items() if name != "signatures"}
    if own:
        value["signatures"] = {user_id: own}
    return StoredKey(user_id, key.usage, key.public_key, signed_keys.write(value))


@dataclass(slots=True)
class _Signing:
    """An upload of signatures: what there is to be signed, and by what."""

    txn: Any
    user_id: str
    # The user's cross-signing keys, and the identity keys of those devices that are named.
    own: dict[str, StoredKey]
    devices: dict[str, str]
    # Other users' master keys.
    masters: dict[str, StoredKey]


def sign(
    app: App, requester: Requester, signed: Mapping[str, Mapping[str, dict[str, Any]]]
) -> Failures:
    """Add signatures to keys: user -> key -> the object with new signatures. Each is taken or
    refused by itself.
    """
    if sum(map(len, signed.values())) > SIGNED_MAX:
        raise errors.InvalidParam(f"more than {SIGNED_MAX} keys are signed")
    failures: Failures = {}
    elsewhere = _masters_elsewhere(app, signed)
    with app.database.transaction() as txn:
        signing = _begin(txn, requester.user_id, signed)
        signing.masters = elsewhere | signing.masters
        own_moved: list[str] = []
        for user_id, objects in signed.items():
            for key_id, value in objects.items():
                try:
                    if user_id != requester.user_id:
                        _sign_other(signing, user_id, key_id, value)
                    elif key_id in signing.devices:
                        own_moved += _sign_device(signing, key_id, value)
                    else:
                        own_moved += _sign_master(signing, key_id, value)
                except errors.MatrixError as error:
                    failures.setdefault(user_id, {})[key_id] = error.as_json()
        if own_moved:
            device_lists.put(txn, requester.user_id, sorted(set(own_moved)))
    return failures


def _masters_elsewhere(app: App, user_ids: Iterable[str]) -> dict[str, StoredKey]:
    """The master keys of users of other servers that are not here yet."""
    others = [
        one
        for one in user_ids
        if identifiers.is_user_id(one) and identifiers.server_name_of(one) != app.server_name
    ]
    if not others:
        return {}
    with app.database.read() as txn:
        known = cross_signing.list_master_keys(txn, others)
    return asking.masters(app, [one for one in others if one not in known])


def _begin(txn: Any, user_id: str, signed: Mapping[str, Mapping[str, dict[str, Any]]]) -> _Signing:
    # In the order of the locks: devices' keys, then the master key.
    names = [one for one in signed.get(user_id, ()) if "\0" not in one]
    found_devices = device_keys.lock(txn, user_id, names) if names else {}
    if names:
        cross_signing.lock_master(txn, user_id)
    own = cross_signing.list_of_user(txn, user_id)
    others = [one for one in signed if one != user_id and "\0" not in one]
    masters = cross_signing.list_master_keys(txn, others) if others else {}
    return _Signing(txn, user_id, own, found_devices, masters)


def _sign_device(signing: _Signing, device_id: str, value: dict[str, Any]) -> Sequence[str]:
    """The user's self-signing key vouches for a device."""
    key = signing.own.get(SELF_SIGNING)
    if key is None:
        raise errors.NotFound("you have no self-signing key")
    stored = msgspec.json.decode(signing.devices[device_id])
    more = _verified(signing, stored, value, {_key_id(key): _public_key(key)})
    key_json = signed_keys.write(signed_keys.with_signatures(stored, signing.user_id, more))
    if key_json == signing.devices[device_id]:
        return []
    signing.devices[device_id] = key_json
    device_keys.put(signing.txn, signing.user_id, device_id, key_json)
    return [device_id]


def _sign_master(signing: _Signing, key_id: str, value: dict[str, Any]) -> Sequence[str]:
    """The user's devices vouch for their master key."""
    master = signing.own.get(MASTER)
    if master is None or master.public_key != key_id:
        raise errors.NotFound("you have no device and no master key of this name")
    stored = msgspec.json.decode(master.key_json)
    signers = _device_public_keys(signing.txn, signing.user_id, _signatures(signing, value))
    more = _verified(signing, stored, value, signers)
    key_json = signed_keys.write(signed_keys.with_signatures(stored, signing.user_id, more))
    if key_json == master.key_json:
        return []
    signing.own[MASTER] = StoredKey(signing.user_id, MASTER, master.public_key, key_json)
    cross_signing.put(signing.txn, [signing.own[MASTER]])
    return [CROSS_SIGNING]


def _sign_other(signing: _Signing, user_id: str, key_id: str, value: dict[str, Any]) -> None:
    """The user vouches for another user."""
    key, master = signing.own.get(USER_SIGNING), signing.masters.get(user_id)
    if key is None:
        raise errors.NotFound("you have no user-signing key")
    if master is None or master.public_key != key_id:
        raise errors.NotFound("the user has no master key of this name")
    stored = msgspec.json.decode(master.key_json)
    more = _verified(signing, stored, value, {_key_id(key): _public_key(key)})
    cross_signing.put_user_signature(
        signing.txn,
        UserSignature(
            signing.user_id, key.public_key, user_id, master.public_key, more[_key_id(key)]
        ),
    )


def _verified(
    signing: _Signing,
    stored: dict[str, Any],
    value: dict[str, Any],
    signers: Mapping[str, bytes],
) -> dict[str, str]:
    """The signatures by the signers, all of which must be right, and at least one there."""
    if signed_keys.signed_part(stored) != signed_keys.signed_part(value):
        raise errors.InvalidParam("the object is not the key that is here")
    signatures = _signatures(signing, value)
    found = {key_id: signatures[key_id] for key_id in signers if key_id in signatures}
    if not found:
        raise errors.InvalidSignature("there is no signature by a key that may sign this")
    for key_id in found:
        if not signed_keys.is_signed(value, signing.user_id, key_id, signers[key_id]):
            raise errors.InvalidSignature(f"the signature by {key_id} is wrong")
    return found


def _signatures(signing: _Signing, value: dict[str, Any]) -> dict[str, str]:
    try:
        return signed_keys.signatures_of(value, signing.user_id)
    except Malformed as error:
        raise errors.InvalidParam(str(error)) from error


def _key_id(key: StoredKey) -> str:
    return f"{signed_keys.ED25519}:{key.public_key}"


def _public_key(key: StoredKey) -> bytes:
    return signed_keys.read_public_key(key.public_key) or b""
