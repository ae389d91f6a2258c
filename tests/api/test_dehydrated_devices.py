"""Dehydrated devices as clients see them: GET, PUT and DELETE dehydrated_device, and its events."""

from collections.abc import Callable
from urllib.parse import quote

import pytest

from impl.app import App
from tests.api.api_client import Answer, Api, User, register
from tests.api.dehydrating import (
    DATA,
    NAME,
    ONE,
    OTHER,
    PLACE,
    V3,
    body_of,
    changed,
    claim,
    devices_of,
    keys_of,
    leave,
    log_in,
    numbers_of,
    place_of_events,
    proof,
    refused,
    send,
    sync,
)
from tests.keyring import Device, Identity


@pytest.fixture
def met(alice: User, bob: User) -> str:
    """Both are in a room; how far Bob has synced."""
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    return sync(bob)["next_batch"]


def test_what_was_left_is_there_for_every_device(alice: User) -> None:
    # So clients find out that they may leave one.
    refused(alice.get(PLACE), 404, "M_NOT_FOUND")
    leave(alice)
    for device in (alice, log_in(alice)):
        answer = device.get(PLACE)
        assert (answer.status, answer.json) == (200, {"device_id": ONE, "device_data": DATA})


def test_others_find_its_keys_as_they_were_signed(alice: User, bob: User, met: str) -> None:
    body = leave(alice)
    assert changed(bob, met) == [alice.user_id]
    told = keys_of(bob, alice)
    unsigned = {"device_display_name": "Dehydrated device"}
    assert told == {ONE: {**body["device_keys"], "unsigned": unsigned}}
    assert told[ONE]["dehydrated"] is True


def test_its_keys_are_handed_out_like_others(alice: User, bob: User) -> None:
    body = leave(alice)
    once = body["one_time_keys"]
    for name in ("A", "B"):
        assert claim(bob, alice) == {f"{NAME}:{name}": once[f"{NAME}:{name}"]}
    for _ in range(2):
        assert claim(bob, alice) == body["fallback_keys"]


def test_it_is_one_of_the_users_devices(alice: User) -> None:
    leave(alice)
    assert devices_of(alice)[ONE] == {"device_id": ONE, "display_name": "Dehydrated device"}
    assert alice.get(f"{V3}/devices/{quote(ONE, safe='')}").status == 200


def test_device_keys_are_enough(alice: User, bob: User) -> None:
    body = body_of(alice)
    least = {name: body[name] for name in ("device_id", "device_data", "device_keys")}
    assert alice.put(PLACE, least).status == 200
    assert devices_of(alice)[ONE] == {"device_id": ONE}
    assert claim(bob, alice) == {}


def test_another_takes_its_place_and_nothing_of_it_is_left(
    alice: User, bob: User, met: str
) -> None:
    leave(alice)
    send(bob, alice, 1)
    since = sync(bob, met)["next_batch"]
    leave(alice, OTHER)
    assert changed(bob, since) == [alice.user_id]
    assert keys_of(bob, alice).keys() == {OTHER}
    assert devices_of(alice).keys() == {alice.device_id, OTHER}
    assert claim(bob, alice) == {} and claim(bob, alice, OTHER) != {}
    assert alice.get(PLACE).json["device_id"] == OTHER
    refused(alice.get(place_of_events()), 403, "M_FORBIDDEN")
    assert numbers_of(alice.get(place_of_events(OTHER))) == []
    # The name is free again, and what waited under it is gone.
    leave(alice, ONE)
    assert numbers_of(alice.get(place_of_events())) == []


def test_the_same_once_more_loses_nothing(alice: User, bob: User) -> None:
    leave(alice)
    claim(bob, alice)
    send(bob, alice, 1)
    leave(alice)
    assert numbers_of(alice.get(place_of_events())) == [1]
    # What was handed out stays so.
    assert list(claim(bob, alice)) == [f"{NAME}:B"]


@pytest.mark.parametrize("part", ["device_data", "device_keys"])
def test_with_other_keys_it_is_another_if_of_the_same_name(
    alice: User, bob: User, part: str
) -> None:
    others = {
        "device_data": {**DATA, "device_pickle": "b3RoZXI"},
        "device_keys": Device(alice.user_id, ONE).keys(dehydrated=True, algorithms=["other"]),
    }
    leave(alice)
    claim(bob, alice)
    send(bob, alice, 1)
    leave(alice, **{part: others[part]})
    assert numbers_of(alice.get(place_of_events())) == []
    assert list(claim(bob, alice)) == [f"{NAME}:A"]


@pytest.mark.parametrize("how", ["delete", "replace"])
def test_who_logged_in_under_its_name_goes_with_it(
    new_app: Callable[..., App], api_of: Callable[[App], Api], how: str
) -> None:
    one = new_app()
    two = new_app(one.database.dsn)
    alice = register(api_of(one), "alice")
    leave(alice)
    same = log_in(alice, ONE)
    elsewhere = User(api_of(two), alice.user_id, same.access_token, ONE, "")
    for device in (same, elsewhere):
        assert device.get(f"{V3}/account/whoami").status == 200
    assert alice.delete(PLACE).status == 200 if how == "delete" else leave(alice, OTHER)
    for device in (same, elsewhere):
        refused(device.get(f"{V3}/account/whoami"), 401, "M_UNKNOWN_TOKEN")


def test_who_logs_in_under_its_name_is_told_of_its_keys(alice: User) -> None:
    leave(alice)
    same = log_in(alice, ONE)
    assert sync(same)["device_one_time_keys_count"] == {NAME: 2}
    more = Device(alice.user_id, ONE).one_time("A", "B", "C")
    leave(alice, one_time_keys=more)
    assert sync(same)["device_one_time_keys_count"] == {NAME: 3}


def test_it_can_be_deleted(alice: User, bob: User, met: str) -> None:
    refused(alice.delete(PLACE), 404, "M_NOT_FOUND")
    leave(alice)
    since = sync(bob, met)["next_batch"]
    # matrix-js-sdk sends a body along.
    answer = alice.delete(PLACE, {})
    assert (answer.status, answer.json) == (200, {"device_id": ONE})
    assert changed(bob, since) == [alice.user_id]
    assert keys_of(bob, alice) == {} and claim(bob, alice) == {}
    assert devices_of(alice).keys() == {alice.device_id}
    refused(alice.get(PLACE), 404, "M_NOT_FOUND")
    refused(alice.get(place_of_events()), 403, "M_FORBIDDEN")


@pytest.mark.parametrize("how", ["log out everywhere", "delete", "change password"])
def test_it_goes_with_the_other_devices(alice: User, bob: User, met: str, how: str) -> None:
    leave(alice)
    since = sync(bob, met)["next_batch"]
    if how == "log out everywhere":
        answer = alice.post(f"{V3}/logout/all")
    elif how == "delete":
        answer = alice.post(f"{V3}/delete_devices", {"devices": [ONE], **proof(alice)})
    else:
        new = {"new_password": "another horse", **proof(alice)}
        answer = alice.post(f"{V3}/account/password", new)
    assert answer.status == 200, answer
    assert changed(bob, since) == [alice.user_id]
    assert keys_of(bob, alice) == {}
    if how != "log out everywhere":
        refused(alice.get(PLACE), 404, "M_NOT_FOUND")


def test_it_ends_with_the_account(alice: User, bob: User) -> None:
    leave(alice)
    answer = alice.post(f"{V3}/account/deactivate", proof(alice))
    assert answer.status == 200, answer
    assert keys_of(bob, alice) == {}
    refused(alice.put(PLACE, body_of(alice, OTHER)), 401, "M_UNKNOWN_TOKEN")


def test_it_outlives_the_logout_of_the_last_device(alice: User, bob: User) -> None:
    leave(alice)
    assert alice.post(f"{V3}/logout").status == 200
    send(bob, alice, 1)
    again = log_in(alice)
    assert again.get(PLACE).json["device_id"] == ONE
    assert numbers_of(again.get(place_of_events())) == [1]


def test_it_outlives_other_cross_signing_keys(alice: User) -> None:
    """The client replaces it; whoever finds it meanwhile sees that nothing vouches for it."""
    path = f"{V3}/keys/device_signing/upload"
    assert alice.post(path, Identity(alice.user_id).upload()).status == 200
    leave(alice)
    new = {**Identity(alice.user_id, 2).upload(), **proof(alice)}
    assert alice.post(path, new).status == 200
    assert alice.get(PLACE).json["device_id"] == ONE


def test_all_messages_come_page_by_page(alice: User, bob: User) -> None:
    leave(alice)
    send(bob, alice, *range(5))
    place = place_of_events()
    first = alice.get(place, {"limit": 2})
    event = {"type": "m.test", "sender": bob.user_id, "content": {"n": 0}}
    assert first.json["events"][0] == event
    second = alice.get(place, {"limit": 2, "from": first.json["next_batch"]})
    last = alice.get(place, {"limit": 2, "from": second.json["next_batch"]})
    assert [numbers_of(one) for one in (first, second, last)] == [[0, 1], [2, 3], [4]]
    # Where nothing follows, none is named: also where the last page is full.
    assert last.json.keys() == {"events"}
    assert alice.get(place, {"limit": 5}).json.keys() == {"events"}


def test_a_page_is_of_a_hundred_at_most(alice: User, bob: User) -> None:
    leave(alice)
    send(bob, alice, *range(101))
    for query in ({}, {"limit": 1_000}, {"limit": 1 << 70}):
        answer = alice.get(place_of_events(), query)
        assert numbers_of(answer) == list(range(100))
        rest = alice.get(place_of_events(), {"from": answer.json["next_batch"]})
        assert numbers_of(rest) == [100]


def test_older_clients_go_on_until_a_page_is_empty(alice: User, bob: User) -> None:
    leave(alice)
    send(bob, alice, *range(3))
    place = place_of_events()
    first = alice.post(place, {}, {"limit": 2})
    second = alice.post(place, {"next_batch": first.json["next_batch"]})
    third = alice.post(place, {"next_batch": second.json["next_batch"]})
    assert [numbers_of(one) for one in (first, second, third)] == [[0, 1], [2], []]
    # What comes then is told from there on.
    send(bob, alice, 3)
    for token in (second.json["next_batch"], third.json["next_batch"]):
        assert numbers_of(alice.post(place, {"next_batch": token})) == [3]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_messages_stay_although_they_were_read(alice: User, bob: User, method: str) -> None:
    def read(user: User, after: str | None = None) -> Answer:
        if method == "GET":
            return user.get(place_of_events(), {"from": after} if after else None)
        return user.post(place_of_events(), {"next_batch": after} if after else {})

    leave(alice)
    send(bob, alice, 1, 2)
    token = alice.post(place_of_events(), {}).json["next_batch"]
    assert numbers_of(read(alice, token)) == []
    # Another device begins anew, where one was ended in between.
    assert numbers_of(read(log_in(alice))) == [1, 2]


def test_whichever_worker_is_asked(
    new_app: Callable[..., App], api_of: Callable[[App], Api]
) -> None:
    one = new_app()
    two = new_app(one.database.dsn)
    alice = register(api_of(one), "alice")
    bob = register(api_of(two), "bob")
    elsewhere = User(api_of(two), alice.user_id, alice.access_token, alice.device_id, "")
    leave(alice)
    for number in range(3):
        send(bob, alice, number)
        for user in (alice, elsewhere):
            assert numbers_of(user.get(place_of_events())) == list(range(number + 1))
    leave(elsewhere, OTHER)
    assert alice.get(PLACE).json["device_id"] == OTHER
