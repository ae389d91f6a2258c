"""What /keys/query tells of many users, in one statement. Tables: device_keys, devices,
cross_signing_keys, user_signatures.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

DEVICE = "device"
SIGNATURE = "signature"


class Row(NamedTuple):
    """`kind` is DEVICE, SIGNATURE or the usage of a cross-signing key.

    Of a device `name` is its id and `more` its display name; of a signature by who asks they are
    the key that signed and the signature."""

    kind: str
    user_id: str
    name: str
    key_json: str
    more: str | None


def find(
    txn: Any, viewer: str, users: Sequence[str], devices: Mapping[str, Sequence[str]]
) -> list[Row]:
    """All keys of `users`, and of some more users those of some devices; with what the viewer has
    signed of their master keys. Of user-signing keys only the viewer's own.
    """
    pairs = [(user_id, one) for user_id, named in devices.items() for one in named]
    txn.execute(
        """
        SELECT 'device', k.user_id, k.device_id, k.key_json, d.display_name
          FROM device_keys k
          JOIN devices d USING (user_id, device_id)
         WHERE k.user_id = ANY(%(users)s)
        UNION ALL
        SELECT 'device', k.user_id, k.device_id, k.key_json, d.display_name
          FROM unnest(%(owners)s::text[], %(named)s::text[]) AS w (user_id, device_id)
          JOIN device_keys k USING (user_id, device_id)
          JOIN devices d USING (user_id, device_id)
        UNION ALL
        SELECT usage, user_id, public_key, key_json, NULL
          FROM cross_signing_keys
         WHERE user_id = ANY(%(everybody)s)
           AND (usage <> 'user_signing' OR user_id = %(viewer)s)
        UNION ALL
        SELECT 'signature', s.target_user_id, s.user_signing_key, '', s.signature
          FROM user_signatures s
          JOIN cross_signing_keys own
            ON own.user_id = s.user_id
           AND own.usage = 'user_signing'
           AND own.public_key = s.user_signing_key
          JOIN cross_signing_keys theirs
            ON theirs.user_id = s.target_user_id
           AND theirs.usage = 'master'
           AND theirs.public_key = s.target_key
         WHERE s.user_id = %(viewer)s
           AND s.target_user_id = ANY(%(everybody)s)
        """,
        {
            "viewer": viewer,
            "users": list(users),
            "owners": [user_id for user_id, _ in pairs],
            "named": [device_id for _, device_id in pairs],
            "everybody": [*users, *devices],
        },
    )
    return [Row(*row) for row in txn.fetchall()]
