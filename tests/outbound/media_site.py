"""A server that has files, or says that it has, and those who are asked for what it sends us to."""

import json
from typing import Any

from impl.core import signing
from impl.outbound.failures import FederationFailure
from impl.outbound.wire import Sink, WireResponse
from tests.federation.fake_wire import pour

KEY = signing.new_signing_key(b"\x07" * 32, "1")
BYTES_MAX = 100_000
FILE = b"\x89PNG\r\n" + b"\r\n--b" * 1_000

NEW, OLD = "/_matrix/federation/v1/media/download/", "/_matrix/media/v3/download/"
MIXED = "multipart/mixed; boundary=b_1"


class Site:
    """A wire on which everybody answers as the test says: by the beginning of a path, or a URL."""

    def __init__(self) -> None:
        self.answers: dict[str, WireResponse | FederationFailure] = {}
        self.asked: list[dict[str, Any]] = []

    def download(self, destination: str, target: str, *, sink: Sink, **options: Any) -> Any:
        self.asked.append({"destination": destination, "target": target, **options})
        return self._answer(target, sink)

    def download_url(self, url: str, *, sink: Sink, **options: Any) -> Any:
        self.asked.append({"url": url, **options})
        return self._answer(url, sink)

    def _answer(self, target: str, sink: Sink) -> WireResponse:
        [answer] = [one for start, one in self.answers.items() if target.startswith(start)]
        if isinstance(answer, FederationFailure):
            raise answer
        return pour(answer, sink)


def parts(*some: tuple[str, bytes], boundary: str = "b_1", end: bytes = b"--\r\n") -> WireResponse:
    """A body of these parts: headers and content of each."""
    delimiter = b"\r\n--" + boundary.encode()
    body = b"".join(delimiter + f"\r\n{head}\r\n\r\n".encode() + data for head, data in some)
    kind = f"multipart/mixed; boundary={boundary}"
    return WireResponse(200, {"content-type": kind}, body + delimiter + end)


ABOUT = ("Content-Type: application/json", b"{}")


def file_part(data: bytes = FILE, kind: str = "image/png", more: str = "") -> tuple[str, bytes]:
    return f"Content-Type: {kind}{more}", data


def error(status: int, errcode: str) -> WireResponse:
    return WireResponse(status, {}, json.dumps({"errcode": errcode}).encode())


def plain(data: bytes = FILE, **headers: str) -> WireResponse:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return WireResponse(200, {"content-type": "image/gif", **given}, data)
