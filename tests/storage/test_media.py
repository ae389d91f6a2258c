"""Rows of files, and notes of files that may have none."""

from collections.abc import Iterator
from typing import Any

import gevent
import pytest

from impl.app import App
from impl.storage import avatars, loose_files, media, media_images
from impl.storage.loose_files import LooseFile
from impl.storage.media import Media, Thumbnail
from impl.storage.media_images import ImageFile, MediaImage

SERVER = "soma.test"
ALICE = f"@alice:{SERVER}"
FILE = Media(
    SERVER, "id", "file id", ALICE, 10, 10, 3, b"\x01", "text/plain", "a.txt", None, True, None
)
PROMISE = FILE._replace(
    size=None, sha256=None, content_type=None, file_name=None, unused_expires_ts=100
)


@pytest.fixture
def txn(app: App) -> Iterator[Any]:
    with app.database.transaction() as opened:
        yield opened


def test_a_file_is_read_as_it_was_written(txn: Any) -> None:
    assert media.insert(txn, FILE)
    assert media.get(txn, SERVER, "id") == FILE
    assert not media.insert(txn, FILE._replace(file_id="another"))
    assert media.get(txn, SERVER, "id") == FILE
    assert media.get(txn, "other.test", "id") is media.get(txn, SERVER, "ID") is None


def test_a_file_is_read_with_what_is_known_of_the_image(txn: Any) -> None:
    image = MediaImage(200, 100, "image/png", False)
    small = [
        Thumbnail(32, 16, "scale", "image/png", False, 12),
        Thumbnail(32, 32, "crop", "image/png", False, 34),
    ]

    def read(media_id: str) -> ImageFile | None:
        return media_images.get_file(txn, SERVER, media_id)

    assert read("id") is None
    for media_id in ("id", "other"):
        media.insert(txn, FILE._replace(media_id=media_id))
    media.insert(txn, PROMISE._replace(media_id="promise"))
    assert read("id") == ImageFile(FILE, None, [])
    assert read("promise") == ImageFile(PROMISE._replace(media_id="promise"), None, [])

    assert media_images.insert(txn, SERVER, "id", image)
    assert read("id") == ImageFile(FILE, image, [])
    media.insert_thumbnails(txn, SERVER, "id", small)
    found = read("id")
    assert found is not None
    assert found._replace(thumbnails=sorted(found.thumbnails)) == ImageFile(
        FILE, image, sorted(small)
    )
    assert read("other") == ImageFile(FILE._replace(media_id="other"), None, [])


@pytest.mark.parametrize(
    ("change", "is_kept"),
    [({}, True), ({"user_id": "@bob:soma.test"}, False), ({"created_ts": 100}, False)],
)
def test_a_promise_is_kept_by_whose_it_is_and_in_time(
    txn: Any, change: dict[str, Any], is_kept: bool
) -> None:
    media.insert(txn, PROMISE)
    late = FILE._replace(**{"file_id": "new", "created_ts": 99, "accessed_ts": 99, **change})
    assert media.put_upload(txn, late) is is_kept
    assert media.get(txn, SERVER, "id") == (late if is_kept else PROMISE)
    # What is there is there.
    assert not media.put_upload(txn, late) or not is_kept


def test_promises_are_counted_as_long_as_they_hold(txn: Any) -> None:
    assert media.count_promised(txn, ALICE, 50) == (0, None)
    for media_id, expires_ts in (("a", 60), ("b", 50), ("c", 51)):
        media.insert(txn, PROMISE._replace(media_id=media_id, unused_expires_ts=expires_ts))
    media.insert(txn, FILE)
    assert media.count_promised(txn, ALICE, 50) == (2, 51)
    assert media.list_promised(txn, SERVER, ["a", "b", "id", "unknown"]) == {"a", "b"}
    assert media.delete_unused_promises(txn, 50, 10) == 1
    assert media.list_promised(txn, SERVER, ["a", "b", "c"]) == {"a", "c"}


def test_sizes_are_summed_from_a_time_on(txn: Any) -> None:
    assert media.sum_sizes(txn, ALICE, 0) == 0
    for media_id, created_ts, size in (("a", 10, 1), ("b", 11, 2), ("c", 12, 2**40)):
        file = FILE._replace(media_id=media_id, created_ts=created_ts, size=size)
        media.insert(txn, file)
    media.insert(txn, PROMISE._replace(created_ts=12))
    assert media.sum_sizes(txn, ALICE, 10) == 2 + 2**40


def test_what_was_asked_for_later_is_not_made_earlier(txn: Any) -> None:
    media.insert(txn, FILE)
    for accessed_ts in (20, 15):
        media.put_accessed(txn, [(SERVER, "id", accessed_ts), (SERVER, "unknown", 1)])
    assert media.get(txn, SERVER, "id") == FILE._replace(accessed_ts=20)
    media.put_accessed(txn, [])


def test_who_notes_what_was_asked_for_waits_for_nobody(app: App) -> None:
    other = FILE._replace(media_id="other")
    with app.database.transaction() as txn:
        assert media.insert(txn, FILE) and media.insert(txn, other)
    with app.database.transaction() as first, app.database.transaction() as second:
        media.put_accessed(first, [(SERVER, "id", 20)])
        media.put_accessed(second, [(SERVER, "other", 20)])
        with gevent.Timeout(20):
            media.put_accessed(first, [(SERVER, "other", 21)])
            media.put_accessed(second, [(SERVER, "id", 21)])
    with app.database.read() as txn:
        found = [media.get(txn, SERVER, media_id) for media_id in ("id", "other")]
    assert found == [FILE._replace(accessed_ts=20), other._replace(accessed_ts=20)]


def test_only_what_is_still_the_same_is_forgotten(txn: Any) -> None:
    media.insert(txn, FILE)
    assert media.delete(txn, [FILE._replace(file_id="before")]) == []
    assert media.delete(txn, [FILE]) == [FILE]
    assert media.delete(txn, [FILE]) == []


def test_a_note_goes_with_the_row_or_is_doomed(txn: Any) -> None:
    kept, slow, gone = (LooseFile(SERVER, name) for name in ("kept", "slow", "gone"))
    for file, since_ts in ((kept, 10), (slow, 10), (gone, 20)):
        loose_files.insert(txn, file, since_ts)
    assert loose_files.delete(txn, kept) and not loose_files.delete(txn, kept)
    loose_files.doom_old(txn, 20)
    assert not loose_files.delete(txn, slow)
    # With a note before or without one.
    deleted = LooseFile("other.test", "deleted")
    loose_files.doom(txn, [gone, deleted], 30)
    assert loose_files.list_doomed(txn, LooseFile("", ""), 2) == [deleted, gone]
    assert loose_files.list_doomed(txn, gone, 2) == [slow]
    loose_files.delete_doomed(txn, [gone, slow])
    assert loose_files.list_doomed(txn, LooseFile("", ""), 9) == [deleted]
    loose_files.delete_doomed(txn, [])


def test_nothing_is_an_avatar_where_nobody_is(txn: Any) -> None:
    assert avatars.list_used(txn, ["mxc://soma.test/id"]) == set()
