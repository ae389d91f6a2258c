"""The event at a time that another server has, and reading on from there. C-S API and S-S API, GET
/timestamp_to_event.
"""

import json
import time
from typing import Any
from urllib.parse import quote

import pytest

from impl.core.event_builder import Draft
from impl.outbound.wire import WireResponse
from tests.api.api_client import Answer, User
from tests.builders import append
from tests.federation import rooms
from tests.federation.conftest import Server
from tests.federation.fake_wire import Network
from tests.federation.test_backfill import bodies, ids, join, page

A, B = "a.test", "b.test"
MINUTE = 60_000
SAID = 900


def ask(user: User, room_id: str, ts: int, direction: str = "b") -> Answer:
    path = f"/_matrix/client/v1/rooms/{quote(room_id, safe='')}/timestamp_to_event"
    return user.get(path, {"ts": ts, "dir": direction})


class Diary:
    """A room on one server in which something was said every minute, long ago; and who comes into
    it on another now.
    """

    def __init__(self, a: Server, b: Server, said: int = SAID, gap_ms: int = MINUTE) -> None:
        self.alice, self.bob = a.register("alice"), b.register("bob")
        self.room_id = rooms.create(self.alice)
        self.start = time.time_ns() // 1_000_000 - 30 * 24 * 60 * MINUTE
        self.gap_ms = gap_ms
        self.said: list[str] = []
        for first in range(0, said, 100):
            drafts = [self.draft(number) for number in range(first, min(first + 100, said))]
            self.said += append(a.app, self.room_id, *drafts)
        join(self.bob, self.room_id, A)

    def draft(self, number: int) -> Draft:
        content = {"msgtype": "m.text", "body": f"{number}"}
        sender = self.alice.user_id
        return Draft("m.room.message", sender, content, origin_server_ts=self.ts(number))

    def ts(self, number: int) -> int:
        return self.start + number * self.gap_ms

    def jump(self, number: int, direction: str = "b", by_ms: int = 0) -> str:
        answer = ask(self.bob, self.room_id, self.ts(number) + by_ms, direction)
        assert answer.status == 200, answer
        return str(answer.json["event_id"])

    def around(self, event_id: str, limit: int = 10) -> Any:
        where = rooms.path(self.room_id, f"context/{quote(event_id)}")
        answer = self.bob.get(where, {"limit": limit})
        assert answer.status == 200, answer
        return answer.json


def test_the_event_at_a_time_is_fetched_with_what_is_around_it(
    a: Server, b: Server, network: Network
) -> None:
    diary = Diary(a, b)
    event_id = diary.jump(400, by_ms=1000)
    assert event_id == diary.said[400]
    assert diary.jump(300, "f", by_ms=-1000) == diary.said[300]
    around = diary.around(event_id)
    assert ids(around["events_before"]) == diary.said[399:394:-1]
    assert ids(around["events_after"]) == diary.said[401:406]
    assert len(network.requests(B, A, "/backfill/")) < 12


def test_one_reads_back_from_there_to_the_beginning(a: Server, b: Server) -> None:
    diary = Diary(a, b)
    around = diary.around(diary.jump(250))
    token, found = around["start"], ids(around["events_before"])
    while True:
        answer = page(diary.bob, diary.room_id, limit=100, **{"from": token})
        found += ids(answer["chunk"])
        if "end" not in answer:
            break
        token = answer["end"]
    assert [one for one in found if one in diary.said] == diary.said[249::-1]


def test_one_reads_on_from_there_to_the_newest(a: Server, b: Server, network: Network) -> None:
    diary = Diary(a, b)
    event_id = diary.jump(100)
    around = diary.around(event_id, 2)
    token, found = around["end"], ids(around["events_after"])
    while True:
        answer = page(diary.bob, diary.room_id, dir="f", limit=80, **{"from": token})
        found += ids(answer["chunk"])
        if "end" not in answer:
            break
        assert answer["end"] != token
        token = answer["end"]
    assert [one for one in found if one in diary.said] == diary.said[101:]
    # By the page, not one by one.
    assert len(network.requests(B, A, "/backfill/")) < 40


def test_who_reads_back_from_the_newest_skips_nothing_on_the_way(a: Server, b: Server) -> None:
    diary = Diary(a, b)
    diary.jump(100)
    token, found = None, []
    for _ in range(20):
        more = {"from": token} if token else {}
        answer = page(diary.bob, diary.room_id, limit=1000, **more)
        found += ids(answer["chunk"])
        if "end" not in answer:
            break
        token = answer["end"]
    assert [one for one in found if one in diary.said] == diary.said[::-1]


@pytest.mark.parametrize("gap_ms", [10, 20 * 60 * MINUTE // 1000])
def test_however_much_was_said(a: Server, b: Server, gap_ms: int) -> None:
    diary = Diary(a, b, 400, gap_ms)
    around = diary.around(diary.jump(50), 20)
    assert ids(around["events_after"]) == diary.said[51:61]
    answer = page(diary.bob, diary.room_id, dir="f", limit=100, **{"from": around["end"]})
    assert ids(answer["chunk"]) == diary.said[61 : 61 + len(answer["chunk"])]
    assert len(answer["chunk"]) > 10


def test_nobody_is_asked_where_history_is_whole(a: Server, b: Server, network: Network) -> None:
    diary = Diary(a, b, 20)
    while "end" in (answer := page(diary.bob, diary.room_id, limit=100)):
        page(diary.bob, diary.room_id, limit=100, **{"from": answer["end"]})
    asked = len(network.sent)
    assert diary.jump(10, by_ms=1) == diary.said[10]
    assert ask(diary.bob, diary.room_id, 1).status == 404
    assert ask(diary.bob, diary.room_id, diary.ts(5), "f").json["event_id"] == diary.said[5]
    assert len(network.sent) == asked
    assert ask(diary.alice, diary.room_id, diary.ts(5)).status == 200
    assert len(network.sent) == asked


def test_before_the_room_there_is_nothing_and_that_is_asked_once(
    a: Server, b: Server, network: Network
) -> None:
    diary = Diary(a, b, 20)
    for _ in range(3):
        assert ask(diary.bob, diary.room_id, 1).status == 404
    assert len(network.requests(B, A, "/timestamp_to_event/")) == 1


def test_what_one_may_not_see_is_passed_over(a: Server, b: Server) -> None:
    alice, bob = a.register("alice"), b.register("bob")
    room_id = rooms.create(alice)
    rooms.say(alice, room_id, "hidden")
    visibility = {"history_visibility": "joined"}
    rooms.put_state(alice, room_id, "m.room.history_visibility", visibility)
    rooms.say(alice, room_id, "hidden as well")
    join(bob, room_id, A)
    ts = time.time_ns() // 1_000_000
    found = ask(bob, room_id, ts)
    assert found.json["event_id"] == page(bob, room_id, limit=1)["chunk"][0]["event_id"]


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"event_id": 5, "origin_server_ts": 1},
        {"event_id": "$x", "origin_server_ts": "1"},
        {"event_id": "$x", "origin_server_ts": 2**60},
        {"event_id": "$unknown", "origin_server_ts": 1},
    ],
)
def test_an_answer_that_is_none_does_no_harm(
    a: Server, b: Server, network: Network, answer: Any
) -> None:
    diary = Diary(a, b, 20)

    def lie(
        origin: str, destination: str, method: str, target: str, body: bytes | None
    ) -> WireResponse | None:
        if "/timestamp_to_event/" in target:
            return WireResponse(200, {}, json.dumps(answer).encode())
        return None

    network.handlers[A] = lie
    assert ask(diary.bob, diary.room_id, diary.ts(10)).status == 404
    newest = page(diary.bob, diary.room_id, limit=5)
    assert bodies(newest["chunk"]) == ["19", "18", "17", "16"]
