"""Which other servers are in a room. Tables: room_servers, rooms.

The rows follow room_members: they are written in the transaction that changes a room's members,
under the room's lock. A room of our users alone has none."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class MemberOfServer:
    """What a user of another server is from now on."""

    user_id: str
    server_name: str
    is_joined: bool


def change(txn: Any, room_nid: int, members: Sequence[MemberOfServer]) -> None:
    """Count memberships that are about to be written; with the COMMIT. Queued before they are:
    room_members still says what they were.
    """
    if not members:
        return
    txn.values_with_commit(
        """
        INSERT INTO room_servers (room_nid, server_name, joined_count)
             SELECT n.room_nid, n.server_name, sum(n.is_joined::int - COALESCE(m.was_joined, 0))
               FROM (VALUES %s) AS n (room_nid, user_id, server_name, is_joined)
               LEFT JOIN (SELECT room_nid, user_id, (membership = 'join')::int AS was_joined
                            FROM room_members) AS m USING (room_nid, user_id)
              GROUP BY n.room_nid, n.server_name
             HAVING sum(n.is_joined::int - COALESCE(m.was_joined, 0)) <> 0
        ON CONFLICT (room_nid, server_name) DO UPDATE
                SET joined_count = room_servers.joined_count + EXCLUDED.joined_count
        """,
        [(room_nid, one.user_id, one.server_name, one.is_joined) for one in members],
        "(%s::bigint, %s, %s, %s)",
    )
    _drop_empty(txn, room_nid, {one.server_name for one in members})


def put_told(txn: Any, room_nid: int, server_names: Collection[str]) -> None:
    """These are in the room, as another server says; with the COMMIT. They are taken to be until
    `delete_told`.
    """
    txn.with_commit(
        """
        INSERT INTO room_servers (room_nid, server_name, joined_count, is_told)
             SELECT %s, server_name, 0, TRUE
               FROM unnest(%s::text[]) AS told (server_name)
        ON CONFLICT (room_nid, server_name) DO UPDATE
                SET is_told = TRUE
        """,
        (room_nid, sorted(set(server_names))),
    )
    _put_has_others(txn, room_nid)


def delete_told(txn: Any, room_nid: int) -> None:
    """From now on only members count; with the COMMIT."""
    txn.with_commit(
        """
        UPDATE room_servers
           SET is_told = FALSE
         WHERE room_nid = %s
           AND is_told
        """,
        (room_nid,),
    )
    txn.with_commit(
        """
        DELETE FROM room_servers
         WHERE room_nid = %s
           AND joined_count = 0
           AND NOT is_told
        """,
        (room_nid,),
    )
    _put_has_others(txn, room_nid)


def _drop_empty(txn: Any, room_nid: int, server_names: Collection[str]) -> None:
    txn.with_commit(
        """
        DELETE FROM room_servers
         WHERE room_nid = %s
           AND server_name = ANY(%s)
           AND joined_count = 0
           AND NOT is_told
        """,
        (room_nid, sorted(server_names)),
    )
    _put_has_others(txn, room_nid)


def _put_has_others(txn: Any, room_nid: int) -> None:
    txn.with_commit(
        """
        UPDATE rooms
           SET has_other_servers = NOT has_other_servers
         WHERE room_nid = %(room_nid)s
           AND has_other_servers <> EXISTS (SELECT
                                              FROM room_servers
                                             WHERE room_nid = %(room_nid)s)
        """,
        {"room_nid": room_nid},
    )


@dataclass(frozen=True, slots=True)
class ServersNow:
    """The other servers in a room, with how many of their users are, when its current state is
    this.
    """

    root: int
    joined_counts: Mapping[str, int]
    told: frozenset[str]


def get(txn: Any, room_nid: int) -> ServersNow | None:
    """As one statement sees it; None for a room that is not here."""
    txn.execute(
        """
        SELECT r.current_state_root, s.server_name, s.joined_count, s.is_told
          FROM rooms r
          LEFT JOIN room_servers s USING (room_nid)
         WHERE r.room_nid = %s
        """,
        (room_nid,),
    )
    rows = txn.fetchall()
    if not rows:
        return None
    named = [row[1:] for row in rows if row[1] is not None]
    return ServersNow(
        rows[0][0],
        {name: count for name, count, _ in named if count},
        frozenset(name for name, _, is_told in named if is_told),
    )


def list_of_room(txn: Any, room_nid: int) -> list[str]:
    """The other servers in a room, in the order of their names."""
    txn.execute(
        """
        SELECT server_name
          FROM room_servers
         WHERE room_nid = %s
         ORDER BY server_name
        """,
        (room_nid,),
    )
    return [row[0] for row in txn.fetchall()]


def list_rooms_of(txn: Any, server_name: str) -> list[int]:
    """The rooms that another server is in with us, in the order of their numbers."""
    txn.execute(
        """
        SELECT room_nid
          FROM room_servers
         WHERE server_name = %s
         ORDER BY room_nid
        """,
        (server_name,),
    )
    return [row[0] for row in txn.fetchall()]


def list_among(txn: Any, room_nids: Collection[int], server_name: str) -> dict[int, bool]:
    """Those of some rooms that another server is in, and whether PDUs wait there
    (staged_pdus.py).
    """
    txn.execute(
        """
        SELECT room_nid,
               EXISTS (SELECT
                         FROM staged_pdus p
                        WHERE p.room_nid = s.room_nid)
          FROM room_servers s
         WHERE room_nid = ANY(%s)
           AND server_name = %s
        """,
        (list(room_nids), server_name),
    )
    return dict(txn.fetchall())


def is_in_room(txn: Any, room_nid: int, server_name: str) -> bool:
    """Whether another server is in a room."""
    txn.execute(
        """
        SELECT EXISTS (SELECT
                         FROM room_servers
                        WHERE room_nid = %s
                          AND server_name = %s)
        """,
        (room_nid, server_name),
    )
    return txn.fetchone()[0]


def is_in_any(txn: Any, server_name: str) -> bool:
    """Whether another server is in a room with us."""
    txn.execute(
        """
        SELECT EXISTS (SELECT
                         FROM room_servers
                        WHERE server_name = %s)
        """,
        (server_name,),
    )
    return bool(txn.fetchone()[0])


def list_sharing(txn: Any, user_ids: Sequence[str]) -> dict[str, list[str]]:
    """The other servers in the rooms that users of ours are in: user_id -> their names."""
    txn.execute(
        """
        SELECT DISTINCT m.user_id, s.server_name
          FROM room_members m
          JOIN room_servers s USING (room_nid)
         WHERE m.user_id = ANY(%s)
           AND m.membership = 'join'
        """,
        (list(user_ids),),
    )
    found: dict[str, list[str]] = {}
    for user_id, server_name in txn.fetchall():
        found.setdefault(user_id, []).append(server_name)
    return found


def list_sharing_elsewhere(txn: Any, user_id: str, room_nid: int) -> frozenset[str]:
    """The other servers that a user of ours shares a room with that is not this one."""
    txn.execute(
        """
        SELECT DISTINCT s.server_name
          FROM room_members m
          JOIN room_servers s USING (room_nid)
         WHERE m.user_id = %s
           AND m.membership = 'join'
           AND m.room_nid <> %s
        """,
        (user_id, room_nid),
    )
    return frozenset(row[0] for row in txn.fetchall())
