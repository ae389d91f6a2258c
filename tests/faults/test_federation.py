"""Two servers in one room, people writing on both, and either is killed at any time. Whatever was
acknowledged on one is on both in the end, once, and both have the same state.

In CI a few kills; `SOMA_FAULTS_ROUNDS=10` kills so often more.
"""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.synapse.certificates import Certificates
from tests.synapse.homeservers import SomaServer
from tests.synapse.people import Person, Refused

ROUNDS = int(os.environ.get("SOMA_FAULTS_ROUNDS", "1"))
WRITERS = 3
# After a kill the next one comes so soon, with nobody running in between or with both.
QUIET_S = (0.3, 2.0)
MEND_S_MAX = 90.0


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[SomaServer, SomaServer]]:
    certificates = Certificates(trustme.CA(), tmp_path)
    with SomaServer.new(certificates) as a, SomaServer.new(certificates) as b:
        yield a, b


class Writer(threading.Thread):
    """Writes one message after the other; one that was not answered for is sent again, the same."""

    def __init__(self, person: Person, room_id: str, stopping: threading.Event) -> None:
        super().__init__(daemon=True)
        self.person = person
        self.room_id = room_id
        self.stopping = stopping
        self.acknowledged: list[str] = []
        self.unexpected: list[Exception] = []

    def run(self) -> None:
        number = 0
        while not self.stopping.is_set():
            path = f"/rooms/{self.room_id}/send/m.room.message/{number}"
            body = {"msgtype": "m.text", "body": f"{self.person.user_id} {number}"}
            try:
                self.acknowledged.append(self.person.put(path, body)["event_id"])
                number += 1
            except Refused as refused:
                # It is stopping, or its database is.
                if refused.status < 500:
                    self.unexpected.append(refused)
                    return
                time.sleep(0.1)
            except (OSError, ValueError):
                time.sleep(0.1)  # Nobody is there.
            time.sleep(0.02)


def test_nothing_acknowledged_is_lost_or_told_twice(
    servers: tuple[SomaServer, SomaServer],
) -> None:
    chance = random.Random(7)
    people = [
        [server.register(f"{name}{number}") for number in range(WRITERS)]
        for server, name in zip(servers, ("a", "b"), strict=True)
    ]
    alice, bob = people[0][0], people[1][0]
    room_id = alice.create_room(preset="public_chat", room_version="11")
    for one in people[0][1:]:
        one.join(room_id)
    for one in people[1]:
        one.join(room_id, servers[0].name)
    for one in people[1]:
        alice.wait_for_membership(room_id, one, "join")

    stopping = threading.Event()
    writers = [Writer(one, room_id, stopping) for side in people for one in side]
    for writer in writers:
        writer.start()
    for number in range(2 * ROUNDS):
        time.sleep(chance.uniform(*QUIET_S))
        victim = servers[number % 2]
        victim.kill()
        time.sleep(chance.uniform(0, 0.5))
        victim.start()
    time.sleep(1)
    stopping.set()
    for writer in writers:
        writer.join(60)
    assert [one.unexpected for one in writers if one.unexpected] == []
    acknowledged = {event_id for writer in writers for event_id in writer.acknowledged}
    assert len(acknowledged) > 10

    # Whoever hears of something new asks for what is missing before it.
    last = [alice.send(room_id, "the last of a"), bob.send(room_id, "the last of b")]
    everything = acknowledged | set(last)
    deadline = time.monotonic() + MEND_S_MAX
    while True:
        found = [_messages(one, room_id) for one in (alice, bob)]
        if all(everything <= set(one) for one in found):
            break
        assert time.monotonic() < deadline, [sorted(everything - set(one))[:5] for one in found] + [
            server.troubles for server in servers
        ]
        time.sleep(1)
    for one in found:
        assert max(Counter(one).values()) == 1
    assert alice.state_ids(room_id) == bob.state_ids(room_id)


def _messages(person: Person, room_id: str) -> list[str]:
    events: list[dict[str, Any]] = person.history(room_id, limit=100_000)
    return [one["event_id"] for one in events if one["type"] == "m.room.message"]
