"""Receipts: up to which event a user has read. Table: receipts; thread_id '' is a receipt without a
thread.
"""

from typing import Any


def get_for_update(
    txn: Any, room_nid: int, user_id: str, receipt_type: str, thread_id: str
) -> str | None:
    """The event that a receipt names, locked."""
    txn.execute(
        """
        SELECT event_id
          FROM receipts
         WHERE room_nid = %s
           AND user_id = %s
           AND receipt_type = %s
           AND thread_id = %s
           FOR UPDATE
        """,
        (room_nid, user_id, receipt_type, thread_id),
    )
    row = txn.fetchone()
    return row[0] if row else None


def count(txn: Any, room_nid: int, user_id: str, receipt_type: str) -> int:
    """How many a user has in a room, each of another thread."""
    txn.execute(
        """
        SELECT count(*)
          FROM receipts
         WHERE room_nid = %s
           AND user_id = %s
           AND receipt_type = %s
        """,
        (room_nid, user_id, receipt_type),
    )
    return txn.fetchone()[0]  # type: ignore[no-any-return]


def put(
    txn: Any,
    key: tuple[int, str, str, str],
    event_id: str,
    event_position: int | None,
    received_ts: int,
) -> None:
    """Written with the COMMIT. `key`: room_nid, user_id, receipt_type, thread_id.

    `event_position` is the event's place in the timeline, if it has one. What was read once stays
    so, though an event that is later in the room may have come earlier."""
    txn.allot(
        """
        INSERT INTO receipts (room_nid, user_id, receipt_type, thread_id, event_id, received_ts,
                              event_position, position)
             VALUES (%s, %s, %s, %s, %s, %s, %s, nextval('stream_positions'))
        ON CONFLICT (room_nid, user_id, receipt_type, thread_id) DO UPDATE
                SET event_id = EXCLUDED.event_id,
                    received_ts = EXCLUDED.received_ts,
                    event_position = greatest(receipts.event_position, EXCLUDED.event_position),
                    position = EXCLUDED.position
        """,
        (*key, event_id, received_ts, event_position),
    )
