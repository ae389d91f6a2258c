"""A room's events in the order of history: (topological, position). Table: timeline."""

from typing import Any

from impl.storage.timeline import Row

Place = tuple[int, int]

# Before and after all events.
FIRST: Place = (0, -(2**63 - 1))
LAST: Place = (2**63 - 1, 2**63 - 1)


def list_back(txn: Any, room_nid: int, start: Place, end: Place, limit: int) -> list[Row]:
    """From the place `start` back to `end`, newest first."""
    txn.execute(
        """
        SELECT room_nid, position, event_nid, topological, current_state_root
          FROM timeline
         WHERE room_nid = %s
           AND (topological, position) <= (%s, %s)
           AND (topological, position) > (%s, %s)
         ORDER BY topological DESC, position DESC
         LIMIT %s
        """,
        (room_nid, *start, *end, limit),
    )
    return [Row(*row) for row in txn.fetchall()]


def list_forth(txn: Any, room_nid: int, start: Place, end: Place, limit: int) -> list[Row]:
    """From the place `start` on to `end`, oldest first."""
    txn.execute(
        """
        SELECT room_nid, position, event_nid, topological, current_state_root
          FROM timeline
         WHERE room_nid = %s
           AND (topological, position) > (%s, %s)
           AND (topological, position) <= (%s, %s)
         ORDER BY topological, position
         LIMIT %s
        """,
        (room_nid, *start, *end, limit),
    )
    return [Row(*row) for row in txn.fetchall()]


def get_place(txn: Any, room_nid: int, position: int) -> Place:
    """Where in history a position of the stream is: at the last event that it includes."""
    txn.execute(
        """
        SELECT topological, position
          FROM timeline
         WHERE room_nid = %s
           AND position <= %s
         ORDER BY position DESC
         LIMIT 1
        """,
        (room_nid, position),
    )
    row = txn.fetchone()
    return (row[0], row[1]) if row else FIRST


def get_newest_place(txn: Any, room_nid: int) -> Place:
    """After the last event."""
    txn.execute(
        """
        SELECT topological, position
          FROM timeline
         WHERE room_nid = %s
         ORDER BY topological DESC, position DESC
         LIMIT 1
        """,
        (room_nid,),
    )
    row = txn.fetchone()
    return (row[0], row[1]) if row else FIRST
