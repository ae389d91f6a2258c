"""Rooms of which not all members are known yet, and the events whose states lack them. Tables:
partial_rooms, partial_events; rooms.whole_position.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from impl.storage.events import NewEvent


@dataclass(frozen=True, slots=True)
class PartialRoom:
    """`event_id`: our join; the whole state before it is wanted. `via`: who told the rest."""

    room_nid: int
    event_id: str
    via: str
    attempts: int


@dataclass(frozen=True, slots=True)
class PartialEvent:
    """An event whose state lacks members; `above_nid` is what it has its state from, if that is
    what stands on it; `told_root`, of what another server told of its state.
    """

    event_nid: int
    above_nid: int | None
    told_root: int | None


def begin(txn: Any, room_nid: int, event_id: str, via: str, due_ts: int) -> None:
    """The members of a locked room are not all known from now on; with the COMMIT."""
    txn.with_commit(
        """
        INSERT INTO partial_rooms (room_nid, event_id, via, due_ts)
             VALUES (%s, %s, %s, %s)
        ON CONFLICT (room_nid) DO UPDATE
                SET event_id = EXCLUDED.event_id,
                    via = EXCLUDED.via,
                    attempts = 0,
                    due_ts = EXCLUDED.due_ts
        """,
        (room_nid, event_id, via, due_ts),
    )
    txn.with_commit("UPDATE rooms SET whole_position = NULL WHERE room_nid = %s", (room_nid,))


def note_events(txn: Any, room_nid: int, events: Sequence[PartialEvent]) -> None:
    """These have their places, in this order; with the COMMIT."""
    txn.values_with_commit(
        """
        INSERT INTO partial_events (room_nid, event_nid, above_nid, told_root)
             VALUES %s
        """,
        [(room_nid, one.event_nid, one.above_nid, one.told_root) for one in events],
        "(%s, %s, %s::bigint, %s::bigint)",
    )


def list_events(txn: Any, room_nid: int) -> list[PartialEvent]:
    """In the order in which they got their places."""
    txn.execute(
        """
        SELECT event_nid, above_nid, told_root
          FROM partial_events
         WHERE room_nid = %s
         ORDER BY place
        """,
        (room_nid,),
    )
    return [PartialEvent(*row) for row in txn.fetchall()]


def get(txn: Any, room_nid: int) -> PartialRoom | None:
    txn.execute(
        """
        SELECT room_nid, event_id, via, attempts
          FROM partial_rooms
         WHERE room_nid = %s
        """,
        (room_nid,),
    )
    row = txn.fetchone()
    return PartialRoom(*row) if row else None


def list_due(txn: Any, now_ms: int, limit: int) -> list[int]:
    """The rooms that are to be tried, those that wait the longest first."""
    txn.execute(
        """
        SELECT room_nid
          FROM partial_rooms
         WHERE due_ts <= %s
         ORDER BY due_ts
         LIMIT %s
        """,
        (now_ms, limit),
    )
    return [row[0] for row in txn.fetchall()]


def put_off(txn: Any, room_nid: int, due_ts: int) -> None:
    """It was tried in vain."""
    txn.execute(
        """
        UPDATE partial_rooms
           SET attempts = attempts + 1,
               due_ts = %s
         WHERE room_nid = %s
        """,
        (due_ts, room_nid),
    )


def end(txn: Any, room_nid: int) -> None:
    """All members of a locked room are known; with the COMMIT. What it leads to is told from a
    position on.
    """
    delete(txn, room_nid)
    txn.allot(
        """
        UPDATE rooms
           SET whole_position = nextval('stream_positions')
         WHERE room_nid = %s
        """,
        (room_nid,),
    )


def delete(txn: Any, room_nid: int) -> None:
    """Nobody asks for its members any more; with the COMMIT."""
    txn.with_commit("DELETE FROM partial_rooms WHERE room_nid = %s", (room_nid,))
    txn.with_commit("DELETE FROM partial_events WHERE room_nid = %s", (room_nid,))


def drop(txn: Any, room_nid: int) -> None:
    """Who comes into a room anew is told all of its members; with the COMMIT."""
    delete(txn, room_nid)
    txn.with_commit(
        """
        UPDATE rooms
           SET whole_position = 0
         WHERE room_nid = %s
           AND whole_position IS NULL
        """,
        (room_nid,),
    )


def is_partial(txn: Any, room_nid: int) -> bool:
    """Whether its members are not all known; of a room that is gone nobody waits for them."""
    txn.execute(
        """
        SELECT whole_position IS NULL
          FROM rooms
         WHERE room_nid = %s
        """,
        (room_nid,),
    )
    row = txn.fetchone()
    return bool(row and row[0])


def put_states(txn: Any, room_nid: int, states: Sequence[NewEvent]) -> None:
    """The states before and after events, and whether these allow them; with the COMMIT."""
    txn.values_with_commit(
        f"""
        UPDATE events e
           SET state_before = s.state_before,
               state_after = s.state_after,
               rejected_reason = s.rejected_reason
          FROM (VALUES %s) AS s (event_nid, state_before, state_after, rejected_reason)
         WHERE e.room_nid = {int(room_nid)}
           AND e.event_nid = s.event_nid
        """,
        [(one.event_nid, one.state_before, one.state_after, one.rejected_reason) for one in states],
        "(%s::bigint, %s::bigint, %s::bigint, %s::text)",
    )


def list_timeline(txn: Any, room_nid: int) -> list[tuple[int, int, int]]:
    """(position, event_nid, current_state_root) of all that is shown of a room, in the order of the
    stream.
    """
    txn.execute(
        """
        SELECT position, event_nid, current_state_root
          FROM timeline
         WHERE room_nid = %s
         ORDER BY position
        """,
        (room_nid,),
    )
    return txn.fetchall()


def put_timeline_roots(txn: Any, room_nid: int, roots: Sequence[tuple[int, int]]) -> None:
    """(position, current_state_root), with the COMMIT."""
    if roots:
        txn.with_commit(
            """
            UPDATE timeline t
               SET current_state_root = r.root
              FROM unnest(%s::bigint[], %s::bigint[]) AS r (position, root)
             WHERE t.room_nid = %s
               AND t.position = r.position
            """,
            ([one[0] for one in roots], [one[1] for one in roots], room_nid),
        )


def delete_from_timeline(txn: Any, room_nid: int, positions: Sequence[int]) -> None:
    """What turned out to be refused is shown no more; with the COMMIT."""
    if positions:
        for table in ("timeline", "relations"):
            txn.with_commit(
                f"DELETE FROM {table} WHERE room_nid = %s AND position = ANY(%s)",
                (room_nid, list(positions)),
            )
