"""PDUs that wait for a server that cannot be reached: for how long, how many, and what ends it."""

import gevent
import pytest

from impl.app import App
from impl.services.incoming import staging
from tests.builders import SERVER_NAME, message
from tests.federation.fake_wire import Network
from tests.services.incoming.conftest import Clock
from tests.services.incoming.site import Site, let_in, put, settle
from tests.services.incoming.test_staging import waiting
from tests.services.room_events.elsewhere import ELSEWHERE, EVELYN, a_room_elsewhere
from tests.services.room_events.inspection import timeline_ids


def test_while_a_server_cannot_be_reached_all_that_it_has_sent_waits_as_one(
    app: App, site: Site, network: Network, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    put(app, room.add(message(EVELYN, "so that its key is known")))
    room.add(message(EVELYN, "missing"))
    sent = [room.add(message(EVELYN, f"{number}")) for number in range(60)]
    network.cut(SERVER_NAME, ELSEWHERE)
    caplog.set_level("INFO", "impl.services.incoming.staging")
    for one in sent:
        put(app, one)
        settle(app)
    assert waiting(app, room_id) == [one.event_id for one in sent]
    assert site.asked("get_missing_events") == 1
    assert len(caplog.records) == 1
    network.mend(SERVER_NAME, ELSEWHERE)
    clock.now_ms += staging.RETRY_MS
    staging.take_up(app)
    settle(app)
    assert timeline_ids(app, room_id)[-60:] == [one.event_id for one in sent]
    assert waiting(app, room_id) == []


def test_a_server_that_is_heard_of_again_is_asked_at_once(
    app: App, site: Site, network: Network, clock: Clock
) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    put(app, room.add(message(EVELYN, "so that its key is known")))
    missing = room.add(message(EVELYN, "missing"))
    first = room.add(message(EVELYN, "first"))
    network.cut(SERVER_NAME, ELSEWHERE)
    put(app, first)
    settle(app)
    for _ in range(5):
        clock.now_ms += staging.RETRY_MS_MAX // 2
        staging.take_up(app)
        settle(app)
    network.mend(SERVER_NAME, ELSEWHERE)
    # It is not its time yet, for long.
    clock.now_ms += staging.QUIET_MS
    second = room.add(message(EVELYN, "second"))
    put(app, second)
    settle(app)
    assert timeline_ids(app, room_id)[-3:] == [one.event_id for one in (missing, first, second)]


def test_what_comes_another_way_is_waited_for_no_longer(
    app: App, site: Site, network: Network, clock: Clock
) -> None:
    """A server that goes on with what it had to say says what was missing."""
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    put(app, room.add(message(EVELYN, "so that its key is known")))
    missing = [room.add(message(EVELYN, "missing")) for _ in range(3)]
    sent = [room.add(message(EVELYN, f"{number}")) for number in range(5)]
    network.cut(SERVER_NAME, ELSEWHERE)
    put(app, *sent)
    settle(app)
    put(app, *missing)
    settle(app)
    assert timeline_ids(app, room_id)[-8:] == [one.event_id for one in (*missing, *sent)]
    assert waiting(app, room_id) == []


def test_of_what_an_origin_cannot_have_waiting_the_last_is_kept(
    app: App, site: Site, network: Network, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would not be sent again, and the rest is had with it."""
    monkeypatch.setattr(staging, "OF_ORIGIN_IN_ROOM_MAX", 3)
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    put(app, room.add(message(EVELYN, "so that its key is known")))
    sent = [room.add(message(EVELYN, f"{number}")) for number in range(9)]
    network.cut(SERVER_NAME, ELSEWHERE)
    for one in sent[1:]:
        assert put(app, one) == {one.event_id: {}}
        settle(app)
    assert waiting(app, room_id) == [one.event_id for one in sent[-3:]]
    network.mend(SERVER_NAME, ELSEWHERE)
    clock.now_ms += staging.RETRY_MS
    staging.take_up(app)
    settle(app)
    assert timeline_ids(app, room_id)[-9:] == [one.event_id for one in sent]


def test_who_sends_faster_than_it_can_be_placed_is_answered_later(
    app: App, site: Site, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "CALM_MAX", 2)
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    room.add(message(EVELYN, "missing"))
    sent = [room.add(message(EVELYN, f"{number}")) for number in range(5)]
    gate = network.hold(SERVER_NAME, ELSEWHERE, "get_missing_events")
    put(app, sent[0], sent[1])
    gate.wait()
    later = gevent.spawn(put, app, *sent[2:])
    while len(waiting(app, room_id)) < 5:
        gevent.sleep(0)
    assert not later.ready()
    gate.open()
    assert later.get(timeout=10) == {one.event_id: {} for one in sent[2:]}
    assert len(waiting(app, room_id)) <= 2
