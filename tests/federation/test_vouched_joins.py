"""Joins for which somebody of another server vouches, where that server tells as little of the room
as Synapse does.
"""

import json
from typing import Any
from urllib.parse import quote

import pytest

from impl.config import Config
from impl.core import event_hash
from impl.core.room_version import ROOM_VERSIONS
from impl.outbound.wire import WireResponse
from tests.api.api_client import User
from tests.federation import large_rooms, rooms
from tests.federation.conftest import Server, Servers
from tests.federation.fake_wire import Network
from tests.federation.large_rooms import A, B, settle, state_of
from tests.federation.test_joining import join


@pytest.fixture
def b(new_server: Servers, config: Config) -> Server:
    return new_server(B, soma=large_rooms.joining(config, omit_members=True))


def tell_little(network: Network, version: str) -> None:
    """Of the auth chain to /send_join, only what leads to the state that is told with it."""
    real = network._answer

    def answer(sent: Any, *given: Any) -> WireResponse:
        response = real(sent, *given)
        if "/send_join/" not in sent.target or response.status != 200:
            return response
        told = json.loads(response.body)
        chain = {_id(one, version): one for one in told["auth_chain"]}
        wanted = [_id(one, version) for one in told["state"]]
        kept: dict[str, Any] = {}
        events = dict(zip(wanted, told["state"], strict=True))
        while wanted:
            for cited in (chain | events)[wanted.pop()]["auth_events"]:
                if cited in chain and cited not in kept:
                    kept[cited] = chain[cited]
                    wanted.append(cited)
        told["auth_chain"] = list(kept.values())
        return WireResponse(200, {}, json.dumps(told).encode())

    network._answer = answer  # type: ignore[method-assign]


def _id(pdu: dict[str, Any], version: str) -> str:
    covered = {key: value for key, value in pdu.items() if key != "unsigned"}
    return event_hash.event_id_of(covered, ROOM_VERSIONS[version])


def a_room_of(club: str, alice: User, version: str = "10", **more: Any) -> str:
    rules = {"type": "m.room.join_rules", "content": rooms.restricted_to(club)}
    return rooms.create(alice, version, name="Named", initial_state=[rules], **more)


def call(user: User, room_id: str, name: str) -> str:
    """Their membership with another name, which no other event cites."""
    content = {"membership": "join", "displayname": name}
    return rooms.put_state(user, room_id, "m.room.member", content, user.user_id)


@pytest.mark.parametrize("version", ["8", "10", "12"])
def test_the_membership_of_who_vouches_is_asked_for(
    a: Server, b: Server, network: Network, version: str
) -> None:
    """No state that is told cites it, nor the one before."""
    alice, bob = a.register("alice"), b.register("bob")
    club = rooms.create(alice)
    room_id = a_room_of(club, alice, version)
    assert join(bob, club, A).status == 200
    called = [call(alice, room_id, name) for name in ("Alice II", "Alice III")]
    tell_little(network, version)
    answer = join(bob, room_id, A)
    assert answer.status == 200, answer
    settle(b)
    assert state_of(bob, room_id) == state_of(alice, room_id)
    for event_id in called:
        assert len(network.requests(B, A, f"/event/{quote(event_id, safe='')}")) == 1


@pytest.mark.parametrize("pdus", [None, [], [{}], ["x"], {}])
def test_who_does_not_tell_it_is_not_joined_through(
    a: Server, b: Server, network: Network, pdus: object
) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    club = rooms.create(alice)
    room_id = a_room_of(club, alice)
    assert join(bob, club, A).status == 200
    settle(b)
    call(alice, room_id, "Alice II")
    tell_little(network, "10")

    def handler(
        origin: str, destination: str, method: str, target: str, body: bytes | None
    ) -> WireResponse | None:
        is_event = origin == B and "/federation/v1/event/" in target
        return WireResponse(200, {}, json.dumps({"pdus": pdus}).encode()) if is_event else None

    network.handlers[A] = handler
    answer = join(bob, room_id, A)
    assert answer.status == 502 and "template" in answer.json["error"], answer
