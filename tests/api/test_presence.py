"""presence.yaml of client-server, and presence as /sync has it."""

from urllib.parse import quote

import pytest

from impl.app import App
from tests.api.api_client import NOTHING, Answer, Api, User

V3 = "/_matrix/client/v3"


def place(user_id: str) -> str:
    return f"{V3}/presence/{quote(user_id, safe='')}/status"


def put(user: User, body: object = NOTHING, user_id: str = "") -> Answer:
    body = {"presence": "online"} if body is NOTHING else body
    return user.put(place(user_id or user.user_id), body)


def get(user: User, user_id: str) -> Answer:
    return user.get(place(user_id))


def test_it_is_set_and_got(alice: User) -> None:
    assert put(alice, {"presence": "unavailable", "status_msg": "lunch"}).json == {}
    assert get(alice, alice.user_id).json == {"presence": "unavailable", "status_msg": "lunch"}
    put(alice)
    answer = get(alice, alice.user_id).json
    assert answer["presence"] == "online" and answer["currently_active"] is True
    assert answer["last_active_ago"] >= 0
    # Without one there is none.
    assert "status_msg" not in answer


def test_who_never_was_online_is_offline(alice: User) -> None:
    assert get(alice, alice.user_id).json == {"presence": "offline"}


def test_it_is_for_those_who_share_a_room(alice: User, bob: User) -> None:
    put(bob)
    for user_id in (bob.user_id, "@nobody:soma.test", "@nobody:elsewhere.test"):
        answer = get(alice, user_id)
        assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")
    bob.join(alice.create_room(preset="public_chat"))
    assert get(alice, bob.user_id).json["presence"] == "online"


def test_nobody_sets_anothers(alice: User, bob: User) -> None:
    answer = put(alice, user_id=bob.user_id)
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({}, "M_BAD_JSON"),
        ({"presence": "busy"}, "M_BAD_JSON"),
        ({"presence": None}, "M_BAD_JSON"),
        ({"presence": "online", "status_msg": 1}, "M_BAD_JSON"),
        ({"presence": "online", "status_msg": "x" * 1001}, "M_INVALID_PARAM"),
    ],
)
def test_what_cannot_be_is_refused(alice: User, body: object, errcode: str) -> None:
    answer = put(alice, body)
    assert (answer.status, answer.errcode) == (400, errcode)
    assert get(alice, alice.user_id).json == {"presence": "offline"}


def test_a_user_id_is_one(alice: User) -> None:
    answer = get(alice, "alice")
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")


@pytest.mark.parametrize(
    ("query", "state"),
    [
        ({}, "online"),
        ({"set_presence": "unavailable"}, "unavailable"),
        ({"set_presence": "offline"}, "offline"),
    ],
)
def test_a_sync_says_it(alice: User, query: dict[str, str], state: str) -> None:
    assert alice.get(f"{V3}/sync", query).status == 200
    assert get(alice, alice.user_id).json["presence"] == state


def test_a_sync_that_says_nonsense_is_refused(alice: User) -> None:
    answer = alice.get(f"{V3}/sync", {"set_presence": "busy"})
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")
    assert get(alice, alice.user_id).json == {"presence": "offline"}


def test_a_changed_profile_is_told_with_the_presence(alice: User, bob: User) -> None:
    bob.join(alice.create_room(preset="public_chat"))
    put(alice)
    since = bob.get(f"{V3}/sync", {"set_presence": "offline"}).json["next_batch"]
    alice.put(f"{V3}/profile/{alice.user_id}/displayname", {"displayname": "Alice M."})
    told = bob.get(f"{V3}/sync", {"since": since, "set_presence": "offline"}).json
    contents = [one["content"] for one in told["presence"]["events"]]
    assert [(one["presence"], one["displayname"]) for one in contents] == [("online", "Alice M.")]


def test_who_sends_is_active(alice: User) -> None:
    room_id = alice.create_room()
    put(alice, {"presence": "unavailable"})
    alice.send(room_id, "I am back")
    # Nobody waits for that: it is written with what comes next.
    put(alice, {"presence": "unavailable"})
    since = alice.get(f"{V3}/sync", {"set_presence": "offline"}).json["next_batch"]
    alice.send(room_id, "really")
    told: list[object] = []
    while not told:
        query = {"since": since, "set_presence": "offline", "timeout": 10_000}
        answer = alice.get(f"{V3}/sync", query).json
        since = answer["next_batch"]
        told = [one["content"]["presence"] for one in answer["presence"]["events"]]
    assert told == ["online"]


def test_nothing_is_kept_of_who_is_gone(api: Api, app: App, alice: User, bob: User) -> None:
    put(alice, {"presence": "online", "status_msg": "a secret"})
    path = f"{V3}/account/deactivate"
    session = alice.post(path, {}).json["session"]
    identifier = {"type": "m.id.user", "user": alice.user_id}
    auth = {"type": "m.login.password", "identifier": identifier, "session": session}
    answer = alice.post(path, {"auth": {**auth, "password": alice.password}})
    assert answer.status == 200, answer
    with app.database.read() as txn:
        txn.execute("SELECT count(*) FROM presence")
        assert txn.fetchone() == (0,)


def test_strangers_see_nothing(api: Api, alice: User) -> None:
    assert api.get(place(alice.user_id)).status == 401
    assert api.put(place(alice.user_id), {"presence": "online"}).status == 401
