"""A server that knows how to sign and asks for whatever it likes: the other end of a handshake,
made by hand.

stranger = Stranger(network, "stranger.test", now_ms)
template = stranger.client.make_join("a.test", room_id, stranger.user_id, ALL_VERSIONS)
event_id, pdu = stranger.event_of(template, reason="let me in")
answer = stranger.client.send_join_v2("a.test", room_id, event_id, pdu, omit_members=False)
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest

from impl.core import canonical_json, event_hash, signing
from impl.core.room_version import ROOM_VERSIONS, RoomVersion
from impl.outbound.failures import Refused
from impl.outbound.federation import FederationClient
from impl.outbound.wire import WireResponse
from tests.federation.fake_wire import Network
from tests.federation.made_up_server import MadeUpServer

Json = dict[str, Any]
ALL_VERSIONS = tuple(ROOM_VERSIONS)


class Reader(FederationClient):
    """Reads all of what it is answered."""

    def _exchange(self, *request: Any) -> Any:
        answer = super()._exchange(*request)
        return json.loads(msgspec.json.encode(answer))


class Stranger(MadeUpServer):
    def __init__(self, network: Network, name: str, now_ms: Callable[[], int]) -> None:
        super().__init__(network, name, now_ms)
        self.client = Reader(name, self.key, network.wire_of(name))
        self.user_id = f"@user:{name}"
        self._sent = 0

    def _answer(
        self, origin: str, destination: str, method: str, target: str, body: bytes | None
    ) -> WireResponse | None:
        """It signs all invites."""
        if "/_matrix/federation/v2/invite/" in target and not self.is_down:
            sent = json.loads(body or b"{}")
            version = ROOM_VERSIONS[sent["room_version"]]
            signed = signing.countersign_event(sent["event"], version, self.name, self.key)
            return WireResponse(200, {}, json.dumps({"event": signed}).encode())
        return super()._answer(origin, destination, method, target, body)

    def event_of(self, template: Json, **content: object) -> tuple[str, Json]:
        """What it makes of a template: the id and the signed PDU. `content` is added; None takes
        away.
        """
        version = ROOM_VERSIONS[template["room_version"]]
        pdu = dict(template["event"])
        merged = {**pdu["content"], **content}
        pdu["content"] = {name: value for name, value in merged.items() if value is not None}
        return self.sign(pdu, version)

    def sign(self, pdu: Json, version: RoomVersion, **fields: object) -> tuple[str, Json]:
        """Any event: with `fields` set, hashed and signed; and its id."""
        pdu = {**pdu, **fields}
        if not version.event_id_is_hash:
            pdu.setdefault("event_id", f"${len(str(pdu))}{self.now_ms()}:{self.name}")
        signed = signing.sign_event(pdu, version, self.name, self.key)
        return event_hash.event_id_of(signed, version), signed

    def countersigned(self, pdu: Json, version: RoomVersion) -> Json:
        """As it is, with its signature besides."""
        return signing.countersign_event(pdu, version, self.name, self.key)

    def join(self, server: str, room_id: str, user_id: str | None = None) -> Json:
        """Come into a room, without more ado; returns the answer."""
        user_id = user_id or self.user_id
        template = self.client.make_join(server, room_id, user_id, ALL_VERSIONS)
        event_id, pdu = self.event_of(template)
        return self.client.send_join_v2(server, room_id, event_id, pdu, omit_members=False)

    def say(self, server: str, room_id: str, kind: str, content: Json, **fields: object) -> str:
        """Send an event on top of the room, by a transaction; returns its id. A state event with
        `state_key`; who says it must be in the room.
        """
        template = self.client.make_leave(server, room_id, self.user_id)
        pdu = {**template["event"], "type": kind, "content": content}
        del pdu["state_key"]
        event_id, signed = self.sign(pdu, ROOM_VERSIONS[template["room_version"]], **fields)
        body = {"origin": self.name, "origin_server_ts": self.now_ms(), "pdus": [signed]}
        self._sent += 1
        answer = self.client.send_transaction(
            server, f"{self._sent}", canonical_json.encode(body, strict=False)
        )
        assert answer["pdus"][event_id] == {}, answer
        return event_id


@contextmanager
def refused(status: int, errcode: str) -> Iterator[Any]:
    """What is asked inside is refused in that way."""
    with pytest.raises(Refused) as caught:
        yield caught
    assert (caught.value.status, caught.value.errcode) == (status, errcode), caught.value


def membership_pdu(
    sender: str, user_id: str, membership: str, room_id: str, **fields: object
) -> Json:
    """Of a room that is nowhere; to be signed."""
    return {
        "type": "m.room.member",
        "sender": sender,
        "state_key": user_id,
        "room_id": room_id,
        "content": {"membership": membership},
        "origin_server_ts": 1_700_000_000_000,
        "depth": 5,
        "prev_events": [],
        "auth_events": [],
        **fields,
    }


def ids_of(pdus: Iterable[Json], version: str) -> list[str]:
    return [event_hash.event_id_of(one, ROOM_VERSIONS[version]) for one in pdus]


def by_key(pdus: Iterable[Json]) -> dict[tuple[str, str], Json]:
    return {(one["type"], one["state_key"]): one for one in pdus}


def holds_together(state: list[Json], chain: list[Json], version: str) -> bool:
    """Whether all that the events of a state cite, and so on, is there."""
    there = set(ids_of([*state, *chain], version))
    cited = [one for pdu in (*state, *chain) for one in pdu["auth_events"]]
    return all((one if isinstance(one, str) else one[0]) in there for one in cited)
