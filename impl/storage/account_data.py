"""Account data of users and of users in rooms, tags and read markers too. Table: account_data;
room_id '' is no room.

A change is told in /sync, so it is written with a position; what is deleted becomes `{}`.
"""

import json
from collections.abc import Sequence
from typing import Any


def get(txn: Any, user_id: str, room_id: str, data_type: str) -> dict[str, Any] | None:
    txn.execute(
        """
        SELECT content
          FROM account_data
         WHERE user_id = %s
           AND room_id = %s
           AND type = %s
        """,
        (user_id, room_id, data_type),
    )
    row = txn.fetchone()
    return json.loads(row[0]) if row else None


def lock(txn: Any, user_id: str) -> None:
    """One writer at a time, for what reads a user's data to change it."""
    txn.execute(
        """
        SELECT 1
          FROM users
         WHERE user_id = %s
           FOR NO KEY UPDATE
        """,
        (user_id,),
    )


def put(txn: Any, user_id: str, room_id: str, data_type: str, content: object) -> None:
    """Written with the COMMIT."""
    txn.allot(
        """
        INSERT INTO account_data (user_id, room_id, type, content, position)
             VALUES (%s, %s, %s, %s, nextval('stream_positions'))
        ON CONFLICT (user_id, room_id, type) DO UPDATE
                SET content = EXCLUDED.content,
                    position = EXCLUDED.position
        """,
        (user_id, room_id, data_type, json.dumps(content)),
    )


def list_changed(txn: Any, user_id: str, since: int, to: int) -> list[tuple[str, str, str]]:
    """(room_id, type, content as JSON) of what changed in (since, to], in order. From 0 it is all
    there is.
    """
    txn.execute(
        """
        SELECT room_id, type, content
          FROM account_data
         WHERE user_id = %s
           AND position > %s
           AND position <= %s
         ORDER BY position
        """,
        (user_id, since, to),
    )
    return txn.fetchall()


def get_of_users(txn: Any, user_ids: Sequence[str], data_type: str) -> dict[str, dict[str, Any]]:
    """user_id -> content of one type, outside of rooms, for those who have it."""
    txn.execute(
        """
        SELECT user_id, content
          FROM account_data
         WHERE user_id = ANY(%s)
           AND room_id = ''
           AND type = %s
        """,
        (list(user_ids), data_type),
    )
    return {user_id: json.loads(content) for user_id, content in txn.fetchall()}


def delete_all(txn: Any, user_id: str) -> None:
    """Of a user who is gone: nobody is told."""
    txn.execute(
        """
        DELETE FROM account_data
         WHERE user_id = %s
        """,
        (user_id,),
    )
