"""PDUs that refer to what is not here: what is fetched for them, and what becomes of them."""

from collections.abc import Callable
from typing import Any

import gevent
import pytest

from impl.app import App
from impl.jobs import staged_pdus as staged_pdus_job
from impl.services.incoming import staging
from impl.services.room_events import receive
from impl.storage import staged_pdus
from tests.builders import SERVER_NAME, message
from tests.federation.conftest import Server
from tests.federation.fake_wire import Network
from tests.services.incoming.conftest import Clock
from tests.services.incoming.site import Site, let_in, put, settle
from tests.services.room_events.elsewhere import (
    DAVE,
    ELSEWHERE,
    EVELYN,
    a_room_elsewhere,
)
from tests.services.room_events.inspection import (
    head_of,
    timeline_ids,
)

VERSIONS = ["1", "2", "6", "11", "12"]


def waiting(app: App, room_id: str) -> list[str]:
    with app.database.read() as txn:
        return staged_pdus.list_ids(txn, head_of(app, room_id).room.room_nid)


def test_what_cannot_be_placed_is_dropped_and_the_others_go_on(app: App, site: Site) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    base = room.last
    for operation in ("get_missing_events", "state_ids", "event", "event_auth"):
        site.answers[operation] = None
    room.add(message(EVELYN, "missing"), [base])
    lost = room.add(message(EVELYN, "lost"))
    fine = room.add(message(EVELYN, "fine"), [base])
    assert put(app, lost, fine) == {lost.event_id: {}, fine.event_id: {}}
    settle(app)
    assert timeline_ids(app, room_id)[-1] == fine.event_id
    assert waiting(app, room_id) == []


def test_a_server_that_cannot_be_reached_is_asked_again_later(
    app: App, site: Site, network: Network, clock: Clock
) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    base = room.last
    put(app, room.add(message(EVELYN, "so that its key is known"), [base]))
    missing = room.add(message(EVELYN, "missing"))
    top = room.add(message(EVELYN, "top"))
    other = room.add(message(DAVE, "other"), [base])
    network.cut(SERVER_NAME, ELSEWHERE)
    put(app, top, other)
    settle(app)
    assert timeline_ids(app, room_id)[-1] == other.event_id
    assert waiting(app, room_id) == [top.event_id]
    # Meanwhile what follows goes straight in.
    straight = room.add(message(DAVE, "straight"), [other.event_id])
    put(app, straight)
    assert timeline_ids(app, room_id)[-1] == straight.event_id

    network.mend(SERVER_NAME, ELSEWHERE)
    staging.take_up(app)
    settle(app)
    assert waiting(app, room_id) == [top.event_id]  # It is not its time yet.
    clock.now_ms += staging.RETRY_MS
    staging.take_up(app)
    settle(app)
    assert timeline_ids(app, room_id)[-2:] == [missing.event_id, top.event_id]
    assert waiting(app, room_id) == []


def test_a_server_that_is_gone_for_good_is_not_asked_for_ever(
    app: App, site: Site, network: Network, clock: Clock
) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    put(app, room.add(message(EVELYN, "so that its key is known")))
    room.add(message(EVELYN, "missing"))
    top = room.add(message(EVELYN, "top"))
    network.cut(SERVER_NAME, ELSEWHERE)
    put(app, top)
    settle(app)
    for _ in range(staging.WAITING_MS_MAX // staging.RETRY_MS_MAX):
        assert waiting(app, room_id) == [top.event_id]
        clock.now_ms += staging.RETRY_MS_MAX
        staging.take_up(app)
        settle(app)
    clock.now_ms += staging.RETRY_MS_MAX
    staging.take_up(app)
    settle(app)
    assert waiting(app, room_id) == []


def test_another_worker_goes_on_with_what_one_has_left(
    server: Server, new_server: Callable[..., Server], site: Site, network: Network
) -> None:
    room = a_room_elsewhere()
    room_id = let_in(server.app, site, room)
    missing = room.add(message(EVELYN, "missing"))
    top = room.add(message(EVELYN, "top"))
    gate = network.hold(SERVER_NAME, ELSEWHERE, "get_missing_events")
    put(server.app, top)
    gate.wait()
    other = new_server(SERVER_NAME, beside=server)
    # While the first one sees to it nobody else does.
    staging.take_up(other.app)
    settle(other.app)
    assert len(gate.waiting) == 1
    server.app.part(staging.Placers, staging.Placers).stop()  # As a kill would.
    gate.open()
    staging.take_up(other.app)
    settle(other.app)
    assert timeline_ids(other.app, room_id)[-2:] == [missing.event_id, top.event_id]
    assert waiting(other.app, room_id) == []


def test_the_background_process_sees_to_what_nobody_does(
    app: App, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staged_pdus_job, "LOOK_S", 0.01)
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    room.add(message(EVELYN, "missing"))
    top = room.add(message(EVELYN, "top"))
    with monkeypatch.context() as busy:
        busy.setattr(staging, "ROOMS_MAX", 0)
        put(app, top)
    assert waiting(app, room_id) == [top.event_id]
    loop = gevent.spawn(staged_pdus_job.run, app)
    with gevent.Timeout(30):
        while waiting(app, room_id):
            gevent.sleep(0.01)
    loop.kill()
    assert timeline_ids(app, room_id)[-1] == top.event_id


def test_what_comes_while_a_gap_is_filled_finds_its_place(
    app: App, site: Site, network: Network
) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    missing = room.add(message(EVELYN, "missing"))
    first, second = room.add(message(EVELYN, "first")), room.add(message(EVELYN, "second"))
    gate = network.hold(SERVER_NAME, ELSEWHERE, "get_missing_events")
    put(app, first)
    gate.wait()
    put(app, second)
    gate.open()
    settle(app)
    assert timeline_ids(app, room_id)[-3:] == [one.event_id for one in (missing, first, second)]
    assert site.asked("get_missing_events") == 1


def test_pdus_in_the_wrong_order_are_put_right(app: App, site: Site) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    sent = [room.add(message(EVELYN, f"{number}")) for number in range(10)]
    put(app, *reversed(sent))
    settle(app)
    assert timeline_ids(app, room_id)[-10:] == [one.event_id for one in sent]
    assert site.asked("get_missing_events") == 0


def test_no_more_waits_in_a_room_than_is_bearable(
    app: App, site: Site, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "OF_ROOM_MAX", 3)
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    room.add(message(EVELYN, "missing"))
    base = room.last
    sent = [room.add(message(EVELYN, f"{number}"), [base]) for number in range(5)]
    network.hold(SERVER_NAME, ELSEWHERE, "get_missing_events")
    answers = list(put(app, *sent).values())
    assert answers[:3] == [{}, {}, {}]
    assert all("too much waits" in one["error"] for one in answers[3:])
    assert waiting(app, room_id) == [one.event_id for one in sent[:3]]


def test_a_bug_that_one_event_meets_is_not_the_others(
    app: App, site: Site, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    base = room.last
    poison = room.add(message(EVELYN, "poison"), [base])
    fine = [room.add(message(EVELYN, "fine"), [base]), room.add(message(DAVE, "and well"))]
    append_all = receive.append

    def append_but_poison(opened: Any, received: Any, *rest: Any) -> Any:
        if any(one.event.event_id == poison.event_id for one in received):
            raise RuntimeError("a bug")
        return append_all(opened, received, *rest)

    monkeypatch.setattr(receive, "append", append_but_poison)
    assert put(app, fine[0], poison, fine[1]) == {
        one.event_id: {} for one in (fine[0], poison, fine[1])
    }
    settle(app)
    assert timeline_ids(app, room_id)[-2:] == [one.event_id for one in fine]
    assert waiting(app, room_id) == [poison.event_id]
    monkeypatch.undo()
    clock.now_ms += staging.RETRY_MS
    staging.take_up(app)
    settle(app)
    assert timeline_ids(app, room_id)[-1] == poison.event_id
