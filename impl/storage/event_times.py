"""Events by the time that they bear. Table: events."""

from typing import Any

# (origin_server_ts, event_nid).
Moment = tuple[int, int]

NID_MAX = 2**63 - 1


def list_from(txn: Any, room_nid: int, start: Moment, limit: int) -> list[Moment]:
    """What bears that time or a later one, the nearest first; without outliers."""
    txn.execute(
        """
        SELECT origin_server_ts, event_nid
          FROM events
         WHERE room_nid = %s
           AND (origin_server_ts, event_nid) >= (%s, %s)
           AND state_before IS NOT NULL
         ORDER BY origin_server_ts, event_nid
         LIMIT %s
        """,
        (room_nid, *start, limit),
    )
    return txn.fetchall()


def list_until(txn: Any, room_nid: int, end: Moment, limit: int) -> list[Moment]:
    """What bears that time or an earlier one, the nearest first; without outliers."""
    txn.execute(
        """
        SELECT origin_server_ts, event_nid
          FROM events
         WHERE room_nid = %s
           AND (origin_server_ts, event_nid) <= (%s, %s)
           AND state_before IS NOT NULL
         ORDER BY origin_server_ts DESC, event_nid DESC
         LIMIT %s
        """,
        (room_nid, *end, limit),
    )
    return txn.fetchall()
