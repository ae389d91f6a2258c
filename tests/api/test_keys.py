"""POST /keys/upload, /keys/query, /keys/claim and GET /keys/changes, and what /sync says of keys,
as clients see them."""

from collections.abc import Callable
from typing import Any

import pytest

from impl.app import App
from tests.api.api_client import Answer, Api, User, register
from tests.keyring import Device, Json

V3 = "/_matrix/client/v3"
NAME = "signed_curve25519"


def device_of(user: User) -> Device:
    return Device(user.user_id, user.device_id)


def upload(user: User, **body: Any) -> Answer:
    return user.post(f"{V3}/keys/upload", body)


def query(user: User, **device_keys: list[str]) -> Json:
    wanted = {f"@{name}:soma.test": devices for name, devices in device_keys.items()}
    answer = user.post(f"{V3}/keys/query", {"device_keys": wanted, "timeout": 10_000})
    assert answer.status == 200, answer
    return answer.json


def claim(user: User, other: User) -> Json:
    wanted = {other.user_id: {other.device_id: NAME}}
    answer = user.post(f"{V3}/keys/claim", {"one_time_keys": wanted, "timeout": 10_000})
    assert answer.status == 200, answer
    return answer.json["one_time_keys"].get(other.user_id, {}).get(other.device_id, {})


def sync(user: User, since: str | None = None) -> Json:
    answer = user.get(f"{V3}/sync", {"since": since} if since else None)
    assert answer.status == 200, answer
    return answer.json


def refused(answer: Answer, status: int, errcode: str, named: str = "") -> None:
    assert (answer.status, answer.errcode) == (status, errcode), answer
    assert named in answer.json["error"]


def test_keys_go_from_one_device_to_another(alice: User, bob: User) -> None:
    device = device_of(alice)
    keys, once = device.keys(), device.one_time("A", "B")
    answer = upload(alice, device_keys=keys, one_time_keys=once, fallback_keys=device.fallback("F"))
    assert (answer.status, answer.json) == (200, {"one_time_key_counts": {NAME: 2}})
    found = query(bob, alice=[], bob=[])
    told = found["device_keys"][alice.user_id][alice.device_id]
    assert told == {**keys, "unsigned": told["unsigned"]}
    assert found["device_keys"][bob.user_id] == {} and found["failures"] == {}
    for name in ("A", "B"):
        assert claim(bob, alice) == {f"{NAME}:{name}": once[f"{NAME}:{name}"]}
    for _ in range(2):
        assert claim(bob, alice) == device.fallback("F")
    assert upload(alice).json == {"one_time_key_counts": {NAME: 0}}


def test_a_device_is_told_how_many_keys_it_has_left(alice: User, bob: User) -> None:
    empty = sync(alice)
    assert empty["device_one_time_keys_count"] == {NAME: 0}
    assert empty["device_unused_fallback_key_types"] == []
    device = device_of(alice)
    keys = device.one_time("A", "B") | {"curve25519:A": "key"}
    upload(alice, one_time_keys=keys, fallback_keys=device.fallback("F"))
    told = sync(alice, empty["next_batch"])
    assert told["device_one_time_keys_count"] == {NAME: 2, "curve25519": 1}
    assert told["device_unused_fallback_key_types"] == [NAME]
    for left in (1, 0):
        claim(bob, alice)
        assert sync(alice)["device_one_time_keys_count"] == {NAME: left, "curve25519": 1}
        assert sync(alice)["device_unused_fallback_key_types"] == [NAME]
    claim(bob, alice)
    assert sync(alice)["device_unused_fallback_key_types"] == []
    # The same key once more is as used as it was; another is not.
    upload(alice, fallback_keys=device.fallback("F"))
    assert sync(alice)["device_unused_fallback_key_types"] == []
    upload(alice, fallback_keys=device.fallback("G"))
    assert sync(alice)["device_unused_fallback_key_types"] == [NAME]
    assert sync(bob)["device_one_time_keys_count"] == {NAME: 0}


def test_counts_are_those_of_whichever_worker(
    new_app: Callable[..., App], api_of: Callable[[App], Api]
) -> None:
    one = new_app()
    two = new_app(one.database.dsn)
    alice = register(api_of(one), "alice")
    bob = register(api_of(two), "bob")
    elsewhere = User(api_of(two), alice.user_id, alice.access_token, alice.device_id, "")
    device = device_of(alice)
    for number in range(1, 4):
        upload(alice, one_time_keys=device.one_time(str(number)))
        for user in (elsewhere, alice):
            assert sync(user)["device_one_time_keys_count"] == {NAME: number}
    for left in (2, 1, 0):
        claim(bob, alice)
        for user in (alice, elsewhere):
            assert sync(user)["device_one_time_keys_count"] == {NAME: left}


def test_another_key_under_a_name_that_is_taken_is_refused(alice: User) -> None:
    device = device_of(alice)
    upload(alice, one_time_keys=device.one_time("A"))
    answer = upload(alice, one_time_keys=device.one_time("B", "A", changed=True))
    refused(answer, 400, "M_INVALID_PARAM", f"{NAME}:A")
    assert upload(alice).json == {"one_time_key_counts": {NAME: 1}}


@pytest.mark.parametrize("change", [{"user_id": "@bob:soma.test"}, {"device_id": "OTHER"}])
def test_keys_of_somebody_else_are_refused(alice: User, change: Json) -> None:
    keys = {**device_of(alice).keys(), **change}
    refused(upload(alice, device_keys=keys), 400, "M_INVALID_PARAM", next(iter(change)))


@pytest.mark.parametrize("missing", ["user_id", "device_id", "algorithms", "keys"])
def test_keys_without_a_part_are_refused(alice: User, missing: str) -> None:
    keys = device_of(alice).keys()
    del keys[missing]
    refused(upload(alice, device_keys=keys), 400, "M_INVALID_PARAM", missing)


def test_a_wrong_signature_is_refused(alice: User) -> None:
    keys = {**device_of(alice).keys(), "algorithms": []}
    refused(upload(alice, device_keys=keys), 400, "M_INVALID_SIGNATURE")


@pytest.mark.parametrize("field", ["device_keys", "one_time_keys", "fallback_keys"])
@pytest.mark.parametrize("value", [1, "a", [], {"signed_curve25519:A": 1}])
def test_what_is_not_of_the_form_is_refused(alice: User, field: str, value: object) -> None:
    answer = upload(alice, **{field: value})
    assert answer.status == 400 and answer.errcode in ("M_BAD_JSON", "M_INVALID_PARAM")


def test_what_is_asked_must_be_users(alice: User) -> None:
    answer = alice.post(f"{V3}/keys/query", {"device_keys": {"alice": []}})
    assert answer.status == 400
    answer = alice.post(f"{V3}/keys/claim", {"one_time_keys": {"alice": {"A": NAME}}})
    assert answer.status == 400
    for path in ("query", "claim"):
        assert alice.post(f"{V3}/keys/{path}", {}).errcode == "M_BAD_JSON"


def test_servers_that_cannot_be_asked_are_named(alice: User) -> None:
    other = "@bob:elsewhere.test"
    answer = alice.post(f"{V3}/keys/query", {"device_keys": {other: []}})
    assert answer.json["failures"]["elsewhere.test"]["errcode"] == "M_UNKNOWN"
    assert other not in answer.json["device_keys"]
    answer = alice.post(f"{V3}/keys/claim", {"one_time_keys": {other: {"A": NAME}}})
    assert answer.json["one_time_keys"] == {}
    assert answer.json["failures"]["elsewhere.test"]["errcode"] == "M_UNKNOWN"


def test_changes_between_two_syncs(alice: User, bob: User, charlie: User) -> None:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    start = sync(alice)["next_batch"]
    upload(bob, device_keys=device_of(bob).keys())
    upload(charlie, device_keys=device_of(charlie).keys())
    told = sync(alice, start)
    assert told["device_lists"] == {"changed": [bob.user_id], "left": []}
    asked = {"from": start, "to": told["next_batch"]}
    answer = alice.get(f"{V3}/keys/changes", asked)
    assert answer.json == {"changed": [bob.user_id], "left": []}
    bob.post(f"{V3}/rooms/{room_id}/leave", {})
    answer = alice.get(f"{V3}/keys/changes", asked)
    assert answer.json == {"changed": [], "left": [bob.user_id]}


@pytest.mark.parametrize("asked", [{}, {"from": "s1"}, {"to": "s1"}, {"from": "x", "to": "s1"}])
def test_changes_are_between_tokens(alice: User, asked: Json) -> None:
    answer = alice.get(f"{V3}/keys/changes", asked)
    assert answer.status == 400
    assert answer.errcode in ("M_MISSING_PARAM", "M_INVALID_PARAM")


@pytest.mark.parametrize("how", ["log out", "log out everywhere", "delete", "change password"])
def test_who_goes_takes_their_keys_along(alice: User, bob: User, how: str) -> None:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    device = device_of(bob)
    upload(bob, device_keys=device.keys(), one_time_keys=device.one_time("A"))
    body = {"type": "m.login.password", "user": "bob", "password": bob.password}
    made = bob.api.post(f"{V3}/login", body).json
    other = User(bob.api, bob.user_id, made["access_token"], made["device_id"], bob.password)
    start = sync(alice)["next_batch"]
    auth = {"auth": {**body, "identifier": {"type": "m.id.user", "user": "bob"}}}
    if how == "log out":
        answer = bob.post(f"{V3}/logout")
    elif how == "log out everywhere":
        answer = other.post(f"{V3}/logout/all")
    elif how == "delete":
        answer = other.post(f"{V3}/delete_devices", {"devices": [bob.device_id], **auth})
    else:
        answer = other.post(f"{V3}/account/password", {"new_password": "another horse", **auth})
    assert answer.status == 200, answer
    assert sync(alice, start)["device_lists"]["changed"] == [bob.user_id]
    assert query(alice, bob=[])["device_keys"][bob.user_id] == {}
    assert claim(alice, bob) == {}
