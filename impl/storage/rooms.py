"""Rooms: identity, version, and the head of the graph under its lock. Table: rooms."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from impl.core.state_trie import EMPTY

ROOMS_CACHED_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Room:
    """What never changes of a room, once it is here."""

    room_nid: int
    room_id: str
    room_version: str
    # Not so where nothing is known of it but that users of ours are invited, or knock
    # (out_of_band.py).
    has_state: bool = True
    # Since which position all its members are known; None: they are not yet (partial_rooms.py).
    whole_position: int | None = 0

    @property
    def is_partial(self) -> bool:
        return self.whole_position is None


@dataclass(slots=True)
class Head:
    """What changes with every event; read and written under the room's lock."""

    room: Room
    forward_extremities: list[int]
    depth_max: int
    current_state_root: int
    joined_count: int = 0
    # Of the main timeline (core/push_totals.py).
    unread_totals: bytes = b""
    # The last event that changed who of our users is in the room.
    audience_nid: int = 0
    # Whether there are rows in room_servers, which follow the memberships.
    has_other_servers: bool = False
    # Whether there are memberships that do not come from the room's events (out_of_band.py).
    has_out_of_band: bool = False
    # Whether members are not known yet (partial_rooms.py).
    is_partial: bool = False


class RoomCache:
    """Rooms by id and by number. They do not change, but they may go, of which the news tells
    (`forget`). Those without a state, or not all of it, may get it at any time: they are not kept.
    """

    def __init__(self) -> None:
        self._by_id: dict[str, Room] = {}
        self._by_nid: dict[int, Room] = {}
        # Counts what was dropped: what was read before a room went must not be kept after it.
        self._drops = 0

    def get(self, txn: Any, room_id: str) -> Room | None:
        room = self._by_id.get(room_id)
        if room is None:
            drops = self._drops
            txn.execute(
                """
                SELECT room_nid, room_id, room_version, current_state_root <> 0, whole_position
                  FROM rooms
                 WHERE room_id = %s
                """,
                (room_id,),
            )
            if row := txn.fetchone():
                room = self._keep(Room(*row), drops)
        return room

    def get_by_ids(self, txn: Any, room_ids: Sequence[str]) -> dict[str, Room]:
        """Those of some rooms that exist, by id. Read anew: who asks has looked for those that are
        known here (`peek`).
        """
        if not room_ids:
            return {}
        drops = self._drops
        txn.execute(
            """
            SELECT room_nid, room_id, room_version, current_state_root <> 0, whole_position
              FROM rooms
             WHERE room_id = ANY(%s)
            """,
            (list(room_ids),),
        )
        return {row[1]: self._keep(Room(*row), drops) for row in txn.fetchall()}

    def peek(self, room_id: str) -> Room | None:
        """The room, if it is known here without asking the database; it has a state, then."""
        return self._by_id.get(room_id)

    def get_by_nids(self, txn: Any, room_nids: Sequence[int]) -> dict[int, Room]:
        """room_nid -> Room, for those that exist."""
        found = {nid: self._by_nid[nid] for nid in room_nids if nid in self._by_nid}
        missing = [nid for nid in room_nids if nid not in found]
        if missing:
            drops = self._drops
            txn.execute(
                """
                SELECT room_nid, room_id, room_version, current_state_root <> 0, whole_position
                  FROM rooms
                 WHERE room_nid = ANY(%s)
                """,
                (missing,),
            )
            for row in txn.fetchall():
                found[row[0]] = self._keep(Room(*row), drops)
        return found

    def is_kept(self, room_nid: int) -> bool:
        """Whether it was read here, and all its members are known."""
        return room_nid in self._by_nid

    def forget(self, room_nid: int) -> None:
        """It was purged; another may have its id."""
        self._drops += 1
        room = self._by_nid.pop(room_nid, None)
        if room is not None and self._by_id.get(room.room_id) is room:
            del self._by_id[room.room_id]

    def clear(self) -> None:
        self._drops += 1
        self._by_id.clear()
        self._by_nid.clear()

    def _keep(self, room: Room, drops: int) -> Room:
        if drops != self._drops or not room.has_state or room.is_partial:
            return room
        if len(self._by_id) >= ROOMS_CACHED_MAX:
            self._by_id.clear()
            self._by_nid.clear()
        self._by_id[room.room_id] = self._by_nid[room.room_nid] = room
        return room


def insert(txn: Any, room_id: str, room_version: str, created_ts: int) -> Head | None:
    """A new room, or one that had no state yet, locked by this transaction; None if the id is
    taken.
    """
    txn.execute(
        """
        INSERT INTO rooms (room_id, room_version, created_ts)
             VALUES (%s, %s, %s)
        ON CONFLICT (room_id) DO UPDATE
                SET room_version = EXCLUDED.room_version,
                    created_ts = EXCLUDED.created_ts
              WHERE rooms.current_state_root = 0
          RETURNING room_nid, has_out_of_band
        """,
        (room_id, room_version, created_ts),
    )
    row = txn.fetchone()
    if row is None:
        return None
    return Head(Room(row[0], room_id, room_version), [], 0, EMPTY, has_out_of_band=row[1])


def delete(txn: Any, room_nid: int) -> None:
    """Take back a room that this transaction inserted, and that nothing refers to."""
    txn.execute(
        """
        DELETE FROM rooms
         WHERE room_nid = %s
           AND NOT has_out_of_band
        """,
        (room_nid,),
    )


def lock(txn: Any, room_nids: Sequence[int], *, skip_locked: bool) -> dict[int, Head]:
    """Lock rooms for writing, always in the order of their numbers, and read their heads.

    With `skip_locked`, rooms that somebody else holds are left out.
    """
    txn.execute(
        """
        SELECT room_nid,
               room_id,
               room_version,
               forward_extremities,
               depth_max,
               current_state_root,
               joined_count,
               unread_totals,
               audience_nid,
               has_other_servers,
               has_out_of_band,
               whole_position IS NULL
          FROM rooms
         WHERE room_nid = ANY(%s)
         ORDER BY room_nid
           FOR NO KEY UPDATE
        """
        + (" SKIP LOCKED" if skip_locked else ""),
        (sorted(room_nids),),
    )
    return {
        row[0]: Head(Room(*row[:3]), list(row[3]), *row[4:7], bytes(row[7]), *row[8:])
        for row in txn.fetchall()
    }


def put_heads(txn: Any, heads: Sequence[Head]) -> None:
    """Write the heads of rooms that this transaction has locked."""
    for head in heads:
        txn.with_commit(
            """
            UPDATE rooms
               SET forward_extremities = %s::bigint[],
                   depth_max = %s,
                   current_state_root = %s,
                   joined_count = %s,
                   unread_totals = %s::bytea,
                   audience_nid = %s,
                   has_out_of_band = %s
             WHERE room_nid = %s
            """,
            (
                head.forward_extremities,
                head.depth_max,
                head.current_state_root,
                head.joined_count,
                head.unread_totals,
                head.audience_nid,
                head.has_out_of_band,
                head.room.room_nid,
            ),
        )


def get_state_root(txn: Any, room_nid: int) -> int:
    """The root of the current state's trie; that of an empty one for a room that is gone."""
    txn.execute(
        """
        SELECT current_state_root
          FROM rooms
         WHERE room_nid = %s
        """,
        (room_nid,),
    )
    row = txn.fetchone()
    return row[0] if row else EMPTY


def get_state_roots(txn: Any, room_nids: Sequence[int]) -> dict[int, int]:
    """room_nid -> the root of the current state, of rooms that there are."""
    txn.execute(
        """
        SELECT room_nid, current_state_root
          FROM rooms
         WHERE room_nid = ANY(%s)
        """,
        (list(room_nids),),
    )
    return dict(txn.fetchall())


def list_forward_extremities(txn: Any, room_nid: int) -> list[int]:
    """event_nids of the newest events: those that no other refers to yet; none of a room that is
    gone.
    """
    txn.execute(
        """
        SELECT forward_extremities
          FROM rooms
         WHERE room_nid = %s
        """,
        (room_nid,),
    )
    row = txn.fetchone()
    return list(row[0]) if row else []


def get_joined_counts(txn: Any, room_nids: Sequence[int]) -> dict[int, int]:
    """room_nid -> how many are in the room."""
    txn.execute(
        """
        SELECT room_nid, joined_count
          FROM rooms
         WHERE room_nid = ANY(%s)
        """,
        (list(room_nids),),
    )
    return dict(txn.fetchall())


def list_ends(txn: Any, room_nids: Sequence[int]) -> dict[int, list[int]]:
    """room_nid -> its forward extremities, of rooms that there are."""
    txn.execute(
        """
        SELECT room_nid, forward_extremities
          FROM rooms
         WHERE room_nid = ANY(%s)
        """,
        (list(room_nids),),
    )
    return {row[0]: list(row[1]) for row in txn.fetchall()}
