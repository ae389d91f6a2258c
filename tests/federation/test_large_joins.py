"""While a worker joins a room of thousands, its other requests go on: nothing of it takes longer at
a stretch than they may wait, whether the members come with the join or after it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from impl.config import Config
from impl.core import server_keys
from impl.core.signing import SigningKey
from impl.outbound.wire import WireResponse
from tests import hub_stretches
from tests.bench.peer.hosting import HostedRoom
from tests.federation import large_rooms
from tests.federation.conftest import Server
from tests.federation.fake_wire import Network
from tests.federation.made_up_server import a_key
from tests.federation.test_backfill import join

# What takes time with each member is beyond the limit with so many.
MEMBERS = 6_000
STRETCH_S_MAX = 0.035
KEYS_UNTIL_TS = 4_000_000_000_000


@dataclass
class Home:
    """A server that is made up: it answers for its keys and for the rooms that it has."""

    name: str
    rooms: dict[str, HostedRoom] = field(default_factory=dict)

    @property
    def key(self) -> SigningKey:
        return a_key(self.name, "one")

    def user(self, localpart: str) -> str:
        return f"@{localpart}:{self.name}"

    def answer(self, target: str, body: bytes | None) -> bytes:
        split = urlsplit(target)
        match [unquote(one) for one in split.path.split("/")[2:]]:
            case ["key", *_]:
                document = server_keys.write(self.name, [self.key], {}, KEYS_UNTIL_TS)
                return json.dumps(document).encode()
            case ["federation", _, operation, room_id, *rest] if room_id in self.rooms:
                room = self.rooms[room_id]
                query = parse_qs(split.query)
                return room.answer(operation, rest, query, json.loads(body or b"{}")) or b"{}"
        return b"{}"


@pytest.fixture(scope="module")
def homes() -> list[Home]:
    """The first one has a large room."""
    found = [Home(f"home{number}.test") for number in range(5)]
    room = HostedRoom(found, MEMBERS)
    found[0].rooms[room.room_id] = room
    return found


@pytest.mark.parametrize("comes", ["whole", "without its members"])
def test_a_large_room_keeps_nobody_waiting(
    homes: list[Home],
    network: Network,
    new_server: Callable[..., Server],
    config: Config,
    comes: str,
) -> None:
    ((room_id, room),) = homes[0].rooms.items()
    soma = large_rooms.joining(config, omit_members=comes != "whole")
    server = new_server("b.test", soma=soma)
    bob = server.register("bob")
    with hub_stretches.watching() as stretches:
        for home in homes:
            network.handlers[home.name] = _answering(home, stretches)
        join(bob, room_id, homes[0].name)
        large_rooms.settle(server)
    assert len(network.requests("b.test", homes[0].name, "/state/")) == (comes != "whole")
    assert len(large_rooms.members(bob, room_id)) == room.member_count
    assert not stretches.longer_than(STRETCH_S_MAX)


def _answering(home: Home, stretches: hub_stretches.Stretches) -> Callable[..., WireResponse]:
    """The time that the other server takes is not ours."""

    def answer(origin: str, to: str, method: str, target: str, body: bytes | None) -> WireResponse:
        with stretches.left_out():
            return WireResponse(200, {}, home.answer(target, body))

    return answer
