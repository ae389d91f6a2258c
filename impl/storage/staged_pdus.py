"""PDUs that wait for what they refer to. Table: staged_pdus."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class StagedPdu:
    """One that waits. `pdu` is JSON."""

    event_id: str
    origin: str
    pdu: str
    attempts: int


def insert(
    txn: Any, room_nid: int, origin: str, pdus: Sequence[tuple[str, str]], now_ms: int
) -> None:
    """(event_id, JSON) of some, in their order; those that wait already are passed over."""
    txn.execute_values(
        """
        INSERT INTO staged_pdus (room_nid, event_id, origin, pdu, received_ts, due_ts)
             VALUES %s
        ON CONFLICT DO NOTHING
        """,
        [(room_nid, event_id, origin, pdu, now_ms, now_ms) for event_id, pdu in pdus],
    )


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
) -> list[tuple[int, str]]:
    """Rooms in which something is to be tried, but for some, each with the origin of what came
    first.
    """
    txn.execute(
        """
        SELECT DISTINCT ON (room_nid) room_nid, origin
          FROM staged_pdus
         WHERE due_ts <= %s
           AND room_nid <> ALL(%s::bigint[])
         ORDER BY room_nid, staged_nid
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
    """It was tried, and is tried again then."""
    txn.execute(
        """
        UPDATE staged_pdus
           SET attempts = attempts + 1,
               due_ts = %s
         WHERE room_nid = %s
           AND event_id = %s
        """,
        (due_ts, room_nid, event_id),
    )


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
