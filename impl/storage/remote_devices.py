"""The devices of other servers' users whom we follow. Tables: remote_device_lists, remote_devices;
cross_signing_keys, as far as they are theirs.

A list is changed by who has its row; rows are locked in the order of their users."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SEEN_KEPT_MAX = 20

# Whether somebody of ours is in a room with a user. Rows of `room_members` outlive the last of us.
_SHARES = """
    EXISTS (SELECT
              FROM room_members m
             WHERE m.user_id = asked.user_id
               AND m.membership = 'join'
               AND EXISTS (SELECT
                             FROM membership_changes c
                             JOIN room_members o USING (room_nid, user_id)
                            WHERE c.room_nid = m.room_nid
                              AND o.membership = 'join'))
"""


@dataclass(slots=True)
class DeviceList:
    """The row of a user."""

    user_id: str
    list_nid: int
    seen_ids: list[str]
    is_fetched: bool
    heard_count: int
    heard_id: str | None
    due_ts: int | None
    attempts: int

    @property
    def is_fresh(self) -> bool:
        return self.due_ts is None


@dataclass(frozen=True, slots=True)
class RemoteDevice:
    user_id: str
    device_id: str
    key_json: str
    display_name: str | None


_COLUMNS = "user_id, list_nid, seen_ids, is_fetched, heard_count, heard_id, due_ts, attempts"


def list_sharing(txn: Any, user_ids: Sequence[str]) -> set[str]:
    """Those of some users of other servers who are in a room with somebody of ours."""
    txn.execute(
        f"""
        SELECT user_id
          FROM unnest(%s::text[]) AS asked (user_id)
         WHERE {_SHARES}
        """,
        (list(user_ids),),
    )
    return {row[0] for row in txn.fetchall()}


def get_many(txn: Any, user_ids: Sequence[str]) -> dict[str, DeviceList]:
    """user_id -> row, of those whom we follow."""
    txn.execute(
        f"""
        SELECT {_COLUMNS}
          FROM remote_device_lists
         WHERE user_id = ANY(%s)
        """,
        (list(user_ids),),
    )
    return {row[0]: DeviceList(*row) for row in txn.fetchall()}


def lock(txn: Any, user_ids: Sequence[str]) -> dict[str, DeviceList]:
    """The same, and nobody else changes these lists before this transaction ends."""
    txn.execute(
        f"""
        SELECT {_COLUMNS}
          FROM remote_device_lists
         WHERE user_id = ANY(%s)
         ORDER BY user_id
           FOR NO KEY UPDATE
        """,
        (list(user_ids),),
    )
    return {row[0]: DeviceList(*row) for row in txn.fetchall()}


def follow(txn: Any, users: Mapping[str, str], due_ts: int) -> None:
    """From now on, those of the users, user_id -> server_name, who share a room with somebody of
    ours; they are to be fetched then.
    """
    txn.execute(
        f"""
        INSERT INTO remote_device_lists (user_id, server_name, due_ts)
             SELECT user_id, server_name, %s
               FROM unnest(%s::text[], %s::text[]) AS asked (user_id, server_name)
              WHERE {_SHARES}
              ORDER BY user_id
        ON CONFLICT (user_id) DO NOTHING
        """,
        (due_ts, list(users), list(users.values())),
    )


def put(txn: Any, lists: Sequence[DeviceList]) -> None:
    """Write rows that are locked."""
    txn.values_with_commit(
        """
        UPDATE remote_device_lists l
           SET seen_ids = v.seen_ids,
               is_fetched = v.is_fetched,
               heard_count = v.heard_count,
               heard_id = v.heard_id,
               due_ts = v.due_ts,
               attempts = v.attempts
          FROM (VALUES %s) AS v (user_id, seen_ids, is_fetched, heard_count, heard_id, due_ts,
                                 attempts)
         WHERE l.user_id = v.user_id
        """,
        [
            (
                one.user_id,
                one.seen_ids[-SEEN_KEPT_MAX:],
                one.is_fetched,
                one.heard_count,
                one.heard_id,
                one.due_ts,
                one.attempts,
            )
            for one in lists
        ],
        "(%s, %s::text[], %s, %s, %s, %s::bigint, %s)",
    )


def list_devices(txn: Any, user_ids: Sequence[str]) -> dict[str, dict[str, RemoteDevice]]:
    """user_id -> device_id -> device."""
    txn.execute(
        """
        SELECT user_id, device_id, key_json, display_name
          FROM remote_devices
         WHERE user_id = ANY(%s)
        """,
        (list(user_ids),),
    )
    found: dict[str, dict[str, RemoteDevice]] = {user_id: {} for user_id in user_ids}
    for row in txn.fetchall():
        found[row[0]][row[1]] = RemoteDevice(*row)
    return found


def get_devices(
    txn: Any, devices: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], RemoteDevice]:
    """Those of some devices, (user_id, device_id), that are there."""
    txn.execute(
        """
        SELECT user_id, device_id, key_json, display_name
          FROM remote_devices
          JOIN unnest(%s::text[], %s::text[]) AS wanted (user_id, device_id)
         USING (user_id, device_id)
        """,
        ([user_id for user_id, _ in devices], [device_id for _, device_id in devices]),
    )
    return {(row[0], row[1]): RemoteDevice(*row) for row in txn.fetchall()}


def count_devices(txn: Any, user_ids: Sequence[str]) -> dict[str, int]:
    txn.execute(
        """
        SELECT user_id, count(*)
          FROM remote_devices
         WHERE user_id = ANY(%s)
         GROUP BY user_id
        """,
        (list(user_ids),),
    )
    return dict(txn.fetchall())


def put_devices(txn: Any, devices: Sequence[RemoteDevice]) -> None:
    """With the COMMIT."""
    txn.values_with_commit(
        """
        INSERT INTO remote_devices (user_id, device_id, key_json, display_name)
             VALUES %s
        ON CONFLICT (user_id, device_id) DO UPDATE
                SET key_json = EXCLUDED.key_json,
                    display_name = EXCLUDED.display_name
        """,
        [(one.user_id, one.device_id, one.key_json, one.display_name) for one in devices],
    )


def delete_devices(txn: Any, devices: Sequence[tuple[str, str]]) -> None:
    """(user_id, device_id), with the COMMIT."""
    if not devices:
        return
    txn.with_commit(
        """
        DELETE FROM remote_devices d
         USING unnest(%s::text[], %s::text[]) AS gone (user_id, device_id)
         WHERE d.user_id = gone.user_id
           AND d.device_id = gone.device_id
        """,
        ([user_id for user_id, _ in devices], [device_id for _, device_id in devices]),
    )


# Fetching what is due.


def list_servers_due(txn: Any, now_ms: int, limit: int) -> list[str]:
    """Servers of which something is to be fetched."""
    txn.execute(
        """
        SELECT DISTINCT server_name
          FROM remote_device_lists
         WHERE due_ts <= %s
         LIMIT %s
        """,
        (now_ms, limit),
    )
    return [row[0] for row in txn.fetchall()]


def take_due(
    txn: Any, server_name: str, now_ms: int, until_ts: int, limit: int
) -> list[DeviceList]:
    """Some lists of a server that are due; nobody else gets them before `until_ts`."""
    txn.execute(
        f"""
        UPDATE remote_device_lists
           SET due_ts = %s
         WHERE user_id = ANY(ARRAY(SELECT user_id
                                     FROM remote_device_lists
                                    WHERE server_name = %s
                                      AND due_ts <= %s
                                    ORDER BY due_ts
                                    LIMIT %s
                                      FOR NO KEY UPDATE SKIP LOCKED))
        RETURNING {_COLUMNS}
        """,
        (until_ts, server_name, now_ms, limit),
    )
    return [DeviceList(*row) for row in txn.fetchall()]


def put_off(txn: Any, user_ids: Sequence[str], due_ts: Sequence[int]) -> None:
    """These could not be fetched; each is tried again at its time."""
    txn.execute(
        """
        UPDATE remote_device_lists l
           SET due_ts = v.due_ts,
               attempts = l.attempts + 1
          FROM (SELECT d.user_id, v.due_ts
                  FROM unnest(%s::text[], %s::bigint[]) AS v (user_id, due_ts)
                  JOIN remote_device_lists d USING (user_id)
                 WHERE d.due_ts IS NOT NULL
                 ORDER BY d.user_id
                   FOR NO KEY UPDATE OF d) AS v
         WHERE l.user_id = v.user_id
        """,
        (list(user_ids), list(due_ts)),
    )


def put_off_server(txn: Any, server_name: str, due_ts: int) -> None:
    """Nothing of a server's can be fetched before then."""
    txn.execute(
        """
        UPDATE remote_device_lists
           SET due_ts = %(due_ts)s
         WHERE user_id = ANY(ARRAY(SELECT user_id
                                     FROM remote_device_lists
                                    WHERE server_name = %(server_name)s
                                      AND due_ts < %(due_ts)s
                                    ORDER BY user_id
                                      FOR NO KEY UPDATE))
        """,
        {"server_name": server_name, "due_ts": due_ts},
    )


# Following no more.


def forget_parted(txn: Any, user_ids: Sequence[str]) -> None:
    """Those of some users who share no room with anybody of ours any more; with the COMMIT, after
    the memberships.
    """
    _forget(txn, "SELECT unnest(%(user_ids)s::text[]) AS user_id", {"user_ids": sorted(user_ids)})


def forget_room(txn: Any, room_nid: int) -> None:
    """The same of all who are in a room, if nobody of ours is in it any more."""
    _forget(
        txn,
        """
        SELECT user_id
          FROM room_members
         WHERE room_nid = %(room_nid)s
           AND membership = 'join'
           AND NOT EXISTS (SELECT
                             FROM membership_changes c
                             JOIN room_members o USING (room_nid, user_id)
                            WHERE c.room_nid = %(room_nid)s
                              AND o.membership = 'join')
        """,
        {"room_nid": room_nid},
    )


def _forget(txn: Any, users: str, parameters: Mapping[str, object]) -> None:
    txn.with_commit(
        f"""
        WITH parted AS MATERIALIZED (
                SELECT l.user_id
                  FROM remote_device_lists l
                  JOIN ({users}) AS asked USING (user_id)
                 WHERE NOT {_SHARES}
                 ORDER BY l.user_id
                   FOR UPDATE OF l),
             forgotten AS (
                DELETE FROM remote_device_lists
                 WHERE user_id IN (SELECT user_id FROM parted))
        DELETE FROM cross_signing_keys
         WHERE user_id IN (SELECT user_id FROM parted)
        """,
        parameters,
    )
    # Rows that have positions are only touched with the stream locked.
    txn.allot(
        f"""
        DELETE FROM device_list_changes
         WHERE user_id IN (SELECT user_id
                             FROM ({users}) AS asked
                            WHERE NOT {_SHARES})
        """,
        parameters,
    )
