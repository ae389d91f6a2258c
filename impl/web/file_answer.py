"""A file as an answer: its header fields, and its bytes as they are taken. C-S API, "Content
repository", above all "Serving inline content".

Whoever uploads a file says what it is and how it is called, so neither is believed: a browser must
not take it for a page of ours, and it brings no header fields of its own."""

import re
from urllib.parse import quote

from impl.services.media.content import Content
from impl.web.file_body import FileBody
from impl.web.response import Answer, Headers

# Of UTF-8: as much as a file system takes. Proxies let the header have some kilobytes.
FILE_NAME_MAX = 255
ENDING_MAX = 16
CONTENT_TYPE_MAX = 255
UNKNOWN_TYPE = "application/octet-stream"

# What a browser shows and does not run, whatever is in it.
INLINE_TYPES = frozenset(
    f"{kind}/{form}"
    for kind, forms in {
        "text": "css plain csv",
        "application": "json ld+json",
        "image": "jpeg gif png apng webp avif",
        "video": "mp4 webm ogg quicktime",
        "audio": "mp4 webm aac mpeg ogg wave wav x-wav x-pn-wav flac x-flac",
    }.items()
    for form in forms.split()
)
# COMPAT(Synapse): of these it says that they are UTF-8, where they do not say what they are.
_TEXT_TYPES = frozenset(
    {
        "text/css",
        "text/csv",
        "text/html",
        "text/calendar",
        "text/plain",
        "text/javascript",
        "text/xml",
        "application/json",
        "application/ld+json",
        "application/rtf",
        "image/svg+xml",
    }
)
# The policy is the one that the specification recommends, and `media-src` with which, as in
# Synapse, a video can be looked at by itself.
_GUARDS: Headers = [
    (
        "Content-Security-Policy",
        "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; "
        "style-src 'unsafe-inline'; media-src 'self'; object-src 'self';",
    ),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Robots-Tag", "noindex, nofollow, noarchive, noimageindex"),
]
_TOKEN = re.compile(r"[A-Za-z0-9!#$&+.^_`|~-]+")


def answer(content: Content) -> Answer:
    """A download, or a thumbnail."""
    content_type = _content_type(content)
    headers = [
        ("Content-Type", _with_charset(content_type)),
        ("Content-Disposition", _disposition(content_type, content.file_name)),
        *_GUARDS,
    ]
    return Answer(200, b"", headers, file=FileBody(content.file, content.size))


def _content_type(content: Content) -> str:
    given = content.content_type
    is_fit = 0 < len(given) <= CONTENT_TYPE_MAX and given.isascii() and given.isprintable()
    return given if is_fit else UNKNOWN_TYPE


def _with_charset(content_type: str) -> str:
    is_text = content_type.lower() in _TEXT_TYPES
    return f"{content_type}; charset=UTF-8" if is_text else content_type


def _disposition(content_type: str, file_name: str | None) -> str:
    kind = content_type.partition(";")[0].strip().lower()
    how = "inline" if kind in INLINE_TYPES else "attachment"
    if not file_name:
        return how
    name = _shortened(file_name)
    if _TOKEN.fullmatch(name):
        return f"{how}; filename={name}"
    # RFC 6266, and RFC 8187 for the coding: no character of it can end the field.
    return f"{how}; filename*=utf-8''{quote(name, safe='', errors='replace')}"


def _shortened(file_name: str) -> str:
    if len(file_name.encode(errors="replace")) <= FILE_NAME_MAX:
        return file_name
    stem, dot, ending = file_name.rpartition(".")
    if not dot or len(ending) > ENDING_MAX:
        stem, dot, ending = file_name, "", ""
    room = FILE_NAME_MAX - len((dot + ending).encode(errors="replace"))
    return stem.encode(errors="replace")[:room].decode(errors="ignore") + dot + ending
