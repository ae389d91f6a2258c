"""What is much work holds up neither other rooms nor other requests."""

import time
from collections.abc import Sequence
from typing import Any

import gevent
import pytest
from gevent.event import Event as Signal

from impl.app import App
from impl.core import event_builder
from impl.core.event import Event
from impl.core.event_builder import Draft, Place
from impl.services.room_events import batching, merging, receive
from impl.services.room_events.submission import Received, Submission
from tests.builders import ALICE, a_room, append, member, message
from tests.services.room_events.elsewhere import (
    DAVE,
    ELSEWHERE,
    KEY,
    Elsewhere,
    a_room_elsewhere,
    send,
)
from tests.services.room_events.inspection import timeline_ids


class Fork:
    """A room elsewhere, and events in it that stand on what nobody has, each with a state that
    somebody tells."""

    def __init__(self, app: App, version: str = "11") -> None:
        self.app = app
        self.room: Elsewhere = a_room_elsewhere(version)
        send(app, self.room, *self.room.events.values())
        self.room_id = self.room.create.room_id
        self.state = self.room.after(self.room.last)

    def event(self, draft: Draft, prev: str) -> Event:
        keys = [("m.room.create", ""), ("m.room.power_levels", ""), ("m.room.join_rules", "")]
        if draft.type == "m.room.message":
            keys = [*keys[:2], ("m.room.member", DAVE)]
        if self.room.version.room_id_is_create_hash:
            del keys[0]
        place = Place(self.room_id, self.room.version, [prev], [self.state[k] for k in keys], 10)
        return event_builder.build(
            draft, place, now_ms=1_000_000, server_name=ELSEWHERE, signing_key=KEY
        )

    def members(self, number: int, name: str) -> list[str]:
        """So many people whom only this state knows, or by this name."""
        made = [
            self.event(member(f"@{n}:{ELSEWHERE}", "join", displayname=name), self.room.last)
            for n in range(number)
        ]
        for start in range(0, number, 500):
            send(self.app, self.room, *made[start : start + 500], is_outlier=True)
        return [one.event_id for one in made]

    def tell(self, name: str, more: Sequence[str]) -> None:
        told = self.event(message(DAVE, name), f"${name:x<43}")
        state = [*self.state.values(), *more]
        received = [Received(told, state_before=state)]
        batching.submit(self.app, Submission(self.room_id, [], received=received))


def test_other_rooms_go_on_while_a_state_is_taken_in(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    fork, other = Fork(app), a_room(app)
    begun, may_go_on, append_received = Signal(), Signal(), receive.append

    def slow(room: Any, received: Sequence[Received], *rest: Any) -> list[str]:
        if any(one.state_before is not None for one in received):
            begun.set()
            assert may_go_on.wait(10)
        return append_received(room, received, *rest)

    monkeypatch.setattr(receive, "append", slow)
    telling = gevent.spawn(fork.tell, "x", [])
    assert begun.wait(10)
    said = [append(app, other, message(ALICE, str(number)))[0] for number in range(3)]
    assert not telling.ready()
    assert timeline_ids(app, other)[-3:] == said
    may_go_on.set()
    telling.get(timeout=10)
    assert len(timeline_ids(app, fork.room_id)) == len(fork.room.events) + 1


@pytest.mark.parametrize("version", ["6", "12"])
def test_others_have_their_turn_while_states_are_resolved(
    app: App, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setattr(merging, "BREATH_LOOKS", 100)
    fork = Fork(app, version)
    fork.tell("x", fork.members(300, "one"))
    others = fork.members(300, "other")
    settle, turns = merging.Dispute.settle, []

    def watched(self: merging.Dispute, *rest: Any) -> Any:
        counting = gevent.spawn(_count, turns)
        try:
            return settle(self, *rest)
        finally:
            counting.kill()

    monkeypatch.setattr(merging.Dispute, "settle", watched)
    fork.tell("y", others)
    assert len(turns) > 5


def _count(turns: list[float]) -> None:
    while True:
        turns.append(time.monotonic())
        gevent.sleep(0)
