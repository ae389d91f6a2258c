"""What another server is told of our users' devices and keys, and what it may claim. S-S API,
"Device Management", "End-to-End Encryption".
"""

import pytest

from tests.api.api_client import User
from tests.federation.conftest import Server, Servers
from tests.federation.encrypting import CLIENT, KeyServer, claim, publish, publish_identity
from tests.federation.fake_wire import Network
from tests.federation.made_up_server import Clock
from tests.federation.stranger import refused

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


def test_others_are_told_what_is_for_everybody(alice: User, other: KeyServer) -> None:
    phone, identity = publish(alice), publish_identity(alice)
    found = other.client.get_user_devices("a.test", alice.user_id)
    assert found.pop("stream_id") > 0
    assert found == {
        "user_id": alice.user_id,
        "devices": [{"device_id": alice.device_id, "keys": phone.keys()}],
        "master_key": identity.object("master"),
        "self_signing_key": identity.object("self_signing"),
    }
    wanted = {alice.user_id: [], VICTIM: [], "@nobody:a.test": [], "nobody": []}
    found = other.client.query_user_encryption_keys("a.test", wanted)
    assert found == {
        "device_keys": {
            alice.user_id: {alice.device_id: {**phone.keys(), "unsigned": {}}},
            "@nobody:a.test": {},
        },
        "master_keys": {alice.user_id: identity.object("master")},
        "self_signing_keys": {alice.user_id: identity.object("self_signing")},
    }
    found = other.client.query_user_encryption_keys("a.test", {alice.user_id: ["OTHER"]})
    assert found["device_keys"] == {alice.user_id: {}}


def test_what_a_user_signs_of_others_is_not_told(a: Server, alice: User, other: KeyServer) -> None:
    bob = a.register("bob")
    alices, bobs = publish_identity(alice), publish_identity(bob)
    signed = alices.sign(bobs.object("master"), "user_signing")
    body = {bob.user_id: {bobs.public("master"): signed}}
    assert alice.post(f"{CLIENT}/keys/signatures/upload", body).json == {"failures": {}}
    found = other.client.query_user_encryption_keys("a.test", {bob.user_id: []})
    assert found["master_keys"] == {bob.user_id: bobs.object("master")}
    assert other.client.get_user_devices("a.test", bob.user_id)["master_key"] == bobs.object(
        "master"
    )


def test_users_of_others_are_not_ours_to_tell_of(a: Server, other: KeyServer) -> None:
    with refused(400, "M_INVALID_PARAM"):
        other.client.get_user_devices("a.test", VICTIM)
    assert other.client.get_user_devices("a.test", "@nobody:a.test")["devices"] == []
    wanted = {VICTIM: {"D": "signed_curve25519"}, "nobody": {"": ""}}
    assert other.client.claim_user_encryption_keys("a.test", wanted) == {"one_time_keys": {}}


def test_nobody_claims_more_than_so_many_at_once(a: Server, other: KeyServer) -> None:
    wanted = {"@alice:a.test": dict.fromkeys(map(str, range(10_001)), "signed_curve25519")}
    with refused(413, "M_TOO_LARGE"):
        other.client.claim_user_encryption_keys("a.test", wanted)


def test_keys_are_handed_out_once_whoever_asks(a: Server, alice: User, other: KeyServer) -> None:
    bob = a.register("bob")
    phone = publish(alice)
    publish(alice, one_time_keys=phone.one_time(*map(str, range(20))))
    names: list[str] = []

    def take_locally() -> None:
        names.extend(claim(bob, phone)["one_time_keys"][alice.user_id][alice.device_id])

    def take_from_afar() -> None:
        wanted = {alice.user_id: {alice.device_id: "signed_curve25519"}}
        found = other.client.claim_user_encryption_keys("a.test", wanted)
        names.extend(found["one_time_keys"][alice.user_id][alice.device_id])

    greenlets = [a.app.spawn(one) for one in [take_locally, take_from_afar] * 10]
    for one in greenlets:
        one.get()
    assert sorted(names) == sorted(phone.one_time(*map(str, range(20))))
