"""A user of the server joins a room of ten thousand members that others have. Their client loads
members as it needs them, as most do.
"""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from tests.bench.peer import servers
from tests.bench.peer.hosting import HostedRoom
from tests.bench.peer.network import OtherServer
from tests.bench.peer.processes import Spent
from tests.bench.peer.servers import Measured
from tests.synapse.people import Json, Person

MEMBERS = 10_000
POLL_S = 0.5
LAZY = '{"room": {"state": {"lazy_load_members": true}}}'
# Synapse's line for a request that it has answered: the seconds that it took.
_ANSWERED = re.compile(
    r"Processed request: ([0-9.]+)sec.* \"[A-Z]+ [^\"]*/(make_join|send_join|state_ids|state)/"
)
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
    since = user.get("/sync", filter=LAZY)["next_batch"]
    before = servers.rest(server)
    began = time.monotonic()
    user.join(room.room_id, via)
    said = user.send(room.room_id, "hello")
    while not _shows(news := user.get("/sync", filter=LAZY, since=since, timeout=1000), room, said):
        since = news["next_batch"]
    usable_s = time.monotonic() - began
    usable_for = servers.spent(server) - before
    _wait_until_complete(user, room, members)
    complete_s = time.monotonic() - began
    return Joined(usable_s, usable_for, complete_s, servers.rest(server) - before)


def _shows(news: Json, room: HostedRoom, event_id: str) -> bool:
    """Whether a sync tells of what was said in the room."""
    told = news.get("rooms", {}).get("join", {}).get(room.room_id, {})
    events = told.get("timeline", {}).get("events", [])
    return any(one["event_id"] == event_id for one in events)


def answered(log: str) -> dict[str, float]:
    """What a Synapse took for each of its answers to a join, by its log: seconds by operation."""
    seconds: dict[str, float] = {}
    for taken, operation in _ANSWERED.findall(log):
        seconds[operation] = seconds.get(operation, 0.0) + float(taken)
    return seconds


def _wait_until_complete(user: Person, room: HostedRoom, members: int) -> None:
    deadline = time.monotonic() + COMPLETE_S_MAX
    place = f"/rooms/{quote(room.room_id)}/joined_members"
    while len(user.get(place)["joined"]) < members:
        assert time.monotonic() < deadline, "the room does not become complete"
        time.sleep(POLL_S)
