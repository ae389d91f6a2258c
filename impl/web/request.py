"""What came in: pieces of the path, the query and the body, decoded strictly. C-S API, "API
Standards".

The generated types decide about shapes. What is decided here, for all operations alike:

* bytes that are not UTF-8, wrong percent-encoding and NUL are refused, wherever they stand;
* an object that has a key twice is refused where it is kept as it came (events, account data):
  readers would not agree on what it says;
* integers that canonical JSON does not take are refused, before they overflow something;
* nesting beyond what canonical JSON takes is refused, so that nothing that was stored can be too
  deep to be sent.
"""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import msgspec

from impl import errors
from impl.core import json_bounds

Environ = dict[str, Any]

DEPTH_MAX = 200
# Appendices, "Canonical JSON".
INTEGER_MAX = 2**53 - 1
# An event may have 65,536 bytes; the largest bodies are uploads of keys.
JSON_BYTES_MAX = 4 << 20
# What a backup begins with: twenty thousand message keys.
BACKUP_BYTES_MAX = 16 << 20

_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
# Outside of strings, and neither a fraction nor an exponent.
_LONG_INTEGER = re.compile(rb"(?<![\d.eE+\-])-?\d{16,}(?![\d.eE])")
_DIGITS_16 = re.compile(rb"\d{16}")
_MISSING = re.compile(r"Object missing required field `(.*?)`")

_decode_any = msgspec.json.Decoder().decode


def raw_target(environ: Environ) -> str:
    """Path and query as the client sent them."""
    target = environ.get("RAW_URI")
    if target is None:
        target = quote(environ.get("PATH_INFO", "").encode("latin-1"), safe="/!$&'()*+,;=:@~")
        if query := environ.get("QUERY_STRING"):
            target += "?" + query
    if target[:1] == "/":
        return target
    # A client of a proxy sends the whole URI.
    _, found, rest = target.partition("://")
    slash = rest.find("/")
    return rest[slash:] if found and slash >= 0 else "/"


def decode_piece(piece: str) -> str:
    """A piece of a path, or a value of a query, from its percent-encoding."""
    if _BAD_PERCENT.search(piece):
        raise errors.InvalidParam("the percent-encoding of the path or the query is wrong")
    try:
        # What is not ASCII came as bytes, and WSGI shows bytes as Latin-1.
        text = unquote_to_bytes(piece.encode("latin-1")).decode()
    except UnicodeError:
        raise errors.InvalidParam("the path or the query is not UTF-8") from None
    if "\0" in text:
        raise errors.InvalidParam("the path or the query holds a NUL character")
    return text


def read_query(query: str) -> dict[str, list[str]]:
    """All values of each parameter."""
    found: dict[str, list[str]] = {}
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            value = decode_piece(value.replace("+", " "))
            found.setdefault(decode_piece(name.replace("+", " ")), []).append(value)
    return found


def query_decoder(query_type: Any) -> Callable[[str], Any]:
    """From a query to its generated type."""
    fields = msgspec.structs.fields(query_type)
    # What may be given more than once; of other parameters the first counts.
    several = {field.encode_name for field in fields if _is_list(field.type)}
    names = {field.encode_name for field in fields}
    integers = [field.name for field in fields if field.type in (int, int | None)]

    def decode(query: str) -> Any:
        given = {
            name: values if name in several else values[0]
            for name, values in (read_query(query) if query else {}).items()
            if name in names
        }
        try:
            converted = msgspec.convert(given, query_type, strict=False)
        except msgspec.ValidationError as error:
            if missing := _MISSING.match(str(error)):
                raise errors.MissingParam(f"{missing[1]} is missing from the query") from None
            raise errors.InvalidParam(_told(error)) from None
        for name in integers:
            if abs(getattr(converted, name) or 0) > INTEGER_MAX:
                raise errors.InvalidParam(f"{name}: the integer is out of range")
        return converted

    return decode


def json_reader(
    body_type: Any, is_required: bool, bytes_max: int = JSON_BYTES_MAX
) -> Callable[[Environ], Any]:
    """From environ to a body of a generated type, or to `dict`."""
    decode_json = msgspec.json.Decoder(body_type).decode
    is_open = body_type in (dict, dict[str, Any])

    def read(environ: Environ) -> Any:
        raw = read_bytes(environ, bytes_max)
        if not raw and not is_required:
            raw = b"{}"
        try:
            body = decode_json(raw)
        except msgspec.ValidationError as error:
            raise errors.BadJson(_told(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise errors.NotJson(f"the body is not JSON: {error}") from None
        except RecursionError:
            raise errors.BadJson("the body is nested too deeply") from None
        _check_text(raw)
        if is_open:
            _refuse_doubles(raw)
        return body

    return read


def decode_object(raw: bytes, *, is_checked: bool, values_max: int) -> dict[str, Any]:
    """A body that another server sent. Unless it `is_checked`, what is in it may be what nothing of
    a client's may be: who takes the events out of it looks at each.
    """
    if json_bounds.has_more_values(raw, values_max):
        raise errors.TooLarge(f"the body has more than {values_max} values")
    try:
        content = _decode_any(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise errors.NotJson(f"the body is not JSON: {error}") from None
    except RecursionError:
        raise errors.BadJson("the body is nested too deeply") from None
    if not isinstance(content, dict):
        raise errors.BadJson("the body is not an object")
    if is_checked:
        _check_text(raw)
    return content


def object_reader(body_type: Any, is_required: bool) -> Callable[[dict[str, Any] | None], Any]:
    """From an object that was decoded to a body of a generated type, or to `dict`."""
    is_open = body_type in (dict, dict[str, Any])

    def read(content: dict[str, Any] | None) -> Any:
        if content is None:
            if is_required:
                raise errors.NotJson("the body is not JSON: it is empty")
            content = {}
        if is_open:
            return content
        try:
            return msgspec.convert(content, body_type)
        except msgspec.ValidationError as error:
            raise errors.BadJson(_told(error)) from None

    return read


def read_bytes(environ: Environ, size_max: int) -> bytes:
    """The body; one that is too long is refused before it is read."""
    size = body_size(environ, size_max)
    if size == 0:
        return b""
    try:
        raw: bytes = environ["wsgi.input"].read(size_max + 1 if size is None else size)
    except OSError:
        raise errors.NotJson("the body ended too early") from None
    if len(raw) > size_max:
        raise too_large(size_max)
    if size is not None and len(raw) < size:
        raise errors.NotJson("the body is shorter than its Content-Length")
    return raw


def body_size(environ: Environ, size_max: int) -> int | None:
    """How many bytes are announced; None: it is chunked. Raises TooLarge where they are more than
    that."""
    size = _content_length(environ)
    if size is None:
        is_chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
        return None if is_chunked else 0
    if size > size_max:
        raise too_large(size_max)
    return size


def too_large(size_max: int) -> errors.TooLarge:
    return errors.TooLarge(f"the body has more than {size_max} bytes")


def _content_length(environ: Environ) -> int | None:
    given = environ.get("CONTENT_LENGTH")
    if not given:
        return None
    if not (given.isascii() and given.isdigit() and len(given) < 19):
        raise errors.InvalidParam("the Content-Length is not a number")
    return int(given)


def _check_text(raw: bytes) -> None:
    # Of a field that nobody asked for, the decoder has not looked at the characters.
    if not raw.isascii():
        try:
            raw.decode()
        except UnicodeDecodeError:
            raise errors.NotJson("the body is not UTF-8") from None
    if b"\\u0000" in raw and _ESCAPED_NUL.search(raw):
        raise errors.BadJson("the body holds a NUL character")
    if _DIGITS_16.search(raw):
        for number in _LONG_INTEGER.findall(_STRING.sub(b"", raw)):
            if len(number) > 17 or abs(int(number)) > INTEGER_MAX:
                raise errors.BadJson("the body holds an integer that is out of range")
    if raw.count(b"[") + raw.count(b"{") > DEPTH_MAX and _depth(raw) > DEPTH_MAX:
        raise errors.BadJson("the body is nested too deeply")


def _depth(raw: bytes) -> int:
    deepest = depth = 0
    for bracket in _STRING.sub(b"", raw).translate(None, _NOT_BRACKETS):
        if bracket in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
    return deepest


def _refuse_doubles(raw: bytes) -> None:
    json.loads(raw, object_pairs_hook=_object)


def _object(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        names = [name for name, _ in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise errors.BadJson(f"the key {double!r} is there twice")


def _is_list(kind: Any) -> bool:
    return "list[" in str(kind)


def _told(error: msgspec.ValidationError) -> str:
    """The decoder's complaint as a clause that begins with the field."""
    what, _, place = str(error).replace("`", "").partition(" - at ")
    place = place.removeprefix("$").removeprefix(".")
    what = what[:1].lower() + what[1:]
    return f"{place}: {what}" if place else what
