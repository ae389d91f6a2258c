"""What is refused of dehydrated devices: to whom, and what cannot be."""

from collections.abc import Callable

import pytest

from impl.app import App
from tests.api.api_client import Api, User
from tests.api.dehydrating import (
    DATA,
    NAME,
    ONE,
    OTHER,
    PLACE,
    V3,
    body_of,
    keys_of,
    leave,
    log_in,
    numbers_of,
    place_of_events,
    refused,
    send,
)
from tests.keyring import Device, Identity

OPERATIONS = [
    ("GET", PLACE),
    ("PUT", PLACE),
    ("DELETE", PLACE),
    ("GET", place_of_events()),
    ("POST", place_of_events()),
]


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_it_takes_a_token_that_is_good(api: Api, alice: User, method: str, path: str) -> None:
    leave(alice)
    body = body_of(alice, OTHER) if method == "PUT" else {}
    refused(api.request(method, path, body), 401, "M_MISSING_TOKEN")
    refused(api.request(method, path, body, token="wrong"), 401, "M_UNKNOWN_TOKEN")
    stale = log_in(alice)
    assert stale.post(f"{V3}/logout").status == 200
    token = stale.access_token
    refused(api.request(method, path, body, token=token), 401, "M_UNKNOWN_TOKEN")
    assert alice.get(PLACE).json["device_id"] == ONE


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_guests_have_none(
    new_app: Callable[..., App], api_of: Callable[[App], Api], method: str, path: str
) -> None:
    api = api_of(new_app(allow_guest_access=True))
    made = api.post(f"{V3}/register", {}, query={"kind": "guest"}).json
    guest = User(api, made["user_id"], made["access_token"], made["device_id"], "")
    body = body_of(guest) if method == "PUT" else {}
    answer = api.request(method, path, body, token=guest.access_token)
    refused(answer, 403, "M_GUEST_ACCESS_FORBIDDEN")


def test_nobody_gets_at_anothers(alice: User, bob: User) -> None:
    leave(alice)
    send(bob, alice, 1)
    refused(bob.get(PLACE), 404, "M_NOT_FOUND")
    refused(bob.delete(PLACE), 404, "M_NOT_FOUND")
    refused(bob.get(place_of_events()), 403, "M_FORBIDDEN")
    refused(bob.post(place_of_events(), {}), 403, "M_FORBIDDEN")
    # Nor by one of their own that is called the same.
    leave(bob)
    assert numbers_of(bob.get(place_of_events())) == []
    assert bob.delete(PLACE).status == 200
    assert numbers_of(alice.get(place_of_events())) == [1]


def test_only_its_own_messages_can_be_read_there(alice: User) -> None:
    for device_id in (alice.device_id, ONE, "none", "a/b"):
        refused(alice.get(place_of_events(device_id)), 403, "M_FORBIDDEN", "device_id")
    leave(alice)
    for device_id in (alice.device_id, OTHER):
        refused(alice.get(place_of_events(device_id)), 403, "M_FORBIDDEN", "device_id")
        refused(alice.post(place_of_events(device_id), {}), 403, "M_FORBIDDEN", "device_id")


@pytest.mark.parametrize("token", ["x", "d", "dx", "d-1", "d1.5", "d01", "d" + "9" * 30, "1", "s1"])
def test_a_token_that_cannot_be_is_refused(alice: User, token: str) -> None:
    leave(alice)
    place = place_of_events()
    refused(alice.get(place, {"from": token}), 400, "M_INVALID_PARAM", "token")
    refused(alice.post(place, {"next_batch": token}), 400, "M_INVALID_PARAM", "token")


def test_a_token_of_the_future_is_of_nothing(alice: User, bob: User) -> None:
    leave(alice)
    send(bob, alice, 1)
    answer = alice.get(place_of_events(), {"from": "d" + "9" * 18})
    assert (answer.status, answer.json) == (200, {"events": []})


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1.5"])
def test_a_limit_that_cannot_be_is_refused(alice: User, limit: str) -> None:
    leave(alice)
    for method in ("GET", "POST"):
        answer = alice.api.request(
            method, place_of_events(), token=alice.access_token, query={"limit": limit}
        )
        refused(answer, 400, "M_INVALID_PARAM", "limit")


def test_bodies_that_cannot_be_are_refused(alice: User) -> None:
    leave(alice)
    for body in ({"next_batch": 1}, {"next_batch": {}}, []):
        refused(alice.post(place_of_events(), body), 400, "M_BAD_JSON")


@pytest.mark.parametrize(
    ("field", "value", "status", "errcode"),
    [
        ("device_id", None, 400, "M_BAD_JSON"),
        ("device_id", 1, 400, "M_BAD_JSON"),
        ("device_id", "", 400, "M_INVALID_PARAM"),
        ("device_id", "x" * 256, 400, "M_INVALID_PARAM"),
        # The keys are another's.
        ("device_id", OTHER, 400, "M_INVALID_PARAM"),
        ("device_data", None, 400, "M_BAD_JSON"),
        ("device_data", "x", 400, "M_BAD_JSON"),
        ("device_data", {}, 400, "M_INVALID_PARAM"),
        ("device_data", {"algorithm": 1}, 400, "M_INVALID_PARAM"),
        ("device_data", {**DATA, "device_pickle": "x" * 65_536}, 413, "M_TOO_LARGE"),
        ("display_name", 1, 400, "M_BAD_JSON"),
        ("display_name", "x" * 101, 400, "M_INVALID_PARAM"),
        ("device_keys", None, 400, "M_BAD_JSON"),
        ("device_keys", [], 400, "M_BAD_JSON"),
        ("device_keys", {}, 400, "M_INVALID_PARAM"),
        ("one_time_keys", [], 400, "M_BAD_JSON"),
        ("one_time_keys", {"x": {}}, 400, "M_INVALID_PARAM"),
        ("one_time_keys", {f"{NAME}:x": 1}, 400, "M_BAD_JSON"),
        ("one_time_keys", {f"{NAME}:{n}": "x" for n in range(1001)}, 400, "M_INVALID_PARAM"),
        ("fallback_keys", 1, 400, "M_BAD_JSON"),
        ("fallback_keys", {f"{NAME}:{n}": "x" for n in "FG"}, 400, "M_INVALID_PARAM"),
    ],
)
def test_what_cannot_be_is_refused_and_the_one_before_stays(
    alice: User, bob: User, field: str, value: object, status: int, errcode: str
) -> None:
    leave(alice, OTHER)
    send(bob, alice, 1, device_id=OTHER)
    name = f"initial_device_{field}" if field == "display_name" else field
    answer = alice.put(PLACE, {**body_of(alice), name: value})
    refused(answer, status, errcode, field)
    assert alice.get(PLACE).json["device_id"] == OTHER
    assert keys_of(bob, alice).keys() == {OTHER}
    assert numbers_of(alice.get(place_of_events(OTHER))) == [1]


@pytest.mark.parametrize("missing", ["device_id", "device_data", "device_keys"])
def test_a_body_without_a_part_is_refused(alice: User, missing: str) -> None:
    body = body_of(alice)
    del body[missing]
    refused(alice.put(PLACE, body), 400, "M_BAD_JSON", missing)
    refused(alice.get(PLACE), 404, "M_NOT_FOUND")


def test_keys_that_are_not_the_users_are_refused(alice: User, bob: User) -> None:
    keys = Device(bob.user_id, ONE).keys(dehydrated=True)
    answer = alice.put(PLACE, body_of(alice, device_keys=keys))
    refused(answer, 400, "M_INVALID_PARAM", "user_id")
    refused(alice.get(PLACE), 404, "M_NOT_FOUND")


def test_a_wrong_signature_is_refused(alice: User) -> None:
    keys = {**Device(alice.user_id, ONE).keys(), "dehydrated": True}
    answer = alice.put(PLACE, body_of(alice, device_keys=keys))
    refused(answer, 400, "M_INVALID_SIGNATURE", "device_keys")
    refused(alice.get(PLACE), 404, "M_NOT_FOUND")


def test_a_device_with_a_session_does_not_become_one(alice: User) -> None:
    """Else a token alone would be enough to log others out: DELETE asks for no password."""
    other = log_in(alice)
    for device_id in (other.device_id, alice.device_id):
        answer = alice.put(PLACE, body_of(alice, device_id))
        refused(answer, 400, "M_INVALID_PARAM", "device_id")
    assert other.get(f"{V3}/account/whoami").status == 200
    refused(alice.delete(PLACE), 404, "M_NOT_FOUND")


def test_it_is_not_called_like_a_key_of_the_user(alice: User) -> None:
    identity = Identity(alice.user_id)
    path = f"{V3}/keys/device_signing/upload"
    assert alice.post(path, identity.upload()).status == 200
    answer = alice.put(PLACE, body_of(alice, identity.public("self_signing")))
    refused(answer, 403, "M_FORBIDDEN", "device_id")
    refused(alice.get(PLACE), 404, "M_NOT_FOUND")
