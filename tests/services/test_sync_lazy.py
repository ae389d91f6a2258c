"""/sync on a real database: members that are loaded lazily, each once."""

from collections.abc import Callable
from typing import Any

import pytest

from impl.app import App
from impl.core.event_builder import Draft
from impl.services.sync import lazy_members
from impl.services.sync.lazy_members import Sent
from tests.builders import ALICE, BOB, CHARLIE, a_room, append, member, message
from tests.services.sync_client import ask, joined

MEMBER = "m.room.member"
LAZY = {"room": {"state": {"lazy_load_members": True}, "timeline": {"limit": 3}}}
REDUNDANT = {
    "room": {
        **LAZY["room"],
        "state": {"lazy_load_members": True, "include_redundant_members": True},
    }
}


def members(room: dict[str, Any]) -> set[str]:
    return {one["state_key"] for one in room["state"]["events"] if one["type"] == MEMBER}


@pytest.fixture
def room_id(app: App) -> str:
    room_id = a_room(app)
    append(app, room_id, member(BOB, "join"), member(CHARLIE, "join"))
    append(app, room_id, *(message(CHARLIE, str(n)) for n in range(5)))
    return room_id


def say(app: App, room_id: str, user_id: str, since: str, **question: Any) -> dict[str, Any]:
    append(app, room_id, message(user_id, "hello"))
    return ask(app, CHARLIE, since, **{"filter": LAZY, **question})


def test_a_member_is_told_with_their_first_message_and_not_again(app: App, room_id: str) -> None:
    first = ask(app, CHARLIE, filter=LAZY)
    second = say(app, room_id, BOB, first["next_batch"])
    third = say(app, room_id, BOB, second["next_batch"])
    assert members(joined(second, room_id)) == {BOB} - members(joined(first, room_id))
    assert members(joined(third, room_id)) == set()


def test_whoever_wants_redundant_members_gets_them(app: App, room_id: str) -> None:
    first = ask(app, CHARLIE, filter=REDUNDANT)
    second = say(app, room_id, BOB, first["next_batch"], filter=REDUNDANT)
    third = say(app, room_id, BOB, second["next_batch"], filter=REDUNDANT)
    assert members(joined(second, room_id)) == members(joined(third, room_id)) == {BOB}


def test_a_member_in_an_answer_that_was_lost_is_told_again(app: App, room_id: str) -> None:
    first = ask(app, CHARLIE, filter=LAZY)["next_batch"]
    # Not among the heroes' members that the first answer had.
    append(app, room_id, member("@dora:soma.test", "join"))
    second = ask(app, CHARLIE, first, filter=LAZY)["next_batch"]
    append(app, room_id, member("@dora:soma.test", "join", displayname="Dora"))
    append(app, room_id, *(message(CHARLIE, str(n)) for n in range(3)))
    lost = say(app, room_id, "@dora:soma.test", second)
    again = ask(app, CHARLIE, second, filter=LAZY)
    assert "@dora:soma.test" in members(joined(lost, room_id))
    assert members(joined(again, room_id)) == members(joined(lost, room_id))


def test_who_begins_anew_is_told_anew_by_every_worker(new_app: Callable[..., App]) -> None:
    one = new_app()
    other = new_app(one.database.dsn)
    room_id = a_room(one)
    # So many that Bob is none of the heroes.
    users = [f"@a{n}:soma.test" for n in range(6)]
    append(one, room_id, *(member(user_id, "join") for user_id in [*users, CHARLIE, BOB]))
    append(one, room_id, *(message(CHARLIE, str(n)) for n in range(5)))
    first = ask(one, CHARLIE, filter=LAZY)
    assert BOB not in members(joined(first, room_id))
    second = say(one, room_id, BOB, first["next_batch"])
    assert members(joined(second, room_id)) == {BOB}
    append(one, room_id, *(message(CHARLIE, str(n)) for n in range(5)))
    anew = ask(other, CHARLIE, filter=LAZY)
    assert BOB not in members(joined(anew, room_id))
    third = say(one, room_id, BOB, anew["next_batch"])
    assert members(joined(third, room_id)) == {BOB}


def test_a_changed_member_is_told_though_an_older_event_of_theirs_was(
    app: App, room_id: str
) -> None:
    first = ask(app, CHARLIE, filter=LAZY)
    second = say(app, room_id, BOB, first["next_batch"])
    append(app, room_id, member(BOB, "join", displayname="Robert"))
    append(app, room_id, *(message(ALICE, str(n)) for n in range(3)))
    third = ask(app, CHARLIE, second["next_batch"], filter=LAZY)
    (robert,) = [
        one for one in joined(third, room_id)["state"]["events"] if one.get("state_key") == BOB
    ]
    assert robert["content"]["displayname"] == "Robert"


def test_who_came_back_hears_of_the_members_who_changed_in_between(app: App, room_id: str) -> None:
    first = ask(app, CHARLIE, filter=LAZY)
    append(app, room_id, member(CHARLIE, "leave"), member(BOB, "leave"), member(CHARLIE, "join"))
    append(app, room_id, *(message(ALICE, str(n)) for n in range(5)))
    second = ask(app, CHARLIE, first["next_batch"], filter=LAZY)
    assert {BOB, CHARLIE} <= members(joined(second, room_id))


def test_what_a_worker_remembers_is_bounded(
    app: App, room_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lazy_members, "SENT_MAX", 4)
    monkeypatch.setattr(lazy_members, "SENT_OF_CHAIN_MAX", 3)
    token = ask(app, CHARLIE, filter=LAZY)["next_batch"]
    for n in range(6):
        user_id = f"@a{n}:soma.test"
        append(app, room_id, member(user_id, "join"))
        token = say(app, room_id, user_id, token)["next_batch"]
        ask(app, BOB, filter=LAZY)
        sent = app.part(Sent, Sent)
        assert sent.size == sum(map(len, sent.chains.values())) <= 4
        assert all(len(one) <= 3 for one in sent.chains.values())


def test_members_known_before_one_left_come_again_after_one_is_back(
    new_app: Callable[..., App],
) -> None:
    one = new_app()
    other = new_app(one.database.dsn)
    # With a name, so that nobody is told as a hero.
    name = Draft("m.room.name", ALICE, {"name": "Pub"}, "")
    room_id = a_room(one, first=[name, member(BOB, "join"), member(CHARLIE, "join")])
    append(one, room_id, message(CHARLIE, "seen by both workers"))
    tokens = [ask(app, BOB, filter=LAZY)["next_batch"] for app in (one, other)]
    assert tokens[0] == tokens[1]
    append(one, room_id, member(BOB, "leave"))
    since = ask(one, BOB, tokens[0], filter=LAZY)["next_batch"]
    append(one, room_id, *(message(ALICE, str(n)) for n in range(12)), member(BOB, "join"))
    back = ask(one, BOB, since, filter=LAZY)
    assert CHARLIE not in members(joined(back, room_id))

    append(one, room_id, message(CHARLIE, "the client may not know me any more"))
    told = joined(ask(other, BOB, back["next_batch"], filter=LAZY), room_id)
    assert CHARLIE in members(told)
