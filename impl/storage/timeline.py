"""Events of rooms by stream position. Tables: timeline, and what gets the same position with them:
membership_changes, relations.
"""

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
class NewRelation:
    """What an event says of its parent. `annotation_key` is that of an annotation."""

    parent_event_id: str
    event_id: str
    rel_type: str
    event_type: str
    sender: str
    annotation_key: str | None
    origin_server_ts: int


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
    # Another that has a child more or one less: the parent of this, or of what this redacts.
    parent_nid: int | None = None
    relation: NewRelation | None = None


@dataclass(frozen=True, slots=True)
class Row:
    room_nid: int
    position: int
    event_nid: int
    topological: int
    current_state_root: int


def append(txn: Any, rows: Sequence[NewRow]) -> None:
    """Give events the next positions, in their order, with the COMMIT; memberships and relations
    get the same position.
    """
    statement = """
        INSERT INTO timeline (room_nid, position, event_nid, topological, current_state_root,
                              changes_nid, parent_nid)
             SELECT n.room_nid, nextval('stream_positions'), n.event_nid, n.topological, n.root,
                    n.changes_nid, n.parent_nid
               FROM (SELECT *
                       FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
                                   %s::bigint[], %s::bigint[])
                            WITH ORDINALITY
                            AS u (room_nid, event_nid, topological, root, changes_nid, parent_nid,
                                  n)
                      ORDER BY n) AS n
        """
    parameters: list[object] = [
        [row.room_nid for row in rows],
        [row.event_nid for row in rows],
        [row.topological for row in rows],
        [row.current_state_root for row in rows],
        [row.changes_nid for row in rows],
        [row.parent_nid for row in rows],
    ]
    with_them = ""
    members = [(row.event_nid, member) for row in rows for member in row.members]
    if members:
        with_them += ", members AS (" + _WITH_MEMBERS + ")"
        parameters += _columns_of_members(members)
    relations = [(row.event_nid, row.relation) for row in rows if row.relation is not None]
    if relations:
        with_them += ", related AS (" + _WITH_RELATIONS + ")"
        parameters += _columns_of_relations(relations)
    if with_them:
        placed = " RETURNING room_nid, position, event_nid, topological)"
        statement = "WITH placed AS (" + statement + placed + with_them + " SELECT"
    txn.allot(statement, parameters)


_WITH_MEMBERS = """
    INSERT INTO membership_changes (user_id, position, room_nid, event_nid, membership)
         SELECT m.user_id, p.position, p.room_nid, m.event_nid, m.membership
           FROM placed p
           JOIN unnest(%s::bigint[], %s::text[], %s::text[], %s::bigint[])
                AS m (placed_nid, user_id, membership, event_nid)
             ON m.placed_nid = p.event_nid
"""

_WITH_RELATIONS = """
    INSERT INTO relations (room_nid, parent_event_id, topological, position, event_nid, event_id,
                           rel_type, event_type, sender, annotation_key, origin_server_ts)
         SELECT p.room_nid, r.parent_event_id, p.topological, p.position, p.event_nid, r.event_id,
                r.rel_type, r.event_type, r.sender, r.annotation_key, r.origin_server_ts
           FROM placed p
           JOIN unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
                       %s::text[], %s::bigint[])
                AS r (placed_nid, parent_event_id, event_id, rel_type, event_type, sender,
                      annotation_key, origin_server_ts)
             ON r.placed_nid = p.event_nid
"""


def _columns_of_members(members: Sequence[tuple[int, MemberChange]]) -> list[object]:
    return [
        [placed_nid for placed_nid, _ in members],
        [member.user_id for _, member in members],
        [member.membership for _, member in members],
        [member.event_nid for _, member in members],
    ]


def _columns_of_relations(relations: Sequence[tuple[int, NewRelation]]) -> list[object]:
    return [
        [placed_nid for placed_nid, _ in relations],
        [one.parent_event_id for _, one in relations],
        [one.event_id for _, one in relations],
        [one.rel_type for _, one in relations],
        [one.event_type for _, one in relations],
        [one.sender for _, one in relations],
        [one.annotation_key for _, one in relations],
        [one.origin_server_ts for _, one in relations],
    ]


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
