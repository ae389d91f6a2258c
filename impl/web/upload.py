"""A body that is a file: it is written to the disk as it comes, and never is in memory as a whole.
C-S API, "Content repository".

One that has too many bytes is refused by its Content-Length before any is read, or, where it does
not say, at the byte that is too many."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from impl import breath, errors
from impl.core import header_values
from impl.received_file import FileTooLarge, ReceivedFile
from impl.web import request
from impl.web.request import Environ

PIECE_BYTES = 64 << 10

_log = logging.getLogger(__name__)


@contextmanager
def receive(environ: Environ, directory: Path, size_max: int) -> Iterator[ReceivedFile]:
    """The body, whole and on the disk. After the `with` it is gone, unless somebody kept it."""
    size = request.body_size(environ, size_max)
    content_type = _content_type(environ)
    with _new_file(directory, size_max) as received:
        received.content_type = content_type
        source = environ["wsgi.input"]
        left = size_max + 1 if size is None else size
        while left > 0:
            piece = _read(source, min(left, PIECE_BYTES))
            if not piece:
                break
            _write(received, piece, size_max)
            left -= len(piece)
            # What comes fast would leave no turn to others.
            breath.take()
        if size is not None and left > 0:
            raise errors.Unknown("the body is shorter than its Content-Length")
        _finish(received)
        yield received


def _content_type(environ: Environ) -> str | None:
    given: str = environ.get("CONTENT_TYPE", "").strip()
    # Whoever downloads it gets it as it is, in a header field.
    is_short = len(given) <= header_values.CONTENT_TYPE_LENGTH_MAX
    if not (is_short and given.isascii() and given.isprintable()):
        raise errors.InvalidParam("Content-Type is not a media type")
    return given or None


def _new_file(directory: Path, size_max: int) -> ReceivedFile:
    try:
        return ReceivedFile(directory, size_max)
    except OSError as error:
        raise _refused_by_the_disk(error) from None


def _read(source: Any, count: int) -> bytes:
    try:
        return source.read(count)  # type: ignore[no-any-return]
    except OSError:
        raise errors.Unknown("the body ended too early") from None


def _write(received: ReceivedFile, piece: bytes, size_max: int) -> None:
    try:
        received.write(piece)
    except FileTooLarge:
        raise request.too_large(size_max) from None
    except OSError as error:
        raise _refused_by_the_disk(error) from None


def _finish(received: ReceivedFile) -> None:
    try:
        received.finish()
    except OSError as error:
        raise _refused_by_the_disk(error) from None


def _refused_by_the_disk(error: OSError) -> errors.MatrixError:
    _log.error("an upload cannot be stored: %s", error)
    return errors.Unknown("the server's disk does not take the file", status=507)
