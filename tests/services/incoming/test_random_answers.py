"""Answers about what is missing in which something is not what it was: whatever it is, nothing of
ours breaks, nothing waits for ever, and the room goes on.
"""

import logging
import random

import pytest

from impl.app import App
from impl.services.incoming import missing_state, staging
from tests.builders import message
from tests.services.incoming.conftest import Clock
from tests.services.incoming.site import Site, let_in, put, settle
from tests.services.incoming.test_staging import waiting
from tests.services.room_events.elsewhere import DAVE, EVELYN, a_room_elsewhere, topic
from tests.services.room_events.inspection import timeline_ids
from tests.services.spoiling import spoil_answers

OPERATIONS = ("get_missing_events", "state_ids", "state", "event", "event_auth")
ROUNDS = 15


@pytest.mark.parametrize("version", ["1", "11"])
def test_nothing_breaks_over_an_answer(
    app: App,
    site: Site,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
) -> None:
    chance = random.Random(version)
    placed = 0
    for number in range(ROUNDS):
        # Sometimes the whole state is asked for.
        monkeypatch.setattr(missing_state, "SINGLY_MAX", chance.choice([0, 500]))
        room = a_room_elsewhere(version, f"room{number}")
        room_id = let_in(app, site, room)
        base = room.last
        if chance.random() < 0.5:
            site.answers["get_missing_events"] = None
        room.add(topic(DAVE, "missing"))
        room.add(message(EVELYN, "missing"))
        top = room.add(message(EVELYN, "top"))
        honest = site.network.handlers.copy()
        spoil_answers(site, chance, *OPERATIONS)
        put(app, top)
        settle(app)
        for _ in range(3):
            clock.now_ms += staging.RETRY_MS_MAX * 3
            staging.take_up(app)
            settle(app)
        assert waiting(app, room_id) == []
        placed += top.event_id in timeline_ids(app, room_id)
        site.network.handlers.update(honest)
        site.answers.clear()
        fine = room.add(message(DAVE, "fine"), [base])
        assert put(app, fine) == {fine.event_id: {}}
        assert fine.event_id in timeline_ids(app, room_id)
    assert 0 < placed < ROUNDS
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []
