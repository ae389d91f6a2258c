"""Values of headers that say what a file is: RFC 9110, "Media Type"; its name: RFC 6266, RFC 8187.

They are a stranger's, and are read so that what comes of them can be stored and sent on."""

import re
from collections.abc import Iterator

OCTET_STREAM = "application/octet-stream"
# Longer ones are nobody's, and would make headers that others do not take.
CONTENT_TYPE_LENGTH_MAX = 255
FILE_NAME_LENGTH_MAX = 1024

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_CONTENT_TYPE = re.compile(rf"{_TOKEN}/{_TOKEN} *(?:;[ -~]*)?", re.ASCII)
_MEDIA_TYPE = re.compile(
    rf'({_TOKEN}/{_TOKEN})(?: *; *{_TOKEN}=(?:{_TOKEN}|"[ !#-\[\]-~]*"))*', re.ASCII
)
# Where one begins: a name, and then a quoted or a plain value.
_PARAMETER = re.compile(
    rf'[ \t]*;[ \t]*(?:({_TOKEN})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^;"]+)))?', re.DOTALL
)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = re.compile(rb"%([0-9A-Fa-f]{2})")


def split(value: str) -> tuple[str, dict[str, str]]:
    """What stands before the first semicolon, and the parameters: of each name, in lower case, the
    first one. What cannot be read ends them.
    """
    first, semicolon, _ = value.partition(";")
    parameters: dict[str, str] = {}
    if semicolon:
        for name, text in _parameters(value, len(first)):
            parameters.setdefault(name, text)
    return first.strip(" \t"), parameters


def _parameters(value: str, start: int) -> Iterator[tuple[str, str]]:
    while match := _PARAMETER.match(value, start):
        name, quoted, plain = match.groups()
        if name is not None:
            is_quoted = quoted is not None
            text = _QUOTED_PAIR.sub(r"\1", quoted) if is_quoted else plain.strip(" \t")
            yield name.lower(), text
        start = match.end()


def content_type(value: str | None) -> str:
    """What a file is said to be, if that says something."""
    if value is None or len(value) > CONTENT_TYPE_LENGTH_MAX:
        return OCTET_STREAM
    value = value.strip(" \t")
    return value if _CONTENT_TYPE.fullmatch(value) else OCTET_STREAM


def media_type(value: str) -> str:
    """Type and subtype, in lower case; empty where not all of it is as the grammar has it. Of some
    headers browsers make a list, and go by what stands last in it: "image/png;,text/html".
    """
    found = _MEDIA_TYPE.fullmatch(value)
    return found[1].lower() if found else ""


def file_name(disposition: str | None) -> str | None:
    """The name in a Content-Disposition; None for one that could not be shown or stored."""
    if disposition is None:
        return None
    _, parameters = split(disposition)
    # RFC 6266: who understands the extended one prefers it.
    name = _extended(parameters.get("filename*", "")) or parameters.get("filename")
    if not name or len(name) > FILE_NAME_LENGTH_MAX or not name.isprintable():
        return None
    return name


def _extended(value: str) -> str | None:
    """RFC 8187: the charset, a language, and the text in percent escapes."""
    charset, _, rest = value.partition("'")
    _, quote, text = rest.partition("'")
    if charset.lower() != "utf-8" or not quote or not text.isascii():
        return None
    encoded = _ESCAPES.sub(lambda found: bytes([int(found[1], 16)]), text.encode())
    try:
        return encoded.decode()
    except UnicodeDecodeError:
        return None
