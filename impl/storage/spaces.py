"""Spaces and what is in them. Table: current_state."""

from typing import Any


def list_reachable(txn: Any, room_nid: int, limit: int) -> list[int]:
    """room_nids of a space, of the rooms here that it names, of those that they name, and so on;
    the nearest first.
    """
    txn.execute(
        """
        WITH RECURSIVE reachable (room_nid) AS (
                SELECT %s::bigint
                 UNION
                SELECT child.room_nid
                  FROM reachable
                  JOIN current_state c
                    ON c.room_nid = reachable.room_nid
                   AND c.event_type = 'm.space.child'
                  JOIN rooms child ON child.room_id = c.state_key)
        SELECT room_nid
          FROM reachable
         LIMIT %s
        """,
        (room_nid, limit),
    )
    return [row[0] for row in txn.fetchall()]
