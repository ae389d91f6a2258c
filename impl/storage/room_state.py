"""The current state of rooms, row by row. Table: current_state."""

from collections.abc import Sequence
from typing import Any

StateKey = tuple[str, str]


def get(txn: Any, room_nid: int, event_type: str, state_key: str) -> int | None:
    """The event_nid that stands at a key."""
    txn.execute(
        """
        SELECT event_nid
          FROM current_state
         WHERE room_nid = %s
           AND event_type = %s
           AND state_key = %s
        """,
        (room_nid, event_type, state_key),
    )
    row = txn.fetchone()
    return row[0] if row else None


def get_many(txn: Any, room_nid: int, keys: Sequence[StateKey]) -> dict[StateKey, int]:
    txn.execute(
        """
        SELECT c.event_type, c.state_key, c.event_nid
          FROM unnest(%s::text[], %s::text[]) AS wanted (event_type, state_key)
          JOIN current_state c USING (event_type, state_key)
         WHERE c.room_nid = %s
        """,
        ([key[0] for key in keys], [key[1] for key in keys], room_nid),
    )
    return {(row[0], row[1]): row[2] for row in txn.fetchall()}


def list_all(txn: Any, room_nid: int) -> dict[StateKey, int]:
    """The whole current state: (type, state_key) -> event_nid."""
    txn.execute(
        """
        SELECT event_type, state_key, event_nid
          FROM current_state
         WHERE room_nid = %s
        """,
        (room_nid,),
    )
    return {(row[0], row[1]): row[2] for row in txn.fetchall()}


def list_of_rooms(
    txn: Any, room_nids: Sequence[int], event_types: Sequence[str]
) -> list[tuple[int, str, str, int]]:
    """(room_nid, type, state_key, event_nid) of some types in some rooms."""
    txn.execute(
        """
        SELECT room_nid, event_type, state_key, event_nid
          FROM current_state
         WHERE room_nid = ANY(%s)
           AND event_type = ANY(%s)
        """,
        (list(room_nids), list(event_types)),
    )
    return txn.fetchall()


def change(txn: Any, rows: Sequence[tuple[int, StateKey, int | None]]) -> None:
    """Write what changed: (room_nid, key, event_nid), with None for a key that is gone."""
    gone = [(room_nid, *key) for room_nid, key, event_nid in rows if event_nid is None]
    txn.values_with_commit(
        """
        DELETE FROM current_state c
         USING (VALUES %s) AS gone (room_nid, event_type, state_key)
         WHERE c.room_nid = gone.room_nid
           AND c.event_type = gone.event_type
           AND c.state_key = gone.state_key
        """,
        gone,
        "(%s::bigint, %s, %s)",
    )
    txn.values_with_commit(
        """
        INSERT INTO current_state (room_nid, event_type, state_key, event_nid)
             VALUES %s
        ON CONFLICT (room_nid, event_type, state_key) DO UPDATE
                SET event_nid = EXCLUDED.event_nid
        """,
        [(room_nid, *key, event_nid) for room_nid, key, event_nid in rows if event_nid is not None],
    )


def count(txn: Any, room_nid: int) -> int:
    """How many events the current state has."""
    txn.execute(
        """
        SELECT count(*)
          FROM current_state
         WHERE room_nid = %s
        """,
        (room_nid,),
    )
    return txn.fetchone()[0]
