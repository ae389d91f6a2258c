"""A file as an answer: its header fields, and its bytes as they are taken. C-S API, "Content
repository", above all "Serving inline content"; S-S API, "Content Repository".

Whoever uploads a file says what it is and how it is called, so neither is believed: a browser must
not take it for a page of ours, and it brings no header fields of its own."""

import re
import secrets
from urllib.parse import quote

from impl.core import header_values
from impl.services.media.content import Content, FederatedContent
from impl.web.file_body import FileBody
from impl.web.response import Answer, Headers

# Of UTF-8: as much as a file system takes. Proxies let the header have some kilobytes.
FILE_NAME_MAX = 255
ENDING_MAX = 16


def _types(**forms: str) -> frozenset[str]:
    return frozenset(f"{kind}/{form}" for kind, some in forms.items() for form in some.split())


# What a browser shows and does not run, whatever is in it.
INLINE_TYPES = _types(
    text="css plain csv",
    application="json ld+json",
    image="jpeg gif png apng webp avif",
    video="mp4 webm ogg quicktime",
    audio="mp4 webm aac mpeg ogg wave wav x-wav x-pn-wav flac x-flac",
)
# COMPAT(Synapse): of these it says that they are UTF-8, where they do not say what they are.
_TEXT_TYPES = _types(
    application="json ld+json rtf",
    image="svg+xml",
    text="calendar css csv html javascript plain xml",
)
# COMPAT(Synapse): files never change, so what somebody has is good as long as they may have it. A
# browser keeps it for a day; a proxy that several share asks each time, and is told whether it may.
_CACHING: Headers = [
    ("Cache-Control", "public, max-age=86400, s-maxage=0, proxy-revalidate"),
    ("ETag", 'W/"1"'),
]
# Synapse's has no quotes: what was cached before this server took its place.
_KNOWN_TAGS = frozenset({'"1"', "1", "*"})
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


def answer(result: Content | FederatedContent, if_none_match: str) -> Answer:
    """A download or a thumbnail, unless who asks has it already."""
    if isinstance(result, FederatedContent):
        content, made = result.content, _multipart(result.content)
    else:
        content, made = result, _whole(result)
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    if tags.isdisjoint(_KNOWN_TAGS):
        return made
    content.file.close()
    return Answer(304, b"", [*_CACHING])


def _whole(content: Content) -> Answer:
    content_type = _content_type(content)
    headers = [
        ("Content-Type", _with_charset(content_type)),
        ("Content-Disposition", _disposition(content_type, content.file_name)),
        *_CACHING,
        *_GUARDS,
    ]
    return Answer(200, b"", headers, file=FileBody(content.file, content.size))


def _multipart(content: Content) -> Answer:
    """The first part is for what a later version will say of the file; the second is the file."""
    # Nobody who has made the file can have guessed it.
    boundary = secrets.token_hex(16)
    content_type = _content_type(content)
    before = (
        f"--{boundary}\r\nContent-Type: application/json\r\n\r\n{{}}\r\n"
        f"--{boundary}\r\nContent-Type: {content_type}\r\n"
        f"Content-Disposition: {_disposition(content_type, content.file_name)}\r\n\r\n"
    )
    after = f"\r\n--{boundary}--\r\n"
    body = FileBody(content.file, content.size, before.encode("ascii"), after.encode("ascii"))
    headers = [("Content-Type", f"multipart/mixed; boundary={boundary}"), *_CACHING]
    return Answer(200, b"", headers, file=body)


def _content_type(content: Content) -> str:
    given = content.content_type
    is_fit = 0 < len(given) <= header_values.CONTENT_TYPE_LENGTH_MAX
    is_fit = is_fit and given.isascii() and given.isprintable()
    return given if is_fit else header_values.OCTET_STREAM


def _with_charset(content_type: str) -> str:
    is_text = content_type.lower() in _TEXT_TYPES
    return f"{content_type}; charset=UTF-8" if is_text else content_type


def _disposition(content_type: str, file_name: str | None) -> str:
    how = "inline" if header_values.media_type(content_type) in INLINE_TYPES else "attachment"
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
