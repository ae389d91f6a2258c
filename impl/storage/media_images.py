"""What is known of files that are images, so that a form of them is chosen without opening them: in
one question, since a thumbnail is asked for more often than anything else of a file. Table:
media_images."""

from typing import Any, NamedTuple

from impl.storage import media
from impl.storage.media import Media, Thumbnail


class MediaImage(NamedTuple):
    """As core.thumbnails.Image."""

    width: int
    height: int
    content_type: str
    is_animated: bool


class ImageFile(NamedTuple):
    """A file, and what is known of it as an image: nothing, perhaps."""

    file: Media
    image: MediaImage | None
    thumbnails: list[Thumbnail]


_COLUMNS = ", ".join(
    [f"m.{name}" for name in Media._fields]
    + [f"i.{name}" for name in MediaImage._fields]
    + [f"t.{name}" for name in Thumbnail._fields]
)


def get_file(txn: Any, origin: str, media_id: str) -> ImageFile | None:
    """A file, whatever has become of it, and all that there is of it."""
    txn.execute(
        f"""
        SELECT {_COLUMNS}
          FROM media m
          LEFT JOIN media_images i
            ON i.origin = m.origin AND i.media_id = m.media_id
          LEFT JOIN media_thumbnails t
            ON t.origin = i.origin AND t.media_id = i.media_id
         WHERE m.origin = %s AND m.media_id = %s
        """,
        (origin, media_id),
    )
    rows = txn.fetchall()
    if not rows:
        return None

    of_file = len(Media._fields)
    of_image = of_file + len(MediaImage._fields)
    file = media.from_row(rows[0][:of_file])
    width, height, content_type, is_animated = rows[0][of_file:of_image]
    image = None if width is None else MediaImage(width, height, content_type, is_animated)
    made = [Thumbnail(*row[of_image:]) for row in rows if row[of_image] is not None]
    return ImageFile(file, image, made)


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
