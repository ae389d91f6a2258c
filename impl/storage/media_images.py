"""What is known of files that are images, so that a form of them is chosen without opening them.
Table: media_images."""

from typing import Any, NamedTuple


class MediaImage(NamedTuple):
    """As core.thumbnails.Image."""

    width: int
    height: int
    content_type: str
    is_animated: bool


def get(txn: Any, origin: str, media_id: str) -> MediaImage | None:
    txn.execute(
        """
        SELECT width,
               height,
               content_type,
               is_animated
          FROM media_images
         WHERE origin = %s AND media_id = %s
        """,
        (origin, media_id),
    )
    row = txn.fetchone()
    return None if row is None else MediaImage(*row)


def insert(txn: Any, origin: str, media_id: str, image: MediaImage) -> bool:
    """False: the file is gone. If not, it stays until the transaction ends."""
    txn.execute(
        "SELECT FROM media WHERE origin = %s AND media_id = %s FOR KEY SHARE",
        (origin, media_id),
    )
    if txn.rowcount != 1:
        return False
    txn.execute(
        """
        INSERT INTO media_images
               (origin, media_id, width, height, content_type, is_animated)
        VALUES (%s, %s, %s, %s, %s, %s)
            ON CONFLICT (origin, media_id) DO NOTHING
        """,
        (origin, media_id, *image),
    )
    return True
