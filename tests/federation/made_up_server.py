"""A server that is made up: it has keys, and answers for them as one that a test thinks of would.

other = MadeUpServer(network, "other.test", now_ms)
other.asked                  how often it was asked for its keys
other.is_down = True
other.knows(third)           as a notary it passes on what `third` says of itself
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from impl.core import server_keys, signing
from impl.core.room_version import RoomVersion
from impl.core.server_keys import ServerKey
from impl.core.signing import SigningKey
from impl.outbound.failures import Unreachable
from impl.outbound.wire import WireResponse
from tests.federation.fake_wire import Network

DAY_MS = 86_400_000
KEYS, QUERY = "/_matrix/key/v2/server", "/_matrix/key/v2/query"


class Clock:
    """The time of a test: `now_ms` of all its servers."""

    def __init__(self) -> None:
        self.ms = 1_700_000_000_000

    def __call__(self) -> int:
        return self.ms


def a_key(server_name: str, version: str) -> SigningKey:
    seed = hashlib.sha256(f"{server_name} {version}".encode()).digest()
    return signing.new_signing_key(seed, version)


class MadeUpServer:
    def __init__(self, network: Network, name: str, now_ms: Callable[[], int]) -> None:
        self.name = name
        self.now_ms = now_ms
        self.keys = [a_key(name, "one")]
        self.old_keys: dict[str, ServerKey] = {}
        self.valid_for_ms = DAY_MS
        self.is_down = False
        # What others asked of it as a notary, and what it answers: documents.
        self.queries: list[dict[str, Any]] = []
        self.documents: list[Any] = []
        self._network = network
        network.handlers[name] = self._answer

    @property
    def key(self) -> SigningKey:
        return self.keys[0]

    @property
    def asked(self) -> int:
        return sum(
            one.destination == self.name and one.target == KEYS for one in self._network.sent
        )

    def rotate(self, version: str) -> None:
        """From now on it signs with another key."""
        old = self.key
        self.old_keys[old.key_id] = ServerKey(old.verify_key, self.now_ms(), True)
        self.keys = [a_key(self.name, version)]

    def document(self) -> dict[str, Any]:
        """What it says of itself."""
        until_ts = self.now_ms() + self.valid_for_ms
        return server_keys.write(self.name, self.keys, self.old_keys, until_ts)

    def knows(self, *others: "MadeUpServer") -> None:
        self.documents += [self.signed(other.document()) for other in others]

    def signed(self, document: dict[str, Any]) -> dict[str, Any]:
        return signing.sign_json(document, self.name, self.key)

    def event(
        self, room_version: RoomVersion, key: SigningKey | None = None, **fields: object
    ) -> dict[str, Any]:
        """A message that it has signed, in no room of ours."""
        pdu: dict[str, Any] = {
            "type": "m.room.message",
            "sender": f"@user:{self.name}",
            "room_id": f"!room:{self.name}",
            "content": {"msgtype": "m.text", "body": "x"},
            "origin_server_ts": self.now_ms(),
            "depth": 1,
            "prev_events": [],
            "auth_events": [],
            **fields,
        }
        return signing.sign_event(pdu, room_version, self.name, key or self.key)

    def _answer(
        self, origin: str, destination: str, method: str, target: str, body: bytes | None
    ) -> WireResponse | None:
        if self.is_down:
            raise Unreachable(self.name, "it is down")
        answer: Any = {}
        if target == KEYS:
            answer = self.document()
        elif target == QUERY:
            self.queries.append(json.loads(body or b"{}")["server_keys"])
            answer = {"server_keys": self.documents}
        return WireResponse(200, {}, json.dumps(answer).encode())
