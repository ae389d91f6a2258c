"""PUT /send: what becomes of each PDU, and of a transaction that comes again."""

import copy

import gevent
import pytest

from impl import errors
from impl.app import App
from impl.core import signing
from impl.core.event import Event
from impl.core.event_builder import Draft
from impl.services.incoming import transaction
from tests.builders import ALICE, message
from tests.services.incoming.site import Site, let_in, put
from tests.services.room_events.elsewhere import (
    DAVE,
    ELSEWHERE,
    EVELYN,
    KEY,
    Elsewhere,
    a_room_elsewhere,
    send,
    topic,
)
from tests.services.room_events.inspection import stored, timeline_ids

OTHER_KEY = signing.new_signing_key(b"\x09" * 32, "else")


@pytest.mark.parametrize("version", ["1", "2", "3", "5", "6", "10", "11", "12"])
def test_messages_are_in_the_room_once_they_are_answered(
    app: App, site: Site, version: str
) -> None:
    room = a_room_elsewhere(version)
    room_id = let_in(app, site, room)
    sent = [room.add(message(EVELYN, f"{number}")) for number in range(5)]
    assert put(app, *sent) == {one.event_id: {} for one in sent}
    assert timeline_ids(app, room_id)[-5:] == [one.event_id for one in sent]


def test_a_transaction_that_comes_again_is_answered_as_it_was(app: App, site: Site) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    good, bad = room.add(message(EVELYN, "a")), _forged(room, message(EVELYN, "b"))
    first = put(app, good, bad, txn_id="one")
    assert first == {good.event_id: {}, bad.event_id: {"error": first[bad.event_id]["error"]}}
    # Whatever stands in it.
    other = room.add(message(EVELYN, "c"))
    assert put(app, other, txn_id="one") == first
    assert other.event_id not in timeline_ids(app, room_id)
    # Of another server it is another.
    assert put(app, txn_id="one", origin="other.example") == {}


def test_a_transaction_that_comes_again_meanwhile_is_answered_the_same(
    app: App, site: Site
) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    event = room.add(message(EVELYN, "a"))
    both = [gevent.spawn(put, app, event, txn_id="one") for _ in range(2)]
    assert [one.get() for one in both] == [{event.event_id: {}}] * 2
    assert timeline_ids(app, room_id).count(event.event_id) == 1


def test_the_same_event_in_two_transactions_at_once_is_in_the_room_once(
    app: App, site: Site
) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    event = room.add(message(EVELYN, "a"))
    both = [gevent.spawn(put, app, event, event) for _ in range(2)]
    assert [one.get() for one in both] == [{event.event_id: {}}] * 2
    assert timeline_ids(app, room_id).count(event.event_id) == 1


def test_one_bad_pdu_does_not_spoil_its_transaction(app: App, site: Site) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    base = room.last
    first = room.add(message(EVELYN, "first"), [base])
    last = room.add(message(DAVE, "last"), [first.event_id])
    bad = {
        "no signature": {**first.pdu, "depth": 77, "signatures": {}},
        "malformed": {**first.pdu, "depth": "deep"},
        "too large": _signed({**first.pdu, "content": {"body": "x" * 70_000}}, room),
        "float": {**first.pdu, "depth": 1.5},
        "no room": {key: value for key, value in first.pdu.items() if key != "room_id"},
        "unknown room": {**first.pdu, "room_id": "!nowhere:elsewhere.example"},
        "no room id": {**first.pdu, "room_id": 5},
        "nothing": {},
        "a bad type": {**first.pdu, "type": ["m.room.message"]},
        "many prevs": {**first.pdu, "prev_events": ["$x"] * 21},
    }
    answer = put(app, first, *bad.values(), last)
    assert answer[first.event_id] == answer[last.event_id] == {}
    for event_id, result in answer.items():
        if event_id not in (first.event_id, last.event_id):
            assert result["error"]
    assert timeline_ids(app, room_id)[-2:] == [first.event_id, last.event_id]


def test_who_has_not_signed_it_has_not_said_it(app: App, site: Site) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    forged = _forged(room, message(EVELYN, "I never said this"))
    # By a server that may sign for its own users, for ours.
    ours = room.add(message(ALICE, "nor I this"))
    answer = put(app, forged, ours)
    assert set(answer) == {forged.event_id, ours.event_id}
    assert all(result["error"] for result in answer.values())
    assert not {forged.event_id, ours.event_id} & set(timeline_ids(app, room_id))


def test_what_has_another_hash_is_taken_as_redacted(app: App, site: Site) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    event = room.add(message(EVELYN, "what I said"))
    changed = copy.deepcopy(event.pdu)
    changed["content"]["body"] = "what I did not say"
    assert put(app, changed) == {event.event_id: {}}
    assert stored(app, room_id, event.event_id).event.content == {}


def test_an_id_is_worked_out_and_not_believed(app: App, site: Site) -> None:
    room = a_room_elsewhere()
    let_in(app, site, room)
    event = room.add(message(EVELYN, "a"))
    answer = put(app, {**event.pdu, "event_id": room.create.event_id})
    assert set(answer) != {room.create.event_id}


def test_what_is_unsigned_is_not_kept(app: App, site: Site) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    event = room.add(message(EVELYN, "a"))
    unsigned = {"age": 5, "m.relations": {"x": 1}, "transaction_id": "t", "float": 0.5}
    assert put(app, {**event.pdu, "unsigned": unsigned}) == {event.event_id: {}}
    assert "unsigned" not in stored(app, room_id, event.event_id).event.pdu


def test_what_the_rules_refuse_is_answered_like_the_rest(app: App, site: Site) -> None:
    room = a_room_elsewhere()
    room_id = let_in(app, site, room)
    refused = room.add(topic(EVELYN, "she may not"))
    assert put(app, refused) == {refused.event_id: {}}
    assert stored(app, room_id, refused.event_id).rejected_reason
    assert refused.event_id not in timeline_ids(app, room_id)


def test_another_servers_events_are_taken_from_whoever_brings_them(app: App, site: Site) -> None:
    room = a_room_elsewhere()
    let_in(app, site, room)
    event = room.add(message(EVELYN, "a"))
    assert put(app, event, origin="third.example") == {event.event_id: {}}


def test_a_room_that_nobody_of_ours_is_in_is_not_told_of(app: App, site: Site) -> None:
    room = Elsewhere("11")
    room.add(Draft("m.room.member", DAVE, {"membership": "join"}, DAVE))
    site.add(room)
    send(app, room, *room.events.values())
    event = room.add(message(DAVE, "a"))
    assert put(app, event) == {event.event_id: {"error": "this server is not in the room"}}


def test_an_access_list_keeps_a_server_out(app: App, site: Site) -> None:
    room = a_room_elsewhere()
    room.add(Draft("m.room.server_acl", DAVE, {"allow": ["*"], "deny": ["*.example"]}, ""))
    room_id = let_in(app, site, room)
    event = room.add(message(DAVE, "a"))
    answer = put(app, event)
    assert "access list" in answer[event.event_id]["error"]
    assert event.event_id not in timeline_ids(app, room_id)
    # Whoever made it: the list is about who brings it.
    assert put(app, event, origin="friend.test") == {event.event_id: {}}


def test_many_rooms_go_in_one_transaction(app: App, site: Site) -> None:
    rooms = [a_room_elsewhere("12", f"room{number}") for number in range(8)]
    for room in rooms:
        let_in(app, site, room)
    events = [room.add(message(EVELYN, f"{n}")) for n in range(3) for room in rooms]
    assert put(app, *events) == {one.event_id: {} for one in events}
    for place, room in enumerate(rooms):
        expected = [one.event_id for one in events[place :: len(rooms)]]
        assert timeline_ids(app, room.create.room_id)[-3:] == expected


def test_a_transaction_has_its_limits(app: App) -> None:
    with pytest.raises(errors.InvalidParam, match="pdus"):
        transaction.receive(app, ELSEWHERE, "one", [{}] * 51, [])
    with pytest.raises(errors.InvalidParam, match="edus"):
        transaction.receive(app, ELSEWHERE, "one", [], [{}] * 101)
    with pytest.raises(errors.InvalidParam, match="txnId"):
        transaction.receive(app, ELSEWHERE, "x" * 300, [], [])
    assert put(app, *[{}] * 50) == {}


def _forged(room: Elsewhere, draft: Draft) -> Event:
    """By somebody who has not its server's key."""
    event = room.add(draft)
    pdu = {**event.pdu, "signatures": {}}
    signed = signing.sign_event(pdu, room.version, ELSEWHERE, OTHER_KEY)
    return Event.from_pdu(signed, room.version)


def _signed(pdu: dict[str, object], room: Elsewhere) -> dict[str, object]:
    return signing.sign_event({**pdu, "signatures": {}}, room.version, ELSEWHERE, KEY)
