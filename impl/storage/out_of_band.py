"""Memberships that do not come from a room's events: of our users in rooms that this server is not
in. Table: out_of_band_memberships, with the events, room_members and membership_changes of them;
rooms.has_out_of_band.

Their events are kept as rejected (REASON): what they cite is not here, so that they count in no
state and are given to nobody, until the room comes and has them judged like any other event."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from impl.core.state_trie import EMPTY
from impl.storage.rooms import Room

REASON = "out of band"


@dataclass(frozen=True, slots=True)
class OutOfBand:
    """One of our users' membership by such an event. `via` is the server that told of it."""

    room_nid: int
    user_id: str
    event_nid: int
    via: str
    # A JSON list.
    stripped_state: str


_COLUMNS = "room_nid, user_id, event_nid, via, stripped_state"


def lock_room(txn: Any, room_id: str, room_version: str, now_ms: int) -> Room:
    """Lock the room for a membership that is to be put, and note that it has such; one that is not
    known is from now on, without a state. As long as it has none its version is the last that
    somebody said.
    """
    txn.execute(
        """
        INSERT INTO rooms (room_id, room_version, created_ts, has_out_of_band)
             VALUES (%s, %s, %s, TRUE)
        ON CONFLICT (room_id) DO UPDATE
                SET has_out_of_band = TRUE,
                    room_version = CASE WHEN rooms.current_state_root = 0
                                        THEN EXCLUDED.room_version
                                        ELSE rooms.room_version END
          RETURNING room_nid, room_id, room_version, current_state_root
        """,
        (room_id, room_version, now_ms),
    )
    *columns, root = txn.fetchone()
    return Room(*columns, root != EMPTY)


def put(txn: Any, row: OutOfBand, membership: str) -> None:
    """A user's newest membership in a locked room, with the COMMIT: it gets its position then."""
    txn.allot(
        """
        WITH placed AS (
            INSERT INTO out_of_band_memberships (room_nid, user_id, event_nid, position, via,
                                                 stripped_state)
                 VALUES (%s, %s, %s, nextval('stream_positions'), %s, %s)
            ON CONFLICT (room_nid, user_id) DO UPDATE
                    SET event_nid = EXCLUDED.event_nid,
                        position = EXCLUDED.position,
                        via = EXCLUDED.via,
                        stripped_state = EXCLUDED.stripped_state
              RETURNING room_nid, user_id, event_nid, position)
        INSERT INTO membership_changes (user_id, position, room_nid, event_nid, membership)
             SELECT user_id, position, room_nid, event_nid, %s
               FROM placed
        """,
        (row.room_nid, row.user_id, row.event_nid, row.via, row.stripped_state, membership),
    )


def get(txn: Any, room_nid: int, user_id: str) -> OutOfBand | None:
    txn.execute(
        f"""
        SELECT {_COLUMNS}
          FROM out_of_band_memberships
         WHERE room_nid = %s
           AND user_id = %s
        """,
        (room_nid, user_id),
    )
    row = txn.fetchone()
    return OutOfBand(*row) if row else None


def list_of_user(txn: Any, user_id: str, room_nids: Collection[int]) -> list[OutOfBand]:
    txn.execute(
        f"""
        SELECT {_COLUMNS}
          FROM out_of_band_memberships
         WHERE user_id = %s
           AND room_nid = ANY(%s)
        """,
        (user_id, list(room_nids)),
    )
    return [OutOfBand(*row) for row in txn.fetchall()]


def list_users(txn: Any, room_nid: int) -> list[str]:
    """Whose membership of a room is by such an event."""
    txn.execute(
        """
        SELECT user_id
          FROM out_of_band_memberships
         WHERE room_nid = %s
         ORDER BY user_id
        """,
        (room_nid,),
    )
    return [row[0] for row in txn.fetchall()]


def delete(txn: Any, room_nid: int, user_ids: Sequence[str]) -> None:
    """The room itself says now what they are; with the COMMIT."""
    txn.with_commit(
        """
        DELETE FROM out_of_band_memberships
         WHERE room_nid = %s
           AND user_id = ANY(%s)
        """,
        (room_nid, list(user_ids)),
    )
