"""People come, go, and change their keys while clients sync from two workers: in the end each
client has the newest keys of all it shares a room with, and of nobody else."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import gevent
import pytest

from impl.app import App
from impl.services import device_keys
from impl.services.room_events import batching
from impl.services.room_events.submission import Submission
from impl.services.sync import sync as syncing
from impl.services.sync.request import Question
from tests.builders import a_requester, a_room, append, member, message
from tests.keyring import Device
from tests.services.keys_client import publish
from tests.services.sync_client import plain
from tests.to_device import a_person

NAMES = ("alice", "bob", "charlie", "dora")
USERS = [f"@{name}:soma.test" for name in NAMES]
ACTS = 60
NO_ROOMS = '{"room": {"rooms": []}}'


@dataclass
class World:
    """What is true: who is where, and how often everybody has changed their keys."""

    workers: list[App]
    chance: random.Random
    rooms: list[str]
    joined: set[tuple[str, str]] = field(default_factory=set)
    versions: dict[str, int] = field(default_factory=lambda: dict.fromkeys(USERS, 0))
    is_over: bool = False

    def act(self, user_id: str) -> None:
        """Something that only this user does, so that what is true is known."""
        app = self.chance.choice(self.workers)
        room_id = self.chance.choice(self.rooms)
        is_in = (user_id, room_id) in self.joined
        if self.chance.random() < 0.3:
            version = self.versions[user_id] + 1
            publish(app, Device(user_id), identity=Device(user_id).keys(algorithms=[str(version)]))
            self.versions[user_id] = version
        elif not is_in:
            append(app, room_id, member(user_id, "join"))
            self.joined.add((user_id, room_id))
        elif self.chance.random() < 0.3:
            batching.submit(app, Submission(room_id, [message(user_id, "hello")] * 3))
        else:
            append(app, room_id, member(user_id, "leave"))
            self.joined.discard((user_id, room_id))

    def sharing(self, user_id: str) -> set[str]:
        mine = {room_id for one, room_id in self.joined if one == user_id}
        return {one for one, room_id in self.joined if room_id in mine and one != user_id}


@dataclass
class Client:
    world: World
    user_id: str
    filter: str | None
    since: str | None = None
    # Whose keys it follows, and which it has.
    known: dict[str, int] = field(default_factory=dict)

    def sync(self) -> None:
        app = self.world.chance.choice(self.world.workers)
        app.news.catch_up_if_behind()  # As each request does.
        question = Question(since=self.since, filter=self.filter)
        answer = plain(syncing.answer(app, a_requester(self.user_id), question))
        self.since = answer["next_batch"]
        told = answer["device_lists"]
        assert not set(told["changed"]) & set(told["left"])
        for user_id in told["left"]:
            self.known.pop(user_id, None)
        if told["changed"]:
            self.fetch(told["changed"])

    def fetch(self, user_ids: list[str]) -> None:
        app = self.world.chance.choice(self.world.workers)
        asked: dict[str, list[str]] = {user_id: [] for user_id in user_ids}
        found = plain(device_keys.query(app, a_requester(self.user_id), asked))["device_keys"]
        for user_id, devices in found.items():
            algorithms = [devices[one]["algorithms"][0] for one in devices]
            self.known[user_id] = int(algorithms[0]) if algorithms else 0

    def follow(self) -> None:
        while not self.world.is_over:
            self.sync()
            gevent.sleep(0)


@pytest.mark.parametrize("seed", range(6))
def test_everybody_knows_the_keys_of_whom_they_share_a_room_with(
    new_app: Callable[..., App], seed: int
) -> None:
    one = new_app()
    for name in NAMES:
        a_person(one, name, "DEVICE")
    # Somebody is in all rooms, and does nothing.
    host = "@host:soma.test"
    world = World([one, new_app(one.database.dsn)], random.Random(seed), [])
    world.rooms = [a_room(one, host) for _ in range(3)]
    world.joined = {(host, room_id) for room_id in world.rooms}
    world.versions[host] = 0
    filters = {USERS[3]: NO_ROOMS}
    clients = [Client(world, user_id, filters.get(user_id)) for user_id in USERS]
    for client in clients:
        client.sync()

    def live(user_id: str) -> None:
        for _ in range(ACTS // len(USERS)):
            world.act(user_id)

    with gevent.Timeout(120):
        following = [gevent.spawn(client.follow) for client in clients]
        gevent.joinall([gevent.spawn(live, user_id) for user_id in USERS], raise_error=True)
        world.is_over = True
        gevent.joinall(following, raise_error=True)
    for client in clients:
        client.sync()
        client.known.pop(client.user_id, None)
        shared = {user_id: world.versions[user_id] for user_id in world.sharing(client.user_id)}
        assert client.known == shared, client.user_id
