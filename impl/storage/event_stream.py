"""What happened in some rooms, in the order of the stream. Tables: timeline, events."""

from collections.abc import Sequence
from typing import Any

from impl.storage.sync_rooms import Window
from impl.storage.timeline import Row


def list_forth(txn: Any, windows: Sequence[Window], limit: int) -> list[Row]:
    """The oldest rows of all windows together."""
    txn.execute(
        """
        SELECT t.room_nid, t.position, t.event_nid, t.topological, t.current_state_root
          FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS w (room_nid, after, up_to)
         CROSS JOIN LATERAL (
                SELECT *
                  FROM timeline
                 WHERE timeline.room_nid = w.room_nid
                   AND position > w.after
                   AND position <= w.up_to
                 ORDER BY position
                 LIMIT %s) AS t
         ORDER BY t.position
         LIMIT %s
        """,
        (
            [window[0] for window in windows],
            [window[1] for window in windows],
            [window[2] for window in windows],
            limit,
            limit,
        ),
    )
    return [Row(*row) for row in txn.fetchall()]


def list_rooms_of_event(txn: Any, event_id: str) -> list[str]:
    """The ids of the rooms that have an event of this id: one, but for ids that servers make up."""
    txn.execute(
        """
        SELECT r.room_id
          FROM events e
          JOIN rooms r USING (room_nid)
         WHERE e.event_id = %s
         LIMIT 10
        """,
        (event_id,),
    )
    return [row[0] for row in txn.fetchall()]
