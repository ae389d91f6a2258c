"""Whose keys changed, and who shares rooms with them. Tables: device_list_changes, room_members.

The rows of device_list_changes have positions, so they are only written with the COMMIT. One for
each device, and one with the device_id '' for the user's cross-signing keys: its place is where it
last changed, and whoever has read up to there has nothing to do but to fetch the keys anew.

Other servers are told of devices in a sequence per user (S-S API, "Device Management"): each row
says which change came before it, though that row may have moved on since."""

from collections.abc import Sequence
from typing import Any

CROSS_SIGNING = ""


def put(txn: Any, user_id: str, device_ids: Sequence[str], gone_ts: int | None = None) -> None:
    """Keys have changed: of devices, of CROSS_SIGNING; or the devices are gone."""
    txn.allot(
        """
        INSERT INTO device_list_changes (user_id, device_id, position, gone_ts, prev_position)
             SELECT %(user_id)s, device_id, position, %(gone_ts)s,
                    CASE WHEN device_id <> '' THEN
                         lag(position, 1, (SELECT max(position)
                                             FROM device_list_changes
                                            WHERE user_id = %(user_id)s
                                              AND device_id <> ''))
                             OVER (PARTITION BY device_id <> '' ORDER BY position)
                    END
               FROM (SELECT device_id, nextval('stream_positions') AS position
                       FROM unnest(%(device_ids)s::text[]) AS changed (device_id)) AS placed
        ON CONFLICT (user_id, device_id) DO UPDATE
                SET position = EXCLUDED.position,
                    gone_ts = EXCLUDED.gone_ts,
                    prev_position = EXCLUDED.prev_position
        """,
        {"user_id": user_id, "gone_ts": gone_ts, "device_ids": list(device_ids)},
    )


def put_others(txn: Any, user_ids: Sequence[str]) -> None:
    """The keys of users of other servers have changed, whichever of them."""
    txn.allot(
        """
        INSERT INTO device_list_changes (user_id, device_id, position)
             SELECT user_id, '', nextval('stream_positions')
               FROM unnest(%s::text[]) AS changed (user_id)
        ON CONFLICT (user_id, device_id) DO UPDATE
                SET position = EXCLUDED.position
        """,
        (sorted(user_ids),),
    )


def get_sequence(txn: Any, user_id: str) -> int:
    """Where a user's sequence of changed devices stands, as other servers are told of it
    (`stream_id`); 0 if nothing has changed yet.
    """
    txn.execute(
        """
        SELECT COALESCE(max(position), 0)
          FROM device_list_changes
         WHERE user_id = %s
           AND device_id <> ''
        """,
        (user_id,),
    )
    return txn.fetchone()[0]


def list_changed(
    txn: Any, room_nids: Sequence[int], user_id: str, after: int, up_to: int
) -> list[str]:
    """The user and those who are or were in one of the rooms, if their keys changed in a window of
    the stream.
    """
    txn.execute(
        """
        SELECT user_id
          FROM (SELECT DISTINCT user_id
                  FROM device_list_changes
                 WHERE position > %s
                   AND position <= %s) AS changed
         WHERE EXISTS (SELECT
                         FROM room_members m
                        WHERE m.user_id = changed.user_id
                          AND m.room_nid = ANY(%s))
            OR user_id = %s
        """,
        (after, up_to, list(room_nids), user_id),
    )
    return [row[0] for row in txn.fetchall()]


def list_sharing(
    txn: Any,
    user_ids: Sequence[str],
    room_nids: Sequence[int],
    without: Sequence[tuple[int, str]],
) -> set[str]:
    """Those of the users who are in one of the rooms; (room_nid, user_id) `without` do not
    count.
    """
    txn.execute(
        """
        SELECT user_id
          FROM unnest(%s::text[]) AS asked (user_id)
         WHERE EXISTS (SELECT
                         FROM room_members m
                        WHERE m.user_id = asked.user_id
                          AND m.room_nid = ANY(%s)
                          AND m.membership = 'join'
                          AND (m.room_nid, m.user_id) NOT IN (
                               SELECT * FROM unnest(%s::bigint[], %s::text[])))
        """,
        (
            list(user_ids),
            list(room_nids),
            [room_nid for room_nid, _ in without],
            [user_id for _, user_id in without],
        ),
    )
    return {row[0] for row in txn.fetchall()}


def list_rooms_of(txn: Any, user_ids: Sequence[str]) -> dict[str, list[int]]:
    """user_id -> the rooms that they are in, of all of some users of other servers."""
    txn.execute(
        """
        SELECT user_id, room_nid
          FROM room_members
         WHERE user_id = ANY(%s)
           AND membership = 'join'
        """,
        (list(user_ids),),
    )
    found: dict[str, list[int]] = {user_id: [] for user_id in user_ids}
    for user_id, room_nid in txn.fetchall():
        found[user_id].append(room_nid)
    return found


def list_moved_rooms(txn: Any, room_nids: Sequence[int], after: int) -> dict[int, int]:
    """room_nid -> the last position in it, of those rooms that moved after a position."""
    txn.execute(
        """
        SELECT room_nid, max(position)
          FROM timeline
         WHERE position > %s
           AND room_nid = ANY(%s)
         GROUP BY room_nid
        """,
        (after, list(room_nids)),
    )
    return dict(txn.fetchall())


def list_joined(txn: Any, room_nids: Sequence[int], without: Sequence[tuple[int, str]]) -> set[str]:
    """Who is in one of the rooms; (room_nid, user_id) `without` do not count."""
    txn.execute(
        """
        SELECT DISTINCT user_id
          FROM room_members
         WHERE room_nid = ANY(%s)
           AND membership = 'join'
           AND (room_nid, user_id) NOT IN (SELECT * FROM unnest(%s::bigint[], %s::text[]))
        """,
        (
            list(room_nids),
            [room_nid for room_nid, _ in without],
            [user_id for _, user_id in without],
        ),
    )
    return {row[0] for row in txn.fetchall()}


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
    """Forget devices that were deleted before, as long as another device's newer change says that
    their user's list is another, and where their sequence stands; returns how many.
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
                                                  AND newer.device_id <> ''
                                                  AND newer.position > c.position)
                                 ORDER BY gone_ts
                                 LIMIT %s
                                   FOR UPDATE OF c SKIP LOCKED))
        """,
        (before_ts, limit),
    )
    return txn.rowcount
