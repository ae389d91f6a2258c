"""`soma room resolve`: what is replayed is what the server did, and each step is told."""

import random

import pytest

from impl.app import App
from impl.core.event_builder import Draft
from tests.builders import ALICE, a_room, append, member, message
from tests.commands.room_shell import RoomShell
from tests.services.room_events.elsewhere import (
    DAVE,
    EVELYN,
    a_room_elsewhere,
    levels,
    send,
    topic,
)
from tests.services.room_events.inspection import stored
from tests.services.room_events.test_receive_random import a_random_graph


@pytest.mark.parametrize("version", ["1", "2", "11", "12"])
def test_each_merge_of_a_random_room_comes_to_what_is_stored(
    app: App, shell: RoomShell, version: str
) -> None:
    room = a_random_graph(version, random.Random(f"resolve {version}"), 40)
    send(app, room, *room.events.values())
    room_id = room.create.room_id
    merges = [one.event_id for one in room.events.values() if len(one.prev_event_ids) > 1]
    conflicts = 0
    for event_id in merges:
        report = shell.json("resolve", room_id, "--at", event_id)
        assert report["deviations"] == []
        conflicts += bool(report["conflicts"])
        # What is told of each key is what came out.
        for outcome in report["outcomes"]:
            winner = outcome["winner"] and outcome["winner"]["event_id"]
            before = room.after(*room.events[event_id].prev_event_ids)
            assert winner == before.get((outcome["type"], outcome["state_key"]))
        assert "NOT" not in shell.text("resolve", room_id, "--at", event_id)
    assert conflicts > 3
    assert shell.json("resolve", room_id)["deviations"] == []


@pytest.mark.parametrize("version", ["2", "11", "12"])
def test_a_ban_against_a_join_step_by_step(app: App, shell: RoomShell, version: str) -> None:
    room = a_room_elsewhere(version)
    base = room.last
    ban = room.add(member(EVELYN, "ban", DAVE), [base])
    send(app, room, *room.events.values())
    join = room.add(member(EVELYN, "join", displayname="E"), [base])
    merge = room.add(message(DAVE, "both"), [ban.event_id, join.event_id])
    send(app, room, join, merge)
    room_id = room.create.room_id

    report = shell.json("resolve", room_id, "--at", merge.event_id)
    (conflict,) = report["conflicts"]
    assert (conflict["type"], conflict["state_key"]) == ("m.room.member", EVELYN)
    assert {one["event"]["event_id"]: one["states"] for one in conflict["candidates"]} == {
        ban.event_id: [1],
        join.event_id: [2],
    }
    power, others = report["passes"]
    (check,) = [one for one in power["checks"] if one["event"]["event_id"] == ban.event_id]
    assert check["rule"] is None
    assert check["sender_level"] == (None if version == "12" else 100)
    (check,) = [one for one in others["checks"] if one["event"]["event_id"] == join.event_id]
    assert check["rule"] == "the user is banned" and check["sender_level"] == 0
    # Where the resolution begins with nothing, and no levels are disputed, there is no mainline.
    assert check["mainline_position"] == (None if version == "12" else 0)
    (consulted,) = [one for one in check["consulted"] if one["state_key"] == EVELYN]
    assert consulted["event_id"] == ban.event_id
    (outcome,) = report["outcomes"]
    assert outcome["winner"]["event_id"] == ban.event_id
    assert outcome["losers"][0]["reason"] == "it was refused: the user is banned"

    text = shell.text("resolve", room_id, "--at", merge.event_id)
    assert ("The conflicted subgraph" in text) is (version == "12")
    assert "        REFUSED: the user is banned\n" in text
    assert f"{EVELYN} is banned, by {DAVE}" in text
    assert f"This is the state before {merge.event_id}, as it is stored." in text
    assert text.index("power events") < text.index("The mainline") < text.index("all others")


def test_a_power_fight_in_the_order_of_power(app: App, shell: RoomShell) -> None:
    room = a_room_elsewhere()
    room.add(levels(DAVE, {DAVE: 100, EVELYN: 50}))
    base = room.last
    # She answers her demotion, on a branch that does not know of it.
    hers = room.add(levels(EVELYN, {DAVE: 100, EVELYN: 50, ALICE: 50}), [base], ts=1)
    his = room.add(levels(DAVE, {DAVE: 100, EVELYN: 0}), [base])
    send(app, room, *room.events.values())
    room_id = room.create.room_id

    report = shell.json("resolve", room_id, hers.event_id, his.event_id)
    checks = report["passes"][0]["checks"]
    order = [one["event"]["event_id"] for one in checks]
    assert order.index(his.event_id) < order.index(hers.event_id)
    by_id = {one["event"]["event_id"]: one for one in checks}
    assert (by_id[his.event_id]["sender_level"], by_id[hers.event_id]["sender_level"]) == (100, 50)
    assert by_id[hers.event_id]["rule"] == (
        "the sender does not have enough power to send m.room.power_levels"
    )
    assert report["mainline"][0]["event_id"] == his.event_id
    assert report["compared_with"] is None
    text = shell.text("resolve", room_id, hers.event_id, his.event_id)
    assert f"{EVELYN} has 0; m.room.power_levels takes 50" in text
    # What a check that passed looked at is for those who want to know.
    passed = f"{DAVE} has 100; m.room.power_levels takes 50"
    assert passed not in text
    assert passed in shell.text("resolve", "-v", room_id, hers.event_id, his.event_id)


def test_without_events_the_forward_extremities_are_resolved(app: App, shell: RoomShell) -> None:
    room = a_room_elsewhere()
    base = room.last
    one = room.add(topic(DAVE, "one"), [base])
    other = room.add(topic(DAVE, "other"), [base])
    send(app, room, *room.events.values())
    report = shell.json("resolve", room.create.room_id)
    assert {one["event"]["event_id"] for one in report["branches"]} == {
        one.event_id,
        other.event_id,
    }
    assert (report["compared_with"], report["deviations"]) == ("the current state", [])
    assert "This is the current state" in shell.text("resolve", room.create.room_id)


def test_a_stored_state_that_is_another_is_told(app: App, shell: RoomShell) -> None:
    room = a_room_elsewhere()
    base = room.last
    one = room.add(topic(DAVE, "one"), [base])
    room.add(topic(DAVE, "other"), [base])
    send(app, room, *room.events.values())
    room_id = room.create.room_id
    stands = room.after(*room.extremities())["m.room.topic", ""]
    (wrong,) = room.extremities() - {stands}
    with app.database.transaction() as txn:
        txn.execute(
            "UPDATE rooms SET current_state_root = %s",
            (stored(app, room_id, wrong).state_after,),
        )
    assert shell.json("resolve", room_id)["deviations"] == ["m.room.topic"]
    text = shell.text("resolve", room_id)
    assert "! This is NOT the current state" in text and "!   m.room.topic" in text
    assert one.event_id not in room.rejected


def test_version_1_has_passes_of_its_own(app: App, shell: RoomShell) -> None:
    room = a_room_elsewhere("1")
    base = room.last
    one = room.add(topic(DAVE, "one"), [base])
    room.add(message(DAVE, "deeper"), [base])
    newer = room.add(topic(DAVE, "newer"))
    ban = room.add(member(EVELYN, "ban", DAVE), [one.event_id])
    send(app, room, *room.events.values())
    room_id = room.create.room_id

    report = shell.json("resolve", room_id, newer.event_id, ban.event_id)
    assert report["algorithm"] == "v1" and report["auth_difference"] == []
    *_, members, others = report["passes"]
    assert [one["event"]["event_id"] for one in members["checks"]] == [ban.event_id]
    (join,) = members["unchecked"]
    assert (join["type"], join["state_key"]) == ("m.room.member", EVELYN)
    assert [one["event"]["event_id"] for one in others["checks"]] == [newer.event_id]
    outcomes = {(one["type"], one["state_key"]): one for one in report["outcomes"]}
    loser = outcomes["m.room.topic", ""]["losers"][0]
    assert loser["event"]["event_id"] == one.event_id
    assert loser["reason"] == "it was not asked: a newer one was allowed"
    text = shell.text("resolve", room_id, newer.event_id, ban.event_id)
    assert "auth difference" not in text and "mainline" not in text
    assert "of each key from the oldest on, as long as it is allowed" in text


def test_the_same_state_is_no_conflict(app: App, shell: RoomShell) -> None:
    room_id = a_room(app)
    one, two = append(app, room_id, message(ALICE, "1"), message(ALICE, "2"))
    report = shell.json("resolve", room_id, one, two)
    assert report["conflicts"] == [] and report["outcomes"] == []
    assert "there is nothing to resolve" in shell.text("resolve", room_id, one, two)
    assert "not both" in shell.refusal("resolve", room_id, one, "--at", two)


def test_one_state_that_is_not_what_is_stored_is_told(app: App, shell: RoomShell) -> None:
    room_id = a_room(app)
    (named,) = append(app, room_id, topic(ALICE, "tea"))
    assert "This is the current state, as it is stored." in shell.text("resolve", room_id)
    before = stored(app, room_id, named).state_before
    with app.database.transaction() as txn:
        txn.execute("UPDATE rooms SET current_state_root = %s", (before,))
    assert shell.json("resolve", room_id)["deviations"] == ["m.room.topic"]
    assert "! This is NOT the current state" in shell.text("resolve", room_id)


def test_the_first_event_joins_nothing(app: App, shell: RoomShell) -> None:
    room_id = a_room(app, room_version="12")
    text = shell.text("resolve", room_id, "--at", room_id[1:])
    assert "none: it stands on nothing that is here" in text


def test_a_missing_branch_is_named(app: App, shell: RoomShell) -> None:
    room = a_room_elsewhere()
    send(app, room, *room.events.values())
    base = room.last
    lost = room.add(Draft("m.room.topic", DAVE, {"topic": "lost"}, ""), [base])
    merge = room.add(message(DAVE, "both"), [base, lost.event_id])
    without = [one for one in room.states[merge.event_id].values() if one != lost.event_id]
    send(app, room, merge, state_before=without)
    report = shell.json("resolve", room.create.room_id, "--at", merge.event_id)
    assert report["missing"] == [lost.event_id]
    assert "is not here, and its state was not among those resolved" in shell.text(
        "resolve", room.create.room_id, "--at", merge.event_id
    )
