"""api-specs/client-server/account-data.yaml, tags.yaml, filter.yaml and profile.yaml: what is a
user's own.
"""

from urllib.parse import quote

import pytest

from tests.api.api_client import Api, User

USER = "/_matrix/client/v3/user/"
ROOM = "!room:soma.test"


def test_account_data_is_read_back(alice: User) -> None:
    path = f"{USER}{quote(alice.user_id)}/account_data/m.direct"
    assert alice.put(path, {"@bob:soma.test": [ROOM]}).json == {}
    assert alice.get(path).json == {"@bob:soma.test": [ROOM]}


def test_account_data_of_a_room_is_apart(alice: User) -> None:
    base = f"{USER}{quote(alice.user_id)}"
    path = f"{base}/rooms/{quote(ROOM)}/account_data/org.example"
    assert alice.put(path, {"a": 1}).json == {}
    assert alice.get(path).json == {"a": 1}
    assert alice.get(f"{base}/account_data/org.example").errcode == "M_NOT_FOUND"


@pytest.mark.parametrize(
    "rest",
    [
        "account_data/m.direct",
        f"rooms/{quote(ROOM)}/account_data/x",
        f"rooms/{quote(ROOM)}/tags/u.x",
    ],
)
def test_others_account_data_is_forbidden(alice: User, bob: User, rest: str) -> None:
    answer = bob.put(f"{USER}{quote(alice.user_id)}/{rest}", {})
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")


def test_what_the_server_keeps_is_not_set_here(alice: User) -> None:
    base = f"{USER}{quote(alice.user_id)}"
    for rest in ("account_data/m.push_rules", f"rooms/{quote(ROOM)}/account_data/m.fully_read"):
        assert alice.put(f"{base}/{rest}", {}).status == 405


def test_tags_are_added_and_taken_away(alice: User) -> None:
    base = f"{USER}{quote(alice.user_id)}/rooms/{quote(ROOM)}/tags"
    assert alice.get(base).json == {"tags": {}}
    alice.put(f"{base}/m.favourite", {"order": 0.5})
    alice.put(f"{base}/u.work", {})
    assert alice.get(base).json == {"tags": {"m.favourite": {"order": 0.5}, "u.work": {}}}
    alice.delete(f"{base}/m.favourite")
    assert alice.get(base).json == {"tags": {"u.work": {}}}


@pytest.mark.parametrize("order", [2, -0.1, "first", True])
def test_an_order_that_is_none_is_refused(alice: User, order: object) -> None:
    path = f"{USER}{quote(alice.user_id)}/rooms/{quote(ROOM)}/tags/u.x"
    answer = alice.put(path, {"order": order})
    assert (answer.status, answer.errcode) == (400, "M_BAD_JSON")


def test_a_filter_has_so_many_bytes_at_most(alice: User) -> None:
    path = f"{USER}{quote(alice.user_id)}/filter"
    rooms = {"rooms": [f"!{n:040}:soma.test" for n in range(4000)]}
    assert alice.post(path, {"room": rooms}).status == 200
    rooms = {"rooms": [f"!{n:040}:soma.test" for n in range(6000)]}
    assert alice.post(path, {"room": rooms}).errcode == "M_TOO_LARGE"


def test_a_filter_is_stored_and_the_same_keeps_its_id(alice: User, bob: User) -> None:
    path = f"{USER}{quote(alice.user_id)}/filter"
    definition = {"room": {"timeline": {"limit": 5}}}
    filter_id = alice.post(path, definition).json["filter_id"]
    assert not filter_id.startswith("{")
    assert alice.post(path, definition).json["filter_id"] == filter_id
    assert alice.post(path, {}).json["filter_id"] != filter_id
    assert alice.get(f"{path}/{filter_id}").json == definition
    assert bob.get(f"{path}/{filter_id}").errcode == "M_FORBIDDEN"
    for unknown in ("99", "none", "9" * 40):
        assert alice.get(f"{path}/{unknown}").errcode == "M_NOT_FOUND"


@pytest.mark.parametrize(
    "definition",
    [{"room": []}, {"room": {"timeline": {"limit": "5"}}}, {"event_format": "xml"}],
)
def test_what_is_not_a_filter_is_refused(alice: User, definition: object) -> None:
    answer = alice.post(f"{USER}{quote(alice.user_id)}/filter", definition)
    assert (answer.status, answer.errcode) == (400, "M_BAD_JSON")


def test_profile_fields_are_one_s_own_to_set(api: Api, alice: User, bob: User) -> None:
    base = f"/_matrix/client/v3/profile/{quote(alice.user_id)}"
    assert alice.put(f"{base}/displayname", {"displayname": "Alice A."}).json == {}
    assert alice.put(f"{base}/m.tz", {"m.tz": "Europe/London"}).json == {}
    assert api.get(base).json == {"displayname": "Alice A.", "m.tz": "Europe/London"}
    refused = bob.put(f"{base}/displayname", {"displayname": "Mallory"})
    assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
    assert alice.delete(f"{base}/m.tz").json == {}
    assert api.get(f"{base}/m.tz").errcode == "M_NOT_FOUND"
    assert api.get("/_matrix/client/v3/profile/@nobody:soma.test").errcode == "M_NOT_FOUND"


@pytest.mark.parametrize(
    ("key", "body", "errcode"),
    [
        ("displayname", {}, "M_MISSING_PARAM"),
        ("displayname", {"displayname": 5}, "M_BAD_JSON"),
        ("org.example", {"org.example": "x" * 70_000}, "M_PROFILE_TOO_LARGE"),
        ("k" * 256, {"k" * 256: 1}, "M_KEY_TOO_LARGE"),
        ("Name", {"Name": 1}, "M_INVALID_PARAM"),
    ],
)
def test_a_bad_profile_field_is_refused(
    alice: User, key: str, body: dict[str, object], errcode: str
) -> None:
    answer = alice.put(f"/_matrix/client/v3/profile/{quote(alice.user_id)}/{key}", body)
    assert (answer.status, answer.errcode) == (400, errcode)


def test_a_filter_id_is_not_read_however_long_it_is(alice: User) -> None:
    answer = alice.get(f"/_matrix/client/v3/user/{alice.user_id}/filter/{'1' * 5000}")
    assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")
