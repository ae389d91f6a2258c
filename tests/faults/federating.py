"""Servers that federate, each with processes of its own, and people on them who write and listen
while these are killed."""

import abc
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import gevent
import trustme

from tests.synapse.certificates import Certificates
from tests.synapse.homeservers import SomaServer
from tests.synapse.people import Json, Person, Refused, quote

ANSWER_S_MAX = 60.0
JOIN_S_MAX = 60.0


@contextmanager
def running(directory: Path, count: int) -> Iterator[list[SomaServer]]:
    """So many servers; at the end each stops without a trace."""
    certificates = Certificates(trustme.CA(), directory)
    servers = [SomaServer.new(certificates) for _ in range(count)]
    with ExitStack() as stack:
        try:
            gevent.joinall([gevent.spawn(one.start) for one in servers], raise_error=True)
        finally:
            for one in servers:
                stack.push(one.__exit__)
        yield servers


def kill_something(server: SomaServer, chance: random.Random, away_s: float) -> None:
    """One or all of its processes; the server runs again when this returns."""
    match chance.randrange(5):
        case 0:
            server.kill_a_worker(chance)
        case 1:
            server.kill_the_background_process()
        case 2:
            server.kill_the_supervisor()
        case _:
            server.kill()
    if not server.is_running:
        time.sleep(chance.uniform(0, away_s))
        server.start()


def again(person: Person, method: str, path: str, body: object = None) -> Json:
    """Ask until there is an answer: the same again where nobody was there, or nobody who could."""
    deadline = time.monotonic() + ANSWER_S_MAX
    while True:
        try:
            return person.call(method, path, body)
        except Refused as refused:
            if refused.status < 500 or time.monotonic() > deadline:
                raise
        except (OSError, ValueError):
            if time.monotonic() > deadline:
                raise
        time.sleep(0.1)


class Busy(threading.Thread, abc.ABC):
    """Does the same until it is told to stop."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.stopping = threading.Event()
        self.unexpected: list[BaseException] = []

    @abc.abstractmethod
    def step(self) -> None: ...

    def run(self) -> None:
        try:
            while not self.stopping.is_set():
                self.step()
        except BaseException as error:
            self.unexpected.append(error)

    def stop(self) -> None:
        self.stopping.set()
        self.join(2 * ANSWER_S_MAX)
        assert not self.is_alive() and self.unexpected == []


class Writer(Busy):
    """Writes one message after the other; one that was not answered for is sent again, the same."""

    def __init__(self, person: Person, room_id: str, pause_s: float) -> None:
        super().__init__()
        self.acknowledged: list[str] = []
        self._person = person
        self._path = f"/_matrix/client/v3/rooms/{quote(room_id)}/send/m.room.message"
        self._pause_s = pause_s

    def step(self) -> None:
        number = len(self.acknowledged)
        body = {"msgtype": "m.text", "body": f"{self._person.user_id} {number}"}
        answer = again(self._person, "PUT", f"{self._path}/{number}", body)
        self.acknowledged.append(answer["event_id"])
        time.sleep(self._pause_s)


class Listener(Busy):
    """Syncs, and goes on from what it has heard."""

    def __init__(self, person: Person, room_id: str) -> None:
        super().__init__()
        self._person = person
        self._room_id = room_id

    def step(self) -> None:
        try:
            self._person.sync(timeout_ms=500)
        except Refused as refused:
            if refused.status < 500:
                raise
        except (OSError, ValueError):
            time.sleep(0.1)

    @property
    def heard(self) -> Counter[str]:
        """How often it was told of each event."""
        return Counter(one["event_id"] for one in self._person.timelines.get(self._room_id, ()))


def gather(
    servers: Sequence[SomaServer], count: int, **options: object
) -> tuple[list[list[Person]], str]:
    """So many people on each of the servers, by server, and a room that all of them are in."""
    people = [
        [server.register(f"{name}{number}") for number in range(count)]
        for server, name in zip(servers, "abc", strict=False)
    ]
    first = people[0][0]
    room_id = first.create_room(preset="public_chat", **options)
    for one in people[0][1:]:
        one.join(room_id)
    for side in people[1:]:
        for one in side:
            one.join(room_id, servers[0].name)
            first.wait_for_membership(room_id, one, "join")
    return people, room_id


def wait_until_here(
    person: Person, room_id: str, event_ids: Sequence[str], seconds: float
) -> list[str]:
    """Which of some events have not come to somebody's server by then, without anybody having gone
    back for them.
    """
    deadline = time.monotonic() + seconds
    missing = list(event_ids)
    while missing and time.monotonic() < deadline:
        missing = [one for one in missing if not _is_here(person, room_id, one)]
        time.sleep(0.2)
    return missing


def _is_here(person: Person, room_id: str, event_id: str) -> bool:
    try:
        person.event(room_id, event_id)
    except Refused as refused:
        assert refused.status == 404, refused
        return False
    return True


def read_all(person: Person, room_id: str) -> list[str]:
    """The ids of all messages of a room."""
    events = person.history(room_id, limit=100_000)
    return [one["event_id"] for one in events if one["type"] == "m.room.message"]
