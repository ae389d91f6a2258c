"""What unread counts are made of. Tables: timeline, purged_totals, unread_threads, unread_singled,
unread_own, receipts, membership_changes.

Whatever is asked here is asked for any number of rooms and threads in one statement."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from impl.core.threads import MAIN

# room_nid, thread, position.
Point = tuple[int, str, int]
Window = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class SingledOut:
    """By how much an event was something else to a user than to their class."""

    user_id: str
    notify: int
    highlight: int


@dataclass(frozen=True, slots=True)
class NewUnread:
    """What a row of the timeline says of it, for timeline.append."""

    totals: bytes = b""
    outcome: bytes = b""
    # MAIN, or the root's id with the totals of its thread.
    thread_id: str = MAIN
    thread_totals: bytes = b""
    singled: Sequence[SingledOut] = ()
    # One of our users who says something, and so has read what is above it.
    reader: str | None = None


NO_UNREAD = NewUnread()


@dataclass(frozen=True, slots=True)
class Singled:
    """A row of one user."""

    room_nid: int
    position: int
    user_id: str
    notify: int
    highlight: int


def get_thread_totals(txn: Any, room_nid: int, thread_id: str) -> bytes:
    """The running totals of a thread as they are now."""
    txn.execute(
        """
        SELECT totals
          FROM unread_threads
         WHERE room_nid = %s
           AND thread_id = %s
        """,
        (room_nid, thread_id),
    )
    row = txn.fetchone()
    return bytes(row[0]) if row else b""


def list_floors(
    txn: Any, user_id: str, room_nids: Collection[int]
) -> list[tuple[int, str | None, int]]:
    """(room_nid, thread, position) up to where a user has read, by receipts and by what they said.
    The thread is '' where it is all of them; None, where the user came into the room.
    """
    txn.execute(
        """
        SELECT r.room_nid, r.thread_id, max(r.event_position)
          FROM unnest(%(room_nids)s::bigint[]) AS w (room_nid)
          JOIN receipts r
            ON r.room_nid = w.room_nid
           AND r.user_id = %(user_id)s
         WHERE r.receipt_type IN ('m.read', 'm.read.private')
           AND r.event_position IS NOT NULL
         GROUP BY r.room_nid, r.thread_id
        UNION ALL
        SELECT o.room_nid, o.thread_id, o.position
          FROM unnest(%(room_nids)s::bigint[]) AS w (room_nid)
          JOIN unread_own o
            ON o.user_id = %(user_id)s
           AND o.room_nid = w.room_nid
        UNION ALL
        SELECT w.room_nid, NULL, came.position
          FROM unnest(%(room_nids)s::bigint[]) AS w (room_nid)
         CROSS JOIN LATERAL (
                SELECT position
                  FROM membership_changes
                 WHERE room_nid = w.room_nid
                   AND user_id = %(user_id)s
                   AND membership = 'join'
                   AND position > coalesce((SELECT position
                                              FROM membership_changes
                                             WHERE room_nid = w.room_nid
                                               AND user_id = %(user_id)s
                                               AND membership <> 'join'
                                             ORDER BY position DESC
                                             LIMIT 1), 0)
                 ORDER BY position
                 LIMIT 1) AS came
        """,
        {"user_id": user_id, "room_nids": list(room_nids)},
    )
    return txn.fetchall()


def list_threads(txn: Any, places: Collection[tuple[int, int]]) -> list[tuple[int, str]]:
    """(room_nid, thread) of the threads in which something was said after (room_nid, position)."""
    txn.execute(
        """
        SELECT t.room_nid, t.thread_id
          FROM unnest(%s::bigint[], %s::bigint[]) AS w (room_nid, after)
          JOIN unread_threads t
            ON t.room_nid = w.room_nid
           AND t.position > w.after
        """,
        ([place[0] for place in places], [place[1] for place in places]),
    )
    return txn.fetchall()


def list_totals(txn: Any, points: Collection[Point]) -> dict[Point, bytes]:
    """The running totals of threads at points; those that are missing are nothing. What was deleted
    (retention.py) counts as read: at all points before its end the totals are those of its end.
    """
    wanted = sorted(points)
    txn.execute(
        """
        SELECT w.n, t.totals
          FROM unnest(%s::bigint[], %s::text[], %s::bigint[])
               WITH ORDINALITY AS w (room_nid, thread_id, up_to, n)
         CROSS JOIN LATERAL (
                (SELECT position, unread_totals AS totals
                   FROM timeline
                  WHERE w.thread_id = 'main'
                    AND timeline.room_nid = w.room_nid
                    AND position <= w.up_to
                  ORDER BY position DESC
                  LIMIT 1)
                UNION ALL
                (SELECT position, thread_totals
                   FROM timeline
                  WHERE w.thread_id <> 'main'
                    AND timeline.room_nid = w.room_nid
                    AND timeline.thread_id = w.thread_id
                    AND position <= w.up_to
                  ORDER BY position DESC
                  LIMIT 1)
                UNION ALL
                SELECT position, totals
                  FROM purged_totals
                 WHERE purged_totals.room_nid = w.room_nid
                   AND purged_totals.thread_id = w.thread_id
                 ORDER BY position DESC
                 LIMIT 1) AS t
        """,
        (
            [point[0] for point in wanted],
            [point[1] for point in wanted],
            [point[2] for point in wanted],
        ),
    )
    return {wanted[number - 1]: bytes(totals) for number, totals in txn.fetchall()}


def sum_singled(
    txn: Any, user_id: str, floors: Collection[Point], up_to: int
) -> list[tuple[int, str, int, int]]:
    """(room_nid, thread, notify, highlight): a user's rows after points, summed for each thread."""
    txn.execute(
        """
        SELECT s.room_nid, s.thread_id, sum(s.notify), sum(s.highlight)
          FROM unnest(%s::bigint[], %s::text[], %s::bigint[]) AS w (room_nid, thread_id, after)
          JOIN unread_singled s
            ON s.user_id = %s
           AND s.room_nid = w.room_nid
           AND s.thread_id = w.thread_id
           AND s.position > w.after
           AND s.position <= %s
         GROUP BY s.room_nid, s.thread_id
        """,
        (
            [floor[0] for floor in floors],
            [floor[1] for floor in floors],
            [floor[2] for floor in floors],
            user_id,
            up_to,
        ),
    )
    return txn.fetchall()


def list_singled(txn: Any, windows: Sequence[Window]) -> list[Singled]:
    """Everybody's rows in some windows (room_nid, after, up_to)."""
    txn.execute(
        """
        SELECT s.room_nid, s.position, s.user_id, s.notify, s.highlight
          FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS w (room_nid, after, up_to)
          JOIN unread_singled s
            ON s.room_nid = w.room_nid
           AND s.position > w.after
           AND s.position <= w.up_to
        """,
        (
            [window[0] for window in windows],
            [window[1] for window in windows],
            [window[2] for window in windows],
        ),
    )
    return [Singled(*row) for row in txn.fetchall()]


def list_singled_of(
    txn: Any, user_id: str, places: Collection[tuple[int, int]]
) -> dict[tuple[int, int], tuple[int, int]]:
    """(room_nid, position) -> by how much it was something else to a user, where it was."""
    txn.execute(
        """
        SELECT s.room_nid, s.position, s.notify, s.highlight
          FROM unnest(%s::bigint[], %s::bigint[]) AS w (room_nid, position)
          JOIN unread_singled s
            ON s.room_nid = w.room_nid
           AND s.position = w.position
           AND s.user_id = %s
        """,
        ([place[0] for place in places], [place[1] for place in places], user_id),
    )
    return {(row[0], row[1]): (row[2], row[3]) for row in txn.fetchall()}


def list_newest_positions(
    txn: Any, room_nids: Collection[int], before: int
) -> list[tuple[int, int]]:
    """(position, room_nid): the last row of each room before a position."""
    txn.execute(
        """
        SELECT t.position, w.room_nid
          FROM unnest(%s::bigint[]) AS w (room_nid)
         CROSS JOIN LATERAL (
                SELECT position
                  FROM timeline
                 WHERE timeline.room_nid = w.room_nid
                   AND position > 0
                   AND position < %s
                 ORDER BY position DESC
                 LIMIT 1) AS t
        """,
        (list(room_nids), before),
    )
    return txn.fetchall()
