r"""A multipart body that is read as it comes: RFC 2046, "Multipart Media Type".

    \r\n--boundary\r\n headers \r\n\r\n content \r\n--boundary ... \r\n--boundary--\r\n

The content of a part may be as large as it likes and is passed on in pieces; all else is bounded,
so that a body of nothing but headers, or one that never ends, is refused as soon as it is known.
Where a piece ends means nothing: whatever the cuts, the same comes of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

# What stands before the first part and after the last, which nobody is meant to read.
AROUND_BYTES_MAX = 64 << 10
HEADERS_BYTES_MAX = 16 << 10
# After a boundary a line may go on with spaces, on some way through the mail of old.
_PADDING_BYTES_MAX = 64

_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_LINE_END = b"\r\n"
_HEADERS_END = b"\r\n\r\n"


class Malformed(Exception):
    """No such body. The text says why."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part begins. The names of its headers are in lower case."""

    headers: dict[str, str]


class _At(Enum):
    PREAMBLE = auto()
    BOUNDARY = auto()
    HEADERS = auto()
    CONTENT = auto()
    EPILOGUE = auto()


class Multipart:
    """Feed it what comes; `finish` says that it was all."""

    def __init__(self, boundary: str) -> None:
        if not _BOUNDARY.fullmatch(boundary):
            raise Malformed("its boundary is none")
        self._delimiter = b"\r\n--" + boundary.encode("ascii")
        # The first delimiter has no end of a line before it, if nothing else is.
        self._buffer = _LINE_END
        self._at = _At.PREAMBLE
        self._around_bytes = 0
        # So much of the buffer belongs to the headers.
        self._skip = 0

    def feed(self, data: bytes) -> Iterator[Part | bytes]:
        """What has come to light: parts, and after each the pieces of its content. To be read to
        the end. Raises Malformed."""
        self._buffer += data
        while True:
            before = self._at
            if self._at is _At.PREAMBLE:
                self._read_preamble()
            elif self._at is _At.BOUNDARY:
                self._read_boundary()
            elif self._at is _At.HEADERS:
                headers = self._read_headers()
                if headers is not None:
                    yield Part(headers)
            elif self._at is _At.CONTENT:
                content = self._read_content()
                if content:
                    yield content
            else:
                self._leave_out(len(self._buffer))
            if self._at is before:
                return

    def finish(self) -> None:
        """Raises Malformed where something is missing."""
        if self._at is not _At.EPILOGUE:
            raise Malformed("it ends early")

    def _read_preamble(self) -> None:
        found = self._buffer.find(self._delimiter)
        if found >= 0:
            self._leave_out(found + len(self._delimiter))
            self._at = _At.BOUNDARY
        else:
            # What may be the beginning of one stays.
            self._leave_out(max(0, len(self._buffer) - len(self._delimiter) + 1))

    def _read_boundary(self) -> None:
        """What follows a boundary on its line: nothing, or the sign that it was the last."""
        if len(self._buffer) < 2:
            return
        if self._buffer.startswith(b"--"):
            self._at = _At.EPILOGUE
            return
        padding = len(self._buffer) - len(self._buffer.lstrip(b" \t"))
        if padding > _PADDING_BYTES_MAX:
            raise Malformed("a boundary is followed by too many spaces")
        line_end = self._buffer[padding : padding + 2]
        if not _LINE_END.startswith(line_end):
            raise Malformed("a boundary is followed by something else")
        if line_end == _LINE_END:
            # The end of this line may be the first half of what ends the headers.
            self._buffer = self._buffer[padding:]
            self._at = _At.HEADERS

    def _read_headers(self) -> dict[str, str] | None:
        end = self._buffer.find(_HEADERS_END)
        if (len(self._buffer) if end < 0 else end) > HEADERS_BYTES_MAX:
            raise Malformed("the headers of a part are too long")
        if end < 0:
            return None
        block, self._buffer = self._buffer[:end], self._buffer[end + 2 :]
        # Where a part has no content the end of its headers begins the next delimiter.
        self._skip = 2
        self._at = _At.CONTENT
        return _headers_of(block)

    def _read_content(self) -> bytes:
        found = self._buffer.find(self._delimiter)
        if found >= 0:
            content = self._buffer[self._skip : found]
            self._buffer = self._buffer[found + len(self._delimiter) :]
            self._skip = 0
            self._at = _At.BOUNDARY
            return content
        end = len(self._buffer) - len(self._delimiter) + 1
        if end <= self._skip:
            return b""
        content, self._buffer = self._buffer[self._skip : end], self._buffer[end:]
        self._skip = 0
        return content

    def _leave_out(self, count: int) -> None:
        self._around_bytes += count
        if self._around_bytes > AROUND_BYTES_MAX:
            raise Malformed("there is too much around its parts")
        self._buffer = self._buffer[count:]


def _headers_of(block: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in block.split(_LINE_END):
        if not line:
            continue
        name, colon, value = line.partition(b":")
        # A line that goes on with the one before is no longer allowed anywhere (RFC 9112).
        if not colon or not name or name != name.strip():
            raise Malformed("a header of a part is none")
        headers.setdefault(_text(name).lower(), _text(value.strip(b" \t")))
    return headers


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
