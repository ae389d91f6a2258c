"""A client that follows /sync and keeps what it was told, for tests that compare this with what is
there.
"""

import random
from dataclasses import dataclass, field
from typing import Any

from impl.app import App
from impl.services import history
from impl.services.history import Range
from impl.services.sync import sync as syncing
from impl.services.sync.request import Question
from tests.services.sync_client import plain, requester

MEMBER = "m.room.member"
StateKey = tuple[str, str]


@dataclass
class KnownRoom:
    section: str
    state: dict[StateKey, str] = field(default_factory=dict)
    # event ids, oldest first; what a limited timeline left out is asked for at once.
    timeline: list[str] = field(default_factory=list)
    senders: set[str] = field(default_factory=set)


@dataclass
class Follower:
    """One device of a user. It asks any of the workers, and may lose an answer on its way."""

    user_id: str
    device_id: str
    workers: list[App]
    filter: str = "{}"
    use_state_after: bool = False
    is_lazy: bool = False
    since: str | None = None
    rooms: dict[str, KnownRoom] = field(default_factory=dict)

    def sync(self, chance: random.Random, timeout_ms: int = 0, loses: float = 0.0) -> None:
        app = self._worker(chance)
        question = Question(
            filter=self.filter,
            since=self.since,
            timeout_ms=timeout_ms,
            use_state_after=self.use_state_after,
        )
        answer = plain(syncing.answer(app, requester(self.user_id, self.device_id), question))
        if chance.random() < loses:
            return
        for section, rooms in answer["rooms"].items():
            for room_id, told in rooms.items():
                if section in ("join", "leave"):
                    self._follow(app, section, room_id, told)
                else:
                    self.rooms.setdefault(room_id, KnownRoom(section)).section = section
        self.since = answer["next_batch"]

    def _worker(self, chance: random.Random) -> App:
        app = chance.choice(self.workers)
        app.news.catch_up_if_behind()  # As each request does.
        return app

    def _follow(self, app: App, section: str, room_id: str, told: dict[str, Any]) -> None:
        room = self.rooms.setdefault(room_id, KnownRoom(section))
        was, room.section = room.section, section
        if self.is_lazy and was == "leave":
            # Of a room that it was not in, a client cannot know who came and went.
            room.state = {key: one for key, one in room.state.items() if key[0] != MEMBER}
        timeline = told["timeline"]
        if timeline["limited"]:
            is_in = section == "join"
            room.timeline = self._history(app, room_id, timeline["prev_batch"]) if is_in else []
        new = [one["event_id"] for one in timeline["events"]]
        # Nothing is told twice.
        assert not set(new) & set(room.timeline), (self.device_id, room_id)
        assert len(set(new)) == len(new)
        room.timeline += new
        room.senders = {one["sender"] for one in timeline["events"]}
        self._learn_state(room, told)
        if self.is_lazy and section == "join":
            # Whoever speaks is known.
            assert {(MEMBER, sender) for sender in room.senders} <= set(room.state), self.device_id

    def _learn_state(self, room: KnownRoom, told: dict[str, Any]) -> None:
        if self.use_state_after:
            assert "state" not in told
            learnt = told["state_after"]["events"]
        else:
            assert "state_after" not in told
            learnt = told["state"]["events"] + told["timeline"]["events"]
        for one in learnt:
            if "state_key" in one:
                room.state[one["type"], one["state_key"]] = one["event_id"]

    def _history(self, app: App, room_id: str, token: str) -> list[str]:
        found: list[str] = []
        asker = requester(self.user_id, self.device_id)
        while True:
            asked = Range(is_back=True, from_token=token, limit=7)
            page = plain(history.messages(app, asker, room_id, asked))
            found += [one["event_id"] for one in page["chunk"]]
            if "end" not in page:
                return found[::-1]
            token = page["end"]
