"""Filters that clients have stored. Table: filters."""

import json
from typing import Any


def get(txn: Any, user_id: str, filter_id: int) -> dict[str, Any] | None:
    txn.execute(
        """
        SELECT definition
          FROM filters
         WHERE user_id = %s
           AND filter_id = %s
        """,
        (user_id, filter_id),
    )
    row = txn.fetchone()
    return json.loads(row[0]) if row else None


def put(txn: Any, user_id: str, definition: dict[str, Any]) -> int:
    """The id of the filter; the same filter keeps its id."""
    text = json.dumps(definition, sort_keys=True)
    txn.execute(
        """
        SELECT filter_id
          FROM filters
         WHERE user_id = %s
           AND definition = %s
        """,
        (user_id, text),
    )
    if row := txn.fetchone():
        return row[0]
    txn.execute(
        """
        INSERT INTO filters (user_id, filter_id, definition)
             SELECT %s, coalesce(max(filter_id) + 1, 0), %s
               FROM filters
              WHERE user_id = %s
          RETURNING filter_id
        """,
        (user_id, text, user_id),
    )
    return txn.fetchone()[0]
