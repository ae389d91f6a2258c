"""A room's events in the order of history: (topological, position). Table: timeline."""

from collections.abc import Sequence
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


def list_of_events(txn: Any, events: Sequence[tuple[int, int, int]]) -> list[Row]:
    """The places of some events, (room_nid, topological, event_nid), in their order; without those
    that have none.
    """
    txn.execute(
        """
        SELECT t.room_nid, t.position, t.event_nid, t.topological, t.current_state_root
          FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[])
               WITH ORDINALITY AS w (room_nid, topological, event_nid, n)
          JOIN timeline t USING (room_nid, topological, event_nid)
         ORDER BY w.n
        """,
        (
            [event[0] for event in events],
            [event[1] for event in events],
            [event[2] for event in events],
        ),
    )
    return [Row(*row) for row in txn.fetchall()]


def list_around(
    txn: Any, rows: Sequence[Row], before: int, after: int
) -> list[tuple[list[Row], list[Row]]]:
    """For each place what stands right before it and right after it, the nearest first."""
    txn.execute(
        """
        WITH wanted AS (
                SELECT *
                  FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[])
                       WITH ORDINALITY AS w (room_nid, topological, position, n))
        SELECT w.n, 0 AS is_after, t.*
          FROM wanted w
         CROSS JOIN LATERAL (
                SELECT room_nid, position, event_nid, topological, current_state_root
                  FROM timeline
                 WHERE timeline.room_nid = w.room_nid
                   AND (timeline.topological, timeline.position) < (w.topological, w.position)
                 ORDER BY topological DESC, position DESC
                 LIMIT %s) AS t
        UNION ALL
        SELECT w.n, 1, t.*
          FROM wanted w
         CROSS JOIN LATERAL (
                SELECT room_nid, position, event_nid, topological, current_state_root
                  FROM timeline
                 WHERE timeline.room_nid = w.room_nid
                   AND (timeline.topological, timeline.position) > (w.topological, w.position)
                 ORDER BY topological, position
                 LIMIT %s) AS t
        """,
        (
            [row.room_nid for row in rows],
            [row.topological for row in rows],
            [row.position for row in rows],
            before,
            after,
        ),
    )
    found: list[tuple[list[Row], list[Row]]] = [([], []) for _ in rows]
    for number, is_after, *row in txn.fetchall():
        found[number - 1][is_after].append(Row(*row))
    for earlier, later in found:
        earlier.sort(key=lambda row: (row.topological, row.position), reverse=True)
        later.sort(key=lambda row: (row.topological, row.position))
    return found
