"""What goes out: status, headers and bytes. C-S API, "API Standards" and "Web Browser Clients"."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import msgspec

from impl.services.created import Created
from impl.web.file_body import FileBody

encode_json = msgspec.json.Encoder().encode

Headers = list[tuple[str, str]]

STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
# RFC 9110 has renamed it; older Pythons have not.
STATUS_LINES[413] = "413 Content Too Large"

# On every answer: any page may be a client.
CORS: Headers = [
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, DELETE, OPTIONS"),
    ("Access-Control-Allow-Headers", "X-Requested-With, Content-Type, Authorization, Date"),
    ("Access-Control-Expose-Headers", "Retry-After, X-Request-ID"),
]
_JSON = ("Content-Type", "application/json")
# Answers are for who asked, and of the moment.
_NOT_KEPT = ("Cache-Control", "no-store")


@dataclass(slots=True)
class Answer:
    """A response; what all responses have is added when it is sent."""

    status: int
    body: bytes
    headers: Headers = field(default_factory=list)
    errcode: str | None = None
    # In place of the body. Who has the answer sends it, or closes it.
    file: FileBody | None = None

    @property
    def size(self) -> int:
        """Of the body, in bytes."""
        return len(self.body) if self.file is None else self.file.size

    def close(self) -> None:
        """It is not sent."""
        if self.file is not None:
            self.file.close()


def success(result: object) -> Answer:
    """What an operation's function returned."""
    if type(result) is Answer:
        return result
    status = 201 if type(result) is Created else 200
    return Answer(status, encode_json(result), [_JSON, _NOT_KEPT])


def failure(status: int, body: Mapping[str, object], headers: Mapping[str, str]) -> Answer:
    errcode = body.get("errcode")
    return Answer(
        status,
        encode_json(body),
        [_JSON, _NOT_KEPT, *headers.items()],
        errcode if isinstance(errcode, str) else None,
    )


def preflight() -> Answer:
    """To OPTIONS: the CORS headers alone, whatever the path."""
    return Answer(200, b"{}", [_JSON, ("Access-Control-Max-Age", "86400")])


def text(body: str) -> Answer:
    return Answer(200, body.encode(), [("Content-Type", "text/plain; charset=utf-8")])


def headers_of(answer: Answer, request_id: str) -> Headers:
    """All headers, as they are sent."""
    # RFC 9110: a 304 would have to have the length that the 200 had.
    length = [] if answer.status == 304 else [("Content-Length", str(answer.size))]
    return [*CORS, *answer.headers, *length, ("X-Request-ID", request_id)]
