"""PDUs that wait for what they refer to. Table: staged_pdus."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class NewPdu:
    """One that begins to wait. `pdu` is JSON."""

    event_id: str
    pdu: str
    prev_event_ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class StagedPdu:
    """One that waits. `pdu` is JSON."""

    event_id: str
    origin: str
    pdu: str
    attempts: int


def insert(
    txn: Any, room_nid: int, origin: str, pdus: Sequence[NewPdu], now_ms: int, due_ts: int
) -> None:
    """In their order; those that wait already are passed over."""
    txn.execute_values(
        """
        INSERT INTO staged_pdus (room_nid, event_id, origin, pdu, prev_event_ids, received_ts,
                                 due_ts)
             VALUES %s
        ON CONFLICT DO NOTHING
        """,
        [
            (room_nid, one.event_id, origin, one.pdu, list(one.prev_event_ids), now_ms, due_ts)
            for one in pdus
        ],
    )


def delete_below(
    txn: Any, room_nid: int, origin: str, prev_event_ids: Collection[str], limit: int
) -> int:
    """The first of an origin's in a room that others of its, or some new ones, stand on: they have
    to be had with these. Returns how many.
    """
    txn.execute(
        """
        WITH own AS (
                SELECT event_id, staged_nid, prev_event_ids
                  FROM staged_pdus
                 WHERE room_nid = %(room_nid)s
                   AND origin = %(origin)s)
        DELETE FROM staged_pdus
         WHERE room_nid = %(room_nid)s
           AND event_id IN (SELECT event_id
                              FROM own
                             WHERE event_id = ANY(%(prevs)s)
                                OR event_id IN (SELECT unnest(prev_event_ids) FROM own)
                             ORDER BY staged_nid
                             LIMIT %(limit)s)
        """,
        {
            "room_nid": room_nid,
            "origin": origin,
            "prevs": list(prev_event_ids),
            "limit": limit,
        },
    )
    return int(txn.rowcount)


def count_due(txn: Any, room_nid: int, origin: str, now_ms: int) -> int:
    """How many of an origin's in a room are to be tried."""
    txn.execute(
        """
        SELECT count(*)
          FROM staged_pdus
         WHERE room_nid = %s
           AND origin = %s
           AND due_ts <= %s
        """,
        (room_nid, origin, now_ms),
    )
    return int(txn.fetchone()[0])


def get_last_due(txn: Any, room_nid: int, origin: str) -> int:
    """When the last of an origin's in a room are tried; 0 if none wait."""
    txn.execute(
        """
        SELECT COALESCE(max(due_ts), 0)
          FROM staged_pdus
         WHERE room_nid = %s
           AND origin = %s
        """,
        (room_nid, origin),
    )
    return int(txn.fetchone()[0])


def count(txn: Any, room_nid: int, origin: str) -> tuple[int, int, int]:
    """How many wait in a room, how many of them are an origin's, and how many of its in all
    rooms.
    """
    txn.execute(
        """
        SELECT count(*),
               count(*) FILTER (WHERE origin = %s),
               (SELECT count(*) FROM staged_pdus WHERE origin = %s)
          FROM staged_pdus
         WHERE room_nid = %s
        """,
        (origin, origin, room_nid),
    )
    return txn.fetchone()


def list_due(txn: Any, room_nid: int, now_ms: int, limit: int) -> list[StagedPdu]:
    """The first of a room's that are to be tried, in the order in which they came."""
    txn.execute(
        """
        SELECT event_id, origin, pdu, attempts
          FROM staged_pdus
         WHERE room_nid = %s
           AND due_ts <= %s
         ORDER BY staged_nid
         LIMIT %s
        """,
        (room_nid, now_ms, limit),
    )
    return [StagedPdu(*row) for row in txn.fetchall()]


def list_rooms_due(
    txn: Any, now_ms: int, without: Collection[int], limit: int
) -> list[tuple[int, str, bool]]:
    """Rooms in which something is to be tried, but for some, each with the origin of what came
    first, and whether that is not in the room. One of each origin comes before the second of any.
    """
    txn.execute(
        """
        SELECT d.room_nid,
               d.origin,
               NOT EXISTS (SELECT
                             FROM room_servers s
                            WHERE s.room_nid = d.room_nid
                              AND s.server_name = d.origin)
          FROM (SELECT DISTINCT ON (room_nid) room_nid, origin
                  FROM staged_pdus
                 WHERE due_ts <= %s
                   AND room_nid <> ALL(%s::bigint[])
                 ORDER BY room_nid, staged_nid) AS d
         ORDER BY row_number() OVER (PARTITION BY d.origin
                                         ORDER BY d.room_nid), d.room_nid
         LIMIT %s
        """,
        (now_ms, list(without), limit),
    )
    return txn.fetchall()


def list_ids(txn: Any, room_nid: int) -> list[str]:
    """The event ids of all that wait in a room, in the order in which they came."""
    txn.execute(
        """
        SELECT event_id
          FROM staged_pdus
         WHERE room_nid = %s
         ORDER BY staged_nid
        """,
        (room_nid,),
    )
    return [row[0] for row in txn.fetchall()]


def put_off(txn: Any, room_nid: int, event_id: str, due_ts: int) -> None:
    """It met an error, and is tried again then: it waits for nothing that could come."""
    txn.execute(
        """
        UPDATE staged_pdus
           SET attempts = attempts + 1,
               prev_event_ids = '{}',
               due_ts = %s
         WHERE room_nid = %s
           AND event_id = %s
        """,
        (due_ts, room_nid, event_id),
    )


def put_off_all(txn: Any, room_nid: int, origin: str, attempts: int, due_ts: int) -> int:
    """All of an origin's in a room are tried again then, and not before; one of them was tried for
    all. Returns how many there are.
    """
    txn.execute(
        """
        UPDATE staged_pdus
           SET attempts = greatest(attempts, %s),
               due_ts = greatest(due_ts, %s)
         WHERE room_nid = %s
           AND origin = %s
        """,
        (attempts, due_ts, room_nid, origin),
    )
    return int(txn.rowcount)


def resume(txn: Any, room_nid: int, origin: str, now_ms: int) -> None:
    """All of an origin's in a room are to be tried now."""
    txn.execute(
        """
        UPDATE staged_pdus
           SET attempts = 0,
               due_ts = %(now_ms)s
         WHERE room_nid = %(room_nid)s
           AND origin = %(origin)s
           AND due_ts > %(now_ms)s
           AND prev_event_ids <> '{}'
        """,
        {"room_nid": room_nid, "origin": origin, "now_ms": now_ms},
    )


def resume_above(txn: Any, room_nid: int, event_ids: Collection[str], now_ms: int) -> str | None:
    """Something has come: where it is what one waits for, all of the same origins' in the room are
    to be tried now. Returns one of these origins.
    """
    txn.execute(
        """
        UPDATE staged_pdus
           SET due_ts = least(due_ts, %(now_ms)s)
         WHERE room_nid = %(room_nid)s
           AND prev_event_ids <> '{}'
           AND origin IN (SELECT origin
                            FROM staged_pdus
                           WHERE room_nid = %(room_nid)s
                             AND prev_event_ids && %(event_ids)s::text[])
     RETURNING origin
        """,
        {"room_nid": room_nid, "event_ids": list(event_ids), "now_ms": now_ms},
    )
    row = txn.fetchone()
    return row[0] if row else None


def delete_old(txn: Any, room_nid: int, origin: str, before_ts: int) -> int:
    """Those of an origin's in a room that have waited since before a time; returns how many."""
    txn.execute(
        """
        DELETE FROM staged_pdus
         WHERE room_nid = %s
           AND origin = %s
           AND received_ts < %s
        """,
        (room_nid, origin, before_ts),
    )
    return int(txn.rowcount)


def delete(txn: Any, room_nid: int, event_ids: Collection[str]) -> None:
    """They have their place, or will never have one; with the COMMIT."""
    txn.with_commit(
        """
        DELETE FROM staged_pdus
         WHERE room_nid = %s
           AND event_id = ANY(%s)
        """,
        (room_nid, list(event_ids)),
    )
