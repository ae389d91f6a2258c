"""The program that makes images smaller: what a child process of a worker runs (image_process.py).

It reads requests from descriptor 0, a line of JSON each, and writes answers to 1: a line of JSON,
and the bytes of what it made. It inherits no connection, no open file and nothing of the worker's
environment, and has so much memory and time; it ends when its worker does, when nothing is asked of
it for a while, or when it takes too long.

It is no sandbox. It is the same user's as the worker: who takes it over can open whatever that user
can, the configuration and the keys as well, and connect to where that user may. Its limits are on
what an image costs; what it answers is not believed (image_answers.py)."""

import json
import os
import resource
import signal
from contextlib import suppress
from typing import Any

from impl.core.thumbnails import Form
from impl.services.media import thumbnailer

NOT_AN_IMAGE = "not an image"
TOO_MANY_PIXELS = "too many pixels"
UNREADABLE = "unreadable"

IDLE_S_MAX = 60
# Pillow has four bytes for a pixel, and up to three copies of an image at a time; in between it is
# read from a file that is in memory as a whole, and written to another.
_MEMORY_BYTES = 512 << 20
_PIXEL_BYTES = 16
# Who waits for an answer of the server goes before who waits for an image.
_NICENESS = 5
_DESCRIPTORS_MAX = 65_536


def main(pixels_max: int, computing_s_max: float) -> None:
    """Serve one worker until it is gone."""
    _limit(_MEMORY_BYTES + _PIXEL_BYTES * pixels_max)
    with os.fdopen(0, "rb") as requests, os.fdopen(1, "wb") as answers:
        while True:
            # Nobody handles these signals: they end the process, in the middle of a decoder too.
            signal.alarm(IDLE_S_MAX)
            line = requests.readline()
            signal.alarm(0)
            if not line:
                return
            signal.setitimer(signal.ITIMER_PROF, computing_s_max)
            header, content = answer(json.loads(line), pixels_max)
            signal.setitimer(signal.ITIMER_PROF, 0)
            answers.write(json.dumps(header).encode() + b"\n" + content)
            answers.flush()


def answer(request: dict[str, Any], pixels_max: int) -> tuple[dict[str, Any], bytes]:
    """What is answered: a line, and bytes."""
    sizes = request["sizes"]
    try:
        made = thumbnailer.make(
            request["path"],
            pixels_max,
            Form(*request["asked"]),
            None if sizes is None else [Form(*size) for size in sizes],
        )
    except thumbnailer.TooManyPixels:
        return {"error": TOO_MANY_PIXELS}, b""
    except thumbnailer.NotAnImage:
        return {"error": NOT_AN_IMAGE}, b""
    except thumbnailer.Unreadable:
        return {"error": UNREADABLE}, b""
    header = {
        "image": made.image,
        "form": made.form,
        "content_type": made.content_type,
        "size": len(made.content),
    }
    return header, made.content


def _limit(memory_bytes: int) -> None:
    os.nice(_NICENESS)
    # What a library of the worker's has open without saying that it is nobody else's.
    os.closerange(3, _DESCRIPTORS_MAX)
    # It writes no files, and leaves no memory behind where it crashes.
    for kind, value in (
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, memory_bytes),
    ):
        with suppress(OSError, ValueError):
            resource.setrlimit(kind, (value, value))
