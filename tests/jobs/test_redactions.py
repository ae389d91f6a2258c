"""What was redacted is kept for a while, seen by nobody, and then it is gone."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from impl import errors
from impl.app import App
from impl.core import signing
from impl.core.auth.selection import POWER_LEVELS
from impl.core.event import Event
from impl.core.event_builder import Draft
from impl.core.room_version import ROOM_VERSIONS
from impl.jobs import redactions
from impl.services import client_events
from tests.builders import ALICE, BOB, CHARLIE, SERVER_NAME, a_room, append, member, message
from tests.services.room_events.elsewhere import DAVE, EVELYN, a_room_elsewhere, send
from tests.services.room_events.inspection import head_of, state_of, stored

WEEK_MS = 7 * 86_400_000
SECRET = "not for everybody"


@pytest.fixture
def a_clock(app: App) -> Callable[[int], None]:
    """Moves the App's clock on."""
    now = [app.now_ms()]
    app.now_ms = lambda: now[0]

    def move(by_ms: int) -> None:
        now[0] += by_ms

    return move


def redact(app: App, room_id: str, event_id: str) -> str:
    (made,) = append(app, room_id, Draft("m.room.redaction", ALICE, {}, redacts=event_id))
    return made


def row(app: App, event_id: str) -> tuple[str, int | None]:
    with app.database.read() as txn:
        txn.execute("SELECT pdu, redacted_ts FROM events WHERE event_id = %s", (event_id,))
        return txn.fetchone()


@pytest.mark.parametrize("version", ["1", "3", "10", "11", "12"])
def test_after_the_time_the_redacted_form_is_all_there_is_and_is_the_same_event(
    app: App, a_clock: Callable[[int], None], version: str
) -> None:
    room_id = a_room(app, room_version=version)
    (said,) = append(app, room_id, message(ALICE, SECRET))
    (kept,) = append(app, room_id, message(ALICE, "stays"))
    redact(app, room_id, said)
    shown = client_events.visible_pdu(stored(app, room_id, said))
    a_clock(WEEK_MS)
    redactions.drop_originals(app)
    assert SECRET in row(app, said)[0]
    a_clock(1)
    redactions.drop_originals(app)

    text, redacted_ts = row(app, said)
    assert SECRET not in text and redacted_ts is None
    pdu = json.loads(text)
    assert pdu == shown
    event = Event.from_pdu(pdu, ROOM_VERSIONS[version])
    assert event.event_id == said
    key = app.signing_key
    signing.verify_event(pdu, ROOM_VERSIONS[version], SERVER_NAME, key.key_id, key.verify_key)
    assert client_events.visible_pdu(stored(app, room_id, said)) == shown
    assert "stays" in row(app, kept)[0]


def test_an_event_that_came_after_its_redaction_is_kept_as_long(
    app: App, a_clock: Callable[[int], None]
) -> None:
    room = a_room_elsewhere()
    base = room.last
    said = room.add(message(EVELYN, SECRET), [base])
    gone = room.add(Draft("m.room.redaction", DAVE, {}, redacts=said.event_id), [base])
    send(app, room, *(one for one in room.events.values() if one not in (said, gone)))
    send(app, room, gone)
    a_clock(WEEK_MS)
    send(app, room, said)
    a_clock(WEEK_MS)
    redactions.drop_originals(app)
    assert SECRET in row(app, said.event_id)[0]
    a_clock(1)
    redactions.drop_originals(app)
    assert SECRET not in row(app, said.event_id)[0]


def test_with_null_it_is_kept_for_ever(new_app: Callable[..., App]) -> None:
    app = new_app(redaction_retention_period=None)
    room_id = a_room(app)
    (said,) = append(app, room_id, message(ALICE, SECRET))
    redact(app, room_id, said)
    now_ms = app.now_ms()
    app.now_ms = lambda: now_ms + 1_000 * WEEK_MS
    redactions.drop_originals(app)
    assert SECRET in row(app, said)[0]


def test_a_second_redaction_does_not_keep_it_longer(
    app: App, a_clock: Callable[[int], None]
) -> None:
    room_id = a_room(app)
    (said,) = append(app, room_id, message(ALICE, SECRET))
    redact(app, room_id, said)
    a_clock(WEEK_MS)
    redact(app, room_id, said)
    a_clock(1)
    redactions.drop_originals(app)
    assert SECRET not in row(app, said)[0]


def test_many_go_in_batches_found_by_an_index(
    app: App, a_clock: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redactions, "BATCH_EVENTS", 2)
    room_id = a_room(app)
    said = append(app, room_id, *(message(ALICE, f"{SECRET} {n}") for n in range(5)))
    for event_id in said:
        redact(app, room_id, event_id)
    a_clock(WEEK_MS + 1)
    assert redactions.drop_originals(app) is False
    assert not any(SECRET in row(app, event_id)[0] for event_id in said)

    with app.database.transaction() as txn:
        txn.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        txn.execute(
            "EXPLAIN SELECT 1 FROM events WHERE redacted_ts < 1 ORDER BY redacted_ts LIMIT 2"
        )
        plan: Any = txn.fetchall()
    assert "events_redacted" in plan[1][0]


def test_another_worker_is_indifferent_to_whether_it_is_kept(
    new_app: Callable[..., App], a_clock: Callable[[int], None], app: App
) -> None:
    room_id = a_room(app)
    (said,) = append(app, room_id, message(ALICE, SECRET))
    redact(app, room_id, said)
    other = new_app(app.database.dsn)
    one = stored(other, room_id, said)
    with other.database.read() as txn:
        cached = other.events.get(txn, one.room_nid, one.event_nid)
    assert cached is not None and SECRET not in str(cached.event.pdu)
    a_clock(WEEK_MS + 1)
    redactions.drop_originals(app)
    assert cached.event.pdu == json.loads(row(app, said)[0])


def test_in_the_rules_a_redacted_event_counts_without_what_it_lost_from_the_beginning(
    app: App, a_clock: Callable[[int], None]
) -> None:
    """Until version 11 the level of invites does not survive a redaction."""
    levels = Draft("m.room.power_levels", ALICE, {"users": {ALICE: 100}, "invite": 100}, "")
    room_id = a_room(app, room_version="10", first=[member(BOB, "join"), levels])
    with pytest.raises(errors.Forbidden):
        append(app, room_id, member(CHARLIE, "invite", BOB))
    event_id = state_of(app, room_id, head_of(app, room_id).current_state_root)[POWER_LEVELS]
    redact(app, room_id, event_id)
    append(app, room_id, member(CHARLIE, "invite", BOB))
    a_clock(WEEK_MS + 1)
    redactions.drop_originals(app)
    append(app, room_id, member("@dora:soma.test", "invite", BOB))
