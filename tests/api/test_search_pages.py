"""POST /search: the order of what is found, its pages and groups, and what comes with it."""

from urllib.parse import quote

import pytest

from impl.services.search import candidates
from tests.api.api_client import User
from tests.api.room_actions import CLIENT, act
from tests.api.searching import found_by, ids, search


@pytest.fixture
def room_id(alice: User) -> str:
    return alice.create_room(preset="public_chat")


# Order and pages


def test_the_newest_come_first_if_that_is_wanted(alice: User, room_id: str) -> None:
    sent = [alice.send(room_id, "lime " + "and more " * number) for number in (3, 0, 2)]
    assert found_by(alice, "lime", order_by="recent") == sent[::-1]
    # Else those that say little beside it.
    assert found_by(alice, "lime") == [sent[1], sent[2], sent[0]]
    ranks = [one["rank"] for one in search(alice, "lime")["results"]]
    assert ranks == sorted(ranks, reverse=True)


@pytest.mark.parametrize("order_by", ["recent", "rank"])
def test_pages_make_the_whole(alice: User, room_id: str, order_by: str) -> None:
    sent = [alice.send(room_id, "plum" + " pie" * (number % 3)) for number in range(11)]
    whole = found_by(alice, "plum", order_by=order_by, filter={"limit": 50})
    assert sorted(whole) == sorted(sent)
    pages: list[str] = []
    next_batch = None
    for _ in range(10):
        found = search(alice, "plum", next_batch, order_by=order_by, filter={"limit": 3})
        assert found["count"] == 11
        pages += ids(found)
        next_batch = found.get("next_batch")
        if next_batch is None:
            break
    assert pages == whole


def test_pages_go_on_where_candidates_were_cut(
    alice: User, room_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "CANDIDATES_MAX", 3)
    sent = [alice.send(room_id, "plum") for _ in range(8)]
    pages: list[str] = []
    next_batch = None
    for _ in range(10):
        found = search(alice, "plum", next_batch, order_by="recent", filter={"limit": 2})
        pages += ids(found)
        next_batch = found.get("next_batch")
        if next_batch is None:
            break
    assert pages == sent[::-1]


def test_groups_say_what_belongs_together_and_lead_on(alice: User, bob: User, room_id: str) -> None:
    bob.join(room_id)
    other = alice.create_room()
    sent = []
    for number in range(4):
        sent.append(alice.send(room_id, "fig"))
        sent.append((bob if number % 2 else alice).send(room_id if number % 2 else other, "fig"))
    groupings = {"group_by": [{"key": "room_id"}, {"key": "sender"}]}
    criteria = {"order_by": "recent", "filter": {"limit": 5}, "groupings": groupings}
    found = search(alice, "fig", **criteria)
    page = ids(found)
    assert page == sent[:2:-1]
    by_room, by_sender = found["groups"]["room_id"], found["groups"]["sender"]
    for groups, key in ((by_room, "room_id"), (by_sender, "sender")):
        for group_id, group in groups.items():
            belonging = [
                one["result"]["event_id"]
                for one in found["results"]
                if one["result"][key] == group_id
            ]
            assert group["results"] == belonging
    assert [by_room[one]["order"] for one in (room_id, other)] == [0, 1]
    more = search(alice, "fig", by_room[room_id]["next_batch"], **criteria)
    assert ids(more) == [sent[2], sent[0]]
    assert list(more["groups"]["room_id"]) == [room_id]
    assert "next_batch" not in more
    assert "next_batch" not in by_sender[bob.user_id]


# Context


def test_results_come_with_what_was_said_around_them(alice: User, bob: User, room_id: str) -> None:
    bob.join(room_id)
    sent = [(alice if number % 2 else bob).send(room_id, str(number)) for number in range(9)]
    context = {"before_limit": 2, "after_limit": 1, "include_profile": True}
    found = search(alice, "4", event_context=context)["results"][0]["context"]
    assert [one["event_id"] for one in found["events_before"]] == [sent[3], sent[2]]
    assert [one["event_id"] for one in found["events_after"]] == [sent[5]]
    names = {user_id: one["displayname"] for user_id, one in found["profile_info"].items()}
    assert names == {alice.user_id: "alice", bob.user_id: "bob"}
    place = f"{CLIENT}/rooms/{quote(room_id)}/messages"
    older = alice.get(place, {"from": found["start"], "dir": "b", "limit": 1}).json["chunk"]
    newer = alice.get(place, {"from": found["end"], "dir": "f", "limit": 1}).json["chunk"]
    assert [one["event_id"] for one in older + newer] == [sent[1], sent[6]]


def test_profiles_are_those_of_the_time(alice: User, room_id: str) -> None:
    alice.send(room_id, "then")
    alice.put(f"{CLIENT}/profile/{alice.user_id}/displayname", {"displayname": "Alicia"})
    alice.send(room_id, "now")
    context = {"before_limit": 0, "after_limit": 0, "include_profile": True}
    for term, name in (("then", "alice"), ("now", "Alicia")):
        found = search(alice, term, event_context=context)["results"][0]["context"]
        assert found["events_before"] == found["events_after"] == []
        assert found["profile_info"] == {alice.user_id: {"displayname": name}}


def test_context_shows_nothing_that_may_not_be_seen(alice: User, bob: User) -> None:
    state = {"type": "m.room.history_visibility", "content": {"history_visibility": "joined"}}
    room_id = alice.create_room(preset="public_chat", initial_state=[state])
    alice.send(room_id, "hidden")
    bob.join(room_id)
    shown = alice.send(room_id, "visible")
    act(bob, room_id, "leave")
    alice.send(room_id, "hidden")
    found = search(bob, "visible", event_context={"before_limit": 9, "after_limit": 9})
    assert ids(found) == [shown]
    context = found["results"][0]["context"]
    bodies = [
        one["content"].get("body") for one in context["events_before"] + context["events_after"]
    ]
    assert "hidden" not in bodies


def test_the_state_of_the_rooms_comes_if_it_is_wanted(alice: User, room_id: str) -> None:
    alice.send(room_id, "date")
    assert "state" not in search(alice, "date")
    state = search(alice, "date", include_state=True)["state"]
    assert list(state) == [room_id]
    assert "m.room.create" in {one["type"] for one in state[room_id]}
