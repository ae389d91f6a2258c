"""Just enough of a homeserver to be looked at: its version and its keys."""

import json
from email.utils import formatdate
from typing import Any

from impl.core import server_keys, signing
from impl.core.signing import SigningKey
from tests.outbound.world import NOT_FOUND, Request, answer

KEY = signing.new_signing_key(b"\x07" * 32, "seven")


class Homeserver:
    """A handler for a world's server. What it says can be changed."""

    def __init__(self, name: str, now_ms: int, key: SigningKey = KEY) -> None:
        hour_ms = 3_600_000
        self.version: Any = {"server": {"name": "Test", "version": "1"}}
        self.keys: Any = server_keys.write(name, [key], {}, now_ms + 24 * hour_ms + hour_ms // 2)
        self.clock_s = now_ms / 1000
        self.headers: dict[str, str] = {}

    def __call__(self, connection: Any, request: Request) -> None:
        documents = {
            "/_matrix/federation/v1/version": self.version,
            "/_matrix/key/v2/server": self.keys,
        }
        document = documents.get(request.target)
        if document is None:
            connection.sendall(NOT_FOUND)
            return
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        headers = {"Date": formatdate(self.clock_s, usegmt=True), **self.headers}
        connection.sendall(answer(body, **headers))
        if headers.get("Connection") == "close":
            connection.close()
