"""Messages to devices of another server while either server, or one of its processes, is killed:
each arrives once, in the order in which its sender sent them.

In CI a few kills; `SOMA_FAULTS_ROUNDS=10` kills so often more.
"""

import os
import random
import time
from pathlib import Path

from tests.faults.federating import ANSWER_S_MAX, Busy, again, kill_something, running
from tests.synapse.people import Person

ROUNDS = int(os.environ.get("SOMA_FAULTS_ROUNDS", "1"))
KILLS = 4
QUIET_S = (0.3, 2.0)
AWAY_S = 0.5
REST_S = 0.03
ARRIVE_S_MAX = 60.0


class Sender(Busy):
    """Numbers what it sends to somebody; what was not answered for is sent again, the same."""

    def __init__(self, person: Person, to: Person) -> None:
        super().__init__()
        self.sent = 0
        self.person = person
        self._to = to

    def step(self) -> None:
        body = {"messages": {self._to.user_id: {"*": {"n": self.sent}}}}
        path = f"/_matrix/client/v3/sendToDevice/m.test/t{self.sent}"
        again(self.person, "PUT", path, body)
        self.sent += 1
        time.sleep(REST_S)


class Device(Busy):
    """Syncs; goes on only from what it has whole."""

    def __init__(self, person: Person) -> None:
        super().__init__()
        self._person = person
        self._since = ""

    def step(self) -> None:
        query = f"timeout=300&since={self._since}" if self._since else "timeout=0"
        answer = again(self._person, "GET", f"/_matrix/client/v3/sync?{query}")
        self._since = answer["next_batch"]
        self._person.to_device += answer.get("to_device", {}).get("events", [])

    def heard(self, sender: Person) -> list[int]:
        return [
            one["content"]["n"] for one in self._person.to_device if one["sender"] == sender.user_id
        ]


def test_each_message_arrives_once_whatever_is_killed(tmp_path: Path) -> None:
    chance = random.Random(7)
    with running(tmp_path, 2) as servers:
        people = [
            [server.register(f"{name}{number}") for number in range(2)]
            for server, name in zip(servers, "ab", strict=True)
        ]
        receivers = [people[0][0], people[1][0]]
        devices = [Device(one) for one in receivers]
        senders = [
            Sender(one, to)
            for side, to in zip(people, reversed(receivers), strict=True)
            for one in side
        ]
        for one in (*devices, *senders):
            one.start()
        for number in range(KILLS * ROUNDS):
            time.sleep(chance.uniform(*QUIET_S))
            kill_something(servers[number % 2], chance, AWAY_S)
        for sender in senders:
            sender.stop()
        heard = dict(zip(people[1], [devices[0]] * 2, strict=True))
        heard |= dict(zip(people[0], [devices[1]] * 2, strict=True))
        deadline = time.monotonic() + max(ARRIVE_S_MAX, ANSWER_S_MAX)
        while time.monotonic() < deadline and any(
            len(heard[one.person].heard(one.person)) < one.sent for one in senders
        ):
            time.sleep(0.1)
        for sender in senders:
            told = heard[sender.person].heard(sender.person)
            assert told == list(range(sender.sent)), [one.troubles for one in servers]
            assert sender.sent > 10
        for device in devices:
            device.stop()
