"""A server that knows how to sign and asks for whatever it likes: the other end of a handshake,
made by hand.

stranger = Stranger(network, "stranger.test", now_ms)
template = stranger.client.make_join("a.test", room_id, stranger.user_id, ALL_VERSIONS)
event_id, pdu = stranger.event_of(template, reason="let me in")
answer = stranger.client.send_join_v2("a.test", room_id, event_id, pdu, omit_members=False)
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from impl.core import event_hash, signing
from impl.core.room_version import ROOM_VERSIONS, RoomVersion
from impl.outbound.failures import Refused
from impl.outbound.federation import FederationClient
from tests.federation.fake_wire import Network
from tests.federation.made_up_server import MadeUpServer

Json = dict[str, Any]
ALL_VERSIONS = tuple(ROOM_VERSIONS)


class Stranger(MadeUpServer):
    def __init__(self, network: Network, name: str, now_ms: Callable[[], int]) -> None:
        super().__init__(network, name, now_ms)
        self.client = FederationClient(name, self.key, network.wire_of(name))
        self.user_id = f"@user:{name}"

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

    def join(self, server: str, room_id: str, user_id: str | None = None) -> Json:
        """Come into a room, without more ado; returns the answer."""
        user_id = user_id or self.user_id
        template = self.client.make_join(server, room_id, user_id, ALL_VERSIONS)
        event_id, pdu = self.event_of(template)
        return self.client.send_join_v2(server, room_id, event_id, pdu, omit_members=False)


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
