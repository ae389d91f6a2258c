"""A user of the server joins a room of ten thousand members that others have."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from tests.bench.peer import servers
from tests.bench.peer.hosting import HostedRoom
from tests.bench.peer.network import OtherServer
from tests.bench.peer.processes import Spent
from tests.bench.peer.servers import Measured
from tests.synapse.people import Person

MEMBERS = 10_000
POLL_S = 1.0
COMPLETE_S_MAX = 1_200.0


@dataclass(frozen=True, slots=True)
class Joined:
    """Seconds until the user could talk and read, and until the room was complete, and what the
    server had spent until then.
    """

    usable_s: float
    usable_for: Spent
    complete_s: float
    complete_for: Spent


def host(others: Sequence[OtherServer], members: int = MEMBERS) -> HostedRoom:
    room = HostedRoom(others, members)
    others[0].rooms[room.room_id] = room
    return room


def join(server: Measured, room: HostedRoom, via: str) -> Joined:
    members = room.member_count + 1
    user = server.register(f"joiner{time.time_ns()}")
    user.sync()
    before = servers.rest(server)
    began = time.monotonic()
    user.join(room.room_id, via)
    user.send(room.room_id, "hello")
    while room.room_id not in user.rooms["join"]:
        user.sync(timeout_ms=1000)
    usable_s = time.monotonic() - began
    usable_for = servers.spent(server) - before
    _wait_until_complete(user, room, members)
    complete_s = time.monotonic() - began
    return Joined(usable_s, usable_for, complete_s, servers.rest(server) - before)


def _wait_until_complete(user: Person, room: HostedRoom, members: int) -> None:
    deadline = time.monotonic() + COMPLETE_S_MAX
    place = f"/rooms/{quote(room.room_id)}/joined_members"
    while len(user.get(place)["joined"]) < members:
        assert time.monotonic() < deadline, "the room does not become complete"
        time.sleep(POLL_S)
