"""Events of rooms by stream position. Tables: timeline, membership_changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class MemberChange:
    """A new membership of one of our users, and the event that it stands in."""

    user_id: str
    membership: str
    event_nid: int


@dataclass(frozen=True, slots=True)
class NewRow:
    """A place in the timeline that is still to be given its position."""

    room_nid: int
    event_nid: int
    topological: int
    current_state_root: int
    # Another event that is no longer what it was: the one that this redacts.
    changes_nid: int | None
    members: Sequence[MemberChange]


@dataclass(frozen=True, slots=True)
class Row:
    room_nid: int
    position: int
    event_nid: int
    topological: int
    current_state_root: int


def append(txn: Any, rows: Sequence[NewRow]) -> None:
    """Give events the next positions, in their order, with the COMMIT; memberships get the same
    position.
    """
    members = [(row.event_nid, member) for row in rows for member in row.members]
    statement = """
        INSERT INTO timeline (room_nid, position, event_nid, topological, current_state_root,
                              changes_nid)
             SELECT n.room_nid, nextval('stream_positions'), n.event_nid, n.topological, n.root,
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
    if members:
        statement = (
            "WITH placed AS ("
            + statement
            + """ RETURNING room_nid, position, event_nid)
            INSERT INTO membership_changes (user_id, position, room_nid, event_nid, membership)
                 SELECT m.user_id, p.position, p.room_nid, m.event_nid, m.membership
                   FROM placed p
                   JOIN unnest(%s::bigint[], %s::text[], %s::text[], %s::bigint[])
                        AS m (placed_nid, user_id, membership, event_nid)
                        ON m.placed_nid = p.event_nid
            """
        )
        parameters += [
            [placed_nid for placed_nid, _ in members],
            [member.user_id for _, member in members],
            [member.membership for _, member in members],
            [member.event_nid for _, member in members],
        ]
    txn.allot(statement, parameters)


def get_of_event(txn: Any, room_nid: int, event_nid: int, topological: int) -> Row | None:
    """An event's place. Its depth is asked for since the index begins with it."""
    txn.execute(
        """
        SELECT room_nid, position, event_nid, topological, current_state_root
          FROM timeline
         WHERE room_nid = %s
           AND topological = %s
           AND event_nid = %s
        """,
        (room_nid, topological, event_nid),
    )
    row = txn.fetchone()
    return Row(*row) if row else None


def get_state_root_at(txn: Any, room_nid: int, position: int) -> int | None:
    """The room's current state as it was at a position of the stream; None before the room's first
    event.
    """
    txn.execute(
        """
        SELECT current_state_root
          FROM timeline
         WHERE room_nid = %s
           AND position <= %s
         ORDER BY position DESC
         LIMIT 1
        """,
        (room_nid, position),
    )
    row = txn.fetchone()
    return row[0] if row else None
