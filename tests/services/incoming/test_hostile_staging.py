"""Servers that are in a room and fill what waits in it: the others' events have their places all
the same."""

import logging

import gevent
import pytest

from impl.app import App
from impl.core.event import Event
from impl.services.incoming import asking, missing_state, placing, staging
from impl.storage import staged_pdus
from tests.builders import member, message
from tests.federation.fake_wire import Network
from tests.federation.stranger import Stranger
from tests.services.incoming.conftest import Clock
from tests.services.incoming.site import Site, let_in, put, settle
from tests.services.incoming.test_staging import waiting
from tests.services.room_events.elsewhere import (
    DAVE,
    ELSEWHERE,
    EVELYN,
    Elsewhere,
    a_room_elsewhere,
    topic,
)
from tests.services.room_events.inspection import head_of, timeline_ids


@pytest.fixture
def evil(network: Network, clock: Clock) -> Stranger:
    return Stranger(network, "evil.test", clock)


def floating(evil: Stranger, room: Elsewhere, number: int) -> Event:
    """An event that stands on nothing that there is."""
    pdu = dict(room.add(message(evil.user_id, f"{number}")).pdu)
    pdu["prev_events"], pdu["signatures"] = [f"${number:043}"], {}
    event_id, signed = evil.sign(pdu, room.version)
    return Event(signed, room.version, event_id)


def test_one_server_does_not_take_all_the_space_of_a_room(
    app: App, site: Site, evil: Stranger, clock: Clock
) -> None:
    room = a_room_elsewhere()
    room.add(member(evil.user_id, "join"))
    room_id = let_in(app, site, room)
    base = room.last
    many = [floating(evil, room, number) for number in range(staging.OF_ROOM_MAX + 50)]
    put(app, many[0], origin=evil.name)  # Its key is known.
    settle(app)
    # It does not answer, so that it is asked again for hours.
    evil.is_down = True
    for start in range(0, len(many), 50):
        put(app, *many[start : start + 50], origin=evil.name)
        settle(app)
    assert len(waiting(app, room_id)) <= staging.OF_ORIGIN_IN_ROOM_MAX
    room.last = base
    missing = room.add(message(EVELYN, "missing"))
    top = room.add(message(EVELYN, "top"))
    assert put(app, top) == {top.event_id: {}}
    settle(app)
    assert timeline_ids(app, room_id)[-2:] == [missing.event_id, top.event_id]
    # And what it sent goes, in the end.
    for _ in range(3 * staging.ATTEMPTS_MAX):
        clock.now_ms += staging.RETRY_MS_MAX
        staging.take_up(app)
        settle(app)
    assert waiting(app, room_id) == []


def test_slow_origins_do_not_keep_the_others_waiting(
    app: App, site: Site, network: Network, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "ROOMS_AT_ONCE", 4)
    monkeypatch.setattr(staging, "ROOMS_OF_ORIGIN_MAX", 2)
    for name in ("slow.test", "slower.test"):
        slow = Stranger(network, name, clock)
        network.hold(app.server_name, name, "get_missing_events")
        for number in range(2):
            room = a_room_elsewhere("12", f"{name}{number}")
            room.add(member(slow.user_id, "join"))
            let_in(app, site, room)
            put(app, floating(slow, room, number), origin=name)
    assert len(app.part(staging.Placers, staging.Placers).running) == 4
    room = a_room_elsewhere("12", "honest")
    room_id = let_in(app, site, room)
    room.add(message(EVELYN, "missing"))
    top = room.add(message(EVELYN, "top"))
    put(app, top)
    while waiting(app, room_id):
        gevent.sleep(0.01)
    assert timeline_ids(app, room_id)[-1] == top.event_id


def test_a_slow_origin_does_not_keep_its_room_from_the_others(
    app: App,
    site: Site,
    evil: Stranger,
    network: Network,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(placing, "seconds_max", lambda app: 0.5)
    room = a_room_elsewhere()
    room.add(member(evil.user_id, "join"))
    room_id = let_in(app, site, room)
    base = room.last
    gate = network.hold(app.server_name, evil.name, "get_missing_events")
    slow = [floating(evil, room, number) for number in range(3)]
    put(app, *slow, origin=evil.name)
    gate.wait()
    room.last = base
    room.add(message(EVELYN, "missing"))
    top = room.add(message(EVELYN, "top"))
    put(app, top)
    settle(app)
    assert timeline_ids(app, room_id)[-1] == top.event_id
    # It is asked again, but not at once.
    assert waiting(app, room_id) == [one.event_id for one in slow]
    assert len(network.requests(app.server_name, evil.name, "get_missing_events")) == 1
    gate.open()
    clock.now_ms += staging.SHUNNED_MS
    staging.take_up(app)
    settle(app)
    assert len(network.requests(app.server_name, evil.name, "get_missing_events")) == 2


def test_strangers_have_few_places(
    app: App, site: Site, network: Network, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the background process takes up what waits."""
    monkeypatch.setattr(staging, "ROOMS_OF_STRANGERS_MAX", 2)
    strangers = [Stranger(network, f"evil{number}.test", clock) for number in range(4)]
    for number, evil in enumerate(strangers):
        network.hold(app.server_name, evil.name, "get_missing_events")
        room = a_room_elsewhere("12", f"room{number}")
        let_in(app, site, room)
        put(app, floating(evil, room, number), origin=evil.name)
    placers = app.part(staging.Placers, staging.Placers)
    assert len(placers.running) == 2
    staging.take_up(app)
    assert len(placers.running) == 2


def test_of_what_is_due_each_origin_comes_before_the_second_of_any(app: App, site: Site) -> None:
    nids = []
    for number in range(4):
        room_id = let_in(app, site, a_room_elsewhere("12", f"room{number}"))
        nids.append(head_of(app, room_id).room.room_nid)
    rows = zip(nids, ["evil.test", "evil.test", "evil.test", ELSEWHERE], strict=True)
    with app.database.transaction() as txn:
        for room_nid, origin in rows:
            new = [staged_pdus.NewPdu(f"$x{room_nid}", "{}", [])]
            staged_pdus.insert(txn, room_nid, origin, new, 1, 1)
    with app.database.read() as txn:
        assert staged_pdus.list_rooms_due(txn, 1, [], 3) == [
            (nids[0], "evil.test", True),
            (nids[3], ELSEWHERE, False),
            (nids[1], "evil.test", True),
        ]


def test_few_whole_states_are_taken_in_at_once(
    app: App, site: Site, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(missing_state, "SINGLY_MAX", 0)
    site.answers["get_missing_events"] = None
    gate = network.hold(app.server_name, ELSEWHERE, "/v1/state/")
    tops = []
    for number in range(asking.STATES_AT_ONCE + 2):
        room = a_room_elsewhere("12", f"room{number}")
        room_id = let_in(app, site, room)
        room.add(topic(DAVE, "missing"))
        tops.append((room_id, room.add(message(EVELYN, "top"))))
        put(app, tops[-1][1])
    gate.wait(asking.STATES_AT_ONCE)
    while site.asked("state_ids") < len(tops):
        gevent.sleep(0)
    for _ in range(100):
        gevent.sleep(0)
    assert len(gate.waiting) == asking.STATES_AT_ONCE
    gate.open()
    settle(app)
    assert all(timeline_ids(app, room_id)[-1] == top.event_id for room_id, top in tops)


@pytest.mark.parametrize("version", ["1", "11"])
def test_much_nonsense_takes_few_lines_of_the_log(
    app: App, site: Site, caplog: pytest.LogCaptureFixture, version: str
) -> None:
    caplog.set_level(logging.INFO)
    room = a_room_elsewhere(version)
    let_in(app, site, room)
    room.add(message(EVELYN, "missing"))
    top = room.add(message(EVELYN, "top"))
    nonsense = [{"event_id": "$" + "x" * 300, "type": n} for n in range(5_000)]
    state = [f"${number:043}" for number in range(1_000)]
    site.answers["get_missing_events"] = lambda *_, **__: {"events": nonsense}
    site.answers["event_auth"] = lambda *_, **__: {"auth_chain": nonsense}
    site.answers["state"] = lambda *_, **__: {"pdus": nonsense, "auth_chain": nonsense}
    site.answers["state_ids"] = lambda *_, **__: {"pdu_ids": state, "auth_chain_ids": state}
    put(app, top)
    settle(app)
    assert site.asked("state") == 1
    lines = [one.getMessage() for one in caplog.records]
    assert len(lines) < 100 and max(map(len, lines)) < 1_000
