"""C-S API, "Invite permission": who wants no invites gets none, nor hears of what is there."""

from collections.abc import Callable

import pytest

from impl.app import App
from tests.api.accounts_actions import an_admin
from tests.api.api_client import Api, User, register
from tests.api.room_actions import CLIENT, act, member

CONFIG = "m.invite_permission_config"


def allow(user: User, content: dict) -> None:
    path = f"{CLIENT}/user/{user.user_id}/account_data/{CONFIG}"
    assert user.put(path, content).status == 200


def block(user: User) -> None:
    allow(user, {"default_action": "block"})


def sync(user: User, since: str | None = None) -> dict:
    return user.get(f"{CLIENT}/sync", {"since": since} if since else {}).json


def test_each_way_to_invite_is_refused(alice: User, bob: User, charlie: User) -> None:
    room_id = alice.create_room()
    block(bob)
    place = f"{CLIENT}/rooms/{room_id}/state/m.room.member/{bob.user_id}"
    for answer in (
        act(alice, room_id, "invite", bob),
        alice.put(place, {"membership": "invite"}),
        alice.post(f"{CLIENT}/createRoom", {"invite": [charlie.user_id, bob.user_id]}),
    ):
        assert (answer.status, answer.errcode) == (403, "M_INVITE_BLOCKED")
    # The room that could not be is not there, either.
    assert sync(charlie)["rooms"]["invite"] == {}
    assert alice.get(place).errcode == "M_NOT_FOUND"


@pytest.mark.parametrize(
    "content", [{}, {"default_action": "allow"}, {"default_action": ["block"]}, {"block": True}]
)
def test_what_is_not_understood_blocks_nothing(alice: User, bob: User, content: dict) -> None:
    block(bob)
    allow(bob, content)
    room_id = alice.create_room()
    assert act(alice, room_id, "invite", bob).status == 200
    assert room_id in sync(bob)["rooms"]["invite"]


def test_invites_that_are_there_are_not_shown_until_they_are_wanted_again(
    alice: User, bob: User
) -> None:
    before = sync(bob)["next_batch"]
    room_id = alice.create_room(invite=[bob.user_id])
    block(bob)
    initial = sync(bob)
    assert initial["rooms"]["invite"] == {}
    assert sync(bob, before)["rooms"]["invite"] == {}
    old = bob.get(f"{CLIENT}/initialSync").json
    assert [one["membership"] for one in old["rooms"]] == []
    heard = bob.get(f"{CLIENT}/events", {"from": before, "timeout": 0}).json["chunk"]
    assert [one for one in heard if one["type"] == "m.room.member"] == []
    # The room is as it was, and who knows of it can go there.
    assert member(alice, room_id, bob)["membership"] == "invite"
    allow(bob, {})
    assert room_id in sync(bob)["rooms"]["invite"]
    block(bob)
    bob.join(room_id)
    assert room_id in sync(bob, initial["next_batch"])["rooms"]["join"]


def test_who_was_sent_away_before_a_hidden_invite_hears_that(alice: User, bob: User) -> None:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    since = sync(bob)["next_batch"]
    act(alice, room_id, "kick", bob, reason="oops")
    act(alice, room_id, "invite", bob)
    block(bob)
    rooms = sync(bob, since)["rooms"]
    assert rooms["invite"] == rooms["join"] == {}
    last = rooms["leave"][room_id]["timeline"]["events"][-1]
    assert last["content"] == {"membership": "leave", "reason": "oops"}


def test_to_block_does_not_end_a_membership_or_hide_a_knock(alice: User, bob: User) -> None:
    rules = {"type": "m.room.join_rules", "content": {"join_rule": "knock"}}
    joined, knocked = (
        alice.create_room(preset="public_chat"),
        alice.create_room(initial_state=[rules]),
    )
    bob.join(joined)
    assert bob.post(f"{CLIENT}/knock/{knocked}", {}).status == 200
    block(bob)
    rooms = sync(bob)["rooms"]
    assert set(rooms["join"]) == {joined}
    assert set(rooms["knock"]) == {knocked}


def test_who_was_sent_away_and_invited_by_somebody_ignored_hears_the_first(
    alice: User, bob: User
) -> None:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    ignored = {"ignored_users": {alice.user_id: {}}}
    path = f"{CLIENT}/user/{bob.user_id}/account_data/m.ignored_user_list"
    assert bob.put(path, ignored).status == 200
    since = sync(bob)["next_batch"]
    act(alice, room_id, "kick", bob)
    act(alice, room_id, "invite", bob)
    rooms = sync(bob, since)["rooms"]
    assert rooms["invite"] == rooms["join"] == {}
    assert set(rooms["leave"]) == {room_id}


def test_where_administrators_alone_may_invite(
    new_app: Callable[..., App], api_of: Callable[[App], Api]
) -> None:
    app = new_app(block_non_admin_invites=True)
    api = api_of(app)
    alice, bob = register(api, "alice"), register(api, "bob")
    room_id = alice.create_room()
    place = f"{CLIENT}/rooms/{room_id}/state/m.room.member/{bob.user_id}"
    for answer in (
        act(alice, room_id, "invite", bob),
        alice.put(place, {"membership": "invite"}),
        alice.post(f"{CLIENT}/createRoom", {"invite": [bob.user_id]}),
    ):
        assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")
    invited = an_admin(api, app).post(f"{CLIENT}/createRoom", {"invite": [bob.user_id]})
    assert invited.status == 200
    assert list(sync(bob)["rooms"]["invite"]) == [invited.json["room_id"]]
