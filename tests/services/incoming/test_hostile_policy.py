"""Policy servers that take their time: nobody who sends us events of their rooms waits for long."""

from typing import Any

import gevent
import pytest

from impl.app import App
from impl.core import signing
from impl.core.event_builder import Draft
from impl.services import policy_server
from tests.builders import message
from tests.federation.fake_wire import Network
from tests.services.incoming.site import Site, let_in, put
from tests.services.incoming.test_policy_server import PS_KEY, policy
from tests.services.room_events.elsewhere import (
    DAVE,
    ELSEWHERE,
    EVELYN,
    Elsewhere,
    a_room_elsewhere,
)
from tests.services.room_events.inspection import stored, timeline_ids


def rooms_with_policy(app: App, site: Site, number: int) -> list[Elsewhere]:
    made = [a_room_elsewhere("11", f"room{n}") for n in range(number)]
    for room in made:
        room.add(Draft("m.room.policy", DAVE, policy(), ""))
        let_in(app, site, room)

    def sign(pdu: dict[str, Any]) -> Any:
        bare = {**pdu, "signatures": {}}
        return signing.countersign_event(bare, made[0].version, ELSEWHERE, PS_KEY)["signatures"]

    site.answers["sign"] = sign
    return made


def test_those_of_all_rooms_are_asked_at_the_same_time(
    app: App, site: Site, network: Network
) -> None:
    rooms = rooms_with_policy(app, site, 5)
    events = [room.add(message(EVELYN, "hello")) for room in rooms]
    gate = network.hold(app.server_name, ELSEWHERE, "/policy/")
    sending = gevent.spawn(put, app, *events)
    gate.wait(5)
    gate.open()
    assert sending.get(timeout=10) == {one.event_id: {} for one in events}
    for room, event in zip(rooms, events, strict=True):
        assert timeline_ids(app, room.create.room_id)[-1] == event.event_id


def test_whoever_takes_too_long_is_asked_no_more(
    app: App, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_server, "AT_ONCE", 2)
    (room,) = rooms_with_policy(app, site, 1)
    clock = [1_000.0]
    monkeypatch.setattr(policy_server.time, "monotonic", lambda: clock[0])
    asked, sign = [], site.answers["sign"]

    def slowly(pdu: dict[str, Any]) -> Any:
        asked.append(pdu)
        clock[0] += policy_server.ASK_S - 1
        assert sign is not None
        return sign(pdu)

    site.answers["sign"] = slowly
    base = room.last
    events = [room.add(message(EVELYN, str(number)), [base]) for number in range(30)]
    assert put(app, *events) == {one.event_id: {} for one in events}
    # One more may be under way when the third has taken what was left of the time.
    assert 3 <= len(asked) <= 4
    failed = [stored(app, room.create.room_id, one.event_id).is_soft_failed for one in events]
    assert failed.count(True) == 30 - len(asked)
