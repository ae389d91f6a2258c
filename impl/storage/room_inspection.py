"""What the debugger for rooms counts and looks up: reads of a whole room, which no request makes.

Tables: rooms, events, event_edges, state_nodes, timeline, room_members."""

from dataclasses import dataclass
from typing import Any

from impl.storage.rooms import Head, Room

_LIKE_ESCAPES = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})


@dataclass(frozen=True, slots=True)
class EventCounts:
    """`state_events` are those that changed a state, so none of the rejected ones."""

    events: int
    state_events: int
    rejected: int
    soft_failed: int
    outliers: int
    redacted: int


@dataclass(frozen=True, slots=True)
class Moment:
    """A row of the timeline, and the current state after it."""

    position: int
    event_nid: int
    current_state_root: int


def get_head(txn: Any, room: Room) -> Head:
    """The head of a room without its lock: to be read in a snapshot."""
    txn.execute(
        """
        SELECT forward_extremities, depth_max, current_state_root
          FROM rooms
         WHERE room_nid = %s
        """,
        (room.room_nid,),
    )
    extremities, depth_max, root = txn.fetchone()
    return Head(room, list(extremities), depth_max, root)


def get_created_ts(txn: Any, room_nid: int) -> int:
    """When this server came to know the room."""
    txn.execute("SELECT created_ts FROM rooms WHERE room_nid = %s", (room_nid,))
    return txn.fetchone()[0]


def count_rooms(txn: Any) -> int:
    txn.execute("SELECT count(*) FROM rooms")
    return txn.fetchone()[0]


def count_events(txn: Any, room_nid: int) -> EventCounts:
    txn.execute(
        """
        SELECT count(*),
               count(*) FILTER (WHERE state_before <> state_after),
               count(*) FILTER (WHERE rejected_reason IS NOT NULL),
               count(*) FILTER (WHERE is_soft_failed),
               count(*) FILTER (WHERE state_before IS NULL),
               count(*) FILTER (WHERE redacted_by_nid IS NOT NULL)
          FROM events
         WHERE room_nid = %s
        """,
        (room_nid,),
    )
    return EventCounts(*txn.fetchone())


def count_state_nodes(txn: Any, room_nid: int) -> tuple[int, int]:
    """How many nodes all states of the room have together, and their bytes."""
    txn.execute(
        """
        SELECT count(*), coalesce(sum(length(content)), 0)
          FROM state_nodes
         WHERE room_nid = %s
        """,
        (room_nid,),
    )
    return txn.fetchone()


def count_members_of_server(txn: Any, room_nid: int, server_name: str) -> dict[str, int]:
    """membership -> how many users of a server have it."""
    txn.execute(
        """
        SELECT membership, count(*)
          FROM room_members
         WHERE room_nid = %s
           AND substr(user_id, strpos(user_id, ':') + 1) = %s
         GROUP BY membership
        """,
        (room_nid, server_name),
    )
    return dict(txn.fetchall())


def list_servers(txn: Any, room_nid: int) -> list[tuple[str, int]]:
    """The servers that are in the room, with their joined users, those with the most first."""
    txn.execute(
        """
        SELECT substr(user_id, strpos(user_id, ':') + 1) AS server_name, count(*)
          FROM room_members
         WHERE room_nid = %s
           AND membership = 'join'
         GROUP BY server_name
         ORDER BY count(*) DESC, server_name
        """,
        (room_nid,),
    )
    return txn.fetchall()


def list_nids_by_prefix(txn: Any, room_nid: int, prefix: str, limit: int) -> list[int]:
    """The events of a room whose id begins so."""
    txn.execute(
        """
        SELECT event_nid
          FROM events
         WHERE room_nid = %s
           AND event_id LIKE %s
         ORDER BY event_id
         LIMIT %s
        """,
        (room_nid, prefix.translate(_LIKE_ESCAPES) + "%", limit),
    )
    return [row[0] for row in txn.fetchall()]


def list_rooms_of_event(txn: Any, event_id: str) -> list[str]:
    """The ids of the rooms that have an event of this id."""
    txn.execute(
        """
        SELECT r.room_id
          FROM events e
          JOIN rooms r USING (room_nid)
         WHERE e.event_id = %s
         ORDER BY r.room_id
        """,
        (event_id,),
    )
    return [row[0] for row in txn.fetchall()]


def get_moment_after(txn: Any, room_nid: int, position: int) -> Moment | None:
    """The first row of the timeline beyond a position."""
    txn.execute(
        """
        SELECT position, event_nid, current_state_root
          FROM timeline
         WHERE room_nid = %s
           AND position > %s
         ORDER BY position
         LIMIT 1
        """,
        (room_nid, position),
    )
    row = txn.fetchone()
    return Moment(*row) if row else None


def get_last_position(txn: Any, room_nid: int) -> int:
    """Where the room's timeline ends."""
    txn.execute("SELECT coalesce(max(position), 0) FROM timeline WHERE room_nid = %s", (room_nid,))
    return txn.fetchone()[0]


def list_ends_at(txn: Any, room_nid: int, position: int) -> list[int]:
    """The forward extremities as they were at a position, so far as the timeline tells: what stood
    in it then, and had nothing in it on top.
    """
    txn.execute(
        """
        WITH seen AS (
            SELECT DISTINCT e.event_nid, e.event_id
              FROM timeline t
              JOIN events e USING (room_nid, event_nid)
             WHERE t.room_nid = %(room_nid)s
               AND t.position <= %(position)s
        )
        SELECT s.event_nid
          FROM seen s
         WHERE NOT EXISTS (
                   SELECT 1
                     FROM event_edges g
                     JOIN seen USING (event_nid)
                    WHERE g.room_nid = %(room_nid)s
                      AND g.prev_event_id = s.event_id
               )
         ORDER BY s.event_nid
        """,
        {"room_nid": room_nid, "position": position},
    )
    return [row[0] for row in txn.fetchall()]
