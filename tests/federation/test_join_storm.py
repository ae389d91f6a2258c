"""Very many servers that come into very many rooms at once: they do, as fast as that goes, and who
was here before hardly notices.
"""

from collections.abc import Callable

import gevent

from tests.federation import rooms
from tests.federation.conftest import Server
from tests.federation.fake_wire import Network
from tests.federation.made_up_server import Clock
from tests.federation.stranger import Stranger

A = "a.test"
SERVERS, ROOMS = 40, 4


def test_clients_are_answered_in_a_storm_of_joins(
    new_server: Callable[..., Server], network: Network
) -> None:
    a = new_server(A, Clock())
    alice = a.register("alice")
    room_ids = [rooms.create(alice, name=f"{number}") for number in range(ROOMS)]
    joined: list[str] = []

    def come(number: int) -> None:
        stranger = Stranger(network, f"made-up{number}.test", a.app.now_ms)
        for room_id in room_ids:
            stranger.join(A, room_id)
            joined.append(room_id)

    storm = [gevent.spawn(come, number) for number in range(SERVERS)]
    while not joined:
        gevent.sleep(0.001)
    for number in range(5):
        rooms.say(alice, room_ids[0], f"said {number}")
    # Answered before the storm is over.
    assert len(joined) < SERVERS * ROOMS
    gevent.joinall(storm, timeout=60, raise_error=True)
    assert len(joined) == SERVERS * ROOMS
    members = alice.get(rooms.path(room_ids[-1], "joined_members")).json["joined"]
    assert len(members) == SERVERS + 1
