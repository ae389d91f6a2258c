"""Dehydrated devices on a real database: who may leave one, and what comes of several at once."""

from collections.abc import Callable

import gevent
import pytest

from impl import errors
from impl.app import App
from impl.jobs import to_device as old_messages
from impl.requester import Requester
from impl.services import accounts, cross_signing, dehydrated_devices, devices, sessions
from impl.services.dehydrated_devices import NewDevice
from tests.builders import ALICE, BOB, a_requester
from tests.keyring import Device, Identity
from tests.services.keys_client import claim, publish_identity, query
from tests.to_device import a_person, log_in, log_out, send, stored

DATA = {"algorithm": "org.matrix.msc3814.v2"}
DAY_MS = 86_400_000


def leave(app: App, device_id: str, requester: Requester | None = None, **data: str) -> str:
    requester = requester or a_requester(ALICE)
    device = Device(requester.user_id, device_id)
    once, fallback = device.one_time("A", "B"), device.fallback("F")
    new = NewDevice(device_id, DATA | data, None, device.keys(), once, fallback)
    return dehydrated_devices.put(app, requester, new)


def device_ids(app: App, user_id: str = ALICE) -> list[str]:
    return [one["device_id"] for one in devices.list_devices(app, a_requester(user_id))]


def dehydrated(app: App, user_id: str = ALICE) -> str:
    return dehydrated_devices.get(app, a_requester(user_id))["device_id"]


@pytest.fixture
def people(app: App) -> App:
    a_person(app, "alice", "DEVICE")
    a_person(app, "bob", "DEVICE")
    return app


def test_of_several_at_once_one_is_left(new_app: Callable[..., App]) -> None:
    one = new_app()
    two = new_app(one.database.dsn)
    a_person(one, "alice", "DEVICE")
    names = [f"DRY{number}" for number in range(12)]
    jobs = [gevent.spawn(leave, app, name) for app, name in zip([one, two] * 6, names, strict=True)]
    with gevent.Timeout(60):
        gevent.joinall(jobs, raise_error=True)
    left = dehydrated(one)
    assert device_ids(one) == sorted(["DEVICE", left])
    assert query(one, ALICE, alice=[])["device_keys"][ALICE].keys() == {left}


def test_the_same_request_twice_at_once_is_done_once(new_app: Callable[..., App]) -> None:
    one = new_app()
    two = new_app(one.database.dsn)
    a_person(one, "alice", "DEVICE")
    jobs = [gevent.spawn(leave, app, "DRY") for app in [one, two] * 4]
    with gevent.Timeout(60):
        gevent.joinall(jobs, raise_error=True)
    dry = Device(ALICE, "DRY")
    assert [claim(one, dry) for _ in range(3)] == [f"signed_curve25519:{n}" for n in "ABF"]


def test_logins_and_logouts_meanwhile_do_no_harm(new_app: Callable[..., App]) -> None:
    one = new_app()
    two = new_app(one.database.dsn)
    a_person(one, "alice", "DEVICE")
    a_person(one, "bob", "DEVICE")

    def come_and_go(app: App, name: str) -> None:
        log_in(app, ALICE, name)
        log_out(app, ALICE, name)

    def write(app: App) -> None:
        send(app, BOB, {ALICE: {"*": {}}})

    jobs = []
    for number in range(8):
        app, other = (one, two) if number % 2 else (two, one)
        jobs.append(gevent.spawn(leave, app, f"{'AZ'[number % 2]}{number}"))
        jobs.append(gevent.spawn(come_and_go, other, f"M{number}"))
        jobs.append(gevent.spawn(write, app))
    with gevent.Timeout(60):
        gevent.joinall(jobs, raise_error=True)
    left = dehydrated(one)
    assert device_ids(one) == sorted(["DEVICE", left])
    # What waited for those that are gone is gone.
    assert {device_id for _, device_id in stored(one)} <= {"DEVICE", left}


def test_who_was_logged_out_leaves_none(people: App) -> None:
    leave(people, "DRY")
    log_out(people, ALICE, "DEVICE")
    with pytest.raises(errors.UnknownToken):
        leave(people, "DRIER")
    assert device_ids(people) == ["DRY"]


def test_an_application_service_leaves_one_for_its_users(people: App) -> None:
    service = {"device_id": None, "appservice_id": "bridge"}
    assert leave(people, "DRY", a_requester(ALICE, **service)) == "DRY"
    assert leave(people, "DRIER", a_requester(ALICE, **service)) == "DRIER"
    assert device_ids(people) == ["DEVICE", "DRIER"]
    with pytest.raises(errors.Forbidden, match="not registered"):
        leave(people, "DRY", a_requester("@nobody:soma.test", **service))
    accounts.deactivate(people, a_requester(ALICE), erase=False)
    with pytest.raises(errors.UserDeactivated):
        leave(people, "DRY", a_requester(ALICE, **service))
    assert device_ids(people) == []


@pytest.mark.parametrize("how", ["delete", "replace"])
def test_its_signature_goes_with_it(people: App, how: str) -> None:
    """Of the master key: a device of that name that comes later has not made it."""
    identity = Identity(ALICE)
    publish_identity(people, identity)
    leave(people, "DRY")
    master = Device(ALICE, "DRY").sign(identity.unsigned_object("master"))
    signed = {ALICE: {identity.public("master"): master}}
    assert cross_signing.sign(people, a_requester(ALICE), signed) == {}
    if how == "delete":
        dehydrated_devices.delete(people, a_requester(ALICE))
    else:
        leave(people, "DRY", again="y")
    found = query(people, ALICE, alice=[])["master_keys"][ALICE]
    assert "ed25519:DRY" not in found.get("signatures", {}).get(ALICE, {})


def test_what_waits_for_it_is_never_too_old(people: App) -> None:
    now = people.now_ms()
    leave(people, "DRY")
    send(people, BOB, {ALICE: {"*": {}}})
    people.now_ms = lambda: now + 400 * DAY_MS
    old_messages.drop_unread(people)
    assert stored(people) == [(ALICE, "DRY")]
    # Once it is replaced nothing is kept.
    leave(people, "DRIER")
    assert stored(people) == []


def test_a_device_that_is_named_anew_is_no_longer_it(people: App) -> None:
    leave(people, "DRY")
    devices.delete(people, a_requester(ALICE), ["DRY"])
    sessions.begin(people, ALICE, sessions.DeviceWish("DRY"))
    with pytest.raises(errors.NotFound):
        dehydrated(people)
    with pytest.raises(errors.InvalidParam):
        leave(people, "DRY")
