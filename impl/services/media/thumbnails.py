"""Smaller forms of images: found, or made when first asked for, and kept. C-S API, "Thumbnails".

Synapse makes all configured sizes when a file comes in; most are never asked for. Here one is made
for the first who asks, and who asks for the same meanwhile waits for it. In which form an image is
answered is decided in core/thumbnails.py; the images themselves are read in another process
(image_process.py), since anybody may have made them."""

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gevent
from gevent.lock import BoundedSemaphore

from impl import errors
from impl.app import App
from impl.core import thumbnails
from impl.core.thumbnails import METHODS, SIDE_MAX, Form, Image
from impl.received_file import ReceivedFile
from impl.services.media import downloads, image_answers, image_program
from impl.services.media.access import Accesses
from impl.services.media.content import Content
from impl.services.media.downloads import Asked
from impl.services.media.image_answers import BYTES_MAX, FILE_NAMES, Answer
from impl.services.media.image_process import ImageProcesses, ProcessFailed
from impl.storage import media as media_rows
from impl.storage import media_images
from impl.storage.media import Media, Thumbnail
from impl.storage.media_images import ImageFile, MediaImage

# One worker has so many to make at a time, and answers nobody beyond.
WAITING_MAX = 200
# And so many of what comes from one, who has one of the turns (image_process.py) and never all:
# what somebody uploads to keep the decoders busy holds up nobody else.
WAITING_OF_ONE_MAX = WAITING_MAX // 2
# What cannot be made smaller is not tried again for so long, and of so many.
REFUSED_MS = 600_000
REFUSED_MAX = 1_000

# Why there is none.
_NOT_AN_IMAGE = "not an image"
_TOO_LARGE = "too large"
# Time or memory. Perhaps only of this form, but to find out costs as much again for each box.
_TOO_MUCH = "too much"
# Neither is the file's fault.
_NOT_KEPT = "not kept"
_NOT_READ = "not read"
_GONE = "gone"
# Whatever is asked for, and as long as the file is what it is.
_REMEMBERED = frozenset({_NOT_AN_IMAGE, _TOO_LARGE, _TOO_MUCH})
# By what a process says.
_REASONS = {
    image_program.NOT_AN_IMAGE: _NOT_AN_IMAGE,
    image_program.TOO_MANY_PIXELS: _TOO_LARGE,
    image_program.UNREADABLE: _NOT_READ,
}


@dataclass
class Queue:
    """What has to be made of files that come from one: a user, or another server."""

    jobs: int = 0
    turn: BoundedSemaphore = field(default_factory=BoundedSemaphore)


@dataclass
class Making:
    """What a worker has to make, and what it could not."""

    app: App
    under_way: dict[tuple[str, str, Form], gevent.Greenlet] = field(default_factory=dict)
    # (origin, user id) -> what is under way of theirs.
    queues: dict[tuple[str, str | None], Queue] = field(default_factory=dict)
    # (origin, media id) -> until when, and why.
    refused: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)


def ask(app: App, asked: Asked, form: Form) -> Content:
    """A form of a file that somebody asks for, which may be still to come, or elsewhere."""
    _check(form)
    # Whoever finds the file finds with it what there is of it: most forms have been made before.
    known: dict[Media, ImageFile] = {}

    def look(txn: Any, origin: str, media_id: str) -> Media | None:
        found = media_images.get_file(txn, origin, media_id)
        if found is None:
            return None
        known[found.file] = found
        return found.file

    return downloads.with_bytes(
        app, asked, lambda media: find(app, media, form, known.get(media)), look
    )


def find(app: App, media: Media, asked: Form, known: ImageFile | None = None) -> Content:
    """A form of a file that has come, open: at least so large, if the image is.

    Raises FileNotFoundError where its bytes are not there. `known`: what was just read of it.
    """
    _check(asked)
    content = _find_made(app, media, asked, known) or _make_now(app, media, asked)
    app.part(Accesses, Accesses).note(media)
    return content


def _check(asked: Form) -> None:
    for name, side in (("width", asked.width), ("height", asked.height)):
        if not 1 <= side <= SIDE_MAX:
            raise errors.InvalidParam(f"{name} must be from 1 to {SIDE_MAX}")
    if asked.method not in METHODS:
        raise errors.InvalidParam(f"method must be one of {', '.join(METHODS)}")


def _find_made(
    app: App, media: Media, asked: Form, known: ImageFile | None = None
) -> Content | None:
    if known is None:
        with app.database.read() as txn:
            known = media_images.get_file(txn, media.origin, media.media_id)
    if known is None or known.image is None:
        return None

    image = known.image
    form = thumbnails.form_for(Image(*image), asked, _sizes(app))
    if form is None:
        return _opened(_path(app, media), media.size, image.content_type, media.file_name)
    for thumbnail in known.thumbnails:
        if _form_of(thumbnail) == form:
            path = _thumbnail_path(app, media, thumbnail)
            content_type = thumbnail.content_type
            return _opened(path, thumbnail.size, content_type, FILE_NAMES.get(content_type))
    return None


def _make_now(app: App, media: Media, asked: Form) -> Content:
    making = app.part(Making, Making)
    reason = _remembered(making, media) or _job(making, media, asked).get()
    content = None if reason else _find_made(app, media, asked)
    if content is None:
        raise _refusal(app, media, reason)
    return content


def _job(making: Making, media: Media, asked: Form) -> gevent.Greenlet:
    """Of its own: that somebody has gone who waited for it does not end it for the others."""
    key = (media.origin, media.media_id, asked)
    job = making.under_way.get(key)
    if job is None:
        queue = making.queues.get((media.origin, media.user_id))
        of_one = queue.jobs if queue is not None else 0
        if len(making.under_way) >= WAITING_MAX or of_one >= WAITING_OF_ONE_MAX:
            raise errors.LimitExceeded(
                "too many images are to be made smaller", retry_after_ms=5000
            )
        job = making.under_way[key] = making.app.spawn(_make_in_turn, making, media, asked)
        _enqueue(making, media)
        job.link(lambda _: _end(making, key, media))
    return job


def _enqueue(making: Making, media: Media) -> None:
    making.queues.setdefault((media.origin, media.user_id), Queue()).jobs += 1


def _end(making: Making, key: tuple[str, str, Form], media: Media) -> None:
    making.under_way.pop(key)
    whose = (media.origin, media.user_id)
    making.queues[whose].jobs -= 1
    if not making.queues[whose].jobs:
        del making.queues[whose]


def _make_in_turn(making: Making, media: Media, asked: Form) -> str:
    """Why there is none, or nothing. Who waited looks first at what has been found out meanwhile:
    of one file there is never more than one under way.
    """
    with making.queues[media.origin, media.user_id].turn:
        reason = _remembered(making, media)
        if not reason and not _is_made(making.app, media, asked):
            reason = _make(making.app, media, asked)
            if reason in _REMEMBERED:
                _remember(making, media, reason)
        return reason


def _is_made(app: App, media: Media, asked: Form) -> bool:
    """For another box perhaps, or by another worker."""
    content = _find_made(app, media, asked)
    if content is None:
        return False
    content.file.close()
    return True


def _make(app: App, media: Media, asked: Form) -> str:
    """Make and keep one; why it was not, or nothing."""
    source = _path(app, media)
    whole = _opened(source, media.size, "", None)
    if whole is None:
        return _GONE
    whole.file.close()
    try:
        with app.part(ImageProcesses, ImageProcesses).one() as process:
            sizes = _sizes(app)
            header = process.ask(source, asked, sizes)
            for error, reason in _REASONS.items():
                if header.get("error") == error:
                    return reason
            pixels_max = app.config.media.max_image_pixels
            answer = image_answers.read(header, asked, sizes, pixels_max)
            with ReceivedFile(app.media_files.incoming, BYTES_MAX) as received:
                for piece in process.content(answer.size):
                    received.write(piece)
                return _keep(app, media, answer, received)
    except ProcessFailed:
        return _TOO_MUCH
    except OSError:
        return _NOT_KEPT


def _keep(app: App, media: Media, answer: Answer, received: ReceivedFile) -> str:
    image = MediaImage(*answer.image)
    path: Path | None = None
    made = []
    if answer.form is not None:
        form = answer.form
        made = [
            Thumbnail(
                form.width,
                form.height,
                form.method,
                answer.content_type,
                form.is_animated,
                received.size,
            )
        ]
        path = _thumbnail_path(app, media, made[0])
        received.finish()
        gevent.get_hub().threadpool.apply(app.media_files.keep, (received, path))

    with app.database.transaction() as txn:
        is_there = media_images.insert(txn, media.origin, media.media_id, image)
        if is_there:
            media_rows.insert_thumbnails(txn, media.origin, media.media_id, made)
    if is_there:
        return ""
    if path is not None:
        with suppress(FileNotFoundError):
            path.unlink()
    return _GONE


def _remembered(making: Making, media: Media) -> str:
    until_ms, reason = making.refused.get((media.origin, media.media_id), (0, ""))
    return reason if until_ms > making.app.now_ms() else ""


def _remember(making: Making, media: Media, reason: str) -> None:
    key = (media.origin, media.media_id)
    making.refused.pop(key, None)
    if len(making.refused) >= REFUSED_MAX:
        del making.refused[next(iter(making.refused))]
    making.refused[key] = (making.app.now_ms() + REFUSED_MS, reason)


def _refusal(app: App, media: Media, reason: str) -> Exception:
    if reason == _TOO_LARGE:
        # C-S API, "Content repository", "Security considerations".
        status = 413 if media.origin == app.server_name else 502
        return errors.TooLarge("the image has too many pixels to be made smaller", status=status)
    if reason == _NOT_READ:
        return errors.Unavailable("the file cannot be read now")
    if reason == _NOT_KEPT:
        return errors.Unavailable("the disk does not take the thumbnail", status=507)
    if reason == _NOT_AN_IMAGE:
        return errors.Unknown("there is no thumbnail of this file: it is no image, or a broken one")
    if reason == _TOO_MUCH:
        return errors.Unknown("there is no thumbnail of this file: it takes too much to make")
    return FileNotFoundError("the file is not there any more")


def _sizes(app: App) -> list[Form] | None:
    """Those that are configured; None: any."""
    if app.config.media.dynamic_thumbnails:
        return None
    return [Form(*size) for size in app.config.media.thumbnail_sizes]


def _form_of(thumbnail: Thumbnail) -> Form:
    return Form(thumbnail.width, thumbnail.height, thumbnail.method, thumbnail.is_animated)


def _path(app: App, media: Media) -> Path:
    return app.media_files.path(media.origin, media.file_id)


def _thumbnail_path(app: App, media: Media, thumbnail: Thumbnail) -> Path:
    return app.media_files.thumbnail_path(
        media.origin,
        media.file_id,
        thumbnail.width,
        thumbnail.height,
        thumbnail.content_type,
        thumbnail.method,
        thumbnail.is_animated,
    )


def _opened(
    path: Path, size: int | None, content_type: str, file_name: str | None
) -> Content | None:
    """None: it was deleted by hand, or cut off by a crash."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None
    if os.fstat(file.fileno()).st_size != size:
        file.close()
        return None
    return Content(file, size, content_type, file_name)
