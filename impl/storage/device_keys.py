"""Identity keys, one-time keys and fallback keys of devices. Tables: device_keys, one_time_keys,
fallback_keys.

Keys are JSON as text, and are passed on as they stand. A one-time key that was handed out stays for
a while, without effect, so that an upload that comes twice does not bring it back.

Locks are taken in one order: the device, its one-time keys, its fallback keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class KeyOfDevice:
    """A one-time or fallback key."""

    algorithm: str
    key_id: str
    key_json: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """A key that somebody claims."""

    user_id: str
    device_id: str
    algorithm: str


def lock_device(txn: Any, user_id: str, device_id: str) -> bool:
    """One writer of its keys at a time; False if there is no such device any more."""
    txn.execute(
        """
        SELECT 1
          FROM devices
         WHERE user_id = %s
           AND device_id = %s
           FOR NO KEY UPDATE
        """,
        (user_id, device_id),
    )
    return txn.fetchone() is not None


def lock(txn: Any, user_id: str, device_ids: Sequence[str]) -> dict[str, str]:
    """device_id -> the identity keys of those devices that have any."""
    txn.execute(
        """
        SELECT device_id, key_json
          FROM device_keys
         WHERE user_id = %s
           AND device_id = ANY(%s)
         ORDER BY device_id
           FOR NO KEY UPDATE
        """,
        (user_id, list(device_ids)),
    )
    return dict(txn.fetchall())


def put(txn: Any, user_id: str, device_id: str, key_json: str) -> None:
    txn.execute(
        """
        INSERT INTO device_keys (user_id, device_id, key_json)
             VALUES (%s, %s, %s)
        ON CONFLICT (user_id, device_id) DO UPDATE SET key_json = EXCLUDED.key_json
        """,
        (user_id, device_id, key_json),
    )


def list_of_devices(txn: Any, user_id: str, device_ids: Sequence[str]) -> dict[str, str]:
    """As `lock`, without one."""
    txn.execute(
        """
        SELECT device_id, key_json
          FROM device_keys
         WHERE user_id = %s
           AND device_id = ANY(%s)
        """,
        (user_id, list(device_ids)),
    )
    return dict(txn.fetchall())


def put_one_time(txn: Any, user_id: str, device_id: str, keys: Sequence[KeyOfDevice]) -> None:
    """Add keys; what is there stays. A key that was handed out does not come back, but another of
    its name may take its place.
    """
    txn.execute_values(
        """
        INSERT INTO one_time_keys AS k (user_id, device_id, algorithm, key_id, key_json)
             VALUES %s
        ON CONFLICT (user_id, device_id, algorithm, key_id) DO UPDATE
                SET key_json = EXCLUDED.key_json,
                    key_nid = DEFAULT,
                    claimed_ts = NULL
              WHERE k.claimed_ts IS NOT NULL
                AND k.key_json <> EXCLUDED.key_json
        """,
        [(user_id, device_id, one.algorithm, one.key_id, one.key_json) for one in keys],
    )


def find_other(txn: Any, user_id: str, device_id: str, keys: Sequence[KeyOfDevice]) -> str | None:
    """The name of a key that is stored with another content."""
    txn.execute(
        """
        SELECT algorithm || ':' || key_id
          FROM one_time_keys
          JOIN unnest(%s::text[], %s::text[], %s::text[]) AS n (algorithm, key_id, key_json)
         USING (algorithm, key_id)
         WHERE user_id = %s
           AND device_id = %s
           AND one_time_keys.key_json <> n.key_json
         LIMIT 1
        """,
        (
            [one.algorithm for one in keys],
            [one.key_id for one in keys],
            [one.key_json for one in keys],
            user_id,
            device_id,
        ),
    )
    row = txn.fetchone()
    return row[0] if row else None


def put_fallback(txn: Any, user_id: str, device_id: str, keys: Sequence[KeyOfDevice]) -> None:
    """One for an algorithm. The same once more is as used as it was."""
    txn.execute_values(
        """
        INSERT INTO fallback_keys AS k (user_id, device_id, algorithm, key_id, key_json)
             VALUES %s
        ON CONFLICT (user_id, device_id, algorithm) DO UPDATE
                SET key_id = EXCLUDED.key_id,
                    key_json = EXCLUDED.key_json,
                    is_used = FALSE
              WHERE (k.key_id, k.key_json) <> (EXCLUDED.key_id, EXCLUDED.key_json)
        """,
        [
            (user_id, device_id, one.algorithm, one.key_id, one.key_json)
            for one in sorted(keys, key=lambda one: one.algorithm)
        ],
    )


def count(txn: Any, user_id: str, device_id: str) -> dict[str, int]:
    """algorithm -> how many one-time keys can be claimed."""
    txn.execute(
        """
        SELECT algorithm, count(*)
          FROM one_time_keys
         WHERE user_id = %s
           AND device_id = %s
           AND claimed_ts IS NULL
         GROUP BY algorithm
        """,
        (user_id, device_id),
    )
    return dict(txn.fetchall())


def get_supply(txn: Any, user_id: str, device_id: str) -> tuple[dict[str, int], list[str]]:
    """What `count` says, and the algorithms of the fallback keys that were not used."""
    txn.execute(
        """
        SELECT algorithm, count(*)
          FROM one_time_keys
         WHERE user_id = %(user_id)s
           AND device_id = %(device_id)s
           AND claimed_ts IS NULL
         GROUP BY algorithm
        UNION ALL
        SELECT algorithm, NULL
          FROM fallback_keys
         WHERE user_id = %(user_id)s
           AND device_id = %(device_id)s
           AND NOT is_used
        """,
        {"user_id": user_id, "device_id": device_id},
    )
    rows = txn.fetchall()
    counts = {algorithm: number for algorithm, number in rows if number is not None}
    return counts, sorted(algorithm for algorithm, number in rows if number is None)


def count_fallback(txn: Any, user_id: str, device_id: str) -> int:
    txn.execute(
        """
        SELECT count(*)
          FROM fallback_keys
         WHERE user_id = %s
           AND device_id = %s
        """,
        (user_id, device_id),
    )
    return txn.fetchone()[0]


def claim_one_time(
    txn: Any, wanted: Sequence[Wanted], claimed_ts: int
) -> dict[Wanted, KeyOfDevice]:
    """Take the oldest key of each; what has none is left out. Nobody else gets the same, and nobody
    waits: what another transaction is taking is passed over.

    What is taken is found once, before anything is changed, and stays where it is, since it is
    locked: joined to the update, it would be looked for again and again, and found anew each time.
    """
    txn.execute(
        """
        UPDATE one_time_keys
           SET claimed_ts = %s
         WHERE ctid = ANY(ARRAY(
                SELECT (SELECT ctid
                          FROM one_time_keys
                         WHERE user_id = w.user_id
                           AND device_id = w.device_id
                           AND algorithm = w.algorithm
                           AND claimed_ts IS NULL
                         ORDER BY key_nid
                         LIMIT 1
                           FOR UPDATE SKIP LOCKED)
                  FROM unnest(%s::text[], %s::text[], %s::text[])
                       AS w (user_id, device_id, algorithm)))
        RETURNING user_id, device_id, algorithm, key_id, key_json
        """,
        (claimed_ts, *_columns(wanted)),
    )
    return _claimed(txn)


def claim_fallback(txn: Any, wanted: Sequence[Wanted]) -> dict[Wanted, KeyOfDevice]:
    """The fallback key of each, which is used from now on."""
    txn.execute(
        """
        WITH fresh AS (
                SELECT f.user_id, f.device_id, f.algorithm
                  FROM fallback_keys f
                  JOIN unnest(%(users)s::text[], %(devices)s::text[], %(algorithms)s::text[])
                       AS w (user_id, device_id, algorithm)
                 USING (user_id, device_id, algorithm)
                 WHERE NOT f.is_used
                 ORDER BY f.user_id, f.device_id, f.algorithm),
             locked AS MATERIALIZED (
                SELECT f.user_id, f.device_id, f.algorithm
                  FROM fallback_keys f
                  JOIN fresh USING (user_id, device_id, algorithm)
                 ORDER BY f.user_id, f.device_id, f.algorithm
                   FOR NO KEY UPDATE OF f),
             marked AS (
                UPDATE fallback_keys f
                   SET is_used = TRUE
                  FROM locked l
                 WHERE f.user_id = l.user_id
                   AND f.device_id = l.device_id
                   AND f.algorithm = l.algorithm
                RETURNING f.user_id, f.device_id, f.algorithm, f.key_id, f.key_json)
        SELECT user_id, device_id, algorithm, key_id, key_json
          FROM marked
        UNION ALL
        SELECT user_id, device_id, algorithm, f.key_id, f.key_json
          FROM fallback_keys f
          JOIN unnest(%(users)s::text[], %(devices)s::text[], %(algorithms)s::text[])
               AS w (user_id, device_id, algorithm)
         USING (user_id, device_id, algorithm)
         WHERE f.is_used
        """,
        dict(zip(("users", "devices", "algorithms"), _columns(wanted), strict=True)),
    )
    return _claimed(txn)


def _claimed(txn: Any) -> dict[Wanted, KeyOfDevice]:
    return {Wanted(*row[:3]): KeyOfDevice(*row[2:]) for row in txn.fetchall()}


def _columns(wanted: Sequence[Wanted]) -> tuple[list[str], list[str], list[str]]:
    return (
        [one.user_id for one in wanted],
        [one.device_id for one in wanted],
        [one.algorithm for one in wanted],
    )
