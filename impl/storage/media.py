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
    return None if row is None else Media(*row)


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


def list_thumbnails(txn: Any, origin: str, media_id: str) -> list[Thumbnail]:
    """All smaller forms that there are."""
    txn.execute(
        """
        SELECT width,
               height,
               method,
               content_type,
               is_animated,
               size
          FROM media_thumbnails
         WHERE origin = %s AND media_id = %s
        """,
        (origin, media_id),
    )
    return [Thumbnail(*row) for row in txn.fetchall()]


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
