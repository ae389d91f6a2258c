"""Which events were redacted by which, and what is kept of them until their time is over. Tables:
events, pending_redactions.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from impl.core.room_version import ROOM_VERSIONS, RoomVersion

_decode = msgspec.json.Decoder(dict).decode
_encode = msgspec.json.Encoder().encode


def put_pending(txn: Any, rows: Sequence[tuple[int, str, int]]) -> None:
    """(room_nid, id of the event that is to be redacted, event_nid of the redaction)."""
    txn.values_with_commit(
        """
        INSERT INTO pending_redactions (room_nid, redacts, redaction_nid)
             VALUES %s
        """,
        rows,
    )


def list_pending(txn: Any, keys: Sequence[tuple[int, str]]) -> list[tuple[int, str, list[int]]]:
    """Of events by (room_nid, event_id), those that a redaction came before: (room_nid, event_id,
    event_nids of the redactions).
    """
    txn.execute(
        """
        SELECT p.room_nid, p.redacts, array_agg(p.redaction_nid)
          FROM unnest(%s::bigint[], %s::text[]) AS wanted (room_nid, event_id)
          JOIN pending_redactions p ON p.room_nid = wanted.room_nid
           AND p.redacts = wanted.event_id
         GROUP BY p.room_nid, p.redacts
        """,
        ([key[0] for key in keys], [key[1] for key in keys]),
    )
    return txn.fetchall()


def put(txn: Any, rows: Sequence[tuple[int, int, int]], now_ms: int) -> None:
    """(room_nid, event_nid of the redacted, event_nid of the redaction)."""
    txn.values_with_commit(
        """
        UPDATE events e
           SET redacted_by_nid = r.redaction_nid,
               redacted_ts = r.redacted_ts
          FROM (VALUES %s) AS r (room_nid, event_nid, redaction_nid, redacted_ts)
         WHERE e.room_nid = r.room_nid
           AND e.event_nid = r.event_nid
           AND e.redacted_by_nid IS NULL
        """,
        [(*row, now_ms) for row in rows],
        "(%s::bigint, %s::bigint, %s::bigint, %s::bigint)",
    )


def lock_originals(
    txn: Any, before_ts: int, limit: int
) -> list[tuple[int, int, dict[str, Any], RoomVersion]]:
    """(room_nid, event_nid, PDU, room version) of events that were redacted before, the first ones
    first, but for what another transaction holds.
    """
    txn.execute(
        """
        SELECT e.room_nid, e.event_nid, e.pdu, r.room_version
          FROM events e
          JOIN rooms r USING (room_nid)
         WHERE e.redacted_ts < %s
         ORDER BY e.redacted_ts
         LIMIT %s
           FOR UPDATE OF e SKIP LOCKED
        """,
        (before_ts, limit),
    )
    return [(row[0], row[1], _decode(row[2]), ROOM_VERSIONS[row[3]]) for row in txn.fetchall()]


def replace_originals(txn: Any, rows: Sequence[tuple[int, int, dict[str, Any]]]) -> None:
    """(room_nid, event_nid, redacted PDU)."""
    txn.execute_values(
        """
        UPDATE events e
           SET pdu = r.pdu,
               redacted_ts = NULL
          FROM (VALUES %s) AS r (room_nid, event_nid, pdu)
         WHERE e.room_nid = r.room_nid
           AND e.event_nid = r.event_nid
        """,
        [(room_nid, event_nid, _encode(pdu).decode()) for room_nid, event_nid, pdu in rows],
        "(%s::bigint, %s::bigint, %s)",
    )
