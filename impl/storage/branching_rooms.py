"""Rooms with more branches than are good for them. Table: branching_rooms.

Noted by the transaction that makes a room one of them, since nothing else could find them but a
look at all rooms: an index on the extremities would cost every message of every room."""

from typing import Any


def note(txn: Any, room_nid: int) -> None:
    """The room, which this transaction has locked, has many branches."""
    txn.with_commit(
        """
        INSERT INTO branching_rooms (room_nid, due_ts)
             VALUES (%s, 0)
        ON CONFLICT (room_nid) DO NOTHING
        """,
        (room_nid,),
    )


def list_due(txn: Any, now_ms: int, limit: int) -> list[int]:
    """room_nids of rooms whose branches are to be joined now."""
    txn.execute(
        """
        SELECT room_nid
          FROM branching_rooms
         WHERE due_ts <= %s
         ORDER BY due_ts
         LIMIT %s
        """,
        (now_ms, limit),
    )
    return [row[0] for row in txn.fetchall()]


def delete(txn: Any, room_nid: int) -> None:
    """Its branches are about to be joined. Whoever leaves it with many notes it again."""
    txn.execute(
        """
        DELETE FROM branching_rooms
         WHERE room_nid = %s
        """,
        (room_nid,),
    )


def put_off(txn: Any, room_nid: int, due_ts: int) -> None:
    """Nothing can be done for the room before."""
    txn.execute(
        """
        INSERT INTO branching_rooms (room_nid, due_ts)
             VALUES (%s, %s)
        ON CONFLICT (room_nid) DO UPDATE SET due_ts = EXCLUDED.due_ts
        """,
        (room_nid, due_ts),
    )
