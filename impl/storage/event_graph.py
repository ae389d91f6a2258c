"""Edges between events, and auth chains. Tables: event_edges, backward_extremities, auth_chains,
events.auth_event_nids.

An auth chain is a set of event numbers, kept as a compressed bitmap for the events that many chains
share (the state that is not a membership, and some that is). The chain of anything else is the
union of the chains of its auth events."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pyroaring import BitMap64

from impl.storage import out_of_band


def insert_edges(txn: Any, rows: Sequence[tuple[int, str, int]]) -> None:
    """(room_nid, prev_event_id, event_nid)."""
    txn.values_with_commit(
        """
        INSERT INTO event_edges (room_nid, prev_event_id, event_nid)
             VALUES %s
        """,
        rows,
    )


def put_backward_extremities(txn: Any, room_nid: int, depths: Mapping[str, int]) -> None:
    """Note events that others refer to and that are not here, or have no place: event_id -> the
    depth of those others.
    """
    txn.values_with_commit(
        """
        INSERT INTO backward_extremities (room_nid, event_id, depth)
             VALUES %s
        ON CONFLICT (room_nid, event_id) DO UPDATE
                SET depth = greatest(backward_extremities.depth, EXCLUDED.depth)
        """,
        [(room_nid, event_id, depth) for event_id, depth in depths.items()],
    )


def delete_backward_extremities(txn: Any, room_nid: int, event_ids: Collection[str]) -> None:
    """They have come."""
    txn.with_commit(
        """
        DELETE FROM backward_extremities
         WHERE room_nid = %s
           AND event_id = ANY(%s)
        """,
        (room_nid, list(event_ids)),
    )


def list_backward_extremities(txn: Any, room_nid: int) -> list[str]:
    """The ids of events that others refer to and that are not here, or have no place."""
    txn.execute(
        """
        SELECT event_id
          FROM backward_extremities
         WHERE room_nid = %s
         ORDER BY event_id
        """,
        (room_nid,),
    )
    return [row[0] for row in txn.fetchall()]


_BELOW_NEW = """
    AND EXISTS (SELECT 1
                  FROM event_edges g
                  JOIN events e USING (room_nid, event_nid)
                 WHERE g.room_nid = backward_extremities.room_nid
                   AND g.prev_event_id = backward_extremities.event_id
                   AND least(e.origin_server_ts, e.came_ts) >= %s)
"""


def list_gaps(
    txn: Any,
    room_nid: int,
    depths: tuple[int, int],
    limit: int,
    *,
    is_back: bool = True,
    since_ts: int | None = None,
) -> list[tuple[str, int]]:
    """(event_id, depth) of what is missing below events of some depths, the deepest first, or
    last; with a time, only below what was sent since.
    """
    order = "DESC" if is_back else "ASC"
    txn.execute(
        f"""
        SELECT event_id, depth
          FROM backward_extremities
         WHERE room_nid = %s
           AND depth BETWEEN %s AND %s
               {"" if since_ts is None else _BELOW_NEW}
         ORDER BY depth {order}, event_id
         LIMIT %s
        """,
        (room_nid, *depths, *(() if since_ts is None else (since_ts,)), limit),
    )
    return txn.fetchall()


def list_below(txn: Any, keys: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """Those of some events, by (room_nid, event_id), which had no place so far, that an accepted
    event stands on.
    """
    txn.execute(
        """
        SELECT DISTINCT b.room_nid, b.event_id
          FROM unnest(%s::bigint[], %s::text[]) AS wanted (room_nid, event_id)
          JOIN backward_extremities b USING (room_nid, event_id)
          JOIN event_edges g ON g.room_nid = b.room_nid
           AND g.prev_event_id = b.event_id
          JOIN events e ON e.room_nid = g.room_nid
           AND e.event_nid = g.event_nid
         WHERE e.rejected_reason IS NULL
           AND NOT e.is_soft_failed
        """,
        ([key[0] for key in keys], [key[1] for key in keys]),
    )
    return txn.fetchall()


def list_here(txn: Any, room_nid: int, event_ids: Collection[str]) -> dict[str, bool]:
    """Those of some events that are here, with what they cite: event_id -> whether it has a place.

    What came alone (out_of_band.py) is not here.
    """
    txn.execute(
        """
        SELECT event_id, state_before IS NOT NULL
          FROM events
         WHERE room_nid = %s
           AND event_id = ANY(%s)
           AND rejected_reason IS DISTINCT FROM %s
        """,
        (room_nid, list(event_ids), out_of_band.REASON),
    )
    return dict(txn.fetchall())


def list_following(txn: Any, room_nid: int, event_ids: Collection[str]) -> list[tuple[str, int]]:
    """(prev_event_id, event_nid) of the events that refer to some."""
    txn.execute(
        """
        SELECT prev_event_id, event_nid
          FROM event_edges
         WHERE room_nid = %s
           AND prev_event_id = ANY(%s)
         ORDER BY event_nid
        """,
        (room_nid, list(event_ids)),
    )
    return txn.fetchall()


def insert_auth_chains(txn: Any, rows: Sequence[tuple[int, int, BitMap64]]) -> None:
    """(room_nid, event_nid, chain without the event itself)."""
    txn.values_with_commit(
        """
        INSERT INTO auth_chains (room_nid, event_nid, chain)
             VALUES %s
        """,
        [(room_nid, event_nid, chain.serialize()) for room_nid, event_nid, chain in rows],
    )


def get_auth_chains(txn: Any, room_nid: int, event_nids: Collection[int]) -> dict[int, BitMap64]:
    """event_nid -> its auth chain, without the event itself.

    Level by level: those that have a bitmap are done; of the others the auth events are asked for
    next. Those are memberships, each of which cites the one before it, and of long lines of these
    some have a bitmap (room_rows.py): the levels are few."""
    bitmaps: dict[int, BitMap64] = {}
    parents: dict[int, list[int]] = {}
    wanted = set(event_nids)
    while wanted:
        txn.execute(
            """
            SELECT e.event_nid, e.auth_event_nids, c.chain
              FROM events e
              LEFT JOIN auth_chains c USING (room_nid, event_nid)
             WHERE e.room_nid = %s
               AND e.event_nid = ANY(%s)
            """,
            (room_nid, list(wanted)),
        )
        following: set[int] = set()
        for event_nid, auth_event_nids, chain in txn.fetchall():
            if chain is not None:
                bitmaps[event_nid] = BitMap64.deserialize(bytes(chain))
            else:
                parents[event_nid] = auth_event_nids
                following.update(auth_event_nids)
        wanted = following - bitmaps.keys() - parents.keys()
    return {event_nid: _chain(event_nid, bitmaps, parents) for event_nid in event_nids}


def _chain(event_nid: int, bitmaps: dict[int, BitMap64], parents: dict[int, list[int]]) -> BitMap64:
    chain = BitMap64()
    seen: set[int] = set()
    waiting = [event_nid]
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        if one != event_nid:
            chain.add(one)
        if one in bitmaps:
            chain |= bitmaps[one]
        else:
            waiting.extend(parents.get(one, ()))
    return chain
