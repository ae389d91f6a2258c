"""GET /mutual_rooms."""

import pytest

from impl.services import mutual_rooms
from tests.api.api_client import Answer, User

PATH = "/_matrix/client/v1/mutual_rooms"


def ask(user: User, user_id: str, **query: str) -> Answer:
    return user.get(PATH, {"user_id": user_id, **query})


def test_it_is_the_rooms_that_both_are_in(alice: User, bob: User, charlie: User) -> None:
    alice.create_room()
    shared = [alice.create_room(preset="public_chat") for _ in range(2)]
    invited = alice.create_room(invite=[bob.user_id])
    left = alice.create_room(preset="public_chat")
    for room_id in (*shared, left):
        bob.join(room_id)
    charlie.join(left)
    bob.post(f"/_matrix/client/v3/rooms/{left}/leave", {})
    answer = ask(alice, bob.user_id)
    assert answer.json == {"joined": shared, "count": 2}
    assert invited not in answer.json["joined"]
    assert ask(bob, alice.user_id).json == answer.json
    assert ask(bob, charlie.user_id).json == {"joined": [], "count": 0}


def test_it_comes_in_pages(alice: User, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutual_rooms, "PAGE_ROOMS", 2)
    shared = [alice.create_room(preset="public_chat") for _ in range(4)]
    for room_id in shared:
        bob.join(room_id)
    first = ask(alice, bob.user_id).json
    second = ask(alice, bob.user_id, **{"from": first["next_batch"]}).json
    assert (first["joined"], second["joined"]) == (shared[:2], shared[2:])
    assert first["count"] == second["count"] == 4
    assert "next_batch" not in second


def test_who_is_not_a_user_shares_nothing(alice: User) -> None:
    answer = ask(alice, "@nobody:elsewhere.test")
    assert (answer.status, answer.json) == (200, {"joined": [], "count": 0})


@pytest.mark.parametrize("user_id", ["bob", "@:soma.test", "@b\u00f6b:soma.test", "@bob"])
def test_what_is_no_user_id_is_refused(alice: User, user_id: str) -> None:
    answer = ask(alice, user_id)
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")


def test_one_does_not_ask_of_oneself(alice: User) -> None:
    answer = ask(alice, alice.user_id)
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")


def test_a_user_id_is_needed(alice: User) -> None:
    answer = alice.get(PATH)
    assert (answer.status, answer.errcode) == (400, "M_MISSING_PARAM")


@pytest.mark.parametrize("token", ["s12", "m-1", "m", "m01", "", "m" + "9" * 30, "t1_2"])
def test_tokens_of_others_are_refused(alice: User, bob: User, token: str) -> None:
    answer = ask(alice, bob.user_id, **{"from": token})
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")
