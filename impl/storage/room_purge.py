"""Deleting a room, row by row. Tables: purged_rooms, purged_memberships, and all
that have a room_nid.

A room's number is never used again, so what was missed can be deleted at any time later. The tables
are asked of the catalogue: one that is added later is not forgotten."""

from dataclasses import dataclass
from typing import Any

# What leads to a room; deleted in one transaction with its row in `rooms`. What is left then is
# found by nobody.
DOORS = ("room_members", "membership_changes", "room_servers", "room_aliases", "published_rooms")
# Read last by who is still at it, so deleted last.
_LAST = ("event_edges", "auth_chains", "events", "state_nodes")


@dataclass(frozen=True, slots=True)
class PurgedRoom:
    room_nid: int
    room_id: str


def lock(txn: Any, room_id: str) -> int | None:
    """The number of a room that nobody writes to, from now on."""
    txn.execute(
        """
        SELECT room_nid
          FROM rooms
         WHERE room_id = %s
           FOR UPDATE
        """,
        (room_id,),
    )
    row = txn.fetchone()
    return row[0] if row else None


def close(txn: Any, room: PurgedRoom, now_ms: int) -> dict[str, int]:
    """Delete a locked room and what leads to it: table -> rows. All workers hear of it, and all
    users of ours who ever had a membership of it.
    """
    counts: dict[str, int] = {}
    txn.execute(
        "SELECT DISTINCT user_id FROM membership_changes WHERE room_nid = %s", (room.room_nid,)
    )
    users = [row[0] for row in txn.fetchall()]
    for table in ("rooms", *DOORS):
        txn.execute(f"DELETE FROM {table} WHERE room_nid = %s", (room.room_nid,))
        counts[table] = txn.rowcount
    txn.allot(
        """
        WITH gone AS (
            INSERT INTO purged_rooms (position, room_nid, room_id, purged_ts)
                 VALUES (nextval('stream_positions'), %s, %s, %s)
              RETURNING position, room_id)
        INSERT INTO purged_memberships (user_id, position, room_id)
             SELECT m.user_id, gone.position, gone.room_id
               FROM gone
              CROSS JOIN unnest(%s::text[]) AS m (user_id)
        """,
        (room.room_nid, room.room_id, now_ms, users),
    )
    return counts


def list_left(txn: Any, user_id: str, after: int, up_to: int) -> list[str]:
    """The ids of the rooms that a user knew and that were purged between two positions."""
    txn.execute(
        """
        SELECT DISTINCT room_id
          FROM purged_memberships
         WHERE user_id = %s
           AND position > %s
           AND position <= %s
        """,
        (user_id, after, up_to),
    )
    return [row[0] for row in txn.fetchall()]


def list_tables(txn: Any) -> list[str]:
    """The tables that have rows of rooms, in the order in which they are emptied."""
    txn.execute(
        """
        SELECT quote_ident(c.table_name)
          FROM information_schema.columns c
          JOIN information_schema.tables t USING (table_schema, table_name)
         WHERE c.table_schema = current_schema()
           AND c.column_name = 'room_nid'
           AND t.table_type = 'BASE TABLE'
           AND c.table_name NOT IN ('rooms', 'purged_rooms')
         ORDER BY c.table_name
        """
    )
    tables = [row[0] for row in txn.fetchall()]
    return [one for one in tables if one not in _LAST] + [one for one in _LAST if one in tables]


def delete_rows(txn: Any, table: str, room_nid: int, limit: int) -> int:
    """Some of a room's rows, but for what another transaction holds; returns how many."""
    txn.execute(
        f"""
        DELETE FROM {table}
         WHERE ctid = ANY(ARRAY(SELECT ctid
                                  FROM {table}
                                 WHERE room_nid = %s
                                 LIMIT %s
                                   FOR UPDATE SKIP LOCKED))
        """,
        (room_nid, limit),
    )
    return txn.rowcount


def delete_account_data(txn: Any, room_id: str, limit: int) -> int:
    """Some of what users have noted of a room, unless it is there again."""
    txn.execute(
        """
        DELETE FROM account_data
         WHERE ctid = ANY(ARRAY(SELECT ctid
                                  FROM account_data
                                 WHERE room_id = %(room_id)s
                                   AND NOT EXISTS (SELECT 1 FROM rooms WHERE room_id = %(room_id)s)
                                 LIMIT %(limit)s
                                   FOR UPDATE SKIP LOCKED))
        """,
        {"room_id": room_id, "limit": limit},
    )
    return txn.rowcount


def get_unswept(txn: Any, before_ts: int) -> PurgedRoom | None:
    """A room that was purged before, of which rows may be left."""
    txn.execute(
        """
        SELECT room_nid, room_id
          FROM purged_rooms
         WHERE purged_ts < %s
           AND NOT is_swept
         ORDER BY purged_ts
         LIMIT 1
        """,
        (before_ts,),
    )
    row = txn.fetchone()
    return PurgedRoom(*row) if row else None


def put_swept(txn: Any, room_nid: int) -> None:
    """Nothing is left of it, and nobody is under way who could write more."""
    txn.execute(
        """
        UPDATE purged_rooms
           SET is_swept = TRUE
         WHERE room_nid = %s
        """,
        (room_nid,),
    )
