"""Keys as a server tells them that is broken or bad: nothing is believed that we would not take of
our own users, and nothing that is of somebody else."""

from collections.abc import Callable
from typing import Any

import pytest

from impl.core import told_keys
from impl.outbound.wire import WireResponse
from tests.api.api_client import User
from tests.federation.conftest import Server, Servers
from tests.federation.encrypting import (
    KeyServer,
    Listener,
    claim,
    keys_of,
    publish,
    query,
)
from tests.federation.fake_wire import Network
from tests.federation.made_up_server import Clock
from tests.federation.test_device_tracking import settle
from tests.keyring import Device, Identity

VICTIM = "@victim:third.test"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def a(new_server: Servers, clock: Clock) -> Server:
    return new_server("a.test", clock)


@pytest.fixture
def other(network: Network, clock: Clock) -> KeyServer:
    return KeyServer(network, "other.test", clock)


@pytest.fixture(params=["stranger", "followed", "fetched"])
def ask(
    request: pytest.FixtureRequest, a: Server, alice: User, other: KeyServer
) -> Callable[[], dict[str, Any]]:
    """What Alice is told, of a user with whom she shares no room, of one whom her server begins to
    follow, of one whose list it has fetched.
    """
    if request.param != "stranger":
        other.join("a.test", alice.create_room(preset="public_chat"))

    def answer() -> dict[str, Any]:
        if request.param == "fetched":
            keys_of(alice, other.user_id)
            other.tell(a, other.update("PHONE", prev_id=[]))
            settle(a)
        return query(alice, other.user_id)

    return answer


def broken(device_id: str, **changes: object) -> dict[str, Any]:
    """Keys in which something is another than it was when they were signed."""
    return {**Device("@user:other.test", device_id).keys(), **changes}


@pytest.mark.parametrize(
    "keys",
    [
        broken("BAD", user_id=VICTIM),
        Device(VICTIM, "BAD").keys(),
        broken("OTHER"),
        broken("BAD", extra="not signed"),
        broken("BAD", keys={}, algorithms="all"),
        broken("BAD", keys={"ed25519": "x"}),
        broken("BAD", signatures={"@user:other.test": "me"}),
        Device("@user:other.test", "BAD").keys(filler="x" * told_keys.KEY_BYTES_MAX),
        "keys",
        None,
        [],
    ],
)
def test_keys_that_are_no_good_take_no_others_with_them(
    other: KeyServer, ask: Callable[[], dict[str, Any]], keys: Any
) -> None:
    other.put_device("PHONE")
    if keys is not None:
        other.devices["BAD"] = keys
    found = ask()
    assert list(found["device_keys"][other.user_id]) == ["PHONE"]
    assert found["failures"] == {}


@pytest.mark.parametrize("device_id", ["", "\0", "x" * 300])
def test_devices_have_names(
    other: KeyServer, ask: Callable[[], dict[str, Any]], device_id: str
) -> None:
    other.put_device("PHONE")
    other.put_device(device_id)
    assert list(ask()["device_keys"][other.user_id]) == ["PHONE"]


def test_names_of_devices_are_texts_of_bearable_length(
    other: KeyServer, ask: Callable[[], dict[str, Any]]
) -> None:
    names: dict[str, Any] = {"ONE": "x" * 10_000, "TWO": 5, "THREE": "a\0b", "PHONE": "fine"}
    for device_id, name in names.items():
        other.put_device(device_id)
        other.names[device_id] = name
    found = ask()["device_keys"][other.user_id]
    told = {one: keys["unsigned"].get("device_display_name") for one, keys in found.items()}
    assert told == {"ONE": "x" * 255, "TWO": None, "THREE": None, "PHONE": "fine"}


def test_a_user_has_so_many_devices_and_no_more(
    a: Server,
    alice: User,
    other: KeyServer,
    ask: Callable[[], dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(told_keys, "DEVICES_MAX", 3)
    for number in range(5):
        other.put_device(f"PHONE{number}")
    assert len(ask()["device_keys"][other.user_id]) == 3


def test_one_by_one_there_come_no_more_devices_than_so_many(
    a: Server, alice: User, other: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("impl.services.remote_devices.updates.DEVICES_MAX", 3)
    other.join("a.test", alice.create_room(preset="public_chat"))
    other.put_device("PHONE")
    keys_of(alice, other.user_id)
    other.tell(a, other.update("PHONE"))
    settle(a)
    edus = []
    for number in range(5):
        other.put_device(f"PHONE{number}")
        edus.append(other.update(f"PHONE{number}"))
    other.tell(a, *edus[:2])
    other.tell(a, *edus[2:])
    assert sorted(keys_of(alice, other.user_id)) == ["PHONE", "PHONE0", "PHONE1"]
    # There is room again when one goes.
    del other.devices["PHONE"]
    other.tell(a, other.update("PHONE"))
    other.put_device("LAST")
    other.tell(a, other.update("LAST"))
    assert sorted(keys_of(alice, other.user_id)) == ["LAST", "PHONE0", "PHONE1"]


def test_a_server_tells_of_its_own_users_only(
    a: Server, alice: User, other: KeyServer, ask: Callable[[], dict[str, Any]]
) -> None:
    own = publish(alice)
    forged = Device(alice.user_id, alice.device_id).keys(forged=True)
    other.put_device("PHONE")

    def and_of_others(answer: dict[str, Any]) -> dict[str, Any]:
        answer["device_keys"] |= {
            VICTIM: {"D": Device(VICTIM, "D").keys()},
            alice.user_id: {alice.device_id: forged},
        }
        answer["master_keys"] = {VICTIM: Identity(VICTIM).object("master")}
        return answer

    other.keys_query = and_of_others
    found = ask()
    assert list(found["device_keys"]) == [other.user_id]
    assert found["master_keys"] == {}
    assert keys_of(alice, alice.user_id) == {alice.device_id: own.keys()}


@pytest.mark.parametrize(
    ("master", "self_signing"),
    [
        (lambda one: {**one.object("master"), "user_id": VICTIM}, None),
        (lambda one: one.object("self_signing"), None),
        (lambda one: {**one.object("master"), "keys": {"ed25519:x": "y"}}, None),
        (lambda one: {**one.object("master"), "filler": "x" * told_keys.KEY_BYTES_MAX}, None),
        (lambda one: "master", None),
    ],
)
def test_a_master_key_that_is_no_good_is_none(
    other: KeyServer, ask: Callable[[], dict[str, Any]], master: Any, self_signing: Any
) -> None:
    other.put_device("PHONE")
    told = master(other.identity)
    of_user = {other.user_id: told}
    other.keys_query = lambda answer: {**answer, "master_keys": of_user}
    other.user_devices = lambda answer: {**answer, "master_key": told}
    found = ask()
    assert found["master_keys"] == {}
    assert list(found["device_keys"][other.user_id]) == ["PHONE"]


def test_a_self_signing_key_is_signed_by_the_master_key(
    other: KeyServer, ask: Callable[[], dict[str, Any]]
) -> None:
    other.put_device("PHONE")
    other.has_identity = True
    wrong = Identity(other.user_id, generation=2).object("self_signing")
    other.keys_query = lambda answer: {**answer, "self_signing_keys": {other.user_id: wrong}}
    other.user_devices = lambda answer: {**answer, "self_signing_key": wrong}
    found = ask()
    assert found["master_keys"] == {other.user_id: other.identity.object("master")}
    assert found["self_signing_keys"] == {}


def test_what_others_would_have_signed_is_not_passed_on(
    other: KeyServer, ask: Callable[[], dict[str, Any]]
) -> None:
    other.put_device("PHONE")
    other.has_identity = True
    master = other.identity.object("master")
    signed = other.identity.sign(master, "master")
    signed["signatures"] |= {VICTIM: {"ed25519:x": "y"}, "@alice:a.test": {"ed25519:x": "y"}}
    other.keys_query = lambda answer: {**answer, "master_keys": {other.user_id: signed}}
    other.user_devices = lambda answer: {**answer, "master_key": signed}
    assert set(ask()["master_keys"][other.user_id]["signatures"]) == {other.user_id}


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"device_keys": []},
        {"device_keys": {"@user:other.test": []}, "master_keys": 5},
        {"device_keys": {"@user:other.test": {"PHONE": 5}}},
    ],
)
def test_an_answer_without_sense_tells_of_no_devices(
    alice: User, other: KeyServer, answer: Any
) -> None:
    other.keys_query = lambda _: answer
    found = query(alice, other.user_id)
    assert found["device_keys"] == {other.user_id: {}}


@pytest.mark.parametrize("body", [b"[]", b"{", b"", b"[" * 100_000])
def test_an_answer_that_is_none_is_a_failure(
    alice: User, other: KeyServer, ask: Callable[[], dict[str, Any]], body: bytes
) -> None:
    other.keys_query = lambda _: WireResponse(200, {}, body)
    assert set(query(alice, other.user_id)["failures"]) == {"other.test"}


@pytest.mark.parametrize(
    "changes",
    [
        {"user_id": VICTIM},
        {"user_id": "@alice:a.test"},
        {"user_id": 5},
        {"device_id": None},
        {"device_id": "a\0b"},
        {"stream_id": None},
        {"stream_id": {}},
        {"stream_id": 10**30},
        {"prev_id": "x"},
        {"prev_id": ["1"] * 100_000},
    ],
)
def test_a_change_that_is_no_good_is_passed_over(
    a: Server, alice: User, other: KeyServer, changes: dict[str, Any]
) -> None:
    other.join("a.test", alice.create_room(preset="public_chat"))
    other.put_device("PHONE")
    keys_of(alice, other.user_id)
    other.tell(a, other.update("PHONE"))
    settle(a)
    listener = Listener(alice)
    other.put_device("TWO")
    good = other.update("TWO")
    other.tell(a, other.update("PHONE", **changes), good)
    assert set(keys_of(alice, other.user_id)) == {"PHONE", "TWO"}
    assert listener.hear() == (["user"], [])
    assert other.asked_for("/user/devices/") == 1


@pytest.mark.parametrize("localpart", ["a b", "ä", ""])
def test_clients_are_not_told_of_users_with_odd_names(
    a: Server, alice: User, other: KeyServer, localpart: str
) -> None:
    user_id = f"@{localpart}:other.test"
    other.join("a.test", alice.create_room(preset="public_chat"), user_id)
    listener = Listener(alice)
    other.tell(a, other.update("PHONE", user_id=user_id), other.key_update(user_id=user_id))
    assert listener.hear() == ([], [])


@pytest.mark.parametrize(
    "told",
    [
        {"OTHER": {"signed_curve25519:x": {"key": "x"}}},
        {"PHONE": {"curve25519:x": {"key": "x"}}},
        {"PHONE": {"signed_curve25519:x": 5}},
        {"PHONE": {"signed_curve25519:x": {"key": "x" * told_keys.KEY_BYTES_MAX}}},
        {"PHONE": []},
        [],
        None,
    ],
)
def test_a_claim_gets_what_was_asked_for_or_nothing(
    alice: User, other: KeyServer, told: Any
) -> None:
    phone = Device(other.user_id, "PHONE")
    other.one_time = told
    assert claim(alice, phone) == {"one_time_keys": {}, "failures": {}}


def test_a_claim_gets_one_key_of_the_user_who_was_asked_for(alice: User, other: KeyServer) -> None:
    phone = Device(other.user_id, "PHONE")
    keys = {name: {"PHONE": phone.one_time("one", "two")} for name in (other.user_id, VICTIM)}
    other.keys_claim = lambda _: {"one_time_keys": keys}
    found = claim(alice, phone)["one_time_keys"]
    assert list(found) == [other.user_id]
    assert len(found[other.user_id]["PHONE"]) == 1


def test_a_claim_does_not_wait_longer_than_the_client(
    alice: User, other: KeyServer, network: Network
) -> None:
    network.hold("a.test", "other.test", "/user/keys/claim")
    phone = Device(other.user_id, "PHONE")
    assert set(claim(alice, phone, timeout=50)["failures"]) == {"other.test"}
