"""All keys that users have published, in one statement. Tables: device_keys, devices,
cross_signing_keys; remote_device_lists, remote_devices.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

DEVICE = "device"
LIST = "list"


class Row(NamedTuple):
    """`kind` is DEVICE or the usage of a cross-signing key; `name` the id of the device or the
    public key. Of a user of another server, whom we follow, a LIST besides, with its number.
    """

    kind: str
    user_id: str
    name: str
    key_json: str
    display_name: str | None


def find(txn: Any, user_ids: Sequence[str]) -> list[Row]:
    txn.execute(
        """
        SELECT 'device', k.user_id, k.device_id, k.key_json, d.display_name
          FROM device_keys k
          JOIN devices d USING (user_id, device_id)
         WHERE k.user_id = ANY(%(user_ids)s)
        UNION ALL
        SELECT usage, user_id, public_key, key_json, NULL
          FROM cross_signing_keys
         WHERE user_id = ANY(%(user_ids)s)
        UNION ALL
        SELECT 'device', user_id, device_id, key_json, display_name
          FROM remote_devices
         WHERE user_id = ANY(%(user_ids)s)
        UNION ALL
        SELECT 'list', user_id, list_nid::text, '', NULL
          FROM remote_device_lists
         WHERE user_id = ANY(%(user_ids)s)
        """,
        {"user_ids": list(user_ids)},
    )
    return [Row(*row) for row in txn.fetchall()]
