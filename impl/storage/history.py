"""A room's events in the order of history: (topological, position). Tables: timeline, and with it
relations and changed_events.

What is fetched to fill history gets positions below zero, which go down as it comes. They are drawn
under a lock of their own, taken with the COMMIT as the stream's is: who reads them in their order
(the index of words) misses none."""

from collections.abc import Sequence
from typing import Any

from impl.storage.timeline import WITH_RELATIONS, NewRow, Row, columns_of_relations

Place = tuple[int, int]

LOCK_KEY = 0x70617374  # "past"

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
    """Where in history a position of the stream is: at the last event that it includes. Before all
    that came by the stream there is the history that was fetched.
    """
    txn.execute(
        """
        SELECT topological, position
          FROM timeline
         WHERE room_nid = %s
           AND position <= %s
           AND position > 0
         ORDER BY position DESC
         LIMIT 1
        """,
        (room_nid, position),
    )
    row = txn.fetchone()
    if row is None:
        txn.execute(
            """
            SELECT topological, position - 1
              FROM timeline
             WHERE room_nid = %s
               AND position > 0
             ORDER BY position
             LIMIT 1
            """,
            (room_nid,),
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


def insert(txn: Any, rows: Sequence[NewRow]) -> None:
    """Put events into history, with the COMMIT, each before the one that it follows here: nobody is
    told of them.
    """
    if not rows:
        return
    statement = """
        INSERT INTO timeline (room_nid, position, event_nid, topological, current_state_root,
                              changes_nid)
             SELECT n.room_nid, nextval('history_positions'), n.event_nid, n.topological, n.root,
                    n.changes_nid
               FROM (SELECT *
                       FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
                                   %s::bigint[])
                            WITH ORDINALITY
                            AS u (room_nid, event_nid, topological, root, changes_nid, n)
                      ORDER BY n) AS n
        """
    parameters: list[object] = [
        [row.room_nid for row in rows],
        [row.event_nid for row in rows],
        [row.topological for row in rows],
        [row.current_state_root for row in rows],
        [row.changes_nid for row in rows],
    ]
    related = [(row.event_nid, row.relation) for row in rows if row.relation is not None]
    if related:
        placed = " RETURNING room_nid, position, event_nid, topological) "
        statement = "WITH placed AS (" + statement + placed + WITH_RELATIONS
        parameters += columns_of_relations(related)
    txn.with_commit("SELECT pg_advisory_xact_lock(%s)", (LOCK_KEY,))
    txn.with_commit(statement, parameters)


def tell_changes(
    txn: Any,
    room_nid: int,
    changes: Sequence[tuple[int | None, int | None]],
    now_ms: int,
    *,
    wakes: bool = False,
) -> None:
    """Have the workers hear of events that are others now: (changes_nid, parent_nid), with the
    COMMIT. `wakes`: also who waits in the room.
    """
    txn.allot(
        """
        INSERT INTO changed_events (position, room_nid, changes_nid, parent_nid, wakes, changed_ts)
             SELECT nextval('stream_positions'), %s, changes_nid, parent_nid, %s, %s
               FROM unnest(%s::bigint[], %s::bigint[]) AS c (changes_nid, parent_nid)
        """,
        (
            room_nid,
            wakes,
            now_ms,
            [one[0] for one in changes],
            [one[1] for one in changes],
        ),
    )


def tell_gone(txn: Any, room_nid: int, event_nid: int, now_ms: int) -> None:
    """Have the workers hear that messages of a room were deleted, with the COMMIT: of one of them,
    that it is another now, and its own parent, which nothing else is.
    """
    tell_changes(txn, room_nid, [(event_nid, event_nid)], now_ms, wakes=True)


def delete_changes(txn: Any, before_ts: int, limit: int) -> int:
    """Forget what workers were told of changed events before a time, but for the last of it, which
    says how far the stream goes; returns how many.
    """
    txn.execute(
        """
        DELETE FROM changed_events
         WHERE ctid = ANY(ARRAY(SELECT ctid
                                  FROM changed_events
                                 WHERE changed_ts < %s
                                   AND position < (SELECT max(position) FROM changed_events)
                                 ORDER BY changed_ts
                                 LIMIT %s
                                   FOR UPDATE SKIP LOCKED))
        """,
        (before_ts, limit),
    )
    return txn.rowcount


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
