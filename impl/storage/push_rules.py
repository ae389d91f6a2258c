"""What users changed of their push rules. Table: push_rules."""

import json
from typing import Any


def get(txn: Any, user_id: str) -> dict[str, Any]:
    """Empty for who has changed nothing."""
    txn.execute(
        """
        SELECT changes
          FROM push_rules
         WHERE user_id = %s
        """,
        (user_id,),
    )
    row = txn.fetchone()
    return json.loads(row[0]) if row else {}


def put(txn: Any, user_id: str, changes: dict[str, Any]) -> None:
    txn.execute(
        """
        INSERT INTO push_rules (user_id, changes)
             VALUES (%s, %s)
        ON CONFLICT (user_id) DO UPDATE
                SET changes = EXCLUDED.changes
        """,
        (user_id, json.dumps(changes)),
    )


def delete(txn: Any, user_id: str) -> None:
    txn.execute(
        """
        DELETE FROM push_rules
         WHERE user_id = %s
        """,
        (user_id,),
    )
