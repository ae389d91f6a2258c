"""What goes with a device that is logged out or deleted: its tokens, its keys, what it has signed,
the messages that wait for it; and those who share rooms with its user are told. C-S API, "Device
management", "Tracking the device list for a user".
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from impl.app import App
from impl.core import signed_keys
from impl.storage import cross_signing, device_keys, device_lists, devices
from impl.storage.cross_signing import StoredKey


def remove(app: App, txn: Any, user_id: str, device_ids: Sequence[str] | None = None) -> None:
    """All of a user's devices, or some; those that are not there are passed over. After the commit,
    the caller revokes.
    """
    gone = devices.lock(txn, user_id, device_ids)
    if not gone:
        return
    # Whoever never had keys is on nobody's list.
    with_keys = sorted(device_keys.list_of_devices(txn, user_id, gone))
    devices.delete(txn, user_id, gone)
    if with_keys:
        _take_back(txn, user_id, with_keys)
        device_lists.put(txn, user_id, with_keys, gone_ts=app.now_ms())


def _take_back(txn: Any, user_id: str, device_ids: Sequence[str]) -> None:
    """The signatures of the devices under the user's master key."""
    master = cross_signing.lock_master(txn, user_id)
    if master is None:
        return
    key_ids = [f"{signed_keys.ED25519}:{one}" for one in device_ids]
    value = signed_keys.without_signatures(msgspec.json.decode(master.key_json), user_id, key_ids)
    key_json = signed_keys.write(value)
    if key_json != master.key_json:
        cross_signing.put(txn, [StoredKey(user_id, master.usage, master.public_key, key_json)])
