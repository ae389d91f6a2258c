"""The devices and keys of our users, for other servers. S-S API, "Device Management", "End-to-End
Encryption".

Others learn what is for everybody: the identity keys of devices with the signatures of their owner,
the master key and the self-signing key. A user-signing key is for its owner, as are the signatures
that it makes."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from impl import errors
from impl.app import App
from impl.core import identifiers
from impl.core.signed_keys import MASTER, SELF_SIGNING
from impl.services import device_keys
from impl.storage import device_lists, key_queries
from impl.storage.key_queries import Row

CLAIMS_MAX = 10_000

_SHOWN = {MASTER: "master_key", SELF_SIGNING: "self_signing_key"}


def user_devices(app: App, user_id: str) -> dict[str, Any]:
    """All devices of a user, and where the sequence of their changes stands."""
    if not _is_ours(app, user_id):
        raise errors.InvalidParam("userId is not a user of this server")
    # The two have to be of one instant: the other server goes on from there.
    with app.database.snapshot() as txn:
        sequence = device_lists.get_sequence(txn, user_id)
        rows = key_queries.find(txn, [user_id])
    devices = []
    answer: dict[str, Any] = {"user_id": user_id, "stream_id": sequence, "devices": devices}
    for row in rows:
        if row.kind == key_queries.DEVICE:
            device: dict[str, Any] = {"device_id": row.name, "keys": _raw(row.key_json)}
            if row.display_name and app.config.allow_device_name_lookup_over_federation:
                device["device_display_name"] = row.display_name
            devices.append(device)
        elif row.kind in _SHOWN:
            answer[_SHOWN[row.kind]] = _raw(row.key_json)
    return answer


def query(app: App, wanted: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The keys of users' devices, all or some, with what they have for cross-signing."""
    user_ids = [user_id for user_id in wanted if _is_ours(app, user_id)]
    answer: dict[str, dict[str, Any]] = {
        "device_keys": {user_id: {} for user_id in user_ids},
        "master_keys": {},
        "self_signing_keys": {},
    }
    with app.database.read() as txn:
        rows = key_queries.find(txn, user_ids) if user_ids else []
    for row in rows:
        if row.kind == key_queries.DEVICE:
            if not wanted[row.user_id] or row.name in wanted[row.user_id]:
                answer["device_keys"][row.user_id][row.name] = _device(app, row)
        elif row.kind in _SHOWN:
            answer[f"{_SHOWN[row.kind]}s"][row.user_id] = _raw(row.key_json)
    return answer


def claim(app: App, wanted: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """A one-time key for each device."""
    if sum(map(len, wanted.values())) > CLAIMS_MAX:
        raise errors.TooLarge(f"one_time_keys is for more than {CLAIMS_MAX} devices")
    own = {user_id: devices for user_id, devices in wanted.items() if _is_ours(app, user_id)}
    return {"one_time_keys": device_keys.claim_own(app, own)}


def _is_ours(app: App, user_id: str) -> bool:
    return (
        identifiers.is_user_id(user_id) and identifiers.server_name_of(user_id) == app.server_name
    )


def _device(app: App, row: Row) -> msgspec.Raw:
    unsigned: dict[str, str] = {}
    if row.display_name and app.config.allow_device_name_lookup_over_federation:
        unsigned["device_display_name"] = row.display_name
    written = msgspec.json.encode(unsigned)
    return msgspec.Raw(b'%b,"unsigned":%b}' % (row.key_json[:-1].encode(), written))


def _raw(key_json: str) -> msgspec.Raw:
    return msgspec.Raw(key_json.encode())
