"""Auth chains that are made up, and events that are of another room version: what they cost is
bounded, and nothing else in the transaction suffers.
"""

import pytest

from impl.app import App
from impl.core.event import Event
from impl.services.incoming import missing_state
from tests.builders import message
from tests.services.incoming.site import Site, let_in, put, settle
from tests.services.incoming.test_hostile import made, refuse_all
from tests.services.incoming.test_staging import waiting
from tests.services.room_events.elsewhere import DAVE, EVELYN, Elsewhere, a_room_elsewhere
from tests.services.room_events.inspection import timeline_ids


def count_events(app: App) -> int:
    with app.database.read() as txn:
        txn.execute("SELECT count(*) FROM events")
        return int(txn.fetchone()[0])


def a_chain(room: Elsewhere, length: int) -> list[Event]:
    """State events of which each cites the one before it, and all that one may cite besides."""
    cited = room.events[room.last].auth_event_ids
    chain: list[Event] = []
    for number in range(length):
        before = [one.event_id for one in chain[-5:]]
        chain.append(made(room, type="m.room.topic", state_key=str(number), auth_events=before))
    assert cited
    return chain


@pytest.mark.parametrize("is_reversed", [False, True])
def test_of_an_auth_chain_without_end_so_much_is_looked_at(
    app: App, site: Site, monkeypatch: pytest.MonkeyPatch, is_reversed: bool
) -> None:
    monkeypatch.setattr(missing_state, "AUTH_CHAIN_MAX", 50)
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    base = room.last
    chain = a_chain(room, 300)
    before = count_events(app)
    top = made(room, prev_events=[base], auth_events=[chain[-1].event_id])
    refuse_all(site)
    told = [one.pdu for one in (reversed(chain) if is_reversed else chain)]
    site.answers["event_auth"] = lambda *_, **__: {"auth_chain": told}
    assert put(app, top) == {top.event_id: {}}
    settle(app)
    assert waiting(app, room_id) == []
    assert top.event_id not in timeline_ids(app, room_id)
    assert count_events(app) <= before + 50
    fine = room.add(message(DAVE, "fine"), [base])
    assert put(app, fine) == {fine.event_id: {}}


def test_a_long_auth_chain_is_no_depth_of_ours(app: App, site: Site) -> None:
    """It is walked without recursion, and what stands on it is rejected with it."""
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    base = room.last
    chain = a_chain(room, 1_100)
    top = made(room, prev_events=[base], auth_events=[chain[-1].event_id])
    refuse_all(site)
    site.answers["event_auth"] = lambda *_, **__: {"auth_chain": [one.pdu for one in chain]}
    put(app, top)
    settle(app)
    assert waiting(app, room_id) == []
    assert top.event_id not in timeline_ids(app, room_id)
    fine = room.add(message(EVELYN, "fine"), [base])
    assert put(app, fine) == {fine.event_id: {}}
    assert timeline_ids(app, room_id)[-1] == fine.event_id


@pytest.mark.parametrize(("version", "other"), [("1", "11"), ("2", "3"), ("11", "1"), ("6", "5")])
def test_an_event_of_another_version_is_none_of_the_room(
    app: App, site: Site, version: str, other: str
) -> None:
    room, elsewhere = a_room_elsewhere(version), a_room_elsewhere(other)
    room_id = let_in(app, site, room)
    good = room.add(message(EVELYN, "good"))
    strange = elsewhere.add(message(DAVE, "strange"))
    # As it could stand in this room, but for what its version says.
    pdus = [{**strange.pdu, "room_id": room_id}, good, {**strange.pdu, "event_id": good.event_id}]
    refuse_all(site)
    answers = put(app, *pdus)
    settle(app)
    assert answers.pop(good.event_id) == {}
    assert all(answer.get("error") for answer in answers.values()) or waiting(app, room_id) == []
    assert timeline_ids(app, room_id)[-1] == good.event_id
