"""Events of rooms by stream position. Tables: timeline, and what gets the same position with them:
membership_changes, relations, unread_singled, unread_own, unread_threads.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from impl.core.threads import MAIN
from impl.storage.unread import NO_UNREAD, NewUnread


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
    unread: NewUnread = NO_UNREAD
    # Other servers are to be told of it by us.
    is_outgoing: bool = False
    # And this one, though it may not be in the room any more.
    parting_server: str | None = None
    # Somebody came into a room that other servers are in.
    is_arrival: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    room_nid: int
    position: int
    event_nid: int
    topological: int
    current_state_root: int
    # What it added to the counts, in which thread, and whether to somebody something else.
    unread_outcome: bytes = b""
    thread_id: str | None = None
    singles_out: bool = False


_APPEND = """
    INSERT INTO timeline (room_nid, position, event_nid, topological, current_state_root,
                          changes_nid, parent_nid, unread_totals, unread_outcome, singles_out,
                          thread_id, thread_totals, is_outgoing, parting_server,
                          is_arrival)
         SELECT n.room_nid, nextval('stream_positions'), n.event_nid, n.topological, n.root,
                n.changes_nid, n.parent_nid, n.totals, n.outcome, n.singles_out,
                n.thread_id, n.thread_totals, n.is_outgoing, n.parting_server,
                n.is_arrival
           FROM (SELECT *
                   FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
                               %s::bigint[], %s::bigint[], %s::bytea[], %s::bytea[],
                               %s::boolean[], %s::text[], %s::bytea[], %s::boolean[],
                               %s::text[], %s::boolean[])
                        WITH ORDINALITY
                        AS u (room_nid, event_nid, topological, root, changes_nid, parent_nid,
                              totals, outcome, singles_out, thread_id, thread_totals,
                              is_outgoing, parting_server, is_arrival, n)
                  ORDER BY n) AS n
"""


def append(txn: Any, rows: Sequence[NewRow]) -> None:
    """Give events the next positions, in their order, with the COMMIT; memberships and relations
    and what is unread get the same position.
    """
    statement = _APPEND
    parameters = _columns(rows)
    with_them = ""
    members = [(row.event_nid, member) for row in rows for member in row.members]
    if members:
        with_them += ", members AS (" + _WITH_MEMBERS + ")"
        parameters += _columns_of_members(members)
    relations = [(row.event_nid, row.relation) for row in rows if row.relation is not None]
    if relations:
        with_them += ", related AS (" + WITH_RELATIONS + ")"
        parameters += columns_of_relations(relations)
    for name, sql, columns in _with_unread(rows):
        with_them += f", {name} AS ({sql})"
        parameters += columns
    if with_them:
        placed = " RETURNING room_nid, position, event_nid, topological)"
        statement = "WITH placed AS (" + statement + placed + with_them + " SELECT"
    txn.allot(statement, parameters)


def _columns(rows: Sequence[NewRow]) -> list[object]:
    unread = [row.unread for row in rows]
    is_in_thread = [one.thread_id != MAIN for one in unread]
    return [
        [row.room_nid for row in rows],
        [row.event_nid for row in rows],
        [row.topological for row in rows],
        [row.current_state_root for row in rows],
        [row.changes_nid for row in rows],
        [row.parent_nid for row in rows],
        [one.totals for one in unread],
        [one.outcome for one in unread],
        [bool(one.singled) for one in unread],
        [one.thread_id if is_in else None for one, is_in in zip(unread, is_in_thread, strict=True)],
        [
            one.thread_totals if is_in else None
            for one, is_in in zip(unread, is_in_thread, strict=True)
        ],
        [row.is_outgoing for row in rows],
        [row.parting_server for row in rows],
        [row.is_arrival for row in rows],
    ]


_WITH_MEMBERS = """
    INSERT INTO membership_changes (user_id, position, room_nid, event_nid, membership)
         SELECT m.user_id, p.position, p.room_nid, m.event_nid, m.membership
           FROM placed p
           JOIN unnest(%s::bigint[], %s::text[], %s::text[], %s::bigint[])
                AS m (placed_nid, user_id, membership, event_nid)
             ON m.placed_nid = p.event_nid
"""

WITH_RELATIONS = """
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


def columns_of_relations(relations: Sequence[tuple[int, NewRelation]]) -> list[object]:
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


_WITH_SINGLED = """
    INSERT INTO unread_singled (room_nid, position, user_id, thread_id, notify, highlight)
         SELECT p.room_nid, p.position, s.user_id, s.thread_id, s.notify, s.highlight
           FROM placed p
           JOIN unnest(%s::bigint[], %s::text[], %s::text[], %s::smallint[], %s::smallint[])
                AS s (placed_nid, thread_id, user_id, notify, highlight)
             ON s.placed_nid = p.event_nid
"""

_WITH_OWN = """
    INSERT INTO unread_own (user_id, room_nid, thread_id, position)
         SELECT o.user_id, p.room_nid, o.thread_id, p.position
           FROM placed p
           JOIN unnest(%s::bigint[], %s::text[], %s::text[]) AS o (placed_nid, user_id, thread_id)
             ON o.placed_nid = p.event_nid
    ON CONFLICT (room_nid, user_id, thread_id) DO UPDATE
            SET position = EXCLUDED.position
"""

_WITH_THREADS = """
    INSERT INTO unread_threads (room_nid, thread_id, position, totals)
         SELECT p.room_nid, t.thread_id, p.position, t.totals
           FROM placed p
           JOIN unnest(%s::bigint[], %s::text[], %s::bytea[]) AS t (placed_nid, thread_id, totals)
             ON t.placed_nid = p.event_nid
    ON CONFLICT (room_nid, thread_id) DO UPDATE
            SET position = EXCLUDED.position,
                totals = EXCLUDED.totals
"""


def _with_unread(rows: Sequence[NewRow]) -> Iterator[tuple[str, str, list[object]]]:
    """What unread counts need besides: the names, the statements and their parameters."""
    singled = [
        (row.event_nid, row.unread.thread_id, one) for row in rows for one in row.unread.singled
    ]
    if singled:
        nids, threads, people = zip(*singled, strict=True)
        pairs = [[one.notify for one in people], [one.highlight for one in people]]
        yield (
            "singled",
            _WITH_SINGLED,
            [list(nids), list(threads), [one.user_id for one in people], *pairs],
        )
    # Of several in a batch the last one stands.
    own = {
        (row.unread.reader, row.room_nid, row.unread.thread_id): row.event_nid
        for row in rows
        if row.unread.reader is not None
    }
    if own:
        yield (
            "own",
            _WITH_OWN,
            [list(own.values()), [key[0] for key in own], [key[2] for key in own]],
        )
    threads_now = {
        (row.room_nid, row.unread.thread_id): row for row in rows if row.unread.thread_id != MAIN
    }
    if threads_now:
        last = list(threads_now.values())
        yield (
            "threads",
            _WITH_THREADS,
            [
                [row.event_nid for row in last],
                [row.unread.thread_id for row in last],
                [row.unread.thread_totals for row in last],
            ],
        )


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


def get_depth_min(txn: Any, room_nid: int) -> int:
    """The least depth of what came to a room by the stream; 0 if nothing did. Older history may
    have been fetched.
    """
    txn.execute(
        """
        SELECT COALESCE(min(topological), 0)
          FROM timeline
         WHERE room_nid = %s
           AND position > 0
        """,
        (room_nid,),
    )
    return txn.fetchone()[0]


def get_state_root_at(txn: Any, room_nid: int, position: int) -> int | None:
    """The room's current state as it was at a position of the stream; None before the room's first
    event. At a position in history, the state that was fetched with it.
    """
    txn.execute(
        """
        SELECT current_state_root
          FROM timeline
         WHERE room_nid = %(room_nid)s
           AND position <= %(position)s
           AND (position > 0 OR %(position)s < 0)
         ORDER BY position DESC
         LIMIT 1
        """,
        {"room_nid": room_nid, "position": position},
    )
    row = txn.fetchone()
    return row[0] if row else None
