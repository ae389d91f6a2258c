"""Files of other servers. S-S API, "Content Repository".

A server answers with a body of two parts: what it says about the file, and the file, or where it
is. One that does not know this operation yet is asked as a client asks, without a signature.

None of a file is held in memory, and nothing in an answer is taken for granted: not that it has two
parts, nor that it ends, nor that what it leads to is a place where we may go (guard.py)."""

from collections.abc import Callable, Mapping
from urllib.parse import quote, urlencode

from impl.core import header_values, multipart
from impl.core.multipart import Malformed, Multipart, Part
from impl.outbound import https_url
from impl.outbound.asking import Asking
from impl.outbound.failures import BadAnswer, Refused, Unreachable
from impl.outbound.wire import WireResponse
from impl.received_file import FileTooLarge, ReceivedFile

# Beside the time that the other server waits for a file that it was only promised.
BEGIN_S_MAX = 30.0
# What the first part may be: at present it is always `{}`.
METADATA_BYTES_MAX = 64 << 10
# What may stand around a file in a multipart body.
_AROUND_BYTES_MAX = (
    METADATA_BYTES_MAX + multipart.AROUND_BYTES_MAX + 2 * multipart.HEADERS_BYTES_MAX + 1024
)

# Told of how many bytes will come, where that is known, before they do; what it raises ends it.
Expect = Callable[[int], None]


class NotStored(Exception):
    """The disk does not take it."""


def expect_anything(size: int) -> None:
    """Whatever it is, it may come."""


def get(
    asking: Asking,
    destination: str,
    media_id: str,
    timeout_ms: int,
    received: ReceivedFile,
    expect: Expect = expect_anything,
) -> None:
    """Into `received`, with what is said of it. Raises FederationFailure, FileTooLarge, NotStored,
    and what `expect` raises.
    """
    timeout_s = timeout_ms / 1000 + BEGIN_S_MAX
    plain = _Plain(received, expect)
    parts = _Parts(destination, received, expect)
    try:
        asking.download(
            destination,
            _target("/_matrix/federation/v1/media/download", media_id, timeout_ms=timeout_ms),
            parts,
            timeout_s=timeout_s,
            bytes_max=received.bytes_max + _AROUND_BYTES_MAX,
        )
        parts.finish()
        location = parts.location
    except Refused as refusal:
        if not _is_unknown(refusal):
            raise
        location = _get_as_client(asking, destination, media_id, timeout_ms, plain)
    if location is not None:
        _get_url(asking, destination, location, timeout_s, plain)


def _get_as_client(
    asking: Asking, destination: str, media_id: str, timeout_ms: int, sink: "_Plain"
) -> str | None:
    """Where the file is, if it is elsewhere. C-S API, "Content repository"."""
    response = asking.download(
        destination,
        _target(
            f"/_matrix/media/v3/download/{quote(destination, safe='')}",
            media_id,
            # Else it would ask us, who ask it.
            allow_remote="false",
            timeout_ms=timeout_ms,
            allow_redirect="true",
        ),
        sink,
        timeout_s=timeout_ms / 1000 + BEGIN_S_MAX,
        bytes_max=sink.received.bytes_max,
        is_signed=False,
    )
    if not response.is_error:
        return None
    location = response.headers.get("location")
    if response.status not in https_url.REDIRECTS or not location:
        raise BadAnswer(destination, f"answers with {response.status}")
    return location


def _get_url(asking: Asking, destination: str, url: str, timeout_s: float, sink: "_Plain") -> None:
    """Whoever serves that is not the server that was asked: of that one nothing is noted."""
    try:
        response = asking.wire.download_url(
            url, timeout_s=timeout_s, bytes_max=sink.received.bytes_max, sink=sink
        )
    except Unreachable as failure:
        raise BadAnswer(destination, f"where it sends us: {failure.reason}") from None
    _check_found(destination, response)


def _check_found(destination: str, response: WireResponse) -> None:
    if response.is_error:
        raise BadAnswer(destination, f"where it sends us the answer is {response.status}")


def _is_unknown(refusal: Refused) -> bool:
    """Whether it is the operation that is not known there, and not the file.

    COMPAT(older homeservers): they answered so with 400, or with no errcode at all.
    """
    if refusal.status == 400:
        return refusal.errcode == "M_UNRECOGNIZED"
    says_so = refusal.errcode == "M_UNRECOGNIZED" or not refusal.body
    return refusal.status in (404, 405) and says_so


def _target(path: str, media_id: str, **query: object) -> str:
    return f"{path}/{quote(media_id, safe='')}?{urlencode(query)}"


class _Plain:
    """A sink for a body that is the file."""

    def __init__(self, received: ReceivedFile, expect: Expect) -> None:
        self.received = received
        self._expect = expect

    def begin(self, headers: Mapping[str, str]) -> None:
        told = {name: _utf8(value) for name, value in headers.items()}
        length = _length(told)
        if length > self.received.bytes_max:
            raise FileTooLarge
        self._expect(length)
        _describe(self.received, told)

    def write(self, piece: bytes) -> None:
        _write(self.received, piece)


class _Parts:
    """A sink for a body with the file in its second part. `location`: where it is instead."""

    def __init__(self, destination: str, received: ReceivedFile, expect: Expect) -> None:
        self.location: str | None = None
        self._destination = destination
        self._received = received
        self._expect = expect
        self._reader: Multipart | None = None
        self._parts = 0
        # Of what is not the file.
        self._beside_bytes = 0

    def begin(self, headers: Mapping[str, str]) -> None:
        kind, parameters = header_values.split(headers.get("content-type", ""))
        if kind.lower() != "multipart/mixed":
            raise self._bad("it is not multipart/mixed")
        length = _length(headers)
        if length > self._received.bytes_max + _AROUND_BYTES_MAX:
            raise FileTooLarge
        self._expect(length)
        try:
            self._reader = Multipart(parameters.get("boundary", ""))
        except Malformed as error:
            raise self._bad(str(error)) from None

    def write(self, piece: bytes) -> None:
        assert self._reader is not None
        try:
            for event in self._reader.feed(piece):
                if isinstance(event, Part):
                    self._begin_part(event)
                else:
                    self._take(event)
        except Malformed as error:
            raise self._bad(str(error)) from None

    def finish(self) -> None:
        """All has come."""
        try:
            if self._reader is not None:
                self._reader.finish()
        except Malformed as error:
            raise self._bad(str(error)) from None
        if self._parts < 2:
            raise self._bad("it does not have two parts")

    def _begin_part(self, part: Part) -> None:
        self._parts += 1
        if self._parts > 2:
            raise self._bad("it has more than two parts")
        if self._parts == 2:
            self.location = part.headers.get("location")
            _describe(self._received, part.headers)

    def _take(self, content: bytes) -> None:
        if self._parts == 2 and self.location is None:
            _write(self._received, content)
            return
        self._beside_bytes += len(content)
        if self._beside_bytes > METADATA_BYTES_MAX:
            raise self._bad("it says too much about the file")

    def _bad(self, reason: str) -> BadAnswer:
        return BadAnswer(self._destination, f"it answers with no file: {reason}")


def _describe(received: ReceivedFile, headers: Mapping[str, str]) -> None:
    received.content_type = header_values.content_type(headers.get("content-type"))
    received.file_name = header_values.file_name(headers.get("content-disposition"))


def _write(received: ReceivedFile, piece: bytes) -> None:
    try:
        received.write(piece)
    except OSError as error:
        # Not the connection's.
        raise NotStored(str(error)) from error


def _length(headers: Mapping[str, str]) -> int:
    """0 where nobody says."""
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0


def _utf8(value: str) -> str:
    """Headers come as Latin-1, and names of files are often in neither that nor ASCII."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value
