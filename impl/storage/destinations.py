"""How far other servers have been told of what is for them. Tables: federation_shards,
destinations.

Whoever sends has a shard of all destinations, by their names, and one row that says how far these
are served; only who lags or cannot be reached has a row of their own."""

import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Destination:
    """One that lags or fails. `served_position` is None if it has as much as its shard says."""

    server_name: str
    served_position: int | None
    catch_up_position: int | None = None
    catch_up_room_nid: int | None = None
    failing_since_ts: int | None = None
    failure: str | None = None
    retry_ts: int = 0
    retry_interval_ms: int = 0


_COLUMNS = (
    "server_name, served_position, catch_up_position, catch_up_room_nid, failing_since_ts, failure,"
    " retry_ts, retry_interval_ms"
)
# What a failure is called is somebody else's text in part.
FAILURE_LENGTH_MAX = 500
# Who is heard of is tried again so long after the last time, at least and at most.
WAKE_MS_MIN = 5_000
WAKE_MS_MAX = 60_000


def name_hash(server_name: str) -> int:
    """Whose shard it is in: the same in all processes."""
    return zlib.crc32(server_name.encode(errors="replace"))


def get_shards(txn: Any, shard_count: int, shards: Collection[int]) -> dict[int, int]:
    """The positions of shards, which the caller holds. If there were never as many before, they
    begin where the last of the others is; the very first begin with the stream.
    """
    txn.execute(
        """
        INSERT INTO federation_shards (shard_count, shard_nid, position)
             SELECT %(count)s, shard_nid,
                    COALESCE((SELECT min(position) FROM federation_shards), 0)
               FROM unnest(%(shards)s::int[]) AS held (shard_nid)
        ON CONFLICT (shard_count, shard_nid) DO NOTHING
        """,
        {"count": shard_count, "shards": sorted(shards)},
    )
    txn.execute(
        """
        SELECT shard_nid, position
          FROM federation_shards
         WHERE shard_count = %s
           AND shard_nid = ANY(%s)
        """,
        (shard_count, sorted(shards)),
    )
    return dict(txn.fetchall())


def put_shards(txn: Any, shard_count: int, positions: dict[int, int]) -> None:
    """Shards of other counts that nobody moves any more would hold back those to come."""
    txn.execute_values(
        """
        UPDATE federation_shards s
           SET position = n.position
          FROM (VALUES %s) AS n (shard_count, shard_nid, position)
         WHERE s.shard_count = n.shard_count
           AND s.shard_nid = n.shard_nid
        """,
        [(shard_count, nid, position) for nid, position in sorted(positions.items())],
        "(%s::int, %s::int, %s::bigint)",
    )


def delete_other_shards(txn: Any, shard_count: int) -> None:
    """Of the times when there were more or fewer, once all of this count have begun."""
    txn.execute(
        """
        DELETE FROM federation_shards
         WHERE shard_count <> %(count)s
           AND (SELECT count(*)
                  FROM federation_shards
                 WHERE shard_count = %(count)s) = %(count)s
        """,
        {"count": shard_count},
    )


def list_shards(txn: Any) -> list[tuple[int, int, int]]:
    """(how many, which, position)."""
    txn.execute(
        """
        SELECT shard_count, shard_nid, position
          FROM federation_shards
         ORDER BY shard_count, shard_nid
        """
    )
    return txn.fetchall()


def get_many(txn: Any, server_names: Sequence[str]) -> dict[str, Destination]:
    """Of those that have a row."""
    txn.execute(
        f"""
        SELECT {_COLUMNS}
          FROM destinations
         WHERE server_name = ANY(%s)
        """,
        (list(server_names),),
    )
    return {row[0]: Destination(*row) for row in txn.fetchall()}


def get(txn: Any, server_name: str) -> Destination | None:
    return get_many(txn, [server_name]).get(server_name)


def list_due(
    txn: Any,
    shard_count: int,
    shards: Collection[int],
    now_ms: int,
    without: Collection[str],
    limit: int,
) -> list[Destination]:
    """Those in some shards that lag and are to be tried, who has waited longest first."""
    txn.execute(
        f"""
        SELECT {_COLUMNS}
          FROM destinations
         WHERE retry_ts <= %s
           AND served_position IS NOT NULL
           AND name_hash %% %s = ANY(%s)
           AND server_name <> ALL(%s)
         ORDER BY retry_ts
         LIMIT %s
        """,
        (now_ms, shard_count, sorted(shards), list(without), limit),
    )
    return [Destination(*row) for row in txn.fetchall()]


def list_all(txn: Any, after: str, limit: int) -> list[Destination]:
    """In the order of their names, after one."""
    txn.execute(
        f"""
        SELECT {_COLUMNS}
          FROM destinations
         WHERE server_name > %s
         ORDER BY server_name
         LIMIT %s
        """,
        (after, limit),
    )
    return [Destination(*row) for row in txn.fetchall()]


def put(txn: Any, destinations: Sequence[Destination]) -> None:
    """Whoever still fails does so for the reason that is known, if no other is given."""
    txn.execute_values(
        f"""
        INSERT INTO destinations ({_COLUMNS}, name_hash)
             VALUES %s
        ON CONFLICT (server_name) DO UPDATE
                SET served_position = EXCLUDED.served_position,
                    catch_up_position = EXCLUDED.catch_up_position,
                    catch_up_room_nid = EXCLUDED.catch_up_room_nid,
                    failing_since_ts = EXCLUDED.failing_since_ts,
                    failure = CASE WHEN EXCLUDED.failing_since_ts IS NOT NULL
                                   THEN COALESCE(EXCLUDED.failure, destinations.failure) END,
                    retry_ts = EXCLUDED.retry_ts,
                    retry_interval_ms = EXCLUDED.retry_interval_ms
        """,
        [
            (
                one.server_name,
                one.served_position,
                one.catch_up_position,
                one.catch_up_room_nid,
                one.failing_since_ts,
                one.failure and one.failure[:FAILURE_LENGTH_MAX].replace("\0", ""),
                one.retry_ts,
                one.retry_interval_ms,
                name_hash(one.server_name),
            )
            for one in sorted(destinations, key=lambda one: one.server_name)
        ],
        "(%s, %s::bigint, %s::bigint, %s::bigint, %s::bigint, %s, %s::bigint, %s::bigint,"
        " %s::bigint)",
    )


def put_failing(txn: Any, one: Destination) -> None:
    """That somebody could not reach it: what it has been told stands."""
    txn.execute(
        """
        INSERT INTO destinations (server_name, name_hash, failing_since_ts, failure, retry_ts,
                                  retry_interval_ms)
             VALUES (%s, %s, %s, %s, %s, %s)
        ON CONFLICT (server_name) DO UPDATE
                SET failing_since_ts = COALESCE(destinations.failing_since_ts,
                                                EXCLUDED.failing_since_ts),
                    failure = EXCLUDED.failure,
                    retry_ts = greatest(destinations.retry_ts, EXCLUDED.retry_ts),
                    retry_interval_ms = greatest(destinations.retry_interval_ms,
                                                 EXCLUDED.retry_interval_ms)
        """,
        (
            one.server_name,
            name_hash(one.server_name),
            one.failing_since_ts,
            one.failure and one.failure[:FAILURE_LENGTH_MAX].replace("\0", ""),
            one.retry_ts,
            one.retry_interval_ms,
        ),
    )


def wake(txn: Any, server_name: str, now_ms: int) -> bool:
    """It was heard of, so it is to be tried soon; says whether that is sooner than it was.

    A server that talks to us all the time, and never answers, is not to be tried all the time: once
    it has failed for some minutes, a minute goes by between two times."""
    txn.execute(
        """
        UPDATE destinations d
           SET retry_ts = CASE WHEN soon_ts > %(now_ms)s THEN soon_ts ELSE 0 END,
               -- It is still known by these two when it was tried last.
               retry_interval_ms = CASE WHEN soon_ts > %(now_ms)s
                                        THEN soon_ts - tried_ts
                                        ELSE retry_interval_ms END
          FROM (SELECT retry_ts - retry_interval_ms AS tried_ts, failing_since_ts AS since_ts
                  FROM destinations
                 WHERE server_name = %(server_name)s
                   AND retry_ts > 0) AS failing
         CROSS JOIN LATERAL (
                SELECT tried_ts + least(%(most)s, greatest(%(least)s, (tried_ts - since_ts) / 4))
               ) AS soon (soon_ts)
         WHERE d.server_name = %(server_name)s
           AND d.retry_ts > soon_ts
        """,
        {
            "server_name": server_name,
            "now_ms": now_ms,
            "least": WAKE_MS_MIN,
            "most": WAKE_MS_MAX,
        },
    )
    return bool(txn.rowcount > 0)


def retry(txn: Any, server_name: str) -> bool:
    """It is to be tried now, however it failed; False if it is not left alone."""
    txn.execute(
        """
        UPDATE destinations
           SET retry_ts = 0
         WHERE server_name = %s
           AND retry_ts > 0
        """,
        (server_name,),
    )
    return bool(txn.rowcount)


def wake_all(txn: Any) -> int:
    """All that are left alone are to be tried now; returns how many."""
    txn.execute(
        """
        UPDATE destinations
           SET retry_ts = 0
         WHERE retry_ts > 0
        """
    )
    return txn.rowcount


def count(txn: Any) -> tuple[int, int]:
    """How many have not been told everything, and how many do not answer."""
    txn.execute("SELECT count(served_position), count(failing_since_ts) FROM destinations")
    return txn.fetchone()


def delete(txn: Any, server_names: Collection[str]) -> None:
    """They have everything, and answer."""
    txn.execute(
        """
        DELETE FROM destinations
         WHERE server_name = ANY(%s)
        """,
        (sorted(server_names),),
    )


def delete_reached(txn: Any, server_name: str) -> None:
    """It answers; that it could not be reached is over, if there is nothing else to say of it."""
    txn.execute(
        """
        DELETE FROM destinations
         WHERE server_name = %s
           AND served_position IS NULL
        """,
        (server_name,),
    )


def delete_old_failures(txn: Any, now_ms: int, limit: int) -> int:
    """Of those who are told all there is, once nobody has tried to reach them for a while; returns
    how many.
    """
    txn.execute(
        """
        DELETE FROM destinations
         WHERE ctid = ANY(ARRAY(SELECT ctid
                                  FROM destinations
                                 WHERE served_position IS NULL
                                   AND retry_ts + retry_interval_ms < %s
                                 LIMIT %s
                                   FOR UPDATE SKIP LOCKED))
        """,
        (now_ms, limit),
    )
    return txn.rowcount
