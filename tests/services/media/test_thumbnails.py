"""Smaller forms of images: found, or made when first asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent.event import Event

from impl import errors
from impl.app import App
from impl.config.media import Media as MediaConfig
from impl.core.thumbnails import Form
from impl.services.media import image_process, thumbnails
from impl.services.media.content import Content
from impl.services.media.image_process import ImageProcesses
from impl.storage import media as media_rows
from impl.storage import media_images
from impl.storage.media import Media
from tests import builders
from tests.services.media import pictures

ELSEWHERE = "elsewhere.test"


@pytest.fixture
def app(new_app: Callable[..., App]) -> App:
    return new_app(media=MediaConfig(max_image_pixels=1 << 20))


def _put(app: App, content: bytes, origin: str = builders.SERVER_NAME, **changes: Any) -> Media:
    """A file that somebody has uploaded."""
    media = Media(
        origin=origin,
        media_id="abcdefgh",
        file_id="abcdefgh" if origin == builders.SERVER_NAME else "ijklmnop",
        user_id=None,
        created_ts=0,
        accessed_ts=0,
        size=len(content),
        sha256=bytes(32),
        content_type="text/plain",
        file_name="cat.txt",
        unused_expires_ts=None,
        is_authenticated=True,
        quarantined_by=None,
    )._replace(**changes)
    path = app.media_files.path(media.origin, media.file_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    with app.database.transaction() as txn:
        assert media_rows.insert(txn, media)
    return media


def _find(
    app: App, media: Media, width: int = 32, height: int = 32, is_animated: bool = False
) -> tuple[Content, bytes]:
    content = thumbnails.find(app, media, Form(width, height, "crop", is_animated))
    with content.file as file:
        read = file.read()
    assert len(read) == content.size
    return content, read


def _thumbnails(app: App, media: Media) -> list[media_rows.Thumbnail]:
    with app.database.transaction() as txn:
        found = media_images.get_file(txn, media.origin, media.media_id)
    assert found is not None
    return found.thumbnails


def _made_images(app: App) -> int:
    """How many have been asked of the processes."""
    return sum(process.images for process in app.part(ImageProcesses, ImageProcesses)._idle)


@pytest.fixture
def photo() -> bytes:
    return pictures.encoded(pictures.quadrants(600, 400), "JPEG")


@pytest.mark.parametrize("origin", [builders.SERVER_NAME, ELSEWHERE])
def test_it_is_made_once_and_kept(app: App, photo: bytes, origin: str) -> None:
    media = _put(app, photo, origin)
    found = [_find(app, media, 32, 32), _find(app, media, 20, 10), _find(app, media, 32, 32)]
    for content, read in found:
        assert (content.content_type, content.file_name) == ("image/jpeg", "thumbnail.jpg")
        assert pictures.read(read).size == (32, 32)
    assert len(_thumbnails(app, media)) == _made_images(app) == 1


def test_another_worker_finds_what_one_has_made(
    app: App, new_app: Callable[..., App], photo: bytes
) -> None:
    media = _put(app, photo)
    _find(app, media)
    other = new_app(dsn=app.database.dsn)
    assert pictures.read(_find(other, media)[1]).size == (32, 32)
    assert _made_images(other) == 0


def test_who_asks_at_the_same_time_waits_for_the_same(app: App, photo: bytes) -> None:
    media = _put(app, photo)
    asking = [gevent.spawn(_find, app, media) for _ in range(10)]
    gevent.joinall(asking, raise_error=True)
    assert {len(one.value[1]) for one in asking} == {len(asking[0].value[1])}
    assert _made_images(app) == 1


def test_it_is_made_for_the_others_when_the_first_has_gone(app: App, photo: bytes) -> None:
    media = _put(app, photo)
    first, second = gevent.spawn(_find, app, media), gevent.spawn(_find, app, media)
    gevent.sleep(0)
    first.kill()
    assert pictures.read(second.get()[1]).size == (32, 32)
    assert _made_images(app) == 1


def test_what_is_smaller_is_answered_with_the_file_and_what_it_is(app: App, photo: bytes) -> None:
    media = _put(app, photo)
    for _ in range(2):
        content, read = _find(app, media, 600, 400)
        assert read == photo
        # By its bytes, and not by what was said of it.
        assert (content.content_type, content.file_name) == ("image/jpeg", "cat.txt")
    assert not _thumbnails(app, media)
    assert _made_images(app) == 1


def test_any_size_is_made_where_it_is_allowed(new_app: Callable[..., App], photo: bytes) -> None:
    app = new_app(media=MediaConfig(dynamic_thumbnails=True))
    media = _put(app, photo)
    assert pictures.read(_find(app, media, 77, 55)[1]).size == (77, 55)


def test_an_animation_is_only_for_who_asks_for_it(app: App) -> None:
    media = _put(app, pictures.animation("GIF", 200, 200, [50, 50]))
    for is_animated in (True, False, True, False):
        content, read = _find(app, media, is_animated=is_animated)
        assert getattr(pictures.read(read), "is_animated", False) == is_animated
        assert content.content_type == ("image/webp" if is_animated else "image/png")
    assert _made_images(app) == 2
    # The whole of it moves as well.
    assert not getattr(pictures.read(_find(app, media, 900, 900)[1]), "is_animated", False)


def test_an_animation_that_cannot_be_made_is_tried_once(app: App) -> None:
    content = pictures.animation("GIF", 200, 200, [50] * 10)
    media = _put(app, content[: len(content) // 2])
    for _ in range(2):
        assert _find(app, media, is_animated=True)[0].content_type == "image/png"
    assert _made_images(app) == 1


@pytest.mark.parametrize("content", [b"", b"no image at all", b"\x89PNG\r\n\x1a\nand no more"])
def test_what_is_no_image_has_none_and_is_not_looked_at_again(app: App, content: bytes) -> None:
    media = _put(app, content)
    for _ in range(3):
        with pytest.raises(errors.Unknown) as refused:
            _find(app, media)
        assert refused.value.status == 400
    assert _made_images(app) == 1
    made = app.part(thumbnails.Making, thumbnails.Making)
    assert not made.under_way


def test_it_is_looked_at_again_after_a_while(app: App, photo: bytes) -> None:
    media = _put(app, b"no image")
    with pytest.raises(errors.Unknown):
        _find(app, media)
    app.media_files.path(media.origin, media.file_id).write_bytes(photo)
    media = media._replace(size=len(photo))
    now_ms = app.now_ms()
    app.now_ms = lambda: now_ms + thumbnails.REFUSED_MS
    assert pictures.read(_find(app, media)[1]).size == (32, 32)


def test_only_so_many_refusals_are_remembered(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thumbnails, "REFUSED_MAX", 2)
    media = _put(app, b"no image")
    others = [media._replace(media_id=f"other{number}") for number in range(3)]
    for one in others:
        with pytest.raises(errors.Unknown):
            _find(app, one)
    made = app.part(thumbnails.Making, thumbnails.Making)
    assert [media_id for _, media_id in made.refused] == ["other1", "other2"]


@pytest.mark.parametrize(("origin", "status"), [(builders.SERVER_NAME, 413), (ELSEWHERE, 502)])
def test_what_has_too_many_pixels_is_too_large(app: App, origin: str, status: int) -> None:
    media = _put(app, pictures.encoded(pictures.quadrants(1100, 1000, "1"), "PNG"), origin)
    for _ in range(2):
        with pytest.raises(errors.TooLarge) as refused:
            _find(app, media)
        assert (refused.value.status, refused.value.errcode) == (status, "M_TOO_LARGE")
    assert _made_images(app) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"width": 0}, "width"),
        ({"height": 0}, "height"),
        ({"width": -1}, "width"),
        ({"height": 2**63}, "height"),
        ({"method": "stretch"}, "method"),
        ({"method": ""}, "method"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_name(
    app: App, photo: bytes, change: dict[str, Any], field: str
) -> None:
    media = _put(app, photo)
    with pytest.raises(errors.InvalidParam, match=field):
        thumbnails.find(app, media, Form(1, 1, "scale")._replace(**change))
    assert app.part(thumbnails.Making, thumbnails.Making).under_way == {}


def test_what_was_lost_on_the_disk_is_made_again(app: App, photo: bytes) -> None:
    media = _put(app, photo)
    _, read = _find(app, media)
    path = thumbnails._thumbnail_path(app, media, _thumbnails(app, media)[0])
    path.write_bytes(read[:10])
    assert _find(app, media)[1] == read
    path.unlink()
    assert _find(app, media)[1] == read


def test_a_file_that_is_gone_or_cut_off_has_none(app: App, photo: bytes) -> None:
    media = _put(app, photo)
    path = app.media_files.path(media.origin, media.file_id)
    path.write_bytes(photo[:-1])
    with pytest.raises(FileNotFoundError):
        _find(app, media)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        _find(app, media)


def test_of_a_file_that_goes_meanwhile_nothing_is_left(app: App, photo: bytes) -> None:
    media = _put(app, photo)
    with app.database.transaction() as txn:
        txn.execute("DELETE FROM media")
    with pytest.raises(FileNotFoundError):
        _find(app, media)
    left = [path for path in app.media_files.root.rglob("*") if path.is_file()]
    assert left == [app.media_files.path(media.origin, media.file_id)]


def test_a_full_disk_is_our_fault_and_leaves_nothing(
    app: App, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = _put(app, photo)

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(app.media_files, "keep", fails)
        with pytest.raises(errors.Unavailable):
            _find(app, media)
    assert not [*app.media_files.incoming.iterdir()]
    # And it is tried again.
    assert pictures.read(_find(app, media)[1]).size == (32, 32)


def test_what_a_process_dies_of_is_tried_once_whatever_is_asked_for(
    app: App, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = _put(app, photo)
    begun = []
    real = image_process._spawn

    def spawn(*given: Any) -> int:
        begun.append(given)
        return real(*given)

    monkeypatch.setattr(image_process, "_spawn", spawn)
    monkeypatch.setattr(image_process, "_PROGRAM", "raise SystemExit(1)")
    # Those who ask while it is tried, and those who come later.
    for _ in range(2):
        asking = [gevent.spawn(_find, app, media, side) for side in range(30, 40)]
        gevent.joinall(asking)
        assert {type(one.exception) for one in asking} == {errors.Unknown}
    assert len(begun) == 1
    assert not app.part(thumbnails.Making, thumbnails.Making).queues


def test_who_waits_gets_what_was_made_meanwhile_for_another_box(app: App, photo: bytes) -> None:
    media = _put(app, photo)
    asking = [gevent.spawn(_find, app, media, side, side) for side in range(20, 30)]
    gevent.joinall(asking, raise_error=True)
    assert {pictures.read(one.value[1]).size for one in asking} == {(32, 32)}
    assert _made_images(app) == 1


def test_who_keeps_the_decoders_busy_holds_up_nobody_else(
    app: App, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = [
        _put(
            app, photo, user_id="@busy:test", media_id=f"busy{number}", file_id=f"busyfile{number}"
        )
        for number in range(5)
    ]
    media = _put(app, photo)
    begun, may_go_on = [], Event()
    real = thumbnails._make

    def make(app: App, media: Media, asked: Form) -> str:
        if media.user_id is not None:
            begun.append(media.media_id)
            with app.part(ImageProcesses, ImageProcesses).one():
                may_go_on.wait()
        return real(app, media, asked)

    monkeypatch.setattr(thumbnails, "_make", make)
    monkeypatch.setattr(thumbnails, "WAITING_OF_ONE_MAX", len(theirs))
    asking = [gevent.spawn(_find, app, one) for one in theirs]
    with gevent.Timeout(30):
        while len(app.part(thumbnails.Making, thumbnails.Making).under_way) < 5 or not begun:
            gevent.sleep(0.001)
        assert pictures.read(_find(app, media)[1]).size == (32, 32)
        with pytest.raises(errors.LimitExceeded):
            _find(app, theirs[0], 96)
    assert len(begun) == 1
    may_go_on.set()
    gevent.joinall(asking, raise_error=True)
    assert sorted(begun) == [one.media_id for one in theirs]
    assert pictures.read(_find(app, theirs[0], 96, 96)[1]).size == (96, 96)


@pytest.mark.parametrize(
    "said",
    [
        {"content_type": "text/html"},
        {"image": [600, 400, "text/html", False]},
        {"form": [1, 1, "scale", False]},
        {"size": -1},
        {"error": "something else", "image": None},
    ],
)
def test_a_process_that_says_what_cannot_be_is_not_believed(
    app: App, photo: bytes, monkeypatch: pytest.MonkeyPatch, said: dict[str, Any]
) -> None:
    media = _put(app, photo)
    real = image_process.ImageProcess.ask
    monkeypatch.setattr(image_process.ImageProcess, "ask", lambda *given: real(*given) | said)
    with pytest.raises(errors.Unknown):
        _find(app, media)
    assert not _thumbnails(app, media)
    left = [path for path in app.media_files.root.rglob("*") if path.is_file()]
    assert left == [app.media_files.path(media.origin, media.file_id)]
    # It may have more to say, and is ended.
    assert not app.part(ImageProcesses, ImageProcesses)._idle


def test_what_the_disk_does_not_give_is_tried_again(
    app: App, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = _put(app, photo)
    real = image_process.ImageProcess.ask
    with monkeypatch.context() as patched:
        patched.setattr(
            image_process.ImageProcess,
            "ask",
            # Nothing can be read there: EIO.
            lambda process, _, *given: real(process, Path("/proc/self/mem"), *given),
        )
        with pytest.raises(errors.Unavailable) as raised:
            _find(app, media)
    assert raised.value.status == 503
    assert pictures.read(_find(app, media)[1]).size == (32, 32)


def test_no_more_wait_than_can_be_served(
    app: App, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thumbnails, "WAITING_MAX", 1)
    media = _put(app, photo)
    turns = app.part(ImageProcesses, ImageProcesses)._turns
    for _ in range(image_process.PROCESSES_MAX):
        turns.acquire()
    first = gevent.spawn(_find, app, media, 32)
    while not app.part(thumbnails.Making, thumbnails.Making).under_way:
        gevent.sleep(0.001)
    with pytest.raises(errors.LimitExceeded):
        _find(app, media, 96)
    for _ in range(image_process.PROCESSES_MAX):
        turns.release()
    assert first.get()
    assert _find(app, media, 96)
