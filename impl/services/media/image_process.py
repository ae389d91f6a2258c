"""Child processes of a worker in which images are made smaller.

Only a process can be ended when it takes too long or too much memory, and what breaks a decoder
breaks no worker. And it delays other requests less: while photos of 32 megapixels and long
animations were made smaller, a greenlet that sleeps for 10 ms overslept by 7 to 16 ms in the worst
hundredth of cases with a thread, and by 4 to 5 with a process, as on an idle machine.

There are two at most, begun when they are needed; an image waits for its turn. They are used again,
since to begin one takes a tenth of a second of computing.

posix_spawn instead of gevent.subprocess, whose fork holds the hub up for 20 ms in a worker of a
usual size, against 1 ms."""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import gevent
from gevent import socket
from gevent.lock import BoundedSemaphore

import impl
from impl.app import App
from impl.core.thumbnails import Form
from impl.services.media.image_program import IDLE_S_MAX

PROCESSES_MAX = 2
# A new one from time to time: what a broken image does to a decoder shall not stay for ever.
IMAGES_MAX = 200
# For one image, and not on the clock: what else the machine does is not the image's fault. A photo
# of 32 megapixels takes half a second, and noise that is made into a PNG as large as it is nine.
# What takes more was made to, as a JPEG of thousands of passes.
COMPUTING_S_MAX = 15.0
# On the clock, for one that stands still.
_ANSWER_S_MAX = 120.0
# Well before it ends itself.
_IDLE_S_MAX = IDLE_S_MAX / 2
_REAP_S = 0.05
_HEADER_BYTES_MAX = 4096
_PIECE_BYTES = 64 << 10

_PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from impl.services.media import image_program
image_program.main(int(sys.argv[2]), float(sys.argv[3]))
"""


class ProcessFailed(Exception):
    """It has ended instead of answering, took too long, or answers nonsense."""


class ImageProcess:
    """One of them. It answers one request after the other."""

    def __init__(self, pixels_max: int, computing_s_max: float = COMPUTING_S_MAX) -> None:
        self.images = 0
        self.used_s = time.monotonic()
        self._ours, theirs = socket.socketpair()
        with theirs:
            # gevent has made both ends such that nobody waits on them.
            os.set_blocking(theirs.fileno(), True)
            self.pid = _spawn(theirs.fileno(), (str(pixels_max), str(computing_s_max)))
        self._file = self._ours.makefile("rb")

    def ask(self, path: Path, asked: Form, sizes: list[Form] | None) -> dict[str, Any]:
        """The line that is answered; what `content` gives is to be read before the next is asked.

        Raises ProcessFailed, after which there is nothing more to be had from it.
        """
        self.images += 1
        request = {"path": str(path), "asked": asked, "sizes": sizes}
        try:
            with gevent.Timeout(_ANSWER_S_MAX, ProcessFailed("no answer in time")):
                self._ours.sendall(json.dumps(request).encode() + b"\n")
                line = self._file.readline(_HEADER_BYTES_MAX)
            header = json.loads(line)
        except (OSError, ValueError, RecursionError) as error:
            raise ProcessFailed("no answer") from error
        if not isinstance(header, dict):
            raise ProcessFailed("no answer")
        return header

    def content(self, size: int) -> Iterator[bytes]:
        """The bytes that follow the line, in pieces."""
        while size:
            with gevent.Timeout(_ANSWER_S_MAX, ProcessFailed("no bytes in time")):
                piece = self._file.read(min(size, _PIECE_BYTES))
            if not piece:
                raise ProcessFailed("half an answer")
            size -= len(piece)
            yield piece

    def end(self) -> None:
        """Whatever it is doing."""
        self._file.close()
        self._ours.close()
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        gevent.spawn(_reap, self.pid)


class ImageProcesses:
    """All of one worker."""

    def __init__(self, app: App) -> None:
        self._pixels_max = app.config.media.max_image_pixels
        self._turns = BoundedSemaphore(PROCESSES_MAX)
        self._idle: list[ImageProcess] = []

    @contextmanager
    def one(self) -> Iterator[ImageProcess]:
        """One, when it is one's turn. After an exception it is ended: it may have more to say."""
        with self._turns:
            process = self._taken()
            try:
                yield process
            except BaseException:
                process.end()
                raise
            if process.images >= IMAGES_MAX:
                process.end()
            else:
                process.used_s = time.monotonic()
                self._idle.append(process)

    def stop(self) -> None:
        while self._idle:
            self._idle.pop().end()

    def _taken(self) -> ImageProcess:
        while self._idle:
            process = self._idle.pop()
            if time.monotonic() - process.used_s < _IDLE_S_MAX:
                return process
            process.end()
        return ImageProcess(self._pixels_max)


def _spawn(descriptor: int, arguments: tuple[str, ...]) -> int:
    root = Path(impl.__file__).parents[1]
    # Nothing of what our environment says but where libraries are: there may be passwords in it.
    environment = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-I", "-c", _PROGRAM, str(root), *arguments],
        environment,
        file_actions=[
            (os.POSIX_SPAWN_DUP2, descriptor, 0),
            (os.POSIX_SPAWN_DUP2, descriptor, 1),
            # Decoders write there what they think of an image.
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ],
        # What is sent to all from a terminal is for us, who end it.
        setsid=True,
    )


def _reap(pid: int) -> None:
    """See it off. It may have a gigabyte to give back first."""
    with suppress(ChildProcessError):
        while os.waitpid(pid, os.WNOHANG)[0] != pid:
            gevent.sleep(_REAP_S)
