"""The head of an HTTP/1 request: request line and header fields -> names of a WSGI environ. RFC
9112.

Strict where leniency would let two readers of one stream disagree about where a request ends:
lengths, transfer codings, names, folded lines."""

import re
from io import BufferedReader
from typing import BinaryIO
from urllib.parse import quote, unquote_to_bytes

LINE_MAX = 16_384
HEAD_MAX = 65_536
FIELDS_MAX = 100

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_VERSION = re.compile(rb"HTTP/1\.[0-9]")
_ABSOLUTE = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
# Every printable ASCII character stays as it came.
_PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))
# Of these there may be one.
_SINGLE = {"CONTENT_LENGTH", "CONTENT_TYPE", "HTTP_HOST", "HTTP_TRANSFER_ENCODING"}


class BadRequest(Exception):
    """The client does not speak HTTP as we do: a status and a reason."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def take(stream: BufferedReader) -> tuple[bytes, bytes | None]:
    """The request line, and the header fields with the empty line at their end if all have arrived
    and are nothing unusual; otherwise they are still in the stream.
    """
    arrived = stream.peek(1)
    end = arrived.find(b"\r\n\r\n")
    # The line ends must all be of one kind: what an empty line is must not be a matter of opinion.
    if 0 < end < HEAD_MAX and arrived[:1] != b"\r" and arrived.find(b"\n\r\n") == end + 1:
        head = stream.read(end + 4)
        line, _, raw_fields = head.partition(b"\r\n")
        if b"\n" not in line and head.count(b"\n") == head.count(b"\r\n"):
            return line + b"\r\n", raw_fields
        raise BadRequest("400 Bad Request", "the header's lines end in two ways")
    line = stream.readline(LINE_MAX + 1)
    # RFC 9112, 2.2: an empty line before the request line is ignored.
    if line in (b"\r\n", b"\n"):
        line = stream.readline(LINE_MAX + 1)
    return line, None


def read_request_line(line: bytes) -> tuple[str, str, str]:
    """Method, target and version. The target is the path and query, still encoded."""
    if len(line) > LINE_MAX:
        raise BadRequest("414 URI Too Long", "the request line is too long")
    if not line.endswith(b"\n"):
        raise BadRequest("400 Bad Request", "the request line is cut off")
    parts = _without_end(line).split(b" ")
    if len(parts) != 3:
        raise BadRequest("400 Bad Request", "the request line must have three parts")
    method, target, version = parts
    if not _TOKEN.fullmatch(method):
        raise BadRequest("400 Bad Request", "the method is not a token")
    if not _VERSION.fullmatch(version):
        raise BadRequest("505 HTTP Version Not Supported", "the version is not HTTP/1.1")
    if not target or _CONTROL.search(target):
        raise BadRequest("400 Bad Request", "the request target holds a control character")
    return method.decode("ascii"), _origin_form(target), version.decode("ascii")


def _without_end(line: bytes) -> bytes:
    # One end of a line and no more: to others a lone CR may be an end as well.
    return line.removesuffix(b"\n").removesuffix(b"\r")


def _origin_form(target: bytes) -> str:
    # What should have been encoded and was not means the bytes that it is.
    text = target.decode("ascii") if target.isascii() else quote(target, safe=_PRINTABLE)
    if text.startswith("/") or text == "*":
        return text
    rest = _ABSOLUTE.sub("", text, count=1)
    if rest == text:
        raise BadRequest("400 Bad Request", "the request target is not a path")
    return rest if rest.startswith("/") else "/" + rest


def read_fields(stream: BinaryIO) -> dict[str, str]:
    """The header fields up to the empty line, under their environ names."""
    fields: dict[str, str] = {}
    left = HEAD_MAX
    for _ in range(FIELDS_MAX + 1):
        line = stream.readline(left + 1)
        if line in (b"\r\n", b"\n"):
            _check_framing(fields)
            return fields
        left -= len(line)
        if left < 0:
            break
        if not line.endswith(b"\n"):
            raise BadRequest("400 Bad Request", "the header is cut off")
        _add_field(fields, line)
    raise BadRequest("431 Request Header Fields Too Large", "the header is too large")


def _add_field(fields: dict[str, str], line: bytes) -> None:
    name, colon, value = line.partition(b":")
    # A folded line begins with a space, which no name holds.
    if not colon or not _TOKEN.fullmatch(name):
        raise BadRequest("400 Bad Request", "a header field's name is not a token")
    value = _without_end(value).strip(b" \t")
    if _CONTROL.search(value):
        raise BadRequest("400 Bad Request", "a header field holds a control character")
    if b"_" in name:
        return  # It would be mistaken for another's name with a hyphen.
    key = name.decode("ascii").upper().replace("-", "_")
    if key not in ("CONTENT_LENGTH", "CONTENT_TYPE"):
        key = "HTTP_" + key
    text = value.decode("latin-1")
    if key not in fields:
        fields[key] = text
    elif key in _SINGLE:
        if fields[key] != text or key == "HTTP_TRANSFER_ENCODING":
            raise BadRequest("400 Bad Request", "a header field that may stand once stands twice")
    else:
        fields[key] += ("; " if key == "HTTP_COOKIE" else ",") + text


def _check_framing(fields: dict[str, str]) -> None:
    length = fields.get("CONTENT_LENGTH")
    if length is not None and not (length.isascii() and length.isdigit() and len(length) < 19):
        raise BadRequest("400 Bad Request", "Content-Length is not a number")
    coding = fields.get("HTTP_TRANSFER_ENCODING")
    if coding is None:
        return
    if coding.lower() != "chunked":
        raise BadRequest("501 Not Implemented", "the only transfer coding is chunked")
    if length is not None:
        raise BadRequest(
            "400 Bad Request", "Content-Length and Transfer-Encoding exclude each other"
        )


def path_info(path: str) -> str:
    """The decoded path as WSGI wants it: bytes, written as Latin-1."""
    return unquote_to_bytes(path).decode("latin-1") if "%" in path else path
