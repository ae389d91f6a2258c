"""Changes of devices of users of whom it is not known whether they share a room with us, since we
do not know all members of one that their server is in. Table: doubtful_device_changes."""

from collections.abc import Sequence
from typing import Any

OF_ROOM_MAX = 10_000


def note(txn: Any, server_name: str, user_ids: Sequence[str]) -> None:
    """Something changed of users who may be in rooms that their server is said to be in."""
    txn.execute(
        """
        INSERT INTO doubtful_device_changes (room_nid, user_id)
             SELECT s.room_nid, asked.user_id
               FROM room_servers s
              CROSS JOIN unnest(%s::text[]) AS asked (user_id)
              WHERE s.server_name = %s
                AND s.is_told
                AND (SELECT count(*)
                       FROM doubtful_device_changes d
                      WHERE d.room_nid = s.room_nid) < %s
        ON CONFLICT DO NOTHING
        """,
        (list(user_ids), server_name, OF_ROOM_MAX),
    )


def settle(txn: Any, room_nid: int) -> None:
    """The members of a room are known now: those of whom something changed meanwhile are told of;
    with the COMMIT, after the memberships.
    """
    txn.allot(
        """
        WITH settled AS (
                DELETE FROM doubtful_device_changes
                 WHERE room_nid = %(room_nid)s
                RETURNING user_id)
        INSERT INTO device_list_changes (user_id, device_id, position)
             SELECT user_id, '', nextval('stream_positions')
               FROM settled
               JOIN room_members m USING (user_id)
              WHERE m.room_nid = %(room_nid)s
                AND m.membership = 'join'
        ON CONFLICT (user_id, device_id) DO UPDATE
                SET position = EXCLUDED.position
        """,
        {"room_nid": room_nid},
    )
