"""Who is typing in which room, until when. Table: typing."""

from typing import Any


def get_for_update(txn: Any, room_nid: int, user_id: str) -> int | None:
    """Until when a user types, locked; 0 if they stopped."""
    txn.execute(
        """
        SELECT until_ts
          FROM typing
         WHERE room_nid = %s
           AND user_id = %s
           FOR UPDATE
        """,
        (room_nid, user_id),
    )
    row = txn.fetchone()
    return row[0] if row else None


def put(txn: Any, room_nid: int, user_id: str, until_ts: int) -> None:
    """Written with the COMMIT; others are told."""
    txn.allot(
        """
        INSERT INTO typing (room_nid, user_id, until_ts, position)
             VALUES (%s, %s, %s, nextval('stream_positions'))
        ON CONFLICT (room_nid, user_id) DO UPDATE
                SET until_ts = EXCLUDED.until_ts,
                    position = EXCLUDED.position
        """,
        (room_nid, user_id, until_ts),
    )


def extend(txn: Any, room_nid: int, user_id: str, until_ts: int) -> None:
    """They go on typing, as others know already."""
    txn.execute(
        """
        UPDATE typing
           SET until_ts = %s
         WHERE room_nid = %s
           AND user_id = %s
        """,
        (until_ts, room_nid, user_id),
    )


def has_overdue(txn: Any, until_ts: int) -> bool:
    """Whether somebody's time was over before then, and no stop is written."""
    txn.execute(
        """
        SELECT EXISTS (SELECT 1
                         FROM typing
                        WHERE until_ts > 0
                          AND until_ts < %s)
        """,
        (until_ts,),
    )
    return txn.fetchone()[0]


def lock_overdue(txn: Any, until_ts: int) -> list[tuple[int, str]]:
    """(room_nid, user_id) of those, without whom another worker has under way."""
    txn.execute(
        """
        SELECT room_nid, user_id
          FROM typing
         WHERE until_ts > 0
           AND until_ts < %s
         LIMIT 1000
           FOR UPDATE SKIP LOCKED
        """,
        (until_ts,),
    )
    return txn.fetchall()
