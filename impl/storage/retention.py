"""Rooms' retention policies, and the messages that are deleted by them. Tables: current_state,
events, purged_totals, and all that hang on a message: timeline, event_edges, backward_extremities,
relations, pending_redactions, search_texts, unread_singled, unread_threads.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from impl.core.threads import MAIN
from impl.storage.event_times import Moment

# Before all events.
FIRST: Moment = (-(2**63 - 1), 0)


@dataclass(frozen=True, slots=True)
class Old:
    """An event whose time is before some other. `pdu` is None for what is state for certain."""

    sent_ts: int
    event_nid: int
    event_id: str
    pdu: str | None


@dataclass(frozen=True, slots=True)
class Message:
    """What is needed to find all that hangs on a message."""

    event_nid: int
    event_id: str
    depth: int
    prev_event_ids: Collection[str]
    parent_event_id: str | None = None
    redacts: str | None = None
    # The event without what it says; None: it says nothing any more.
    stripped: str | None = None


def list_policies(txn: Any, room_nids: Collection[int]) -> dict[int, int]:
    """room_nid -> event_nid of the policy, of those rooms that have one."""
    txn.execute(
        """
        SELECT room_nid, event_nid
          FROM current_state
         WHERE room_nid = ANY(%s)
           AND event_type = 'm.room.retention'
           AND state_key = ''
        """,
        (list(room_nids),),
    )
    return dict(txn.fetchall())


def list_rooms(
    txn: Any, after_nid: int, limit: int, *, only_with_policy: bool
) -> list[tuple[int, int | None]]:
    """(room_nid, event_nid of its policy) of the next rooms, but for those whose members are not
    known yet.
    """
    join = "JOIN" if only_with_policy else "LEFT JOIN"
    txn.execute(
        f"""
        SELECT r.room_nid, c.event_nid
          FROM rooms r
          {join} current_state c
            ON c.room_nid = r.room_nid
           AND c.event_type = 'm.room.retention'
           AND c.state_key = ''
         WHERE r.room_nid > %s
           AND r.current_state_root <> 0
           AND r.whole_position IS NOT NULL
         ORDER BY r.room_nid
         LIMIT %s
        """,
        (after_nid, limit),
    )
    return txn.fetchall()


# State moves the state on. What does not is a message, or was rejected; and of what has no place
# the text says whether it may be one.
_OLD = """
    event_nid,
    event_id,
    CASE WHEN state_before = state_after
              OR (state_before IS NULL AND strpos(pdu, '"state_key":') = 0)
         THEN pdu END
"""


def list_old(txn: Any, room_nid: int, before_ts: int, after: Moment, limit: int) -> list[Old]:
    """The next events of a room that were sent, or came, before a time, the oldest first."""
    txn.execute(
        f"""
        (SELECT origin_server_ts AS sent_ts, {_OLD}
           FROM events
          WHERE room_nid = %(room_nid)s
            AND origin_server_ts < %(before_ts)s
            AND (origin_server_ts, event_nid) > (%(ts)s, %(nid)s)
          ORDER BY origin_server_ts, event_nid
          LIMIT %(limit)s)
        UNION ALL
        (SELECT came_ts, {_OLD}
           FROM events
          WHERE room_nid = %(room_nid)s
            AND came_ts < %(before_ts)s
            AND (came_ts, event_nid) > (%(ts)s, %(nid)s)
            AND origin_server_ts >= %(before_ts)s
          ORDER BY came_ts, event_nid
          LIMIT %(limit)s)
          ORDER BY sent_ts, event_nid
          LIMIT %(limit)s
        """,
        {
            "room_nid": room_nid,
            "before_ts": before_ts,
            "ts": after[0],
            "nid": after[1],
            "limit": limit,
        },
    )
    return [Old(*row) for row in txn.fetchall()]


def get_last_nid(txn: Any, room_nid: int) -> int | None:
    """The event at the end of a room's timeline."""
    txn.execute(
        """
        SELECT event_nid
          FROM timeline
         WHERE room_nid = %s
         ORDER BY position DESC
         LIMIT 1
        """,
        (room_nid,),
    )
    row = txn.fetchone()
    return row[0] if row else None


def list_told_early(
    txn: Any, room_nid: int, messages: Sequence[Message], before_ts: int
) -> set[int]:
    """event_nid of those messages of which people were told after another that was not sent before
    a time, and of which they were told as well.
    """
    columns = ([one.depth for one in messages], [one.event_nid for one in messages])
    txn.execute(
        """
        WITH told AS (
                SELECT t.event_nid, t.position, t.thread_id
                  FROM unnest(%s::bigint[], %s::bigint[]) AS m (topological, event_nid)
                  JOIN timeline t
                    ON t.room_nid = %s
                   AND t.topological = m.topological
                   AND t.event_nid = m.event_nid
                   AND t.position > 0
                   AND t.unread_outcome <> '')
        SELECT told.event_nid
          FROM (SELECT thread_id, max(position) AS up_to
                  FROM told
                 GROUP BY thread_id) AS w
         CROSS JOIN LATERAL (
                SELECT t.position
                  FROM timeline t
                  JOIN events e USING (room_nid, event_nid)
                 WHERE t.room_nid = %s
                   AND t.thread_id IS NOT DISTINCT FROM w.thread_id
                   AND t.position < w.up_to
                   AND t.position > coalesce((SELECT position
                                                FROM purged_totals
                                               WHERE room_nid = %s
                                                 AND thread_id = coalesce(w.thread_id, %s)), 0)
                   AND t.unread_outcome <> ''
                   AND e.state_before = e.state_after
                   AND least(e.origin_server_ts, e.came_ts) >= %s
                 ORDER BY t.position
                 LIMIT 1) AS first
          JOIN told
            ON told.thread_id IS NOT DISTINCT FROM w.thread_id
           AND told.position > first.position
        """,
        (*columns, room_nid, room_nid, room_nid, MAIN, before_ts),
    )
    return {row[0] for row in txn.fetchall()}


def list_cited(txn: Any, room_nid: int, messages: Sequence[Message], since_ts: int) -> set[int]:
    """event_nid of those messages on which events stand that were not sent before a time."""
    txn.execute(
        """
        SELECT m.event_nid
          FROM unnest(%s::text[], %s::bigint[]) AS m (event_id, event_nid)
         WHERE EXISTS (SELECT 1
                         FROM event_edges g
                         JOIN events e USING (room_nid, event_nid)
                        WHERE g.room_nid = %s
                          AND g.prev_event_id = m.event_id
                          AND least(e.origin_server_ts, e.came_ts) >= %s)
        """,
        (
            [one.event_id for one in messages],
            [one.event_nid for one in messages],
            room_nid,
            since_ts,
        ),
    )
    return {row[0] for row in txn.fetchall()}


def strip(txn: Any, room_nid: int, messages: Sequence[Message]) -> bool:
    """Leave of messages nothing but their places in the graph and in the timeline; returns whether
    unread counts are others now.
    """
    txn.execute(
        f"SELECT {_COLUMNS} FROM timeline t WHERE {_OF_PLACES}", _places(room_nid, messages)
    )
    counted = _count_as_read(txn, room_nid, txn.fetchall())
    _delete_relations(txn, room_nid, messages)
    _delete_pending(txn, room_nid, messages)
    nids = [one.event_nid for one in messages]
    txn.execute(
        "DELETE FROM search_texts WHERE room_nid = %s AND event_nid = ANY(%s)", (room_nid, nids)
    )
    txn.execute(
        """
        UPDATE events e
           SET pdu = s.pdu
          FROM unnest(%s::bigint[], %s::text[]) AS s (event_nid, pdu)
         WHERE e.room_nid = %s
           AND e.event_nid = s.event_nid
        """,
        (nids, [one.stripped for one in messages], room_nid),
    )
    return counted


def delete(txn: Any, room_nid: int, messages: Sequence[Message]) -> bool:
    """Delete messages of a locked room for good, with all that hangs on them; returns whether
    unread counts are others now.
    """
    nids = [one.event_nid for one in messages]
    txn.execute(
        f"DELETE FROM timeline t WHERE {_OF_PLACES} RETURNING {_COLUMNS}",
        _places(room_nid, messages),
    )
    counted = _count_as_read(txn, room_nid, txn.fetchall())
    _delete_relations(txn, room_nid, messages)
    _delete_edges(txn, room_nid, messages)
    _delete_pending(txn, room_nid, messages)
    for table in ("search_texts", "events"):
        txn.execute(
            f"DELETE FROM {table} WHERE room_nid = %s AND event_nid = ANY(%s)", (room_nid, nids)
        )
    return counted


_OF_PLACES = """
     t.room_nid = %s
     AND (t.topological, t.event_nid) IN (SELECT * FROM unnest(%s::bigint[], %s::bigint[]))
"""
_COLUMNS = """
    t.position, t.thread_id, t.unread_outcome <> '', t.unread_totals, t.thread_totals, t.singles_out
"""


def _places(room_nid: int, messages: Sequence[Message]) -> tuple[object, ...]:
    return room_nid, [one.depth for one in messages], [one.event_nid for one in messages]


def _count_as_read(txn: Any, room_nid: int, places: Sequence[Any]) -> bool:
    """`places` are rows of _COLUMNS. Returns whether anybody was told of any of them."""
    rows = sorted(row for row in places if row[0] > 0)
    if not rows:
        return False
    txn.execute(
        "DELETE FROM unread_singled WHERE room_nid = %s AND position = ANY(%s)",
        (room_nid, [row[0] for row in rows]),
    )
    # Of each thread the last of which somebody was told. The totals of another are those before it,
    # and it may have been dated back, and stand above what nobody has read.
    last: dict[str, tuple[int, bytes]] = {}
    for position, thread_id, was_told, main_totals, thread_totals, _ in rows:
        if was_told and thread_id is None:
            last[MAIN] = (position, main_totals)
        elif was_told:
            last[thread_id] = (position, thread_totals)
    _put_totals(txn, room_nid, last)
    _delete_empty_threads(txn, room_nid, {row[1] for row in rows if row[1] is not None})
    return bool(last) or any(row[5] for row in rows)


def _put_totals(txn: Any, room_nid: int, last: dict[str, tuple[int, bytes]]) -> None:
    if not last:
        return
    txn.execute_values(
        """
        INSERT INTO purged_totals AS p (room_nid, thread_id, position, totals)
             VALUES %s
        ON CONFLICT (room_nid, thread_id) DO UPDATE
                SET position = EXCLUDED.position,
                    totals = EXCLUDED.totals
              WHERE p.position < EXCLUDED.position
        """,
        [(room_nid, thread_id, *one) for thread_id, one in sorted(last.items())],
    )


def _delete_empty_threads(txn: Any, room_nid: int, thread_ids: Collection[str]) -> None:
    """Should somebody answer in such a thread after all, it is counted anew."""
    if not thread_ids:
        return
    txn.execute(
        """
        WITH empty AS (
                DELETE FROM unread_threads u
                 WHERE u.room_nid = %s
                   AND u.thread_id = ANY(%s)
                   AND NOT EXISTS (SELECT 1
                                     FROM timeline t
                                    WHERE t.room_nid = u.room_nid
                                      AND t.thread_id = u.thread_id)
             RETURNING u.room_nid, u.thread_id)
        DELETE FROM purged_totals p
         USING empty
         WHERE p.room_nid = empty.room_nid
           AND p.thread_id = empty.thread_id
        """,
        (room_nid, sorted(thread_ids)),
    )


def _delete_relations(txn: Any, room_nid: int, messages: Sequence[Message]) -> None:
    related = [one for one in messages if one.parent_event_id is not None]
    if not related:
        return
    txn.execute(
        """
        DELETE FROM relations r
         USING unnest(%s::text[], %s::bigint[], %s::bigint[])
               AS gone (parent_event_id, topological, event_nid)
         WHERE r.room_nid = %s
           AND r.parent_event_id = gone.parent_event_id
           AND r.topological = gone.topological
           AND r.event_nid = gone.event_nid
        """,
        (
            [one.parent_event_id for one in related],
            [one.depth for one in related],
            [one.event_nid for one in related],
            room_nid,
        ),
    )


def _delete_pending(txn: Any, room_nid: int, messages: Sequence[Message]) -> None:
    pending = [one for one in messages if one.redacts is not None]
    if pending:
        txn.execute(
            """
            DELETE FROM pending_redactions
             WHERE room_nid = %s
               AND (redacts, redaction_nid) IN (SELECT * FROM unnest(%s::text[], %s::bigint[]))
            """,
            (room_nid, [one.redacts for one in pending], [one.event_nid for one in pending]),
        )


def _delete_edges(txn: Any, room_nid: int, messages: Sequence[Message]) -> None:
    """And of what is missing in the room's history that below which nothing is left."""
    edges = {(prev, one.event_nid) for one in messages for prev in one.prev_event_ids}
    txn.execute(
        """
        DELETE FROM event_edges g
         USING unnest(%s::text[], %s::bigint[]) AS gone (prev_event_id, event_nid)
         WHERE g.room_nid = %s
           AND g.prev_event_id = gone.prev_event_id
           AND g.event_nid = gone.event_nid
        """,
        ([edge[0] for edge in edges], [edge[1] for edge in edges], room_nid),
    )
    txn.execute(
        """
        DELETE FROM backward_extremities b
         WHERE b.room_nid = %s
           AND b.event_id = ANY(%s)
           AND NOT EXISTS (SELECT 1
                             FROM event_edges g
                            WHERE g.room_nid = b.room_nid
                              AND g.prev_event_id = b.event_id)
        """,
        (room_nid, list({edge[0] for edge in edges})),
    )
