"""Who is in which room. Tables: room_members, membership_changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Member:
    """A user's current membership of a room."""

    room_nid: int
    user_id: str
    membership: str
    event_nid: int
    sender: str
    display_name: str | None
    avatar_url: str | None
    is_forgotten: bool


_COLUMNS = (
    "room_nid, user_id, membership, event_nid, sender, display_name, avatar_url, is_forgotten"
)


def get(txn: Any, room_nid: int, user_id: str) -> Member | None:
    txn.execute(
        f"""
        SELECT {_COLUMNS}
          FROM room_members
         WHERE room_nid = %s
           AND user_id = %s
        """,
        (room_nid, user_id),
    )
    row = txn.fetchone()
    return Member(*row) if row else None


def list_joined_room_nids(txn: Any, user_id: str) -> list[int]:
    txn.execute(
        """
        SELECT room_nid
          FROM room_members
         WHERE user_id = %s
           AND membership = 'join'
        """,
        (user_id,),
    )
    return [row[0] for row in txn.fetchall()]


def list_shared_room_nids(txn: Any, user_id: str, other: str) -> list[int]:
    """The rooms that both are in, in the order of their numbers."""
    txn.execute(
        """
        SELECT a.room_nid
          FROM room_members a
          JOIN room_members b USING (room_nid)
         WHERE a.user_id = %s
           AND a.membership = 'join'
           AND b.user_id = %s
           AND b.membership = 'join'
         ORDER BY a.room_nid
        """,
        (user_id, other),
    )
    return [row[0] for row in txn.fetchall()]


def list_of_user(txn: Any, user_id: str) -> list[Member]:
    """The memberships of a user in all rooms, whatever they are."""
    txn.execute(
        f"""
        SELECT {_COLUMNS}
          FROM room_members
         WHERE user_id = %s
        """,
        (user_id,),
    )
    return [Member(*row) for row in txn.fetchall()]


def list_of_room(txn: Any, room_nid: int, membership: str) -> list[Member]:
    txn.execute(
        f"""
        SELECT {_COLUMNS}
          FROM room_members
         WHERE room_nid = %s
           AND membership = %s
         ORDER BY user_id
        """,
        (room_nid, membership),
    )
    return [Member(*row) for row in txn.fetchall()]


def count(txn: Any, room_nids: Sequence[int]) -> dict[int, dict[str, int]]:
    """room_nid -> membership -> how many."""
    txn.execute(
        """
        SELECT room_nid, membership, count(*)
          FROM room_members
         WHERE room_nid = ANY(%s)
         GROUP BY room_nid, membership
        """,
        (list(room_nids),),
    )
    counts: dict[int, dict[str, int]] = {room_nid: {} for room_nid in room_nids}
    for room_nid, membership, number in txn.fetchall():
        counts[room_nid][membership] = number
    return counts


def put(txn: Any, members: Sequence[Member]) -> None:
    """Write memberships; each says anew whether the room is forgotten."""
    txn.values_with_commit(
        """
        INSERT INTO room_members (room_nid, user_id, membership, event_nid, sender, display_name,
                                  avatar_url, is_forgotten)
             VALUES %s
        ON CONFLICT (room_nid, user_id) DO UPDATE
                SET membership = EXCLUDED.membership,
                    event_nid = EXCLUDED.event_nid,
                    sender = EXCLUDED.sender,
                    display_name = EXCLUDED.display_name,
                    avatar_url = EXCLUDED.avatar_url,
                    is_forgotten = EXCLUDED.is_forgotten
        """,
        [
            (
                member.room_nid,
                member.user_id,
                member.membership,
                member.event_nid,
                member.sender,
                _without_nul(member.display_name),
                _without_nul(member.avatar_url),
                member.is_forgotten,
            )
            for member in members
        ],
    )


def delete_names(txn: Any, rows: Sequence[tuple[int, str, int]]) -> None:
    """Forget the names and pictures in memberships, (room_nid, user_id, event_nid), for as far as
    these are current.
    """
    txn.values_with_commit(
        """
        UPDATE room_members m
           SET display_name = NULL,
               avatar_url = NULL
          FROM (VALUES %s) AS r (room_nid, user_id, event_nid)
         WHERE m.room_nid = r.room_nid
           AND m.user_id = r.user_id
           AND m.event_nid = r.event_nid
        """,
        rows,
        "(%s::bigint, %s, %s::bigint)",
    )


def _without_nul(text: str | None) -> str | None:
    # PostgreSQL keeps no NUL in texts, and an event may hold it.
    return text.replace("\0", "") if text is not None else None


def delete(txn: Any, room_nid: int, user_ids: Sequence[str]) -> None:
    """For members whose event a state resolution took out of the state; with the COMMIT."""
    txn.with_commit(
        """
        DELETE FROM room_members
         WHERE room_nid = %s
           AND user_id = ANY(%s)
        """,
        (room_nid, list(user_ids)),
    )


def forget(txn: Any, room_nid: int, user_id: str) -> bool:
    """Mark a room that the user is not in as forgotten; False if there is no such membership."""
    txn.execute(
        """
        UPDATE room_members
           SET is_forgotten = TRUE
         WHERE room_nid = %s
           AND user_id = %s
           AND membership IN ('leave', 'ban')
        """,
        (room_nid, user_id),
    )
    return txn.rowcount > 0


def list_joined_among(txn: Any, room_nid: int, user_ids: Sequence[str]) -> list[str]:
    """Those of the users who are in the room."""
    txn.execute(
        """
        SELECT user_id
          FROM room_members
         WHERE room_nid = %s
           AND user_id = ANY(%s)
           AND membership = 'join'
         ORDER BY user_id
        """,
        (room_nid, list(user_ids)),
    )
    return [row[0] for row in txn.fetchall()]


def is_joined_to_any(txn: Any, user_id: str, room_ids: Sequence[str]) -> bool:
    txn.execute(
        """
        SELECT EXISTS (SELECT
                         FROM room_members m
                         JOIN rooms r USING (room_nid)
                        WHERE m.user_id = %s
                          AND m.membership = 'join'
                          AND r.room_id = ANY(%s))
        """,
        (user_id, list(room_ids)),
    )
    return txn.fetchone()[0]


def list_joined_here(txn: Any, room_nids: Sequence[int]) -> set[int]:
    """Those of some rooms that a user of ours is in."""
    txn.execute(
        """
        SELECT wanted.room_nid
          FROM unnest(%s::bigint[]) AS wanted (room_nid)
         WHERE EXISTS (SELECT
                         FROM membership_changes c
                         JOIN room_members m USING (room_nid, user_id)
                        WHERE c.room_nid = wanted.room_nid
                          AND m.membership = 'join')
        """,
        (list(room_nids),),
    )
    return {row[0] for row in txn.fetchall()}


def list_joined_of_server(txn: Any, room_nid: int, server_name: str, limit: int) -> list[str]:
    """Some of a server's users who are in the room."""
    txn.execute(
        """
        SELECT user_id
          FROM room_members
         WHERE room_nid = %s
           AND membership = 'join'
           AND right(user_id, length(%s) + 1) = ':' || %s
         LIMIT %s
        """,
        (room_nid, server_name, server_name, limit),
    )
    return [row[0] for row in txn.fetchall()]


def list_of_server(
    txn: Any, room_nid: int, server_name: str, memberships: Sequence[str]
) -> list[Member]:
    """A server's users who have one of some memberships."""
    txn.execute(
        f"""
        SELECT {_COLUMNS}
          FROM room_members
         WHERE room_nid = %s
           AND membership = ANY(%s)
           AND right(user_id, length(%s) + 1) = ':' || %s
         ORDER BY user_id
        """,
        (room_nid, list(memberships), server_name, server_name),
    )
    return [Member(*row) for row in txn.fetchall()]


def list_users_of_server(txn: Any, room_nid: int, server_name: str) -> list[str]:
    """A server's users who are or were something in the room, those of longest standing first."""
    txn.execute(
        """
        SELECT user_id
          FROM room_members
         WHERE room_nid = %s
           AND right(user_id, length(%s) + 1) = ':' || %s
         ORDER BY event_nid
        """,
        (room_nid, server_name, server_name),
    )
    return [row[0] for row in txn.fetchall()]


def get_last_departure(txn: Any, room_nid: int, user_id: str) -> int | None:
    """The event by which one of our users was last no longer in the room; None if they never were
    in it.
    """
    txn.execute(
        """
        SELECT event_nid
          FROM membership_changes
         WHERE room_nid = %(room_nid)s
           AND user_id = %(user_id)s
           AND position > (SELECT max(position)
                             FROM membership_changes
                            WHERE room_nid = %(room_nid)s
                              AND user_id = %(user_id)s
                              AND membership = 'join')
         ORDER BY position
         LIMIT 1
        """,
        {"room_nid": room_nid, "user_id": user_id},
    )
    row = txn.fetchone()
    return row[0] if row else None


def count_joined(txn: Any, room_nids: Sequence[int]) -> dict[int, int]:
    """room_nid -> how many are in the room, where there are any."""
    txn.execute(
        """
        SELECT room_nid, count(*)
          FROM room_members
         WHERE room_nid = ANY(%s)
           AND membership = 'join'
         GROUP BY room_nid
        """,
        (list(room_nids),),
    )
    return dict(txn.fetchall())


def list_joined_guests(txn: Any, room_nid: int) -> list[str]:
    """Our guests who are in the room."""
    txn.execute(
        """
        SELECT m.user_id
          FROM room_members m
          JOIN users u USING (user_id)
         WHERE m.room_nid = %s
           AND m.membership = 'join'
           AND u.is_guest
         ORDER BY m.user_id
        """,
        (room_nid,),
    )
    return [row[0] for row in txn.fetchall()]


def list_of_user_in(txn: Any, user_id: str, room_nids: Sequence[int]) -> dict[int, str]:
    """room_nid -> a user's membership, of some rooms."""
    txn.execute(
        """
        SELECT room_nid, membership
          FROM room_members
         WHERE user_id = %s
           AND room_nid = ANY(%s)
        """,
        (user_id, list(room_nids)),
    )
    return dict(txn.fetchall())


def list_joined_room_ids_among(txn: Any, user_id: str, room_ids: Sequence[str]) -> set[str]:
    """Those of the rooms that the user is in."""
    txn.execute(
        """
        SELECT r.room_id
          FROM rooms r
          JOIN room_members m USING (room_nid)
         WHERE r.room_id = ANY(%s)
           AND m.user_id = %s
           AND m.membership = 'join'
        """,
        (list(room_ids), user_id),
    )
    return {row[0] for row in txn.fetchall()}
