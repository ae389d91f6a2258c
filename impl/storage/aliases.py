"""Room aliases of this server, and its published rooms. Tables: room_aliases, published_rooms."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Alias:
    """Where an alias points, and who made it."""

    room_alias: str
    room_nid: int
    room_id: str
    creator: str


def get(txn: Any, room_alias: str) -> Alias | None:
    txn.execute(
        """
        SELECT a.room_alias, a.room_nid, r.room_id, a.creator
          FROM room_aliases a
          JOIN rooms r USING (room_nid)
         WHERE a.room_alias = %s
        """,
        (room_alias,),
    )
    row = txn.fetchone()
    return Alias(*row) if row else None


def list_of_room(txn: Any, room_nid: int) -> list[str]:
    txn.execute(
        """
        SELECT room_alias
          FROM room_aliases
         WHERE room_nid = %s
         ORDER BY room_alias
        """,
        (room_nid,),
    )
    return [row[0] for row in txn.fetchall()]


def insert(txn: Any, room_alias: str, room_nid: int, creator: str, created_ts: int) -> bool:
    """False if the alias exists already."""
    txn.execute(
        """
        INSERT INTO room_aliases (room_nid, room_alias, creator, created_ts)
             VALUES (%s, %s, %s, %s)
        ON CONFLICT (room_alias) DO NOTHING
        """,
        (room_nid, room_alias, creator, created_ts),
    )
    return txn.rowcount > 0


def delete(txn: Any, room_alias: str, room_nid: int) -> bool:
    """False if it does not point to the room, or no longer."""
    txn.execute(
        """
        DELETE FROM room_aliases
         WHERE room_alias = %s
           AND room_nid = %s
        """,
        (room_alias, room_nid),
    )
    return txn.rowcount > 0


def move(txn: Any, old_room_nid: int, new_room_nid: int) -> None:
    """Let all aliases of one room point to another, and publish that in its place."""
    txn.execute(
        """
        UPDATE room_aliases
           SET room_nid = %s
         WHERE room_nid = %s
        """,
        (new_room_nid, old_room_nid),
    )
    txn.execute(
        """
        UPDATE published_rooms
           SET room_nid = %s
         WHERE room_nid = %s
        """,
        (new_room_nid, old_room_nid),
    )


def is_published(txn: Any, room_nid: int) -> bool:
    txn.execute(
        """
        SELECT EXISTS (SELECT FROM published_rooms WHERE room_nid = %s)
        """,
        (room_nid,),
    )
    return txn.fetchone()[0]


def publish(txn: Any, room_nid: int, published_ts: int) -> None:
    txn.execute(
        """
        INSERT INTO published_rooms (room_nid, published_ts)
             VALUES (%s, %s)
        ON CONFLICT (room_nid) DO NOTHING
        """,
        (room_nid, published_ts),
    )


def unpublish(txn: Any, room_nid: int) -> None:
    txn.execute(
        """
        DELETE FROM published_rooms
         WHERE room_nid = %s
        """,
        (room_nid,),
    )


def list_published(txn: Any) -> list[int]:
    """room_nids."""
    txn.execute(
        """
        SELECT room_nid
          FROM published_rooms
        """
    )
    return [row[0] for row in txn.fetchall()]
