"""Backups of message keys. Tables: key_backup_owners, key_backups, key_backup_keys.

Whoever writes holds the owner's row (`lock`, or `take_version`), so that counts add up, a backup
does not stop being the newest while keys are put into it, and nothing is put into one that goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class Backup:
    backup_nid: int
    version: int
    algorithm: str
    # JSON.
    auth_data: str
    etag: int
    key_count: int


class Key(NamedTuple):
    room_id: str
    session_id: str
    first_message_index: int
    forwarded_count: int
    is_verified: bool
    # JSON.
    session_data: str


_BACKUP = "backup_nid, version, algorithm, auth_data, etag, key_count"
_KEY = "room_id, session_id, first_message_index, forwarded_count, is_verified, session_data"


def lock(txn: Any, user_id: str) -> int | None:
    """One writer at a time for each user. The number of their newest backup, which may have been
    deleted; None if they never had one.
    """
    txn.execute(
        """
        SELECT last_version
          FROM key_backup_owners
         WHERE user_id = %s
           FOR NO KEY UPDATE
        """,
        (user_id,),
    )
    row = txn.fetchone()
    return row[0] if row else None


def take_version(txn: Any, user_id: str) -> int | None:
    """The number of a new backup, and the lock; None if there is no such user any more. Whoever
    deactivates the user waits for this, or this for them.
    """
    txn.execute(
        """
        INSERT INTO key_backup_owners (user_id, last_version)
             SELECT user_id, 1
               FROM users
              WHERE user_id = %s
                AND NOT is_deactivated
                FOR SHARE
        ON CONFLICT (user_id) DO UPDATE
                SET last_version = key_backup_owners.last_version + 1
          RETURNING last_version
        """,
        (user_id,),
    )
    row = txn.fetchone()
    return row[0] if row else None


def insert(txn: Any, user_id: str, version: int, algorithm: str, auth_data: str) -> None:
    """With the COMMIT."""
    txn.with_commit(
        """
        INSERT INTO key_backups (user_id, version, algorithm, auth_data)
             VALUES (%s, %s, %s, %s)
        """,
        (user_id, version, algorithm, auth_data),
    )


def get(txn: Any, user_id: str, version: int) -> Backup | None:
    txn.execute(
        f"""
        SELECT {_BACKUP}
          FROM key_backups
         WHERE user_id = %s
           AND version = %s
        """,
        (user_id, version),
    )
    row = txn.fetchone()
    return Backup(*row) if row else None


def get_current(txn: Any, user_id: str) -> Backup | None:
    """The newest of those that there are."""
    txn.execute(
        f"""
        SELECT {_BACKUP}
          FROM key_backups
         WHERE user_id = %s
         ORDER BY version DESC
         LIMIT 1
        """,
        (user_id,),
    )
    row = txn.fetchone()
    return Backup(*row) if row else None


def put_auth_data(txn: Any, backup_nid: int, auth_data: str) -> None:
    """With the COMMIT."""
    txn.with_commit(
        """
        UPDATE key_backups
           SET auth_data = %s
         WHERE backup_nid = %s
        """,
        (auth_data, backup_nid),
    )


def put_counts(txn: Any, backup_nid: int, etag: int, key_count: int) -> None:
    """With the COMMIT."""
    txn.with_commit(
        """
        UPDATE key_backups
           SET etag = %s,
               key_count = %s
         WHERE backup_nid = %s
        """,
        (etag, key_count, backup_nid),
    )


def put_keys(txn: Any, backup_nid: int, keys: Sequence[Key]) -> tuple[int, int]:
    """Keep each key that nothing is known of, or that is better than what is. How many were kept,
    and how many of these are new.

    Which of two keys is better is said here because it is decided where the other one lies: the
    verified one; of equals the one that begins earlier; of equals the one that was forwarded less.
    """
    txn.execute_values(
        f"""
        WITH kept AS (
             INSERT INTO key_backup_keys AS known (backup_nid, {_KEY})
                  VALUES %s
             ON CONFLICT (backup_nid, room_id, session_id) DO UPDATE
                     SET first_message_index = EXCLUDED.first_message_index,
                         forwarded_count = EXCLUDED.forwarded_count,
                         is_verified = EXCLUDED.is_verified,
                         session_data = EXCLUDED.session_data
                   WHERE (NOT EXCLUDED.is_verified,
                          EXCLUDED.first_message_index,
                          EXCLUDED.forwarded_count)
                       < (NOT known.is_verified,
                          known.first_message_index,
                          known.forwarded_count)
               -- A row that nobody has replaced has no xmax.
               RETURNING xmax = 0 AS is_new)
        SELECT count(*),
               count(*) FILTER (WHERE is_new)
          FROM kept
        """,
        [(backup_nid, *key) for key in keys],
    )
    return txn.fetchone()


def get_key(txn: Any, user_id: str, version: int, room_id: str, session_id: str) -> Key | None:
    txn.execute(
        f"""
        SELECT {_KEY}
          FROM key_backup_keys
          JOIN key_backups USING (backup_nid)
         WHERE user_id = %s
           AND version = %s
           AND room_id = %s
           AND session_id = %s
        """,
        (user_id, version, room_id, session_id),
    )
    row = txn.fetchone()
    return Key(*row) if row else None


def list_keys(
    txn: Any, backup_nid: int, room_id: str | None, after: tuple[str, str], limit: int
) -> list[Key]:
    """The keys of a backup, or of one room in it, that follow a (room_id, session_id), in order."""
    txn.execute(
        f"""
        SELECT {_KEY}
          FROM key_backup_keys
         WHERE backup_nid = %s
           AND (%s::text IS NULL OR room_id = %s)
           AND (room_id, session_id) > (%s, %s)
         ORDER BY room_id, session_id
         LIMIT %s
        """,
        (backup_nid, room_id, room_id, *after, limit),
    )
    return [Key(*row) for row in txn.fetchall()]


def delete_keys(txn: Any, backup_nid: int, room_id: str | None, session_id: str | None) -> int:
    """All keys of a backup, or those of one room, or one of them. How many there were."""
    txn.execute(
        """
        DELETE FROM key_backup_keys
         WHERE backup_nid = %s
           AND (%s::text IS NULL OR room_id = %s)
           AND (%s::text IS NULL OR session_id = %s)
        """,
        (backup_nid, room_id, room_id, session_id, session_id),
    )
    return txn.rowcount


def delete(txn: Any, backup_nid: int) -> None:
    """A backup with its keys. With the COMMIT."""
    for table in ("key_backup_keys", "key_backups"):
        txn.with_commit(
            f"""
            DELETE FROM {table}
                  WHERE backup_nid = %s
            """,
            (backup_nid,),
        )


def delete_all(txn: Any, user_id: str) -> None:
    """Of a user who is gone."""
    # What a writer who was waited for has written must be seen by the statements after this one.
    if lock(txn, user_id) is None:
        return
    txn.execute(
        """
        DELETE FROM key_backup_keys
              USING key_backups
              WHERE key_backups.backup_nid = key_backup_keys.backup_nid
                AND user_id = %s
        """,
        (user_id,),
    )
    for table in ("key_backups", "key_backup_owners"):
        txn.execute(
            f"""
            DELETE FROM {table}
                  WHERE user_id = %s
            """,
            (user_id,),
        )
