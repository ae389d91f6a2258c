"""Who came into rooms, whatever server they are of, and who of ours is there to be shown to them.
Tables: timeline; room_members, presence."""

from typing import Any


def list_arrivals(txn: Any, after: int, up_to: int, limit: int) -> list[tuple[int, int]]:
    """The first joins in a window, in rooms that other servers are in: (room_nid, event_nid)."""
    txn.execute(
        """
        SELECT room_nid, event_nid
          FROM timeline
         WHERE is_arrival
           AND position > %s
           AND position <= %s
         ORDER BY position
         LIMIT %s
        """,
        (after, up_to, limit),
    )
    return txn.fetchall()


def list_present_in(txn: Any, room_nid: int, server_name: str, limit: int) -> list[str]:
    """Users of ours in a room who are not offline, those first of whom was told last."""
    txn.execute(
        """
        SELECT p.user_id
          FROM room_members m
          JOIN presence p USING (user_id)
         WHERE m.room_nid = %s
           AND m.membership = 'join'
           AND p.state <> 'offline'
           AND p.user_id LIKE %s
         ORDER BY p.position DESC
         LIMIT %s
        """,
        (room_nid, "%:" + server_name, limit),
    )
    return [row[0] for row in txn.fetchall()]
