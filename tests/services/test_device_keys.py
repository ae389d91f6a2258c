"""Keys of devices, on a real database: what is kept, what is refused, who gets which key."""

from collections.abc import Callable
from functools import partial
from typing import Any

import gevent
import pytest

from impl import errors
from impl.app import App
from impl.services import device_keys, devices, sessions
from tests.builders import ALICE, BOB, a_requester
from tests.keyring import Device
from tests.services.keys_client import claim, hear, publish, query
from tests.to_device import a_person, log_in, log_out

PHONE = Device(ALICE, "PHONE")
LAPTOP = Device(ALICE, "LAPTOP")
NAME = "signed_curve25519"


@pytest.fixture
def people(app: App) -> App:
    a_person(app, "alice", "PHONE", "LAPTOP")
    a_person(app, "bob", "DEVICE")
    return app


def upload(app: App, identity: Any = None, one_time: Any = None, fallback: Any = None) -> Any:
    requester = a_requester(ALICE, device_id="PHONE")
    return device_keys.upload(app, requester, identity, one_time, fallback)


def test_what_a_device_uploads_is_what_others_find(people: App) -> None:
    keys = PHONE.keys(algorithms=["org.example.unknown"], org_example={"more": [1, None]})
    publish(people, PHONE, identity=keys)
    found = query(people, BOB, alice=[])["device_keys"][ALICE]
    assert found == {"PHONE": {**keys, "unsigned": {}}}


def test_the_display_name_is_said_beside_the_keys(people: App) -> None:
    made = sessions.begin(
        people, ALICE, sessions.DeviceWish("NAMED", 'A "quoted" name', has_refresh_token=False)
    )
    named = Device(ALICE, made["device_id"])
    publish(people, named, identity={**named.keys(), "unsigned": {"device_display_name": "no"}})
    found = query(people, BOB, alice=["NAMED"])["device_keys"][ALICE]["NAMED"]
    assert found == {**named.keys(), "unsigned": {"device_display_name": 'A "quoted" name'}}


def test_some_devices_or_all(people: App) -> None:
    publish(people, PHONE)
    publish(people, LAPTOP)
    found = query(people, BOB, alice=["PHONE", "NONE", "\0"], bob=[], nobody=[])["device_keys"]
    assert {user: list(devices) for user, devices in found.items()} == {
        ALICE: ["PHONE"],
        BOB: [],
        "@nobody:soma.test": [],
    }
    assert query(people, BOB, alice=[])["device_keys"][ALICE].keys() == {"PHONE", "LAPTOP"}


def test_other_servers_are_failures(people: App) -> None:
    wanted = {"@a:elsewhere.test": [], "@b:elsewhere.test": [], ALICE: []}
    found = device_keys.query(people, a_requester(BOB), wanted)
    assert found["failures"].keys() == {"elsewhere.test"}
    assert found["failures"]["elsewhere.test"]["errcode"] == "M_UNKNOWN"
    assert found["device_keys"] == {ALICE: {}}
    keys, failures = device_keys.claim(people, {"@a:elsewhere.test": {"X": NAME}})
    assert keys == {} and failures.keys() == {"elsewhere.test"}


@pytest.mark.parametrize("user_id", ["alice", "@alice", "@\0:soma.test", "", "@a:b:c:d"])
def test_who_is_no_user_is_refused(people: App, user_id: str) -> None:
    with pytest.raises(errors.InvalidParam):
        device_keys.query(people, a_requester(BOB), {user_id: []})
    with pytest.raises(errors.InvalidParam):
        device_keys.claim(people, {user_id: {"X": NAME}})


@pytest.mark.parametrize(
    "change",
    [{"user_id": BOB}, {"device_id": "LAPTOP"}, {"keys": None}, {"algorithms": None}, {"n": 1.5}],
)
def test_keys_of_something_else_are_refused_with_all_that_came_with_them(
    people: App, change: dict[str, object]
) -> None:
    with pytest.raises(errors.InvalidParam, match="device_keys"):
        upload(people, {**PHONE.keys(), **change}, PHONE.one_time("A"))
    assert upload(people) == {NAME: 0}
    assert query(people, BOB, alice=[])["device_keys"][ALICE] == {}


def test_a_wrong_signature_of_the_device_is_refused(people: App) -> None:
    keys = {**PHONE.keys(), "algorithms": []}
    with pytest.raises(errors.InvalidSignature):
        upload(people, keys)


def test_keys_that_we_cannot_read_are_passed_on(people: App) -> None:
    keys = PHONE.keys() | {"keys": {"ed448:PHONE": "?"}, "signatures": {ALICE: {"ed448:PHONE": ""}}}
    upload(people, keys)
    assert query(people, BOB, alice=[])["device_keys"][ALICE]["PHONE"]["keys"] == keys["keys"]


def test_what_is_too_large_is_refused(people: App) -> None:
    with pytest.raises(errors.TooLarge):
        upload(people, PHONE.keys(more="x" * device_keys.DEVICE_KEYS_BYTES_MAX))
    with pytest.raises(errors.TooLarge):
        upload(people, None, {f"{NAME}:A": {"key": "x" * device_keys.KEY_BYTES_MAX}})
    with pytest.raises(errors.TooLarge):
        upload(people, None, {f"{NAME}:{'A' * 256}": "key"})


def test_a_device_that_was_logged_out_uploads_nothing(people: App) -> None:
    sessions.log_out(people, a_requester(ALICE, device_id="PHONE"))
    with pytest.raises(errors.UnknownToken):
        publish(people, PHONE)
    with pytest.raises(errors.MissingParam):
        device_keys.upload(people, a_requester(ALICE, device_id=None), None, None, None)


def test_keys_are_handed_out_in_the_order_of_the_uploads(people: App) -> None:
    for name in ("C", "A", "B"):
        publish(people, PHONE, one_time=PHONE.one_time(name))
    assert [claim(people, PHONE) for _ in range(4)] == [f"{NAME}:{n}" for n in "CAB"] + [None]


def test_a_claimed_key_is_as_it_was_uploaded(people: App) -> None:
    keys = PHONE.one_time("A", org_example={"b": 1, "a": [None]}) | {"curve25519:B": "a string"}
    publish(people, PHONE, one_time=keys)
    for algorithm, name in ((NAME, f"{NAME}:A"), ("curve25519", "curve25519:B")):
        found, _ = device_keys.claim(people, {ALICE: {"PHONE": algorithm}})
        (raw,) = found[ALICE]["PHONE"].values()
        assert device_keys.msgspec.json.decode(raw) == keys[name]


def test_keys_are_counted_by_algorithm(people: App) -> None:
    keys = PHONE.one_time("A", "B") | {"curve25519:A": "key"}
    assert publish(people, PHONE, one_time=keys) == {NAME: 2, "curve25519": 1}
    claim(people, PHONE)
    assert upload(people) == {NAME: 1, "curve25519": 1}


def test_a_key_may_come_again_and_another_of_its_name_may_not(people: App) -> None:
    publish(people, PHONE, one_time=PHONE.one_time("A"))
    assert publish(people, PHONE, one_time=PHONE.one_time("B", "A")) == {NAME: 2}
    with pytest.raises(errors.InvalidParam, match=f"{NAME}:A"):
        publish(people, PHONE, one_time=PHONE.one_time("C", "A", changed=True))
    assert upload(people) == {NAME: 2}


def test_a_key_that_was_claimed_does_not_come_back(people: App) -> None:
    publish(people, PHONE, one_time=PHONE.one_time("A"))
    assert claim(people, PHONE) == f"{NAME}:A"
    # The answer to the upload was lost, and the device sends it once more.
    assert publish(people, PHONE, one_time=PHONE.one_time("A")) == {NAME: 0}
    assert claim(people, PHONE) is None
    # A name is not used up for ever.
    assert publish(people, PHONE, one_time=PHONE.one_time("A", again=True)) == {NAME: 1}
    assert claim(people, PHONE) == f"{NAME}:A"


def test_the_number_of_keys_is_bounded(people: App) -> None:
    most = device_keys.ONE_TIME_KEYS_MAX
    keys = {f"{NAME}:{number}": {"key": str(number)} for number in range(most)}
    assert publish(people, PHONE, one_time=keys) == {NAME: most}
    with pytest.raises(errors.InvalidParam):
        publish(people, PHONE, one_time=PHONE.one_time("more"))
    assert upload(people) == {NAME: most}
    with pytest.raises(errors.InvalidParam):
        publish(people, PHONE, one_time=keys | PHONE.one_time("more"))


@pytest.mark.parametrize("name", ["signed_curve25519", ":A", "signed_curve25519:", "a:\0"])
def test_a_name_without_its_parts_is_refused(people: App, name: str) -> None:
    with pytest.raises(errors.InvalidParam):
        upload(people, None, {name: "key"})
    with pytest.raises(errors.InvalidParam):
        upload(people, None, None, {name: "key"})


def test_a_fallback_key_is_handed_out_once_there_are_no_others(people: App) -> None:
    publish(people, PHONE, one_time=PHONE.one_time("A"), fallback=PHONE.fallback("F"))
    assert [claim(people, PHONE) for _ in range(3)] == [f"{NAME}:A", f"{NAME}:F", f"{NAME}:F"]
    publish(people, PHONE, fallback=PHONE.fallback("G"))
    assert claim(people, PHONE) == f"{NAME}:G"
    assert claim(people, PHONE, "curve25519") is None


def test_one_fallback_key_for_an_algorithm(people: App) -> None:
    with pytest.raises(errors.InvalidParam):
        publish(people, PHONE, fallback=PHONE.one_time("F", "G"))
    many = {f"algorithm{n}:F": "key" for n in range(device_keys.FALLBACK_KEYS_MAX)}
    publish(people, PHONE, fallback=many)
    with pytest.raises(errors.InvalidParam):
        publish(people, PHONE, fallback=PHONE.fallback("F"))


def test_a_claim_is_for_the_device_that_it_names(people: App) -> None:
    publish(people, PHONE, one_time=PHONE.one_time("A"))
    publish(people, LAPTOP, one_time=LAPTOP.one_time("A"))
    wanted = {ALICE: {"PHONE": NAME, "LAPTOP": NAME, "NONE": NAME, "\0": NAME}, BOB: {"DEVICE": ""}}
    keys, _ = device_keys.claim(people, wanted)
    assert {user: devices.keys() for user, devices in keys.items()} == {ALICE: {"PHONE", "LAPTOP"}}
    assert device_keys.claim(people, {}) == ({}, {})


def test_a_device_that_goes_takes_its_keys_along(people: App) -> None:
    publish(people, PHONE, identity=PHONE.keys(), one_time=PHONE.one_time("A"))
    publish(people, PHONE, fallback=PHONE.fallback("F"))
    sessions.log_out(people, a_requester(ALICE, device_id="PHONE"))
    assert query(people, BOB, alice=[])["device_keys"][ALICE] == {}
    assert claim(people, PHONE) is None
    # Who logs in under the old name begins anew.
    sessions.begin(people, ALICE, sessions.DeviceWish("PHONE", None, has_refresh_token=False))
    assert query(people, BOB, alice=[])["device_keys"][ALICE] == {}
    assert upload(people) == {NAME: 0}


def test_a_device_of_its_name_has_none_of_them(people: App) -> None:
    def count() -> int:
        return hear(people, ALICE, "PHONE")["device_one_time_keys_count"][NAME]

    def make() -> None:
        devices.put(people, a_requester(ALICE, device_id=None, appservice_id="x"), "PHONE", None)

    for again in (partial(log_in, people, ALICE, "PHONE"), make):
        publish(people, PHONE, one_time=PHONE.one_time("A"))
        assert count() == 1
        log_out(people, ALICE, "PHONE")
        again()
        assert count() == 0


def test_each_key_is_handed_out_once_by_two_workers(new_app: Callable[..., App]) -> None:
    one = new_app()
    two = new_app(one.database.dsn)
    a_person(one, "alice", "PHONE", "LAPTOP")
    number = 60
    for device in (PHONE, LAPTOP):
        names = [str(n) for n in range(number)]
        publish(one, device, one_time=device.one_time(*names), fallback=device.fallback("F"))
    wanted = {ALICE: {"PHONE": NAME, "LAPTOP": NAME}}

    def take(app: App) -> dict[str, Any]:
        return device_keys.claim(app, wanted)[0][ALICE]

    apps = [one, two] * (number // 2 + 5)
    with gevent.Timeout(60):
        taken = [job.get() for job in [gevent.spawn(take, app) for app in apps]]
    for device_id in ("PHONE", "LAPTOP"):
        names = [next(iter(found[device_id])) for found in taken]
        once = [name for name in names if name != f"{NAME}:F"]
        assert len(once) == len(set(once)) == number
        # Whoever came too late has the fallback key.
        assert len(names) - len(once) == 10


def test_uploads_and_claims_at_once_lose_and_double_nothing(new_app: Callable[..., App]) -> None:
    one = new_app()
    two = new_app(one.database.dsn)
    a_person(one, "alice", "PHONE")
    taken: list[str] = []
    batches = [PHONE.one_time(*(f"{batch}.{n}" for n in range(5))) for batch in range(12)]

    def bring(app: App, keys: dict[str, Any]) -> None:
        # Twice, as a client does that got no answer.
        for _ in range(2):
            publish(app, PHONE, one_time=keys, fallback=PHONE.fallback("F"))

    def take(app: App) -> None:
        for _ in range(5):
            name = claim(app, PHONE)
            if name not in (None, f"{NAME}:F"):
                taken.append(name)

    jobs = [
        gevent.spawn(bring, app, keys) for app, keys in zip([one, two] * 6, batches, strict=True)
    ]
    jobs += [gevent.spawn(take, app) for app in [one, two] * 5]
    with gevent.Timeout(60):
        gevent.joinall(jobs, raise_error=True)
    left = publish(one, PHONE, one_time={})[NAME]
    while (name := claim(one, PHONE)) != f"{NAME}:F":
        taken.append(name)
        left -= 1
    assert left == 0
    assert sorted(taken) == sorted(name for keys in batches for name in keys)
