"""Two and three servers in one room, people writing and listening on each, and any of the servers,
or one of its processes, is killed at any time. Whatever was acknowledged on one is on all in the
end, once, and all have the same state.

An outage of seconds leaves no gap: everything comes by itself. In CI a few kills;
`SOMA_FAULTS_ROUNDS=10` kills so often more, so that some are away for longer than what they are
told again: then the rest comes when somebody goes back for it.
"""

import os
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.faults.federating import (
    Listener,
    Writer,
    gather,
    kill_something,
    read_all,
    running,
    wait_until_here,
)
from tests.synapse.homeservers import SomaServer
from tests.synapse.people import Person

ROUNDS = int(os.environ.get("SOMA_FAULTS_ROUNDS", "1"))
IS_LONG = ROUNDS > 1
# After a kill the next one comes so soon, with nobody running in between or with all.
QUIET_S = (0.3, 2.0)
AWAY_S = 0.5
# On each server so many write, and each rests for so long after a message.
WRITERS = 2
REST_S = 0.02 if IS_LONG else 0.1
COME_S_MAX = 30.0
MEND_S_MAX = 90.0


def test_two_servers_of_which_one_is_killed_at_any_time(tmp_path: Path) -> None:
    with running(tmp_path, 2) as servers:

        def kill(number: int, chance: random.Random) -> None:
            victim = servers[number % 2]
            victim.kill()
            time.sleep(chance.uniform(0, AWAY_S))
            victim.start()

        _talk(servers, 2 * ROUNDS, kill)


def test_three_servers_of_which_any_process_is_killed_at_any_time(tmp_path: Path) -> None:
    with running(tmp_path, 3) as servers:

        def kill(number: int, chance: random.Random) -> None:
            kill_something(servers[number % 3], chance, AWAY_S)

        _talk(servers, 3 * ROUNDS, kill)


def _talk(
    servers: Sequence[SomaServer], kills: int, kill: Callable[[int, random.Random], None]
) -> None:
    chance = random.Random(7)
    people, room_id = gather(servers, WRITERS, room_version="11")
    writers = [Writer(one, room_id, REST_S) for side in people for one in side]
    listeners = [Listener(side[-1], room_id) for side in people]
    for one in (*writers, *listeners):
        one.start()
    for number in range(kills):
        time.sleep(chance.uniform(*QUIET_S))
        kill(number, chance)
    time.sleep(1)
    for writer in writers:
        writer.stop()
    acknowledged = {event_id for writer in writers for event_id in writer.acknowledged}
    assert len(acknowledged) > 10 * len(writers)
    # Whoever hears of something new asks for what is missing before it.
    acknowledged |= {side[0].send(room_id, "the last") for side in people}

    readers = [side[0] for side in people]
    gone = [wait_until_here(one, room_id, acknowledged, COME_S_MAX) for one in readers]
    if not IS_LONG:
        assert not any(gone), _told(gone, servers)
    for listener in listeners:
        listener.stop()
        assert max(listener.heard.values()) == 1
    _check_history(readers, room_id, acknowledged, servers)


def _check_history(
    readers: Sequence[Person],
    room_id: str,
    acknowledged: set[str],
    servers: Sequence[SomaServer],
) -> None:
    deadline = time.monotonic() + MEND_S_MAX
    while True:
        found = [read_all(one, room_id) for one in readers]
        lost = [sorted(acknowledged - set(one)) for one in found]
        if not any(lost):
            break
        assert time.monotonic() < deadline, _told(lost, servers)
        time.sleep(1)
    for one in found:
        assert len(one) == len(set(one)), "an event comes twice"
    states = [one.state_ids(room_id) for one in readers]
    assert all(one == states[0] for one in states)


def _told(lost: Sequence[Sequence[str]], servers: Sequence[SomaServer]) -> str:
    lines = [f"{len(one)} are lost, such as {one[:3]}" for one in lost]
    return "\n".join([*lines, *(server.troubles for server in servers)])
