"""What users changed of their push rules, now and earlier.

Tables: push_rules, push_rule_versions."""

import json
from collections.abc import Collection
from typing import Any

# Earlier rules say what was a notification before they were changed. They are kept for so long, if
# they are not too many bytes.
VERSIONS_KEPT_MS = 90 * 24 * 3600 * 1000
VERSIONS_BYTES_MAX = 8 << 20

# The position from which on rules hold, and what was changed of them.
Version = tuple[int, dict[str, Any]]


def get(txn: Any, user_id: str) -> dict[str, Any]:
    """Empty for who has changed nothing."""
    txn.execute(
        """
        SELECT changes
          FROM push_rules
         WHERE user_id = %s
        """,
        (user_id,),
    )
    row = txn.fetchone()
    return json.loads(row[0]) if row else {}


def put(txn: Any, user_id: str, changes: dict[str, Any]) -> None:
    txn.execute(
        """
        INSERT INTO push_rules (user_id, changes)
             VALUES (%s, %s)
        ON CONFLICT (user_id) DO UPDATE
                SET changes = EXCLUDED.changes
        """,
        (user_id, json.dumps(changes)),
    )


def delete(txn: Any, user_id: str) -> None:
    txn.execute(
        """
        WITH versions AS (DELETE FROM push_rule_versions WHERE user_id = %s)
        DELETE FROM push_rules
         WHERE user_id = %s
        """,
        (user_id, user_id),
    )


def get_many(txn: Any, user_ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """user_id -> what they changed, of those who changed anything."""
    txn.execute(
        """
        SELECT user_id, changes
          FROM push_rules
         WHERE user_id = ANY(%s)
        """,
        (list(user_ids),),
    )
    return {user_id: json.loads(changes) for user_id, changes in txn.fetchall()}


def list_joined_with_changes(txn: Any, room_nid: int) -> list[str]:
    """Those in a room who changed anything."""
    txn.execute(
        """
        SELECT p.user_id
          FROM room_members m
          JOIN push_rules p USING (user_id)
         WHERE m.room_nid = %s
           AND m.membership = 'join'
        """,
        (room_nid,),
    )
    return [row[0] for row in txn.fetchall()]


def put_version(
    txn: Any, user_id: str, old: dict[str, Any], new: dict[str, Any], now_ms: int
) -> None:
    """A change of rules, at the position that this transaction allotted last: that of the account
    data which tells of it. `old` is what was before, if nothing is known of that.
    """
    txn.with_commit(
        """
        INSERT INTO push_rule_versions (user_id, position, changes, created_ts)
             SELECT %(user_id)s, 0, %(old)s, %(now)s
              WHERE NOT EXISTS (SELECT 1 FROM push_rule_versions WHERE user_id = %(user_id)s)
        """,
        {"user_id": user_id, "old": json.dumps(old), "now": now_ms},
    )
    txn.with_commit(
        """
        DELETE FROM push_rule_versions v
         USING (SELECT position,
                       lead(created_ts) OVER w AS superseded_ts,
                       sum(octet_length(changes)) OVER (ORDER BY position DESC) AS bytes
                  FROM push_rule_versions
                 WHERE user_id = %(user_id)s
                WINDOW w AS (ORDER BY position)) AS old
         WHERE v.user_id = %(user_id)s
           AND v.position = old.position
           AND (old.superseded_ts < %(kept)s OR old.bytes > %(bytes_max)s)
        """,
        {"user_id": user_id, "kept": now_ms - VERSIONS_KEPT_MS, "bytes_max": VERSIONS_BYTES_MAX},
    )
    txn.allot(
        """
        INSERT INTO push_rule_versions (user_id, position, changes, created_ts)
             VALUES (%s, currval('stream_positions'), %s, %s)
        """,
        (user_id, json.dumps(new), now_ms),
    )


def list_versions(txn: Any, user_id: str) -> list[Version]:
    """A user's rules since when, the oldest first. The first of them is good for all that was
    before it, too; none: nothing was ever changed.
    """
    txn.execute(
        """
        SELECT position, changes
          FROM push_rule_versions
         WHERE user_id = %s
         ORDER BY position
        """,
        (user_id,),
    )
    return [(position, json.loads(changes)) for position, changes in txn.fetchall()]
