"""`forget_rooms_on_leave`: C-S API, "m.forget_forced_upon_leave capability"."""

from collections.abc import Callable

import pytest

from impl.app import App
from tests.api.api_client import Api, User, register
from tests.api.room_actions import CLIENT, act, member

LEFT_TOO = '{"room": {"include_leave": true}}'

Leave = Callable[[User, User, str], None]

WAYS: dict[str, Leave] = {
    "by oneself": lambda alice, bob, room_id: _ok(act(bob, room_id, "leave")),
    "kicked": lambda alice, bob, room_id: _ok(act(alice, room_id, "kick", bob)),
    "banned": lambda alice, bob, room_id: _ok(act(alice, room_id, "ban", bob)),
    "as state": lambda alice, bob, room_id: _ok(
        bob.put(
            f"{CLIENT}/rooms/{room_id}/state/m.room.member/{bob.user_id}", {"membership": "leave"}
        )
    ),
}


def _ok(answer) -> None:
    assert answer.status == 200, answer


def capability(user: User) -> dict:
    capabilities = user.get(f"{CLIENT}/capabilities").json["capabilities"]
    return capabilities["m.forget_forced_upon_leave"]


def left_rooms(user: User, since: str | None = None) -> tuple[set[str], str]:
    query = {"filter": LEFT_TOO, **({"since": since} if since else {})}
    answer = user.get(f"{CLIENT}/sync", query)
    return set(answer.json["rooms"]["leave"]), answer.json["next_batch"]


@pytest.fixture
def forgetful(new_app: Callable[..., App], api_of: Callable[[App], Api]) -> Api:
    return api_of(new_app(forget_rooms_on_leave=True))


@pytest.mark.parametrize("way", WAYS)
def test_who_leaves_forgets(forgetful: Api, way: str) -> None:
    alice, bob = register(forgetful, "alice"), register(forgetful, "bob")
    assert capability(bob) == {"enabled": True}
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    since = left_rooms(bob)[1]
    WAYS[way](alice, bob, room_id)
    # That they are out of it is told, once; then the room is gone.
    assert left_rooms(bob, since)[0] == {room_id}
    assert left_rooms(bob)[0] == set()
    assert bob.get(f"{CLIENT}/rooms/{room_id}/state").status == 403
    assert bob.get(f"{CLIENT}/rooms/{room_id}/messages?dir=b").status == 403
    # To say so oneself is no error.
    assert act(bob, room_id, "forget").status == 200
    # The others go on to see that they were there.
    assert member(alice, room_id, bob)["membership"] in ("leave", "ban")


def test_who_comes_back_remembers(forgetful: Api) -> None:
    alice, bob = register(forgetful, "alice"), register(forgetful, "bob")
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    act(bob, room_id, "leave")
    bob.join(room_id)
    assert bob.get(f"{CLIENT}/rooms/{room_id}/state").status == 200
    assert act(bob, room_id, "forget").errcode == "M_UNKNOWN"


def test_a_declined_invite_and_a_retracted_knock_are_forgotten(forgetful: Api) -> None:
    alice, bob = register(forgetful, "alice"), register(forgetful, "bob")
    rules = {"type": "m.room.join_rules", "content": {"join_rule": "knock"}}
    invited, knocked = (
        alice.create_room(invite=[bob.user_id]),
        alice.create_room(initial_state=[rules]),
    )
    _ok(bob.post(f"{CLIENT}/knock/{knocked}", {}))
    for room_id in (invited, knocked):
        _ok(act(bob, room_id, "leave"))
    assert left_rooms(bob)[0] == set()


def test_otherwise_who_left_remembers_until_they_say_so(api: Api, alice: User, bob: User) -> None:
    assert capability(bob) == {"enabled": False}
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    act(bob, room_id, "leave")
    assert left_rooms(bob)[0] == {room_id}
    assert bob.get(f"{CLIENT}/rooms/{room_id}/state").status == 200
    act(bob, room_id, "forget")
    assert left_rooms(bob)[0] == set()
    assert bob.get(f"{CLIENT}/rooms/{room_id}/state").status == 403


@pytest.mark.parametrize("again", ["join", "invite"])
def test_a_forgotten_room_is_there_again_once_one_is_in_it_or_invited(
    alice: User, bob: User, again: str
) -> None:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    act(bob, room_id, "leave")
    act(bob, room_id, "forget")
    _ok(act(bob, room_id, "join") if again == "join" else act(alice, room_id, "invite", bob))
    assert room_id in bob.get(f"{CLIENT}/sync").json["rooms"][again]
    act(bob, room_id, "leave")
    assert left_rooms(bob)[0] == {room_id}
