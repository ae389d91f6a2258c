"""The files that are known: ours, and those of other servers that are kept here. Tables: media,
media_thumbnails. Their bytes: media_files.py."""

from collections.abc import Sequence
from typing import Any, NamedTuple


class Media(NamedTuple):
    """A file. `size`, `sha256` and the like are None as long as it is only promised."""

    origin: str
    media_id: str
    file_id: str
    user_id: str | None
    created_ts: int
    accessed_ts: int
    size: int | None
    sha256: bytes | None
    content_type: str | None
    file_name: str | None
    unused_expires_ts: int | None
    is_authenticated: bool
    quarantined_by: str | None


class Thumbnail(NamedTuple):
    """A smaller form of an image."""

    width: int
    height: int
    method: str
    content_type: str
    is_animated: bool
    size: int


_COLUMNS = ", ".join(Media._fields)


def get(txn: Any, origin: str, media_id: str) -> Media | None:
    """A file, whatever has become of it."""
    txn.execute(
        f"SELECT {_COLUMNS} FROM media WHERE origin = %s AND media_id = %s",
        (origin, media_id),
    )
    row = txn.fetchone()
    return None if row is None else from_row(row)


def insert(txn: Any, media: Media) -> bool:
    """A new file; False: there is one of this name."""
    txn.execute(
        f"""
        INSERT INTO media ({_COLUMNS}) VALUES %s
            ON CONFLICT (origin, media_id) DO NOTHING
        """,
        (tuple(media),),
    )
    return bool(txn.rowcount == 1)


def put_upload(txn: Any, media: Media) -> bool:
    """A file that was promised has come; False: it was not promised to this user, or is not any
    more.
    """
    txn.execute(
        """
        UPDATE media
           SET file_id = %s,
               created_ts = %s,
               accessed_ts = %s,
               size = %s,
               sha256 = %s,
               content_type = %s,
               file_name = %s,
               unused_expires_ts = NULL,
               is_authenticated = %s
         WHERE origin = %s
           AND media_id = %s
           AND user_id = %s
           AND size IS NULL
           AND unused_expires_ts > %s
        """,
        (
            media.file_id,
            media.created_ts,
            media.accessed_ts,
            media.size,
            media.sha256,
            media.content_type,
            media.file_name,
            media.is_authenticated,
            media.origin,
            media.media_id,
            media.user_id,
            media.created_ts,
        ),
    )
    return bool(txn.rowcount == 1)


def put_accessed(txn: Any, rows: Sequence[tuple[str, str, int]]) -> None:
    """(origin, media_id, accessed_ts) of files that were asked for. Who writes the same file just
    now says as much of it, or deletes it: nobody waits for another here, or two for each other.
    """
    txn.execute_values(
        """
        WITH free AS (
               SELECT m.origin, m.media_id, v.accessed_ts
                 FROM media m
                 JOIN (VALUES %s) AS v (origin, media_id, accessed_ts)
                   ON m.origin = v.origin
                  AND m.media_id = v.media_id
                  AND m.accessed_ts < v.accessed_ts
                  FOR NO KEY UPDATE OF m SKIP LOCKED
             )
        UPDATE media m
           SET accessed_ts = free.accessed_ts
          FROM free
         WHERE m.origin = free.origin AND m.media_id = free.media_id
        """,
        rows,
    )


def delete(txn: Any, files: Sequence[Media]) -> list[Media]:
    """Forget files, those that still are the same; returns these."""
    deleted = []
    for file in files:
        txn.execute(
            "DELETE FROM media WHERE origin = %s AND media_id = %s AND file_id = %s",
            (file.origin, file.media_id, file.file_id),
        )
        if txn.rowcount == 1:
            deleted.append(file)
    return deleted


def delete_unused_promises(txn: Any, now_ms: int, limit: int) -> int:
    """Files that were promised and may not come any more; returns how many."""
    txn.execute(
        """
        DELETE FROM media
         WHERE ctid = ANY(ARRAY(SELECT ctid
                                  FROM media
                                 WHERE size IS NULL AND unused_expires_ts <= %s
                                 ORDER BY unused_expires_ts
                                 LIMIT %s
                                   FOR UPDATE SKIP LOCKED))
        """,
        (now_ms, limit),
    )
    return int(txn.rowcount)


def lock_unasked(txn: Any, origin: str, before_ts: int, limit: int, *, is_own: bool) -> list[Media]:
    """The files of a server, or else of all others, that nobody has asked for since: the first of
    them. What is under quarantine stays: it would be fetched again, without it.
    """
    whose = "user_id IS NOT NULL AND origin =" if is_own else "user_id IS NULL AND origin <>"
    txn.execute(
        f"""
        SELECT {_COLUMNS}
          FROM media
         WHERE {whose} %s
           AND accessed_ts < %s
           AND size IS NOT NULL
           AND quarantined_by IS NULL
         ORDER BY accessed_ts
         LIMIT %s
           FOR UPDATE SKIP LOCKED
        """,
        (origin, before_ts, limit),
    )
    return [from_row(row) for row in txn.fetchall()]


def count_promised(txn: Any, user_id: str, now_ms: int) -> tuple[int, int | None]:
    """How many files a user has promised that may still come, and when the first of them may not
    any more.
    """
    txn.execute(
        """
        SELECT count(*), min(unused_expires_ts)
          FROM media
         WHERE user_id = %s AND size IS NULL AND unused_expires_ts > %s
        """,
        (user_id, now_ms),
    )
    count, first = txn.fetchone()
    return count, first


def sum_sizes(txn: Any, user_id: str, after_ts: int) -> int:
    """How many bytes a user has uploaded since."""
    txn.execute(
        "SELECT coalesce(sum(size), 0)::bigint FROM media WHERE user_id = %s AND created_ts > %s",
        (user_id, after_ts),
    )
    return int(txn.fetchone()[0])


def list_promised(txn: Any, origin: str, media_ids: Sequence[str]) -> set[str]:
    """Those of the files that have not come yet."""
    txn.execute(
        """
        SELECT media_id
          FROM media
         WHERE origin = %s AND media_id = ANY(%s) AND size IS NULL
        """,
        (origin, list(media_ids)),
    )
    return {media_id for (media_id,) in txn.fetchall()}


def insert_thumbnails(
    txn: Any, origin: str, media_id: str, thumbnails: Sequence[Thumbnail]
) -> None:
    """Those that are there already stay as they are, but for their size."""
    for thumbnail in thumbnails:
        txn.execute(
            """
            INSERT INTO media_thumbnails
                   (origin, media_id, width, height, method, content_type, is_animated, size)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
                ON CONFLICT (
                   origin, media_id, width, height, method, content_type, is_animated
                   ) DO UPDATE SET size = excluded.size
            """,
            (origin, media_id, *thumbnail),
        )


def from_row(row: Sequence[Any]) -> Media:
    """What the columns of that name say, in that order."""
    media = Media(*row)
    # It comes as a view, which equals no bytes.
    return media if media.sha256 is None else media._replace(sha256=bytes(media.sha256))
