"""Many events at once as the JSON text that they are kept as: nothing of it is read here. Table:
events.
"""

from collections.abc import Sequence
from typing import Any


def list_pdus(txn: Any, room_nid: int, event_nids: Sequence[int]) -> tuple[str, list[int]]:
    """The events, with commas between them, but for those that were redacted, and the numbers of
    these.
    """
    txn.execute(
        """
        SELECT string_agg(pdu, ',') FILTER (WHERE redacted_by_nid IS NULL),
               array_agg(event_nid) FILTER (WHERE redacted_by_nid IS NOT NULL)
          FROM events
         WHERE room_nid = %s
           AND event_nid = ANY(%s::bigint[])
        """,
        (room_nid, _array(event_nids)),
    )
    text, redacted = txn.fetchone()
    return text or "", redacted or []


def list_ids(txn: Any, room_nid: int, event_nids: Sequence[int]) -> str:
    """The events' ids as JSON strings, with commas between them."""
    txn.execute(
        """
        SELECT string_agg(to_json(event_id)::text, ',')
          FROM events
         WHERE room_nid = %s
           AND event_nid = ANY(%s::bigint[])
        """,
        (room_nid, _array(event_nids)),
    )
    return txn.fetchone()[0] or ""


def _array(numbers: Sequence[int]) -> str:
    # As PostgreSQL reads it. psycopg2 would look at each of the thousands on its own, which takes
    # as long as all the rest.
    return "{" + ",".join(map(str, numbers)) + "}"
