"""`soma room why`: which check decided, and what became of a state event."""

import random
from typing import Any

import pytest

from impl.app import App
from impl.core.event_builder import Draft
from tests.builders import ALICE, a_room, append, member, message
from tests.commands.room_shell import RoomShell
from tests.services.room_events.elsewhere import (
    DAVE,
    EVELYN,
    FRANK,
    a_room_elsewhere,
    join_rule,
    levels,
    send,
    topic,
)
from tests.services.room_events.inspection import head_of, state_of
from tests.services.room_events.test_receive_random import a_random_graph


def answers(report: Any) -> list[bool | None]:
    return [check["is_allowed"] for check in report["checks"]]


def test_what_its_own_auth_events_do_not_allow(app: App, shell: RoomShell) -> None:
    room = a_room_elsewhere()
    bad = room.add(topic(EVELYN, "not hers to set"))
    send(app, room, *room.events.values())
    room_id = room.create.room_id

    report = shell.json("why", room_id, bad.event_id)
    assert report["event"]["status"] == "rejected"
    assert report["rejected_reason"].startswith("by its auth events: ")
    assert answers(report) == [False, False, False] and report["agrees"]
    assert report["checks"][0]["rule"] == (
        "the sender does not have enough power to send m.room.topic"
    )
    assert "impl/core/auth/rules.py" in report["checks"][0]["where"]
    assert report["fate"]["kind"] == "never" and not report["is_shown_to_clients"]
    text = shell.text("why", room_id, bad.event_id)
    assert "REJECTED by its auth events: the sender does not have enough power" in text
    assert f"{EVELYN} has 0; m.room.topic takes 50   (m.room.power_levels)" in text
    assert f"{EVELYN} is in the room   (m.room.member {EVELYN})" in text
    assert "it was rejected, and is part of no state" in text


def test_what_the_state_before_it_does_not_allow(app: App, shell: RoomShell) -> None:
    room = a_room_elsewhere()
    before = dict(room.states[room.last])
    ban = room.add(member(EVELYN, "ban", DAVE))
    bad = room.add(message(EVELYN, "I cite my old join"), cited_state=before)
    send(app, room, *room.events.values())
    room_id = room.create.room_id

    report = shell.json("why", room_id, bad.event_id)
    assert answers(report) == [True, False, False] and report["agrees"]
    assert report["rejected_reason"].startswith("by the state before it: ")
    text = shell.text("why", room_id, bad.event_id)
    assert "1. what it cites: allowed\n" in text
    assert "2. the state before it: REFUSED: the sender is not in the room\n" in text
    assert f"{ban.event_id[:12]}  {EVELYN} is banned, by {DAVE}" in text
    assert report["fate"] is None and "current state." not in text


def test_what_only_the_current_state_forbids(app: App, shell: RoomShell) -> None:
    room = a_room_elsewhere()
    base = room.last
    room.add(member(EVELYN, "ban", DAVE), [base])
    late = room.add(message(EVELYN, "late"), [base])
    send(app, room, *room.events.values())
    room_id = room.create.room_id

    report = shell.json("why", room_id, late.event_id)
    assert report["event"]["status"] == "soft-failed"
    assert answers(report) == [True, True, False] and report["agrees"]
    text = shell.text("why", room_id, late.event_id)
    assert "SOFT-FAILED" in text and "not shown to clients" in text
    assert "this check failed when the event came" in text
    assert "by now it would pass" not in text

    # She is let in again: what was decided stays, and is said to be of its time.
    room.add(member(EVELYN, "leave", DAVE), [list(room.events)[-2]])
    rejoined = room.add(member(EVELYN, "join"))
    send(app, room, *list(room.events.values())[-2:])
    assert rejoined.event_id not in room.rejected
    assert answers(shell.json("why", room_id, late.event_id)) == [True, True, True]
    assert "by now it would pass" in shell.text("why", room_id, late.event_id)


def test_what_is_accepted_and_stands(app: App, shell: RoomShell) -> None:
    room_id = a_room(app, room_version="12")
    (named,) = append(app, room_id, Draft("m.room.name", ALICE, {"name": "Tea"}, ""))
    report = shell.json("why", room_id, named)
    assert answers(report) == [True, True, True] and report["agrees"]
    assert report["fate"]["kind"] == "current"
    text = shell.text("why", room_id, named)
    assert "ACCEPTED" in text and "It is in the current state." in text
    assert "has more than any level (creator); m.room.name takes 50" in text
    # The create event asks for nothing.
    create = shell.json("why", room_id, room_id[1:])
    assert answers(create) == [True, True, True] and create["fate"]["kind"] == "current"


def test_what_was_replaced_tells_by_what(app: App, shell: RoomShell) -> None:
    room_id = a_room(app)
    one, two, three = (
        append(app, room_id, Draft("m.room.topic", ALICE, {"topic": text}, ""))[0]
        for text in ("one", "two", "three")
    )
    append(app, room_id, *(message(ALICE, str(number)) for number in range(20)))
    for old, new in ((one, two), (two, three)):
        fate = shell.json("why", room_id, old)["fate"]
        assert (fate["kind"], fate["by"]["event_id"]) == ("replaced", new)
        assert fate["stands_now"]["event_id"] == three
    text = shell.text("why", room_id, one)
    assert "REPLACED " in text and f'by {two[:12]}  m.room.topic  "two"' in text
    assert f'at its key now: {three[:12]}  m.room.topic  "three"' in text


@pytest.mark.parametrize("version", ["2", "6", "11", "12"])
def test_what_a_resolution_dropped_tells_by_which_rule(
    app: App, shell: RoomShell, version: str
) -> None:
    room = a_room_elsewhere(version)
    base = room.last
    join = room.add(
        Draft("m.room.member", EVELYN, {"membership": "join", "displayname": "E"}, EVELYN), [base]
    )
    ban = room.add(member(EVELYN, "ban", DAVE), [base])
    send(app, room, *room.events.values())
    room_id = room.create.room_id
    assert room.after(*room.extremities())["m.room.member", EVELYN] == ban.event_id

    fate = shell.json("why", room_id, join.event_id)["fate"]
    assert (fate["kind"], fate["by"]["event_id"]) == ("dropped", ban.event_id)
    assert fate["reason"] == "it was refused: the user is banned"
    assert fate["outcome"]["winner"]["event_id"] == ban.event_id
    assert set(fate["branches"]) == {join.event_id, ban.event_id}
    text = shell.text("why", room_id, join.event_id)
    assert "DROPPED by a state resolution, when this came" in text
    assert "step by step: soma room resolve " in text
    # Some other events later the same is told.
    append(app, room_id, *(message(ALICE, str(number)) for number in range(5)))
    later = shell.json("why", room_id, join.event_id)["fate"]
    for name in ("kind", "reason", "branches"):
        assert later[name] == fate[name]


def test_what_lost_when_it_came(app: App, shell: RoomShell) -> None:
    room = a_room_elsewhere()
    base = room.last
    promoted = room.add(levels(DAVE, {DAVE: 100, EVELYN: 50}), [base])
    hers = room.add(topic(EVELYN, "hers"))
    demoted = room.add(levels(DAVE, {DAVE: 100, EVELYN: 50, FRANK: 1}), [base])
    his = room.add(topic(DAVE, "his"), [demoted.event_id])
    send(app, room, *room.events.values())
    room_id = room.create.room_id
    current = room.after(*room.extremities())
    stands = current["m.room.topic", ""]
    loser = hers if stands == his.event_id else his
    fate = shell.json("why", room_id, loser.event_id)["fate"]
    assert fate["kind"] == "dropped" and fate["stands_now"]["event_id"] == stands
    assert fate["outcome"]["winner"]["event_id"] == stands
    assert [one["event"]["event_id"] for one in fate["outcome"]["losers"]] == [loser.event_id]
    assert promoted.event_id not in room.rejected


def test_what_branches_joined_later_is_dropped_at_the_join(app: App, shell: RoomShell) -> None:
    room = a_room_elsewhere()
    base = room.last
    rule = room.add(join_rule(DAVE, "invite"), [base])
    frank = room.add(member(FRANK, "join"), [base])
    # On top of a soft-failed join, which so comes into the graph.
    merge = room.add(message(DAVE, "both"), [rule.event_id, frank.event_id])
    send(app, room, *room.events.values())
    fate = shell.json("why", room.create.room_id, frank.event_id)["fate"]
    assert fate["kind"] == "never" and "soft-failed" in fate["reason"]
    assert ("m.room.member", FRANK) not in room.states[merge.event_id]


def test_an_outlier_has_one_check(app: App, shell: RoomShell) -> None:
    room = a_room_elsewhere()
    send(app, room, *room.events.values())
    outlier = room.add(member(FRANK, "join"))
    send(app, room, outlier, is_outlier=True)
    report = shell.json("why", room.create.room_id, outlier.event_id)
    assert report["event"]["status"] == "outlier"
    assert answers(report)[:2] == [True, None]
    assert report["fate"]["kind"] == "never"
    assert "OUTLIER" in shell.text("why", room.create.room_id, outlier.event_id)


def test_what_is_stored_and_what_the_rules_say_now_are_compared(app: App, shell: RoomShell) -> None:
    room_id = a_room(app)
    (said,) = append(app, room_id, message(ALICE, "hello"))
    with app.database.transaction() as txn:
        txn.execute(
            "UPDATE events SET rejected_reason = 'by a mistake' WHERE event_id = %s", (said,)
        )
    assert not shell.json("why", room_id, said)["agrees"]
    assert "! The rules do not say now what was stored" in shell.text("why", room_id, said)


@pytest.mark.parametrize("version", ["1", "2", "11", "12"])
def test_of_each_event_of_a_random_room_what_is_told_is_so(
    app: App, shell: RoomShell, version: str
) -> None:
    room = a_random_graph(version, random.Random(f"why {version}"), 50)
    send(app, room, *room.events.values())
    room_id = room.create.room_id
    head = head_of(app, room_id)
    current = state_of(app, room_id, head.current_state_root)
    kinds = set()
    for event_id, event in room.events.items():
        report = shell.json("why", room_id, event_id)
        assert report["agrees"]
        assert (report["event"]["status"] == "rejected") is (event_id in room.rejected)
        if not event.is_state:
            continue
        fate = report["fate"]
        kinds.add(fate["kind"])
        assert (fate["kind"] == "current") is (current.get(event.key) == event_id)
        stands = fate["stands_now"] and fate["stands_now"]["event_id"]
        assert stands == current.get(event.key)
        if fate["kind"] == "replaced":
            replacement = room.events[fate["by"]["event_id"]]
            assert replacement.key == event.key
            assert room.after(*replacement.prev_event_ids)[event.key] == event_id
        elif fate["kind"] == "dropped":
            # The replay comes to what is stored, and says why.
            assert "cannot be told" not in fate["reason"] and "replay" not in fate["reason"]
            assert event_id in {one["event"]["event_id"] for one in fate["outcome"]["losers"]}
        shell.text("why", room_id, event_id)
    assert {"current", "replaced", "dropped"} <= kinds
