"""POST /user_directory/search."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from impl.app import App
from impl.config.settings import UserDirectory
from tests.api.accounts_actions import an_admin, moderate
from tests.api.api_client import Answer, Api, User, register
from tests.builders import ALICE, append, member

V3 = "/_matrix/client/v3"
PATH = f"{V3}/user_directory/search"


def ask(user: User, term: str, **more: object) -> Answer:
    return user.post(PATH, {"search_term": term, **more})


def found(user: User, term: str, **more: object) -> list[str]:
    answer = ask(user, term, **more)
    assert answer.status == 200, answer
    return [one["user_id"] for one in answer.json["results"]]


def rename(user: User, name: str | None) -> None:
    path = f"{V3}/profile/{user.user_id}/displayname"
    answer = user.delete(path) if name is None else user.put(path, {"displayname": name})
    assert answer.status == 200


def leave(user: User, room_id: str) -> None:
    assert user.post(f"{V3}/rooms/{quote(room_id, safe='')}/leave", {}).status == 200


def set_state(user: User, room_id: str, event_type: str, content: dict[str, Any]) -> None:
    path = f"{V3}/rooms/{quote(room_id, safe='')}/state/{event_type}/"
    assert user.put(path, content).status == 200


def add_remote(app: App, room_id: str, user_id: str, name: str) -> None:
    """Another server's user in a room."""
    append(app, room_id, member(user_id, "invite", ALICE))
    append(app, room_id, member(user_id, "join", displayname=name))


def test_who_shares_a_room_is_found_as_long_as_they_do(alice: User, bob: User) -> None:
    assert found(alice, "bob") == []
    room_id = alice.create_room(invite=[bob.user_id])
    # An invitation is not yet sharing.
    assert found(alice, "bob") == []
    bob.join(room_id)
    assert found(alice, "bob") == [bob.user_id]
    assert found(bob, "alice") == [alice.user_id]
    leave(bob, room_id)
    assert found(alice, "bob") == []
    assert found(bob, "alice") == []


def test_who_is_in_an_open_room_is_found_by_everybody(
    alice: User, bob: User, charlie: User
) -> None:
    room_id = alice.create_room(preset="private_chat")
    assert found(bob, "alice") == []
    set_state(alice, room_id, "m.room.join_rules", {"join_rule": "public"})
    assert found(bob, "alice") == [alice.user_id]
    set_state(alice, room_id, "m.room.history_visibility", {"history_visibility": "world_readable"})
    set_state(alice, room_id, "m.room.join_rules", {"join_rule": "invite"})
    assert found(bob, "alice") == [alice.user_id]
    set_state(alice, room_id, "m.room.history_visibility", {"history_visibility": "shared"})
    assert found(bob, "alice") == []
    assert found(charlie, "alice") == []


def test_a_new_name_is_found_and_the_old_one_is_not(alice: User, bob: User) -> None:
    bob.join(alice.create_room(preset="public_chat"))
    rename(bob, "\u674e\u5c0f\u9f99")
    answer = ask(alice, "\u5c0f\u9f99").json
    expected = {"user_id": bob.user_id, "display_name": "\u674e\u5c0f\u9f99"}
    assert answer == {"results": [expected], "limited": False}
    # By the id still.
    assert found(alice, "bob") == [bob.user_id]
    rename(bob, None)
    assert found(alice, "\u5c0f\u9f99") == []
    assert ask(alice, "bob").json["results"] == [{"user_id": bob.user_id}]


@pytest.mark.parametrize(
    "term",
    ["@bob:soma.test", "@bob", "@bob:som", "BOB", "b", "ob", "robert", "smi bob", "ROBERT smith"],
)
def test_a_user_is_found_by_parts_of_name_and_id(alice: User, bob: User, term: str) -> None:
    bob.join(alice.create_room(preset="public_chat"))
    rename(bob, "Robert Smith")
    assert found(alice, term) == [bob.user_id]


@pytest.mark.parametrize(
    "term",
    [
        "",
        " ",
        "@",
        "%",
        "_",
        "b%b",
        "bob\\",
        "@bob:elsewhere",
        "bob smith",
        "o",
        "'",
        "r\u00f6bert x",
    ],
)
def test_what_does_not_match_is_not_found(alice: User, bob: User, term: str) -> None:
    bob.join(alice.create_room(preset="public_chat"))
    assert ask(alice, term).json == {"results": [], "limited": False}


def test_the_best_match_comes_first_and_the_rest_is_cut(api: Api, alice: User) -> None:
    room_id = alice.create_room(preset="public_chat")
    for localpart in ("adean", "dean2", "dean", "x.dean"):
        register(api, localpart).join(room_id)
    best = ["@dean:soma.test", "@dean2:soma.test", "@adean:soma.test", "@x.dean:soma.test"]
    answer = ask(alice, "dean", limit=2).json
    assert [one["user_id"] for one in answer["results"]] == best[:2]
    assert answer["limited"] is True
    answer = ask(alice, "dean", limit=4).json
    assert [one["user_id"] for one in answer["results"]] == best
    assert answer["limited"] is False
    assert ask(alice, "dean", limit=0).json == {"results": [], "limited": True}


def test_other_servers_users_are_found_where_one_may_see_them(
    app: App, alice: User, bob: User
) -> None:
    private, public = alice.create_room(), alice.create_room(preset="public_chat")
    add_remote(app, private, "@dora:elsewhere.test", "Dora Private")
    add_remote(app, public, "@dora:elsewhere.test", "Dora Public")
    add_remote(app, private, "@emil:elsewhere.test", "Emil")
    assert found(alice, "dora") == ["@dora:elsewhere.test"]
    assert found(alice, "emil") == ["@emil:elsewhere.test"]
    # What somebody is called in a room that the searcher cannot see is not told.
    expected = {"user_id": "@dora:elsewhere.test", "display_name": "Dora Public"}
    assert ask(bob, "dora").json["results"] == [expected]
    assert found(bob, "private") == []
    assert found(bob, "emil") == []


def test_a_name_that_was_redacted_is_found_no_more(app: App, alice: User) -> None:
    room_id = alice.create_room(room_version="11")
    add_remote(app, room_id, "@dora:elsewhere.test", "Something bad")
    members = alice.get(f"{V3}/rooms/{quote(room_id, safe='')}/members").json["chunk"]
    event_id = next(one["event_id"] for one in members if one["state_key"].startswith("@dora"))
    path = f"{V3}/rooms/{quote(room_id, safe='')}/redact/{quote(event_id, safe='')}/1"
    assert found(alice, "bad") == ["@dora:elsewhere.test"]
    assert alice.put(path, {}).status == 200
    assert found(alice, "bad") == []
    assert found(alice, "dora") == ["@dora:elsewhere.test"]


def test_the_configuration_decides_who_is_found(
    new_app: Callable[..., App], api_of: Callable[[App], Api]
) -> None:
    app = new_app()
    api = api_of(app)
    alice, dan = register(api, "alice"), register(api, "dan")
    register(api, "danuta")
    room_id = alice.create_room(preset="public_chat")
    add_remote(app, room_id, "@dan:elsewhere.test", "Dan")

    def config(**keys: bool) -> None:
        object.__setattr__(app.config, "user_directory", UserDirectory(**keys))

    assert found(alice, "dan") == ["@dan:elsewhere.test"]
    config(search_all_users=True)
    assert found(alice, "dan") == ["@dan:elsewhere.test", dan.user_id, "@danuta:soma.test"]
    config(search_all_users=True, exclude_remote_users=True)
    assert found(alice, "dan") == [dan.user_id, "@danuta:soma.test"]
    rename(dan, "Something else")
    config(search_all_users=True, prefer_local_users=True)
    assert found(alice, "da")[:2] == [dan.user_id, "@danuta:soma.test"]
    config(enabled=False, search_all_users=True)
    assert ask(alice, "dan").json == {"results": [], "limited": False}


def test_who_is_locked_or_gone_is_not_found(app: App, api: Api, alice: User, bob: User) -> None:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    admin = an_admin(api, app)
    moderate(admin, "lock", bob.user_id, True)
    assert found(alice, "bob") == []
    object.__setattr__(app.config, "user_directory", UserDirectory(show_locked_users=True))
    assert found(alice, "bob") == [bob.user_id]
    with app.database.transaction() as txn:
        txn.execute("UPDATE users SET is_deactivated = TRUE WHERE user_id = %s", (bob.user_id,))
    assert found(alice, "bob") == []


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({}, "M_BAD_JSON"),
        ({"search_term": 1}, "M_BAD_JSON"),
        ({"search_term": "x", "limit": "y"}, "M_BAD_JSON"),
        ({"search_term": "x", "limit": -1}, "M_INVALID_PARAM"),
    ],
)
def test_what_cannot_be_asked(alice: User, body: object, errcode: str) -> None:
    answer = alice.post(PATH, body)
    assert (answer.status, answer.errcode) == (400, errcode)


def test_strangers_do_not_search(api: Api) -> None:
    assert api.post(PATH, {"search_term": "alice"}).status == 401


def test_the_index_serves_the_search(app: App) -> None:
    """Not every name is looked at."""
    with app.database.transaction() as txn:
        txn.execute(
            "INSERT INTO users (user_id, created_ts, search_name, search_grams)"
            " SELECT '@u' || n || ':soma.test', 0, ' u' || n, ARRAY['^u', 'u' || left(n::text, 1)]"
            "   FROM generate_series(1, 20000) n"
        )
        txn.execute("ANALYZE users")
        txn.execute("EXPLAIN SELECT user_id FROM users WHERE search_grams @> ARRAY['zz']::text[]")
        assert "users_search" in str(txn.fetchall())
