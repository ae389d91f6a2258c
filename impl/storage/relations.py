"""Which events relate to which: m.relates_to. Table: relations.

A child has a row from the moment when clients are shown it, written by timeline.append together
with its place, until it is redacted. Its parent may be an event that is not here."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from impl.storage.history import Place

# How far from an event its relations are followed.
RECURSION_DEPTH = 3


@dataclass(frozen=True, slots=True)
class Child:
    """A child, at its place in history."""

    room_nid: int
    parent_event_id: str
    topological: int
    position: int
    event_nid: int
    event_id: str
    rel_type: str
    sender: str
    origin_server_ts: int


@dataclass(frozen=True, slots=True)
class Parent:
    """A parent whose newest children are asked for; `sender` and `event_type` are what its
    replacements must have.
    """

    room_nid: int
    event_nid: int
    event_id: str
    sender: str
    event_type: str


_CHILD = """
    c.room_nid, c.parent_event_id, c.topological, c.position, c.event_nid, c.event_id, c.rel_type,
    c.sender, c.origin_server_ts
"""


def delete(txn: Any, rows: Iterable[tuple[int, str, int]]) -> None:
    """Children that were redacted: (room_nid, parent_event_id, event_nid), with the COMMIT."""
    for row in rows:
        txn.with_commit(
            """
            DELETE FROM relations
             WHERE room_nid = %s
               AND parent_event_id = %s
               AND event_nid = %s
            """,
            row,
        )


def look_up(
    txn: Any, room_nid: int, parent_event_id: str, annotation: tuple[str, str, str | None]
) -> tuple[int | None, list[int]]:
    """The parent's event_nid, if it is here, and the event_nids of its annotations by this sender,
    of this type and with this key.
    """
    sender, event_type, key = annotation
    txn.execute(
        """
        SELECT (SELECT event_nid
                  FROM events
                 WHERE event_id = %(parent)s
                   AND room_nid = %(room_nid)s),
               ARRAY (SELECT event_nid
                        FROM relations
                       WHERE room_nid = %(room_nid)s
                         AND sender = %(sender)s
                         AND parent_event_id = %(parent)s
                         AND rel_type = 'm.annotation'
                         AND event_type = %(event_type)s
                         AND annotation_key = %(key)s)
        """,
        {
            "room_nid": room_nid,
            "parent": parent_event_id,
            "sender": sender,
            "event_type": event_type,
            "key": key,
        },
    )
    return txn.fetchone()


_OF_PARENT = (
    "(SELECT "
    + _CHILD
    + """
       FROM relations c
      WHERE c.room_nid = w.room_nid
        AND c.parent_event_id = w.event_id
        AND """
)

_NEWEST = (
    """
    SELECT w.event_nid, c.*
      FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[])
           AS w (room_nid, event_nid, event_id, sender, event_type)
     CROSS JOIN LATERAL (
    """
    + _OF_PARENT
    + """ c.rel_type = 'm.replace'
        AND c.sender = w.sender
        AND c.event_type = w.event_type
      ORDER BY c.origin_server_ts DESC, c.event_id COLLATE "C" DESC
      LIMIT %s)
    UNION ALL
    """
    + _OF_PARENT
    + """ c.rel_type = 'm.thread'
      ORDER BY c.topological DESC, c.position DESC
      LIMIT %s)
    UNION ALL
    """
    + _OF_PARENT
    + """ c.rel_type = 'm.reference'
      ORDER BY c.topological DESC, c.position DESC
      LIMIT %s)) AS c
    """
)


def list_newest(
    txn: Any, parents: Sequence[Parent], limits: tuple[int, int, int]
) -> dict[int, list[Child]]:
    """event_nid of the parent -> its newest replacements, of what is in its thread, and of what
    refers to it, each at most so many, the newest first.

    Only replacements of the parent's sender and type. The newest of them is the one with the
    greatest timestamp; the newest of the others is the last in history."""
    txn.execute(
        _NEWEST,
        (
            [one.room_nid for one in parents],
            [one.event_nid for one in parents],
            [one.event_id for one in parents],
            [one.sender for one in parents],
            [one.event_type for one in parents],
            *limits,
        ),
    )
    found: dict[int, list[Child]] = {one.event_nid: [] for one in parents}
    for parent_nid, *row in txn.fetchall():
        found[parent_nid].append(Child(*row))
    for children in found.values():
        children.sort(key=_age, reverse=True)
    return found


def _age(child: Child) -> tuple[int, int | str]:
    if child.rel_type == "m.replace":
        return child.origin_server_ts, child.event_id
    return child.topological, child.position


def count_in_threads(txn: Any, roots: Sequence[Parent]) -> dict[int, dict[str, int]]:
    """event_nid of the root -> how many events of its thread are whose."""
    txn.execute(
        """
        SELECT w.event_nid, c.sender, count(*)
          FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS w (room_nid, event_nid, event_id)
          JOIN relations c
            ON c.room_nid = w.room_nid
           AND c.parent_event_id = w.event_id
         WHERE c.rel_type = 'm.thread'
         GROUP BY w.event_nid, c.sender
        """,
        (
            [one.room_nid for one in roots],
            [one.event_nid for one in roots],
            [one.event_id for one in roots],
        ),
    )
    found: dict[int, dict[str, int]] = {one.event_nid: {} for one in roots}
    for parent_nid, sender, number in txn.fetchall():
        found[parent_nid][sender] = number
    return found


_CHILDREN = (
    """
    SELECT """
    + _CHILD
    + """
      FROM relations c
     WHERE c.room_nid = %(room_nid)s
       AND c.parent_event_id = %(parent)s
       AND (%(rel_type)s::text IS NULL OR c.rel_type = %(rel_type)s)
       AND (%(event_type)s::text IS NULL OR c.event_type = %(event_type)s)
"""
)

# A filter holds for what lies between as well. Level by level by the index, whatever the planner
# thinks of the size of the room: hence OFFSET. DISTINCT, since events of the first room versions
# could name each other.
_DESCENDANTS = """
    WITH RECURSIVE found AS (
            SELECT parent_event_id, event_id, topological, position, 1 AS depth
              FROM relations
             WHERE room_nid = %(room_nid)s
               AND parent_event_id = %(parent)s
               AND (%(rel_type)s::text IS NULL OR rel_type = %(rel_type)s)
               AND (%(event_type)s::text IS NULL OR event_type = %(event_type)s)
            UNION ALL
            SELECT below.*, f.depth + 1
              FROM found f
             CROSS JOIN LATERAL (
                    SELECT parent_event_id, event_id, topological, position
                      FROM relations
                     WHERE room_nid = %(room_nid)s
                       AND parent_event_id = f.event_id
                       AND (%(rel_type)s::text IS NULL OR rel_type = %(rel_type)s)
                       AND (%(event_type)s::text IS NULL OR event_type = %(event_type)s)
                    OFFSET 0) AS below
             WHERE f.depth < %(depth)s)
    SELECT DISTINCT parent_event_id, topological, position
      FROM found c
     WHERE event_id <> %(parent)s
"""

_OF_PAGE = "SELECT " + _CHILD + " FROM ("
_AS_PAGE = """) AS page
      JOIN relations c
        ON c.room_nid = %(room_nid)s
       AND c.parent_event_id = page.parent_event_id
       AND c.topological = page.topological
       AND c.position = page.position
"""

_BACK = """
       AND (c.topological, c.position) <= (%(start_t)s, %(start_p)s)
       AND (c.topological, c.position) > (%(end_t)s, %(end_p)s)
     ORDER BY c.topological DESC, c.position DESC
     LIMIT %(limit)s
"""

_FORTH = """
       AND (c.topological, c.position) > (%(start_t)s, %(start_p)s)
       AND (c.topological, c.position) <= (%(end_t)s, %(end_p)s)
     ORDER BY c.topological, c.position
     LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Family:
    """The children of an event, to be walked as a room's history is (history.list_back)."""

    parent_event_id: str
    rel_type: str | None = None
    event_type: str | None = None
    is_recursive: bool = False

    def list_back(
        self, txn: Any, room_nid: int, start: Place, end: Place, limit: int
    ) -> list[Child]:
        """From the place `start` back to `end`, newest first."""
        return self._list(txn, _BACK, room_nid, (start, end), limit)[::-1]

    def list_forth(
        self, txn: Any, room_nid: int, start: Place, end: Place, limit: int
    ) -> list[Child]:
        """From the place `start` on to `end`, oldest first."""
        return self._list(txn, _FORTH, room_nid, (start, end), limit)

    def _list(
        self, txn: Any, order: str, room_nid: int, window: tuple[Place, Place], limit: int
    ) -> list[Child]:
        """Oldest first."""
        (start_t, start_p), (end_t, end_p) = window
        sql = _CHILDREN + order
        if self.is_recursive:
            sql = _OF_PAGE + _DESCENDANTS + order + _AS_PAGE
        txn.execute(
            sql,
            {
                "room_nid": room_nid,
                "parent": self.parent_event_id,
                "rel_type": self.rel_type,
                "event_type": self.event_type,
                "depth": RECURSION_DEPTH,
                "start_t": start_t,
                "start_p": start_p,
                "end_t": end_t,
                "end_p": end_p,
                "limit": limit,
            },
        )
        return sorted((Child(*row) for row in txn.fetchall()), key=_place)


def _place(child: Child) -> Place:
    return child.topological, child.position


def list_parents(
    txn: Any,
    events: Sequence[tuple[int, str]],
    senders: Collection[str] | None,
    rel_types: Collection[str] | None,
    ignored: Collection[str],
) -> set[tuple[int, str]]:
    """Those of some events, (room_nid, event_id), that have a child by one of the senders, of one
    of the types, and not by somebody ignored; None is any.
    """
    txn.execute(
        """
        SELECT DISTINCT w.room_nid, w.event_id
          FROM unnest(%(room_nids)s::bigint[], %(event_ids)s::text[]) AS w (room_nid, event_id)
          JOIN relations c
            ON c.room_nid = w.room_nid
           AND c.parent_event_id = w.event_id
         WHERE (%(senders)s::text[] IS NULL OR c.sender = ANY(%(senders)s::text[]))
           AND (%(rel_types)s::text[] IS NULL OR c.rel_type = ANY(%(rel_types)s::text[]))
           AND c.sender <> ALL(%(ignored)s::text[])
        """,
        {
            "room_nids": [room_nid for room_nid, _ in events],
            "event_ids": [event_id for _, event_id in events],
            "senders": None if senders is None else list(senders),
            "rel_types": None if rel_types is None else list(rel_types),
            "ignored": list(ignored),
        },
    )
    return set(txn.fetchall())


def list_threads(
    txn: Any, room_nid: int, window: tuple[Place, Place], ignored: Collection[str], limit: int
) -> list[Child]:
    """Of each thread the newest event that is not by somebody ignored, newest first.

    `window`: the place to go back from, and the newest place at all: what is after that counts for
    nothing. Not NOT EXISTS, which would be joined with all threads of the room, however few are
    asked for."""
    (start_t, start_p), (newest_t, newest_p) = window
    txn.execute(
        """
        SELECT """
        + _CHILD
        + """
          FROM relations c
         WHERE c.room_nid = %(room_nid)s
           AND c.rel_type = 'm.thread'
           AND (c.topological, c.position) <= (%(start_t)s, %(start_p)s)
           AND c.sender <> ALL(%(ignored)s::text[])
           AND (SELECT n.event_nid
                  FROM relations n
                 WHERE n.room_nid = %(room_nid)s
                   AND n.parent_event_id = c.parent_event_id
                   AND n.rel_type = 'm.thread'
                   AND n.sender <> ALL(%(ignored)s::text[])
                   AND (n.topological, n.position) > (c.topological, c.position)
                   AND (n.topological, n.position) <= (%(newest_t)s, %(newest_p)s)
                 LIMIT 1) IS NULL
         ORDER BY c.topological DESC, c.position DESC
         LIMIT %(limit)s
        """,
        {
            "room_nid": room_nid,
            "start_t": start_t,
            "start_p": start_p,
            "newest_t": newest_t,
            "newest_p": newest_p,
            "ignored": list(ignored),
            "limit": limit,
        },
    )
    return [Child(*row) for row in txn.fetchall()]
