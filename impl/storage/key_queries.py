"""All keys that users have published, in one statement. Tables: device_keys, devices,
cross_signing_keys.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

DEVICE = "device"


class Row(NamedTuple):
    """`kind` is DEVICE or the usage of a cross-signing key; `name` the id of the device or the
    public key.
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
        """,
        {"user_ids": list(user_ids)},
    )
    return [Row(*row) for row in txn.fetchall()]
