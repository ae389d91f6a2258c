"""Servers that answer with nonsense, or with more than anybody can bear: what it costs is bounded,
and the others in the room do not notice.
"""

import json
from typing import Any

import pytest

from impl.app import App
from impl.core import signing
from impl.core.event import Event
from impl.services.incoming import missing_events, missing_state, placing, staging
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
    FRANK,
    KEY,
    Elsewhere,
    a_room_elsewhere,
)
from tests.services.room_events.inspection import (
    assert_tables_say,
    head_of,
    stored,
    timeline_ids,
)

OPERATIONS = ("get_missing_events", "state_ids", "state", "event", "event_auth")


def made(room: Elsewhere, **fields: Any) -> Event:
    """An event of Evelyn's as she likes it."""
    pdu = {
        **room.add(message(EVELYN, "a")).pdu,
        "content": {"body": json.dumps(fields)},
        "signatures": {},
        **fields,
    }
    return Event.from_pdu(signing.sign_event(pdu, room.version, ELSEWHERE, KEY), room.version)


def refuse_all(site: Site) -> None:
    for operation in OPERATIONS:
        site.answers[operation] = None


NONSENSE: list[Any] = [
    {},
    {"events": None, "pdus": {}, "pdu_ids": "x", "auth_chain_ids": 1, "auth_chain": 0},
    {"events": [1], "pdus": [None], "pdu_ids": [1], "auth_chain_ids": [], "auth_chain": [[]]},
    {
        "events": [{}] * 10_000,
        "pdus": [{}] * 10_000,
        "pdu_ids": ["$x"] * 10_000,
        "auth_chain_ids": [f"${n}" for n in range(10_000)],
        "auth_chain": [{}] * 10_000,
    },
    {
        "events": [{"type": "x" * 70_000}],
        "pdus": [{"prev_events": [["$x", {}]] * 50}],
        "pdu_ids": ["x"],
        "auth_chain_ids": ["$" + "x" * 300],
        "auth_chain": [{"depth": 10**400}],
    },
]


@pytest.mark.parametrize("nonsense", NONSENSE)
@pytest.mark.parametrize("version", ["1", "11"])
def test_nonsense_for_an_answer_costs_little(
    app: App, site: Site, nonsense: Any, version: str
) -> None:
    room = a_room_elsewhere(version)
    room_id = let_in(app, site, room)
    base = room.last
    room.add(message(EVELYN, "missing"))
    lost = room.add(message(EVELYN, "lost"))
    for operation in OPERATIONS:
        site.answers[operation] = lambda *_, **__: nonsense
    put(app, lost)
    settle(app)
    assert waiting(app, room_id) == []
    assert lost.event_id not in timeline_ids(app, room_id)
    assert len(site.network.sent) <= 25
    fine = room.add(message(DAVE, "fine"), [base])
    put(app, fine)
    assert timeline_ids(app, room_id)[-1] == fine.event_id


def test_an_event_that_refers_to_nothing_that_there_is(app: App, site: Site) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    refuse_all(site)
    event = made(
        room,
        prev_events=[f"${number:043}" for number in range(20)],
        auth_events=[f"${number:042}x" for number in range(10)],
    )
    assert put(app, event) == {event.event_id: {}}
    settle(app)
    assert waiting(app, room_id) == []
    assert len(site.network.sent) <= 15


def test_of_an_origin_that_was_of_no_help_nothing_is_tried_for_a_while(
    app: App, site: Site, clock: Clock
) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    refuse_all(site)
    lost = [made(room, prev_events=[f"${number:043}"]) for number in range(20)]
    base = room.last
    put(app, *lost)
    settle(app)
    asked = len(site.network.sent)
    assert waiting(app, room_id) == [one.event_id for one in lost[1:]]
    clock.now_ms += staging.SHUNNED_MS
    staging.take_up(app)
    settle(app)
    # Again one, and the others wait for longer.
    assert len(site.network.sent) < 2 * asked
    assert waiting(app, room_id) == [one.event_id for one in lost[2:]]
    fine = room.add(message(DAVE, "fine"), [base])
    assert put(app, fine, origin="friend.test") == {fine.event_id: {}}


@pytest.mark.parametrize("version", ["1", "2"])
def test_events_that_stand_on_each_other_in_a_circle_have_no_place(
    app: App, site: Site, version: str
) -> None:
    room = a_room_elsewhere(version)
    room_id = let_in(app, site, room)
    circle = [
        made(room, event_id=f"${name}:{ELSEWHERE}", prev_events=[[f"${prev}:{ELSEWHERE}", {}]])
        for name, prev in (("a", "b"), ("b", "c"), ("c", "a"))
    ]
    itself = made(room, event_id=f"$d:{ELSEWHERE}", prev_events=[[f"$d:{ELSEWHERE}", {}]])
    room.events |= {one.event_id: one for one in [*circle, itself]}
    site.answers["state_ids"] = None
    put(app, *circle, itself)
    settle(app)
    assert not {one.event_id for one in [*circle, itself]} & set(timeline_ids(app, room_id))


@pytest.mark.parametrize("version", ["1", "2"])
def test_events_that_cite_each_other_in_a_circle_have_no_place(
    app: App, site: Site, version: str
) -> None:
    room = a_room_elsewhere(version)
    room_id = let_in(app, site, room)
    names = [f"${name}:{ELSEWHERE}" for name in ("a", "b")]
    for name, other in (names, reversed(names)):
        event = made(room, event_id=name, auth_events=[[other, {}]])
        room.events[name] = event
    site.answers["state_ids"] = lambda *_, **__: {"pdu_ids": names, "auth_chain_ids": names}
    put(app, *[room.events[name] for name in names])
    settle(app)
    assert not set(names) & set(timeline_ids(app, room_id))


@pytest.mark.parametrize("depth", [0, 1, 2**53 - 1])
def test_a_wrong_depth_is_nobodys_loss(app: App, site: Site, depth: int) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    base = room.last
    wrong = made(room, prev_events=[base], depth=depth)
    room.keep(wrong, room.states[base])
    after = room.add(message(DAVE, "after")) if depth < 100 else None
    put(app, wrong)
    assert timeline_ids(app, room_id)[-1] == wrong.event_id
    if after is not None:
        put(app, after)
        assert timeline_ids(app, room_id)[-1] == after.event_id
    # Below it something is missing.
    gap = made(room, prev_events=[f"${'x' * 43}"], depth=depth)
    put(app, gap)
    settle(app)
    assert waiting(app, room_id) == []


def test_a_gap_without_end_is_followed_only_so_far(app: App, site: Site) -> None:
    """A server that makes up more of the past each time it is asked: in version 1 it may choose the
    ids.
    """
    room = a_room_elsewhere("1")
    room_id = let_in(app, site, room)
    named = [f"${number}:{ELSEWHERE}" for number in range(1_000)]

    def event(number: int) -> Event:
        return made(room, event_id=named[number], prev_events=[[named[number + 1], {}]])

    def more(_: str, latest_events: list[str], **__: Any) -> Any:
        last = named.index(latest_events[0])
        return {"events": [event(last + 1 + number).pdu for number in range(40)]}

    refuse_all(site)
    site.answers["get_missing_events"] = more
    put(app, event(0))
    settle(app)
    assert 5 <= site.asked("get_missing_events") <= missing_events.ROUNDS_MAX
    assert waiting(app, room_id) == []
    assert not set(named) & set(timeline_ids(app, room_id))


def test_a_gap_with_many_loose_ends_takes_few_states(app: App, site: Site) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    base = room.last
    ends = []
    for number in range(12):
        missing = room.add(message(EVELYN, f"missing {number}"), [base])
        ends.append(room.add(message(EVELYN, f"end {number}"), [missing.event_id]))
    top = room.add(message(EVELYN, "top"), [one.event_id for one in ends])
    site.answers["get_missing_events"] = lambda *_, **__: {"events": [one.pdu for one in ends]}
    put(app, top)
    settle(app)
    assert timeline_ids(app, room_id)[-1] == top.event_id
    assert site.asked("state_ids") <= placing.STATES_MAX + 1


def test_of_a_state_that_is_mostly_made_up_nothing_is_believed(app: App, site: Site) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    state = sorted(room.after(room.last).values())
    room.add(message(EVELYN, "missing"))
    lost = room.add(message(EVELYN, "lost"))
    site.answers["get_missing_events"] = None
    site.answers["state_ids"] = lambda *_, **__: {
        "pdu_ids": [*state, *[f"${number:043}" for number in range(50)]],
        "auth_chain_ids": [],
    }
    put(app, lost)
    settle(app)
    assert waiting(app, room_id) == []
    assert lost.event_id not in timeline_ids(app, room_id)


def test_a_state_of_more_than_a_room_can_have_is_not_looked_at(
    app: App, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(missing_state, "STATE_MAX", 100)
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    room.add(message(EVELYN, "missing"))
    lost = room.add(message(EVELYN, "lost"))
    site.answers["get_missing_events"] = None
    site.answers["state_ids"] = lambda *_, **__: {
        "pdu_ids": [f"${number:043}" for number in range(101)],
        "auth_chain_ids": [],
    }
    put(app, lost)
    settle(app)
    assert site.asked("event") == site.asked("state") == 0
    assert waiting(app, room_id) == []


def test_a_state_with_forged_events_is_without_them(app: App, site: Site) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    honest = room.after(room.last)
    forged = room.add(member(FRANK, "join"))
    room.events[forged.event_id] = Event(
        {**forged.pdu, "signatures": {ELSEWHERE: {"ed25519:else": "AAAA"}}},
        room.version,
        forged.event_id,
    )
    top = room.add(message(EVELYN, "top"))
    site.answers["get_missing_events"] = None
    put(app, top)
    settle(app)
    assert timeline_ids(app, room_id)[-1] == top.event_id
    assert_tables_say(app, room_id, honest)


def test_an_event_of_another_room_is_no_part_of_a_gap(app: App, site: Site) -> None:
    room, other = a_room_elsewhere(), a_room_elsewhere(name="other")
    room_id = let_in(app, site, room)
    stranger = other.add(message(EVELYN, "elsewhere"))
    top = made(room, prev_events=[stranger.event_id])
    refuse_all(site)
    site.answers["get_missing_events"] = lambda *_, **__: {"events": [stranger.pdu]}
    site.answers["event"] = lambda *_, **__: {"pdus": [stranger.pdu]}
    put(app, top)
    settle(app)
    assert waiting(app, room_id) == []
    assert top.event_id not in timeline_ids(app, room_id)


def test_a_slow_origin_does_not_keep_the_others_waiting(app: App, site: Site) -> None:
    rooms = [a_room_elsewhere("12", f"room{number}") for number in range(8)]
    for room in rooms:
        let_in(app, site, room)
    placers = app.part(staging.Placers, staging.Placers)
    site.network.hold(app.server_name, ELSEWHERE, "get_missing_events")
    for room in rooms:
        room.add(message(EVELYN, "missing"))
        put(app, room.add(message(EVELYN, "top")))
    assert len(placers.running) == staging.ROOMS_OF_ORIGIN_MAX


def test_what_was_rejected_below_a_gap_stays_so(app: App, site: Site) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    bad = room.add(member(DAVE, "ban", EVELYN))
    good = room.add(message(DAVE, "still here"))
    put(app, good)
    settle(app)
    assert stored(app, room_id, bad.event_id).rejected_reason
    assert timeline_ids(app, room_id)[-1] == good.event_id
    assert_tables_say(app, room_id, room.after(good.event_id))
    assert head_of(app, room_id)


def test_who_takes_state_after_state_has_to_wait(app: App, site: Site, clock: Clock) -> None:
    """Each answer is good, but in a large room each holds everybody up."""
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    base = room.last
    site.answers["get_missing_events"] = None
    tops = []
    for number in range(10):
        missing = room.add(message(EVELYN, f"missing {number}"), [base])
        tops.append(room.add(message(EVELYN, f"top {number}"), [missing.event_id]))
    put(app, *tops)
    settle(app)
    assert site.asked("state_ids") == staging.STATES_MAX
    assert len(waiting(app, room_id)) == 10 - staging.STATES_MAX
    clock.now_ms += staging.SHUNNED_MS
    staging.take_up(app)
    settle(app)
    assert waiting(app, room_id) == []


def test_a_stranger_fills_no_tables(app: App, site: Site, network: Network, clock: Clock) -> None:
    """A server that is not in the room, with events that are its own and break the rules."""
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    evil = Stranger(network, "evil.test", clock)
    known, unknown = room.last, f"${'x' * 43}"

    def event(number: int, prev: str) -> Event:
        pdu = dict(room.events[known].pdu)
        pdu |= {"type": "m.room.message", "sender": evil.user_id, "prev_events": [prev]}
        pdu |= {"content": {"n": number}, "origin_server_ts": clock.now_ms}
        del pdu["state_key"]
        event_id, signed = evil.sign(pdu, room.version)
        return Event(signed, room.version, event_id)

    rejected = [event(number, known) for number in range(20)]
    answers = put(app, *rejected, origin=evil.name)
    assert all("rejected" in one["error"] for one in answers.values())
    with app.database.read() as txn:
        txn.execute("SELECT count(*) FROM events")
        assert txn.fetchone() == (len(room.events),)
    # What has no place waits, but not much of it; and there is space for the others' left.
    network.hold(app.server_name, evil.name, "get_missing_events")
    floating = [event(number, unknown) for number in range(50)]
    put(app, *floating, origin=evil.name)
    more = [event(number, unknown) for number in range(50, 60)]
    answers = put(app, *more, origin=evil.name)
    assert all("too much waits" in one["error"] for one in answers.values())
    room.last = known
    room.add(message(EVELYN, "missing"))
    ours = room.add(message(EVELYN, "ours"))
    assert put(app, ours) == {ours.event_id: {}}
    assert ours.event_id in waiting(app, room_id)
