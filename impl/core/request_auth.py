"""How servers sign their requests: the X-Matrix header. S-S API, "Request Authentication"."""

import re
from dataclasses import dataclass

from impl.core import canonical_json
from impl.core.rejection import Malformed

SCHEME = "X-Matrix"
HEADER_LENGTH_MAX = 4096
# A header for each of the keys by which a request is signed.
HEADERS_MAX = 4

# A parameter's name, and its value as a token, with the colons that older servers leave bare, or
# in quotes.
_PARAMETER = re.compile(
    r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*=[ \t]*"
    r"(?:\"((?:[^\"\\]|\\.)*)\"|([!#$%&'*+\-.^_`|~0-9A-Za-z:/=]+))"
)
_SEPARATOR = re.compile(r"[ \t]*(?:,[ \t]*)+")
_ESCAPED = re.compile(r"\\(.)")
# Where several headers were joined to one; what is in quotes does not count.
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|[^",]+|(,[ \t]*(?=X-Matrix ))|,', re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the header says. `destination` is None where an old server leaves it out."""

    origin: str
    destination: str | None
    key_id: str
    signature: str


def parse_all(field: str) -> list[Credentials]:
    """Read a field that may be several headers, with a comma between them. Raises Malformed."""
    if len(field) > HEADER_LENGTH_MAX:
        raise Malformed("the Authorization header is too long")
    headers, start, place = [], 0, 0
    while place < len(field):
        found = _PIECE.match(field, place)
        if found is None:
            raise Malformed("a quote of the Authorization header is not closed")
        if found[1] is not None:
            headers.append(field[start : found.start()])
            start = found.end()
        place = found.end()
    headers.append(field[start:])
    if len(headers) > HEADERS_MAX:
        raise Malformed(f"there are more than {HEADERS_MAX} Authorization headers")
    return [parse(header) for header in headers]


def parse(header: str) -> Credentials:
    """Read the value of an Authorization header. Raises Malformed."""
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() != SCHEME.lower():
        raise Malformed(f"the Authorization header is not of the scheme {SCHEME}")
    if len(header) > HEADER_LENGTH_MAX:
        raise Malformed("the Authorization header is too long")
    values = _parameters(rest.strip(" \t"))
    missing = [name for name in ("origin", "key", "sig") if not values.get(name)]
    if missing:
        raise Malformed(f"the Authorization header has no {missing[0]}")
    return Credentials(values["origin"], values.get("destination"), values["key"], values["sig"])


def _parameters(text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    place = 0
    while place < len(text):
        found = _PARAMETER.match(text, place)
        if found is None:
            raise Malformed("the Authorization header cannot be read")
        name, quoted, token = found.groups()
        if name.lower() in values:
            raise Malformed(f"the Authorization header has {name.lower()} twice")
        values[name.lower()] = token if quoted is None else _ESCAPED.sub(r"\1", quoted)
        place = found.end()
        if place < len(text):
            separator = _SEPARATOR.match(text, place)
            if separator is None:
                raise Malformed("the Authorization header cannot be read")
            place = separator.end()
    return values


def write(origin: str, destination: str, key_id: str, signature: str) -> str:
    """The header's value, in the one form that the oldest servers read too."""
    return (
        f'{SCHEME} origin="{origin}",destination="{destination}",key="{key_id}",sig="{signature}"'
    )


def signed_bytes(
    method: str, target: str, origin: str, destination: str, content: bytes | None
) -> bytes:
    """What the signature is of. `target` is the path with its query, as it is sent; `content` the
    body as canonical JSON, None where there is none.
    """
    start = b"{" if content is None else b'{"content":' + content + b","
    names = {"destination": destination, "method": method, "origin": origin, "uri": target}
    return start + canonical_json.encode(names)[1:]
