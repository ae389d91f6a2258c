"""Spaces and what is in them, and who may look into what. Tables: current_state, room_members,
room_servers, rooms.
"""

from collections.abc import Sequence
from typing import Any


def list_reachable(txn: Any, room_ids: Sequence[str], limit: int) -> list[int]:
    """room_nids of some rooms that are here, of the rooms here that they name, of those that they
    name, and so on; the nearest first.
    """
    txn.execute(
        """
        WITH RECURSIVE reachable (room_nid) AS (
                SELECT room_nid
                  FROM rooms
                 WHERE room_id = ANY(%s)
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
        (list(room_ids), limit),
    )
    return [row[0] for row in txn.fetchall()]


def list_here(txn: Any, room_ids: Sequence[str]) -> list[int]:
    """room_nids of those of some rooms that are here."""
    txn.execute(
        """
        SELECT room_nid
          FROM rooms
         WHERE room_id = ANY(%s)
        """,
        (list(room_ids),),
    )
    return [row[0] for row in txn.fetchall()]


def list_memberships(txn: Any, user_id: str, room_ids: Sequence[str]) -> dict[str, str]:
    """room_id -> what is known of a user's membership, of those of some rooms where it is."""
    txn.execute(
        """
        SELECT r.room_id, m.membership
          FROM rooms r
          JOIN room_members m USING (room_nid)
         WHERE r.room_id = ANY(%s)
           AND m.user_id = %s
        """,
        (list(room_ids), user_id),
    )
    return dict(txn.fetchall())


def list_of_server(txn: Any, server_name: str, room_nids: Sequence[int]) -> set[int]:
    """Those of the rooms that another server is in, or of which somebody of its is invited."""
    txn.execute(
        """
        SELECT asked.room_nid
          FROM unnest(%(room_nids)s::bigint[]) AS asked (room_nid)
         WHERE EXISTS (SELECT
                         FROM room_servers s
                        WHERE s.room_nid = asked.room_nid
                          AND s.server_name = %(server_name)s)
            OR EXISTS (SELECT
                         FROM room_members m
                        WHERE m.room_nid = asked.room_nid
                          AND m.membership = 'invite'
                          AND right(m.user_id, length(%(server_name)s) + 1)
                              = ':' || %(server_name)s)
        """,
        {"room_nids": list(room_nids), "server_name": server_name},
    )
    return {row[0] for row in txn.fetchall()}


def list_ids_of_server(txn: Any, server_name: str, room_ids: Sequence[str]) -> set[str]:
    """Those of the rooms that another server is in, as far as they are known here."""
    txn.execute(
        """
        SELECT r.room_id
          FROM rooms r
          JOIN room_servers s USING (room_nid)
         WHERE r.room_id = ANY(%s)
           AND s.server_name = %s
        """,
        (list(room_ids), server_name),
    )
    return {row[0] for row in txn.fetchall()}
