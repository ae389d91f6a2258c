"""Profile fields. Table: profile_fields."""

import json
from collections.abc import Sequence
from typing import Any

from impl.storage import user_directory


def get(txn: Any, user_id: str) -> dict[str, Any]:
    """key_name -> value."""
    return get_many(txn, [user_id])[user_id]


def get_many(txn: Any, user_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """user_id -> key_name -> value, for all of the users."""
    profiles: dict[str, dict[str, Any]] = {user_id: {} for user_id in user_ids}
    if profiles:
        txn.execute(
            """
            SELECT user_id, key_name, value
              FROM profile_fields
             WHERE user_id = ANY(%s)
            """,
            (list(profiles),),
        )
        for user_id, key_name, value in txn.fetchall():
            profiles[user_id][key_name] = json.loads(value)
    return profiles


def put(txn: Any, user_id: str, key_name: str, value: object) -> None:
    txn.execute(
        """
        INSERT INTO profile_fields (user_id, key_name, value)
             VALUES (%s, %s, %s)
        ON CONFLICT (user_id, key_name) DO UPDATE
                SET value = EXCLUDED.value
        """,
        (user_id, key_name, json.dumps(value)),
    )
    if key_name == "displayname":
        user_directory.put_name(txn, user_id, value if isinstance(value, str) else None)


def delete(txn: Any, user_id: str, key_name: str) -> None:
    txn.execute(
        """
        DELETE FROM profile_fields
         WHERE user_id = %s
           AND key_name = %s
        """,
        (user_id, key_name),
    )
    if key_name == "displayname":
        user_directory.put_name(txn, user_id, None)


def delete_all(txn: Any, user_id: str) -> None:
    txn.execute(
        """
        DELETE FROM profile_fields
         WHERE user_id = %s
        """,
        (user_id,),
    )
    user_directory.put_name(txn, user_id, None)
