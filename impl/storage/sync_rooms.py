"""What /sync and /messages read of many rooms at once. Tables: timeline, membership_changes,
room_members, receipts, typing.

Every function answers for a list of windows (room_nid, after, up_to) in one statement: what changed
in the room with after < position <= up_to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from impl.storage.timeline import Row

Window = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a user's membership."""

    room_nid: int
    position: int
    event_nid: int
    membership: str


@dataclass(frozen=True, slots=True)
class Receipt:
    room_nid: int
    user_id: str
    receipt_type: str
    thread_id: str
    event_id: str
    received_ts: int


@dataclass(frozen=True, slots=True)
class Typing:
    user_id: str
    until_ts: int
    # Whether it changed in the window.
    has_moved: bool


def list_timelines(
    txn: Any, windows: Sequence[Window], limits: Sequence[int]
) -> dict[Window, list[Row]]:
    """The newest rows of each window, newest first, at most its limit."""
    txn.execute(
        """
        SELECT w.n, t.room_nid, t.position, t.event_nid, t.topological, t.current_state_root,
               t.unread_outcome, t.thread_id, t.singles_out
          FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
               WITH ORDINALITY AS w (room_nid, after, up_to, room_limit, n)
         CROSS JOIN LATERAL (
                SELECT *
                  FROM timeline
                 WHERE timeline.room_nid = w.room_nid
                   AND position > w.after
                   AND position <= w.up_to
                 ORDER BY position DESC
                 LIMIT w.room_limit) AS t
         ORDER BY w.n, t.position DESC
        """,
        (*_columns(windows), list(limits)),
    )
    found: dict[Window, list[Row]] = {window: [] for window in windows}
    for number, *row in txn.fetchall():
        row[5] = bytes(row[5])
        found[windows[number - 1]].append(Row(*row))
    return found


def list_last_rows(
    txn: Any, places: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], tuple[int, int]]:
    """(room_nid, position) -> the position of the room's last row up to there, and the root of the
    room's current state then; rooms that had none yet are left out.
    """
    txn.execute(
        """
        SELECT w.room_nid, w.up_to, t.position, t.current_state_root
          FROM unnest(%s::bigint[], %s::bigint[]) AS w (room_nid, up_to)
         CROSS JOIN LATERAL (
                SELECT position, current_state_root
                  FROM timeline
                 WHERE timeline.room_nid = w.room_nid
                   AND position > 0
                   AND position <= w.up_to
                 ORDER BY position DESC
                 LIMIT 1) AS t
        """,
        ([place[0] for place in places], [place[1] for place in places]),
    )
    return {(row[0], row[1]): (row[2], row[3]) for row in txn.fetchall()}


def list_state_roots(txn: Any, places: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """(room_nid, position) -> the root of the room's current state at that position; 0 before its
    first event.
    """
    last = list_last_rows(txn, places)
    return {place: last[place][1] if place in last else 0 for place in places}


def list_receipts(txn: Any, windows: Sequence[Window]) -> list[Receipt]:
    txn.execute(
        """
        SELECT r.room_nid, r.user_id, r.receipt_type, r.thread_id, r.event_id, r.received_ts
          FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS w (room_nid, after, up_to)
          JOIN receipts r
            ON r.room_nid = w.room_nid
           AND r.position > w.after
           AND r.position <= w.up_to
         ORDER BY r.position
        """,
        _columns(windows),
    )
    return [Receipt(*row) for row in txn.fetchall()]


def list_typing(txn: Any, windows: Sequence[Window]) -> dict[int, list[Typing]]:
    """room_nid -> all who have a row, for rooms where one of the rows is in the window."""
    txn.execute(
        """
        SELECT t.room_nid, t.user_id, t.until_ts, t.position > w.after AND t.position <= w.up_to
          FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS w (room_nid, after, up_to)
          JOIN typing t ON t.room_nid = w.room_nid
         WHERE EXISTS (SELECT 1
                         FROM typing moved
                        WHERE moved.room_nid = w.room_nid
                          AND moved.position > w.after
                          AND moved.position <= w.up_to)
         ORDER BY t.user_id
        """,
        _columns(windows),
    )
    found: dict[int, list[Typing]] = {}
    for room_nid, *row in txn.fetchall():
        found.setdefault(room_nid, []).append(Typing(*row))
    return found


def list_membership_changes(txn: Any, user_id: str, after: int, up_to: int) -> list[Change]:
    """A user's changes of membership in a window of the stream, in order."""
    txn.execute(
        """
        SELECT room_nid, position, event_nid, membership
          FROM membership_changes
         WHERE user_id = %s
           AND position > %s
           AND position <= %s
         ORDER BY position
        """,
        (user_id, after, up_to),
    )
    return [Change(*row) for row in txn.fetchall()]


def list_memberships_at(
    txn: Any, user_id: str, position: int, room_nids: Sequence[int] | None = None
) -> dict[int, Change]:
    """room_nid -> a user's last change of membership up to a position; of some rooms, or of all."""
    txn.execute(
        """
        SELECT DISTINCT ON (room_nid) room_nid, position, event_nid, membership
          FROM membership_changes
         WHERE user_id = %s
           AND position <= %s
           AND (%s::bigint[] IS NULL OR room_nid = ANY(%s::bigint[]))
         ORDER BY room_nid, position DESC
        """,
        (user_id, position, *([None, None] if room_nids is None else [list(room_nids)] * 2)),
    )
    return {row[0]: Change(*row) for row in txn.fetchall()}


def list_joined_at(txn: Any, user_id: str, position: int) -> list[int]:
    """room_nids of the rooms that the user was in at a position: those of now, but for what changed
    since.
    """
    txn.execute(
        """
        WITH later AS (
                SELECT DISTINCT room_nid
                  FROM membership_changes
                 WHERE user_id = %(user_id)s
                   AND position > %(position)s)
        SELECT room_nid
          FROM room_members
         WHERE user_id = %(user_id)s
           AND membership = 'join'
           AND room_nid NOT IN (SELECT room_nid FROM later)
        UNION ALL
        SELECT later.room_nid
          FROM later
         CROSS JOIN LATERAL (
                SELECT membership
                  FROM membership_changes
                 WHERE room_nid = later.room_nid
                   AND user_id = %(user_id)s
                   AND position <= %(position)s
                 ORDER BY position DESC
                 LIMIT 1) AS m
         WHERE m.membership = 'join'
        """,
        {"user_id": user_id, "position": position},
    )
    return [row[0] for row in txn.fetchall()]


def list_last_stays(
    txn: Any, user_id: str, room_nids: Sequence[int], up_to: int
) -> dict[int, tuple[int, int]]:
    """room_nid -> (event_nid of the last join, position of the departure that followed it), up to a
    position, of rooms that the user was in and left.
    """
    txn.execute(
        """
        SELECT w.room_nid, joined.event_nid, gone.position
          FROM unnest(%(room_nids)s::bigint[]) AS w (room_nid)
         CROSS JOIN LATERAL (
                SELECT event_nid, position
                  FROM membership_changes
                 WHERE room_nid = w.room_nid
                   AND user_id = %(user_id)s
                   AND membership = 'join'
                   AND position <= %(up_to)s
                 ORDER BY position DESC
                 LIMIT 1) AS joined
         CROSS JOIN LATERAL (
                SELECT position
                  FROM membership_changes
                 WHERE room_nid = w.room_nid
                   AND user_id = %(user_id)s
                   AND position > joined.position
                   AND position <= %(up_to)s
                 ORDER BY position
                 LIMIT 1) AS gone
        """,
        {"user_id": user_id, "room_nids": list(room_nids), "up_to": up_to},
    )
    return {room_nid: (join_nid, departure) for room_nid, join_nid, departure in txn.fetchall()}


def get_last_join(txn: Any, user_id: str, room_nid: int) -> int | None:
    """The newest event that says that one of our users is in the room."""
    txn.execute(
        """
        SELECT event_nid
          FROM membership_changes
         WHERE user_id = %s
           AND room_nid = %s
           AND membership = 'join'
         ORDER BY position DESC
         LIMIT 1
        """,
        (user_id, room_nid),
    )
    row = txn.fetchone()
    return row[0] if row else None


def list_forgotten(txn: Any, user_id: str, room_nids: Sequence[int]) -> set[int]:
    txn.execute(
        """
        SELECT room_nid
          FROM room_members
         WHERE user_id = %s
           AND room_nid = ANY(%s)
           AND is_forgotten
        """,
        (user_id, list(room_nids)),
    )
    return {row[0] for row in txn.fetchall()}


def list_first_members(
    txn: Any, room_nids: Sequence[int], limit: int
) -> dict[int, list[tuple[str, bool]]]:
    """room_nid -> its first members by event: (user_id, whether joined or invited), those who are
    first.
    """
    txn.execute(
        """
        SELECT w.room_nid, m.user_id, m.is_present
          FROM unnest(%s::bigint[]) AS w (room_nid)
         CROSS JOIN LATERAL (
                SELECT user_id, membership IN ('join', 'invite') AS is_present, event_nid
                  FROM room_members
                 WHERE room_members.room_nid = w.room_nid
                   AND membership IN ('join', 'invite', 'leave', 'ban')
                 ORDER BY is_present DESC, event_nid
                 LIMIT %s) AS m
         ORDER BY w.room_nid, m.is_present DESC, m.event_nid
        """,
        (list(room_nids), limit),
    )
    found: dict[int, list[tuple[str, bool]]] = {room_nid: [] for room_nid in room_nids}
    for room_nid, user_id, is_present in txn.fetchall():
        found[room_nid].append((user_id, is_present))
    return found


def _columns(windows: Sequence[Window]) -> tuple[list[int], list[int], list[int]]:
    return (
        [window[0] for window in windows],
        [window[1] for window in windows],
        [window[2] for window in windows],
    )
