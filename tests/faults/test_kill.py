"""Sixteen people write in one room while every process of the server is killed. Whatever was
acknowledged must be there when it runs again, and what was not may be sent once more.

In CI one short round; `SOMA_FAULTS_ROUNDS=20` kills twenty times, after other times.
"""

import http.client
import os
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from tests.served import Served

SENDERS = 16
ROUNDS = int(os.environ.get("SOMA_FAULTS_ROUNDS", "1"))
ROUND_S = 2.0
BEGIN_S_MAX = 60.0
PAGE = 100


@dataclass
class Sent:
    """A message that was acknowledged, and when its sender began and was done."""

    event_id: str
    body: str
    began: float
    ended: float


@dataclass
class Sender:
    """Writes one message after the other, until nobody answers."""

    server: Served
    room_id: str
    user_id: str
    token: str
    acknowledged: list[Sent] = field(default_factory=list)
    refused: list[Any] = field(default_factory=list)
    count: int = 0
    first_tried: dict[int, float] = field(default_factory=dict)

    def run(self) -> None:
        connection = self.server.connect(timeout_s=30)
        try:
            while True:
                self.send(connection)
        except (OSError, http.client.HTTPException):
            pass  # Killed: the last message has no answer.
        finally:
            connection.close()

    def send(self, connection: Any) -> None:
        """The next message; it stays the next until it is acknowledged."""
        body = f"{self.user_id} {self.count}"
        path = f"{_room(self.room_id)}/send/m.room.message/t{self.count}"
        # One that was written, but never answered for, has its place since it was first sent.
        began = self.first_tried.setdefault(self.count, time.monotonic())
        status, answer = connection.request(
            "PUT", path, {"msgtype": "m.text", "body": body}, self.token
        )
        if status != 200:
            self.refused.append((status, answer))
            raise OSError("refused")
        self.acknowledged.append(Sent(answer["event_id"], body, began, time.monotonic()))
        self.count += 1

    def repeat_the_last(self) -> None:
        """As a client does that had no answer: the same request again."""
        connection = self.server.connect()
        self.send(connection)
        connection.close()


def _room(room_id: str) -> str:
    return f"/_matrix/client/v3/rooms/{quote(room_id, safe='')}"


def gather(server: Served) -> list[Sender]:
    """Sixteen people in a room."""
    owner_id, owner = server.register("sender0")
    made = server.call("POST", "/_matrix/client/v3/createRoom", {"preset": "public_chat"}, owner)
    room_id = made["room_id"]
    people = [Sender(server, room_id, owner_id, owner)]
    for number in range(1, SENDERS):
        user_id, token = server.register(f"sender{number}")
        server.call("POST", f"{_room(room_id)}/join", {}, token)
        people.append(Sender(server, room_id, user_id, token))
    return people


def messages(people: list[Sender], direction: str) -> list[dict[str, Any]]:
    """The whole timeline, page by page."""
    reader, found, start = people[0], [], None
    while True:
        query = {"dir": direction, "limit": PAGE, **({"from": start} if start else {})}
        page = reader.server.call(
            "GET", f"{_room(reader.room_id)}/messages?{urlencode(query)}", token=reader.token
        )
        found += page["chunk"]
        start = page.get("end")
        if not start:
            return found


def write_until_killed(server: Served, people: list[Sender], seconds: float) -> None:
    """`seconds` after each of them has been answered once."""
    before = [person.count for person in people]
    threads = [threading.Thread(target=person.run) for person in people]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + BEGIN_S_MAX
    while any(person.count == count for person, count in zip(people, before, strict=True)):
        assert time.monotonic() < deadline, "not everybody was answered"
        time.sleep(0.01)
    time.sleep(seconds)
    server.kill()
    for thread in threads:
        thread.join()


def check_order(people: list[Sender], timeline: list[dict[str, Any]]) -> None:
    """What was acknowledged is there once, in the order in which it was said."""
    ids = [event["event_id"] for event in timeline]
    place = {event_id: number for number, event_id in enumerate(ids)}
    assert len(place) == len(ids), "an event comes twice"
    sent = [one for person in people for one in person.acknowledged]
    lost = [one for one in sent if one.event_id not in place]
    assert not lost, f"{len(lost)} of {len(sent)} acknowledged events are lost, such as {lost[0]}"
    bodies = {event["event_id"]: event["content"].get("body") for event in timeline}
    assert all(bodies[one.event_id] == one.body for one in sent)
    # Whoever began when another had been answered comes after the other.
    newest_ended, ended = -1, sorted(sent, key=lambda one: one.ended)
    waiting = iter(ended)
    pending = next(waiting, None)
    for one in sorted(sent, key=lambda one: one.began):
        while pending is not None and pending.ended <= one.began:
            newest_ended = max(newest_ended, place[pending.event_id])
            pending = next(waiting, None)
        assert place[one.event_id] > newest_ended, f"{one} stands before what was there already"


def test_what_was_acknowledged_survives_the_death_of_every_process() -> None:
    with Served.new(workers=2) as server:
        people = gather(server)
        for number in range(ROUNDS):
            write_until_killed(server, people, ROUND_S + 0.37 * number)
            server.start()
            assert not [person.refused for person in people if person.refused]
            check_order(people, messages(people, "f"))
            for person in people:
                person.repeat_the_last()
        timeline = messages(people, "f")
        check_order(people, timeline)
        backwards = [event["event_id"] for event in messages(people, "b")]
        assert backwards == [event["event_id"] for event in reversed(timeline)]
        # Each message once, with the one that had no answer: it was sent again by the same name.
        for person in people:
            said = [
                event["content"]["body"]
                for event in timeline
                if event["sender"] == person.user_id and event["type"] == "m.room.message"
            ]
            assert said == [f"{person.user_id} {count}" for count in range(person.count)]
