"""Whose keys changed, and who shares rooms with them. Tables: device_list_changes, room_members.

The rows of device_list_changes have positions, so they are only written with the COMMIT. One for
each device, and one with the device_id '' for the user's cross-signing keys: its place is where it
last changed, and whoever has read up to there has nothing to do but to fetch the keys anew."""

from collections.abc import Sequence
from typing import Any

CROSS_SIGNING = ""


def put(txn: Any, user_id: str, device_ids: Sequence[str], gone_ts: int | None = None) -> None:
    """Keys have changed: of devices, of CROSS_SIGNING; or the devices are gone."""
    txn.allot(
        """
        INSERT INTO device_list_changes (user_id, device_id, position, gone_ts)
             SELECT %s, device_id, nextval('stream_positions'), %s
               FROM unnest(%s::text[]) AS changed (device_id)
        ON CONFLICT (user_id, device_id) DO UPDATE
                SET position = EXCLUDED.position,
                    gone_ts = EXCLUDED.gone_ts
        """,
        (user_id, gone_ts, list(device_ids)),
    )


# Whether somebody shares a room with who has these. What was said of a membership after `up_to` is
# not known to who asks: they hear of it in the next window, and until then nothing has changed.
_SHARES = """
    EXISTS (SELECT
              FROM room_members m
             WHERE m.user_id = asked.user_id
               AND m.room_nid = ANY(%(room_nids)s)
               AND (m.membership = 'join'
                    OR m.event_nid IN (SELECT event_nid
                                         FROM timeline
                                        WHERE position > %(up_to)s)))
"""


def list_changed(
    txn: Any, user_id: str, room_nids: Sequence[int], after: int, up_to: int
) -> list[str]:
    """The user and those who share one of the rooms, if their keys changed in a window of the
    stream.
    """
    txn.execute(
        f"""
        SELECT user_id
          FROM (SELECT DISTINCT user_id
                  FROM device_list_changes
                 WHERE position > %(after)s
                   AND position <= %(up_to)s) AS asked
         WHERE user_id = %(user_id)s
            OR {_SHARES}
        """,
        {"user_id": user_id, "room_nids": list(room_nids), "after": after, "up_to": up_to},
    )
    return [row[0] for row in txn.fetchall()]


def list_sharing(
    txn: Any, user_ids: Sequence[str], room_nids: Sequence[int], up_to: int
) -> set[str]:
    """Those of the users who are in one of the rooms, or were at a position."""
    txn.execute(
        f"""
        SELECT user_id
          FROM unnest(%(user_ids)s::text[]) AS asked (user_id)
         WHERE {_SHARES}
        """,
        {"user_ids": list(user_ids), "room_nids": list(room_nids), "up_to": up_to},
    )
    return {row[0] for row in txn.fetchall()}


def list_joined_users(txn: Any, room_nids: Sequence[int]) -> list[str]:
    """Who is in one of the rooms."""
    txn.execute(
        """
        SELECT DISTINCT user_id
          FROM room_members
         WHERE room_nid = ANY(%s)
           AND membership = 'join'
        """,
        (list(room_nids),),
    )
    return [row[0] for row in txn.fetchall()]


def list_users_since(txn: Any, room_nids: Sequence[int], after: int) -> list[str]:
    """Who is in one of the rooms, or has left it after a position."""
    txn.execute(
        """
        SELECT DISTINCT user_id
          FROM room_members m
         WHERE m.room_nid = ANY(%(room_nids)s)
           AND (m.membership = 'join'
                OR m.event_nid IN (SELECT event_nid
                                     FROM timeline
                                    WHERE room_nid = ANY(%(room_nids)s)
                                      AND position > %(after)s))
        """,
        {"room_nids": list(room_nids), "after": after},
    )
    return [row[0] for row in txn.fetchall()]


def delete_gone(txn: Any, before_ts: int, limit: int) -> int:
    """Forget devices that were deleted before, as long as a newer change says that their user's
    list is another; returns how many.
    """
    txn.execute(
        """
        DELETE FROM device_list_changes
         WHERE ctid = ANY(ARRAY(SELECT ctid
                                  FROM device_list_changes c
                                 WHERE gone_ts < %s
                                   AND EXISTS (SELECT
                                                 FROM device_list_changes newer
                                                WHERE newer.user_id = c.user_id
                                                  AND newer.position > c.position)
                                 ORDER BY gone_ts
                                 LIMIT %s
                                   FOR UPDATE OF c SKIP LOCKED))
        """,
        (before_ts, limit),
    )
    return txn.rowcount
