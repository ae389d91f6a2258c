"""GET /room_summary/{roomIdOrAlias}."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.api.api_client import Answer, Api, User
from tests.api.room_actions import CLIENT, UNKNOWN, act


def ask(user: User | Api, room: str, **query: Any) -> Answer:
    path = f"/_matrix/client/v1/room_summary/{quote(room, safe='')}"
    return user.get(path, query=query)


def test_a_room_is_described_by_id_and_by_alias(alice: User, bob: User) -> None:
    room_id = alice.create_room(
        preset="public_chat", name="Tea", topic="Leaves", room_alias_name="tea", room_version="11"
    )
    summary = ask(alice, room_id).json
    assert summary == {
        "room_id": room_id,
        "canonical_alias": "#tea:soma.test",
        "name": "Tea",
        "topic": "Leaves",
        "num_joined_members": 1,
        "world_readable": False,
        "guest_can_join": False,
        "join_rule": "public",
        "room_version": "11",
        "membership": "join",
    }
    assert ask(bob, "#tea:soma.test", via=["soma.test", "elsewhere.test"]).json == {
        **summary,
        "membership": "leave",
    }


def test_encryption_and_type_are_told(alice: User) -> None:
    encryption = {
        "type": "m.room.encryption",
        "content": {"algorithm": "m.megolm.v1.aes-sha2"},
    }
    room_id = alice.create_room(creation_content={"type": "m.space"}, initial_state=[encryption])
    summary = ask(alice, room_id).json
    assert summary["encryption"] == "m.megolm.v1.aes-sha2"
    assert summary["room_type"] == "m.space"


def test_without_a_token_open_rooms_are_described(api: Api, alice: User) -> None:
    public = alice.create_room(preset="public_chat")
    rule = {"type": "m.room.join_rules", "content": {"join_rule": "knock"}}
    knocking = alice.create_room(initial_state=[rule])
    visibility = {
        "type": "m.room.history_visibility",
        "content": {"history_visibility": "world_readable"},
    }
    readable = alice.create_room(initial_state=[visibility])
    for room_id in (public, knocking, readable):
        answer = ask(api, room_id)
        assert answer.status == 200
        assert "membership" not in answer.json
    hidden = alice.create_room()
    assert ask(api, hidden).errcode == "M_NOT_FOUND"


def test_memberships_are_told(alice: User, bob: User) -> None:
    room_id = alice.create_room()
    assert ask(bob, room_id).errcode == "M_NOT_FOUND"
    act(alice, room_id, "invite", bob)
    assert ask(bob, room_id).json["membership"] == "invite"
    bob.join(room_id)
    assert ask(bob, room_id).json["membership"] == "join"
    act(bob, room_id, "leave")
    assert ask(bob, room_id).errcode == "M_NOT_FOUND"
    knocking = alice.create_room(
        initial_state=[{"type": "m.room.join_rules", "content": {"join_rule": "knock"}}]
    )
    assert bob.post(f"{CLIENT}/knock/{quote(knocking)}", {}).status == 200
    assert ask(bob, knocking).json["membership"] == "knock"
    act(alice, knocking, "ban", bob)
    assert ask(bob, knocking).errcode == "M_NOT_FOUND"


def test_members_of_the_allowed_room_see_a_restricted_one(alice: User, bob: User) -> None:
    club = alice.create_room(preset="public_chat")
    content = {
        "join_rule": "restricted",
        "allow": [{"type": "m.room_membership", "room_id": club}, {"type": "org.other"}, 7],
    }
    rule = {"type": "m.room.join_rules", "content": content}
    room_id = alice.create_room(initial_state=[rule])
    assert ask(bob, room_id).errcode == "M_NOT_FOUND"
    bob.join(club)
    assert ask(bob, room_id).json["allowed_room_ids"] == [club]


@pytest.mark.parametrize("room", [UNKNOWN, "!x:soma.test", "#x:soma.test", "#x:elsewhere.test"])
def test_what_is_not_known_is_not_found(alice: User, room: str) -> None:
    answer = ask(alice, room)
    assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")


@pytest.mark.parametrize("room", ["x", "#", "@alice:soma.test", "!"])
def test_what_names_no_room_is_refused(alice: User, room: str) -> None:
    answer = ask(alice, room)
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")


def test_a_token_that_is_not_known_is_refused(api: Api, alice: User) -> None:
    room_id = alice.create_room(preset="public_chat")
    answer = api.get(f"/_matrix/client/v1/room_summary/{quote(room_id)}", token="x")
    assert (answer.status, answer.errcode) == (401, "M_UNKNOWN_TOKEN")


@pytest.mark.parametrize("path", ["summary/{}", "rooms/{}/summary"])
def test_older_clients_ask_at_the_paths_of_the_proposal(alice: User, path: str) -> None:
    room_id = alice.create_room(preset="public_chat", name="Tea", room_version="11")
    place = f"/_matrix/client/unstable/im.nheko.summary/{path.format(quote(room_id, safe=''))}"
    answer = alice.get(place, {"via": "soma.test"})
    assert answer.json == {
        **ask(alice, room_id).json,
        "im.nheko.summary.room_version": "11",
    }
    assert alice.get(place.replace(quote(room_id, safe=""), UNKNOWN)).errcode == "M_NOT_FOUND"
